/** An endpoint of ours on a host of the kernel's, as the lab runs it on namespaces, the clock on the wall; for tests that talk to others than the lab. */
import { ip, prefix } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { EndpointDriver } from '../../lab/backends/linux/host.ts';
import { LabClock } from '../../lab/backends/linux/lab-clock.ts';
import type { Interfaces } from '../../lab/backends/linux/links.ts';
import { PacketSocket } from '../../lab/backends/linux/packet-socket.ts';
import type { Poller } from '../../lab/backends/linux/poller.ts';
import type { EndpointCommand, EndpointConfig } from '../../src/host/ports.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import type { EventOf } from '../../src/trace/trace.ts';
import type { Kind } from '../../src/trace/events.ts';

const uplink = 'eth0';

export class RunningEndpoint {
  readonly trace = new TraceLog();
  readonly #name: string;
  readonly #capture: PacketSocket;
  readonly #driver: EndpointDriver;

  /** `far`: the blocks that are reached through the tunnel. */
  constructor(interfaces: Interfaces, poller: Poller, config: EndpointConfig, far: readonly string[]) {
    const { name, innerAddress } = config;
    this.#name = name;
    const clock = new LabClock();
    const record = (...[at, happening]: [Parameters<TraceLog['record']>[0], Parameters<TraceLog['record']>[2]]): void => void this.trace.record(at, name, happening);
    this.#capture = new PacketSocket(interfaces.namespace, poller, { interfaces: [interfaces.index(uplink)], clock }, ({ at, direction, bytes }) => {
      record(at, { layer: 'link', body: { kind: 'packet', interface: uplink, segment: 'net', direction, bytes } });
    });
    if (innerAddress !== undefined) interfaces.addAddress('lo', { address: innerAddress, length: 32 });
    this.#driver = new EndpointDriver({
      plan: { kind: 'host', name, endpoint: config, forwards: false, interfaces: [{ name: uplink, segment: 'net', address: ip(config.ike.address), prefixLength: 24 }], routes: far.map((block) => ({ to: prefix(block), via: 'tunnel' })) },
      interfaces, poller, clock, random: seeded(1, name), capture: this.#capture, record,
    });
  }

  command(command: EndpointCommand): void {
    this.#driver.command(command);
  }

  events<K extends Kind>(kind: K): readonly EventOf<K>['body'][] {
    return this.trace.of(kind).map(({ body }) => body);
  }

  /** The first event of this kind from number `since` on that fits; fails when none comes within five seconds, or as long as is said. */
  async heard<K extends Kind>(kind: K, fits: (body: EventOf<K>['body']) => boolean = () => true, { since = 0, within = 5000 }: { readonly since?: number; readonly within?: number } = {}): Promise<EventOf<K>['body']> {
    const find = (): EventOf<K> | undefined => this.trace.of(kind).find(({ seq, body }) => seq >= since && fits(body));
    return new Promise((resolve, reject) => {
      const found = find();
      if (found) return resolve(found.body);
      const ends = setTimeout(() => {
        stop();
        reject(new Error(`${this.#name} did not tell of ${kind} within ${within} ms; ${this.story()}`));
      }, within);
      const stop = this.trace.listen((event) => {
        if (event.body.kind !== kind || !fits(event.body as EventOf<K>['body'])) return;
        clearTimeout(ends);
        stop();
        resolve(event.body as EventOf<K>['body']);
      });
    });
  }

  /** What it has said, for whom a test fails. */
  story(): string {
    return this.trace.events.filter(({ layer }) => layer !== 'link').map(({ at, body }) => `\n  ${at.toFixed(0).padStart(6)} ${body.kind}: ${'story' in body ? body.story : JSON.stringify(body, (_, value: unknown) => (value instanceof Uint8Array ? `${value.length} octets` : value))}`).join('');
  }

  close(): void {
    this.#driver.close();
    void this.#capture.close(); // the kernel lets go of it in its own time
  }
}
