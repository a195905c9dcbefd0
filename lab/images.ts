/**
 * What can be had of a host that is somebody's own image: the wire, two orders (`initiate`, `ping`), and no word of what its daemon thinks. An act that wants
 * more is unsupported with its reason, and so is a check that would read what nobody has written.
 */
import type { ConnectionConfig } from '../src/ike/config.ts';
import type { ImagePlan, WorldPlan } from '../src/sim/plan.ts';
import type { Kind } from '../src/trace/events.ts';
import type { EventOf, Trace } from '../src/trace/trace.ts';
import type { Predicate, Unsupported } from './backends/backend.ts';
import { CannotBeTried } from './problem.ts';
import type { Act } from './scenarios/scenario.ts';
import type { Cast, Client } from './topology/cast.ts';

/** By the host's name. */
export type Images = ReadonlyMap<string, ImagePlan>;

export const imagesOf = ({ nodes }: WorldPlan): Images => new Map(nodes.flatMap((node) => (node.kind === 'host' && node.image !== undefined ? [[node.name, node.image]] : [])));

/** A client or the gateway. */
type Player = Pick<Client, 'name' | 'plan'>;

const connectionOf = ({ plan }: Player): ConnectionConfig => plan.endpoint!.ike.connections[0]!;

/** `alice is the image my/strongswan:1` */
const whatTheyAre = (images: Images): string => Array.from(images, ([host, { name }]) => `${host} is the image ${name}`).join(', ');

/** What the act would set in the configuration of hosts whose configuration is not the lab's. */
export function unsettable({ adjust }: Act, { clients, gateway }: Cast, images: Images): readonly Unsupported[] {
  const of = (hosts: readonly Player[], wanted: object = {}): Unsupported[] => {
    const [host] = hosts.filter(({ name }) => images.has(name));
    if (host === undefined) return [];
    const settings = settingsIn(wanted).flatMap(([setting, value]) => (setting === 'count' || isSoAnyway(host, setting, value) ? [] : [setting]));
    return settings.length === 0 ? [] : [{ what: `${host.name}: ${settings.join(', ')}`, why: `the act sets that, and ${host.name} is the image ${images.get(host.name)!.name}, which the lab does not configure` }];
  };
  return [...of(clients, adjust?.clients), ...of([gateway], adjust?.gateway), ...withoutEncapsulation([...clients, gateway], images)];
}

/** Who can send ESP in UDP alone has nothing to send where the act takes NAT traversal from its peer. */
function withoutEncapsulation(hosts: readonly Player[], images: Images): readonly Unsupported[] {
  const without = hosts.find((host) => !images.has(host.name) && !connectionOf(host).natTraversal);
  const forcing = hosts.find((host) => images.has(host.name) && connectionOf(host).encapsulation === 'forced');
  return without === undefined || forcing === undefined ? [] : [{ what: `${without.name}: natTraversal: false`, why: `${forcing.name} is the image ${images.get(forcing.name)!.name}, which is said to force ESP into UDP` }];
}

/** `ike.keepalive`, with its value. */
const settingsIn = (wanted: object, path = ''): (readonly [setting: string, value: unknown])[] =>
  Object.entries(wanted).flatMap(([key, value]: [string, unknown]) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? settingsIn(value, `${path}${key}.`) : [[`${path}${key}`, value] as const]));

/** What its topology says of it already. */
function isSoAnyway(host: Player, setting: string, value: unknown): boolean {
  const { ike, encapsulation } = connectionOf(host);
  return (setting === 'ike.version' && value === ike.version) || (setting === 'ike.encapsulation' && value === encapsulation);
}

/** Who tells of it: the host's own daemon, stack and programs, or somebody whom no image silences. Keys are told by both ends of an SA. */
const tellers = {
  'packet': 'others', 'impaired': 'others', 'drop': 'host',
  'mapping-created': 'others', 'mapping-expired': 'others', 'mapping-removed': 'others', 'nat-control': 'others',
  'ike-message': 'host', 'ike-sa': 'host', 'child-sa': 'host', 'nat-detection': 'host', 'port-float': 'host', 'peer-moved': 'host', 'keepalive-sent': 'host', 'peer-dead': 'host', 'virtual-address': 'host', 'command-refused': 'host',
  'ike-keys': 'others', 'isakmp-keys': 'others', 'esp-keys': 'others',
  'sa-added': 'host', 'sa-updated': 'host', 'sa-deleted': 'host', 'sa-expired': 'host', 'sa-eclipsed': 'host', 'esp-new-source': 'host', 'pfkey': 'host', 'inner': 'host',
  'ping-sent': 'others', 'ping-answered': 'others', 'ping-lost': 'others',
  'udp-echo-sent': 'host', 'udp-echo-answered': 'host', 'udp-echo-lost': 'host', 'tcp-probe-sent': 'host', 'tcp-probe-answered': 'host', 'tcp-probe-lost': 'host', 'l2tp-sent': 'host', 'l2tp-answered': 'host', 'l2tp-lost': 'host', 'l2tp-heard': 'host',
  'act': 'others', 'step': 'others', 'wait': 'others', 'table': 'others', 'image': 'others',
} as const satisfies Readonly<Record<Kind, 'host' | 'others'>>;

/** A trace in which images are silent, and that notices who asks what they would have told. */
export class TraceWithSilence implements Trace {
  readonly #trace: Trace;
  readonly #images: Images;
  readonly #missed = new Set<string>();

  constructor(trace: Trace, images: Images) {
    this.#trace = trace;
    this.#images = images;
  }

  get events(): Trace['events'] {
    if (this.#images.size > 0) this.#missed.add('everything that happened');
    return this.#trace.events;
  }

  of<K extends Kind>(kind: K, node?: string): readonly EventOf<K>[] {
    if (tellers[kind] === 'host' && (node === undefined ? this.#images.size > 0 : this.#images.has(node))) this.#missed.add(kind);
    return this.#trace.of(kind, node);
  }

  /** Why what was found out since the last call is worth nothing; undefined where nothing was missed. */
  whyWorthless(): string | undefined {
    if (this.#missed.size === 0) return undefined;
    const why = `this is read from what the daemons tell (${[...this.#missed].join(', ')}), and ${whatTheyAre(this.#images)}, of which only the wire is seen`;
    this.#missed.clear();
    return why;
  }
}

/** A wait for something that an image would have to tell. */
export function refuseToWait({ describe, kind }: Predicate, images: Images): void {
  if (images.size > 0 && kind !== undefined && tellers[kind] === 'host') throw new CannotBeTried(`the act waits for what a daemon tells ("${describe}"), and ${whatTheyAre(images)}, of which only the wire is seen`);
}
