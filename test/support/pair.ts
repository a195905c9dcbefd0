/**
 * Two IKE daemons in virtual time, with whatever stands between them: `pair({ nat: 'initiator' })`, `start()`, `settle()`, and look at the ladder.
 */
import { ip, prefix, type Endpoint, type IpAddress } from '../../src/core/address.ts';
import type { DropEvent, IkeEvent } from '../../src/core/events.ts';
import { seeded } from '../../src/core/random.ts';
import { after, milliseconds, minutes, seconds, start, type Duration, type Instant } from '../../src/core/time.ts';
import { preSharedKey, type ConnectionConfig, type IkeConfig, type V1Settings } from '../../src/ike/config.ts';
import { IkeDaemon } from '../../src/ike/daemon.ts';
import type { IkeCommand, IkeInput } from '../../src/ike/ports.ts';
import { encodePfkey } from '../../src/wire/pfkey/linux.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { StackDouble } from './stack-double.ts';

export interface Datagram {
  readonly from: PartyName;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly payload: Uint8Array;
}

export type PartyName = 'alice' | 'gw';
export type Saying = { readonly at: Instant; readonly event: IkeEvent | DropEvent };

/** Rewrites what passes, or keeps it. */
export interface Box {
  pass(datagram: Datagram): Datagram | undefined;
}

/** One host behind one outside address: each inside port gets an outside port of its own, new ones after a flush. */
export class NatBox implements Box {
  readonly inside: IpAddress;
  readonly #who: PartyName;
  outside: IpAddress;
  #out = new Map<number, number>();
  #next: number;

  /** `forwards`: these ports of the outside lead inside from the start, unchanged. */
  constructor(who: PartyName, inside: IpAddress, outside: IpAddress, forwards: readonly number[] = []) {
    this.#who = who;
    this.inside = inside;
    this.outside = outside;
    this.#next = 61_001;
    for (const port of forwards) this.#out.set(port, port);
  }

  flush(): void {
    this.#out = new Map();
  }

  pass(datagram: Datagram): Datagram | undefined {
    const { source, destination } = datagram;
    if (datagram.from === this.#who) {
      let port = this.#out.get(source.port);
      if (port === undefined) this.#out.set(source.port, (port = this.#next++));
      return { ...datagram, source: { address: this.outside, port } };
    }
    const inside = [...this.#out].find(([, port]) => port === destination.port)?.[0];
    if (destination.address !== this.outside || inside === undefined) return undefined;
    return { ...datagram, destination: { address: this.inside, port: inside } };
  }
}

export class Party {
  readonly name: PartyName;
  readonly config: IkeConfig;
  readonly daemon: IkeDaemon;
  readonly stack: StackDouble;
  readonly said: Saying[] = [];
  readonly sent: Datagram[] = [];
  readonly inner: IpAddress[] = [];

  constructor(name: PartyName, config: IkeConfig, seed: number, stack?: StackDouble) {
    this.name = name;
    this.config = config;
    this.daemon = new IkeDaemon(config, seeded(seed, name));
    this.stack = stack ?? new StackDouble(name === 'alice' ? 0xa11c_e001 : 0x6a7e_0001);
  }

  events<Kind extends (IkeEvent | DropEvent)['kind']>(kind: Kind): Extract<IkeEvent | DropEvent, { kind: Kind }>[] {
    return this.said.flatMap(({ event }) => (event.kind === kind ? [event as Extract<IkeEvent | DropEvent, { kind: Kind }>] : []));
  }

  drops(): string[] {
    return this.events('drop').map(({ reason }) => reason);
  }

  states(): string[] {
    return this.events('ike-sa').map(({ state }) => state);
  }
}

/** What both sides have, and what one of them has otherwise. */
export interface V1Options extends Partial<V1Settings> {
  readonly only?: { readonly alice?: Partial<V1Settings>; readonly gw?: Partial<V1Settings> };
}

export interface PairOptions {
  readonly nat?: 'none' | 'initiator' | 'responder' | 'both';
  readonly alice?: Partial<ConnectionConfig>;
  readonly gw?: Partial<ConnectionConfig>;
  readonly aliceDaemon?: Partial<IkeConfig>;
  readonly gwDaemon?: Partial<IkeConfig>;
  /** IKEv1 on both sides, with these settings. */
  readonly v1?: V1Options;
  readonly seed?: number;
  /** What stands for the IPsec stack of a host with this address; a double unless given. */
  readonly stack?: (address: IpAddress) => StackDouble;
}

export class Pair {
  readonly alice: Party;
  readonly gw: Party;
  readonly aliceBox: NatBox | undefined;
  readonly gwBox: NatBox | undefined;
  /** What the sender put on the wire, in order. */
  readonly wire: Datagram[] = [];
  now: Instant = start;
  /** What a link does to a datagram on its way: nothing, unless told otherwise. */
  link: (datagram: Datagram) => readonly Datagram[] = (datagram) => [datagram];
  readonly #underway: { readonly at: Instant; readonly order: number; readonly datagram: Datagram }[] = [];
  #order = 0;

  constructor(options: PairOptions = {}) {
    const { nat = 'none', seed = 1 } = options;
    const aliceHidden = nat === 'initiator' || nat === 'both';
    const gwHidden = nat === 'responder' || nat === 'both';
    const aliceAddress = aliceHidden ? ip('192.168.1.10') : ip('203.0.113.7');
    const gwAddress = gwHidden ? ip('10.0.0.2') : ip('198.51.100.1');
    this.aliceBox = aliceHidden ? new NatBox('alice', aliceAddress, ip('203.0.113.7')) : undefined;
    this.gwBox = gwHidden ? new NatBox('gw', gwAddress, ip('198.51.100.1'), [500, 4500]) : undefined;
    this.alice = new Party('alice', daemonConfig(aliceAddress, { ...aliceConnection, ...v1Connection('alice', options.v1), ...options.alice }, options.aliceDaemon), seed, options.stack?.(aliceAddress));
    this.gw = new Party('gw', daemonConfig(gwAddress, { ...gwConnection, ...v1Connection('gw', options.v1), ...options.gw }, options.gwDaemon), seed, options.stack?.(gwAddress));
    this.#drain(this.alice);
    this.#drain(this.gw);
  }

  command(name: PartyName, command: IkeCommand): this {
    return this.input(name, { kind: 'command', command });
  }

  initiate(name: PartyName = 'alice'): this {
    return this.command(name, { kind: 'initiate', connection: 'tunnel' });
  }

  /** A message from the stack to the daemon. */
  stackSays(name: PartyName, message: Pick<PfkeyMessage, 'type'> & Partial<PfkeyMessage>): this {
    return this.input(name, { kind: 'pfkey', message: encodePfkey({ saType: 3, errno: 0, sequence: 0, pid: 0, ...message }) });
  }

  input(name: PartyName, input: IkeInput): this {
    const party = this[name];
    party.daemon.handle(this.now, input);
    this.#drain(party);
    return this;
  }

  /** Puts a datagram on the wire as if it came from a party, at its outer side: for replays and forgeries. */
  deliver(to: PartyName, source: Endpoint, destination: Endpoint, payload: Uint8Array): this {
    return this.input(to, { kind: 'datagram', local: destination, peer: source, payload });
  }

  /** Until nothing is on its way; time moves as little as that needs. */
  settle(): this {
    for (let steps = 0; this.#underway.length > 0; steps++) {
      if (steps > 20_000) throw new Error('the two never fall silent');
      this.#deliverNext();
    }
    return this;
  }

  /** Time passes: everything that falls due in it happens. */
  pass(wait: Duration): this {
    const until = after(this.now, wait);
    for (;;) {
      const next = this.#nextInstant();
      if (next === undefined || next > until) break;
      this.#step(next);
    }
    this.now = until;
    return this;
  }

  /** Hits the earliest wake-up, and everything that follows from it at once. */
  nextWake(): this {
    const next = this.#nextInstant();
    if (next !== undefined) this.#step(next);
    return this.settle();
  }

  #step(at: Instant): void {
    if (this.#underway[0] !== undefined && this.#underway[0].at <= at) {
      this.#deliverNext();
      return;
    }
    this.now = at;
    for (const party of [this.alice, this.gw]) {
      party.daemon.wake(at);
      this.#drain(party);
    }
  }

  #nextInstant(): Instant | undefined {
    const candidates = [this.#underway[0]?.at, this.alice.daemon.nextWake()?.at, this.gw.daemon.nextWake()?.at].filter((at) => at !== undefined);
    return candidates.length === 0 ? undefined : (Math.max(this.now, Math.min(...candidates)) as Instant);
  }

  #deliverNext(): void {
    const { at, datagram } = this.#underway.shift()!;
    this.now = Math.max(this.now, at) as Instant;
    const to = datagram.from === 'alice' ? this.gw : this.alice;
    const boxes = datagram.from === 'alice' ? [this.aliceBox, this.gwBox] : [this.gwBox, this.aliceBox];
    let passing: Datagram | undefined = datagram;
    for (const box of boxes) passing = passing && box ? box.pass(passing) : passing;
    if (passing?.destination.address !== to.config.address) return;
    // RFC 3948 §2.3: the stack behind the encapsulation socket swallows keepalives
    if (passing.destination.port === 4500 && passing.payload.length === 1) return;
    this.deliver(to.name, passing.source, passing.destination, passing.payload);
  }

  #drain(party: Party): void {
    for (let output = party.daemon.poll(); output !== undefined; output = party.daemon.poll()) {
      switch (output.kind) {
        case 'datagram':
          this.#send(party, { from: party.name, source: output.local, destination: output.peer, payload: output.payload });
          break;
        case 'pfkey':
          party.daemon.handle(this.now, { kind: 'pfkey', message: party.stack.handle(output.message) });
          break;
        case 'event':
          party.said.push({ at: this.now, event: output.event });
          break;
        case 'virtual-address':
          if (output.assigned) party.inner.push(output.address);
          else party.inner.splice(party.inner.indexOf(output.address), 1);
          break;
        case 'udp-encap':
          break;
      }
    }
  }

  #send(party: Party, datagram: Datagram): void {
    this.wire.push(datagram);
    party.sent.push(datagram);
    for (const copy of this.link(datagram)) {
      this.#underway.push({ at: after(this.now, latency), order: this.#order++, datagram: copy });
    }
    this.#underway.sort((a, b) => a.at - b.at || a.order - b.order);
  }
}

const latency = milliseconds(5);

export const pair = (options?: PairOptions): Pair => new Pair(options);

/** Alice has called the gateway and the tunnel is up. */
export const established = (options?: PairOptions): Pair => pair(options).initiate().settle();

const connection: ConnectionConfig = {
  name: 'tunnel',
  remote: 'any',
  localIdentity: { type: 'fqdn', value: 'gw' },
  remoteIdentity: { type: 'fqdn', value: 'alice' },
  ike: { version: 'v2' },
  authentication: preSharedKey('correct horse battery staple'),
  natTraversal: true,
  startPort: 500,
  proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['curve25519', 'ecp-256'] }],
  rekeyIkeAfter: 'never',
  virtualAddress: 'none',
  child: {
    local: [prefix('10.99.0.0/24')],
    remote: [prefix('10.98.0.0/24')],
    proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false }],
    lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
  },
};

const gwConnection: ConnectionConfig = connection;
const aliceConnection: ConnectionConfig = {
  ...connection,
  remote: ip('198.51.100.1'),
  localIdentity: { type: 'fqdn', value: 'alice' },
  remoteIdentity: { type: 'fqdn', value: 'gw' },
  child: { ...connection.child, local: [prefix('10.98.0.0/24')], remote: [prefix('10.99.0.0/24')] },
};

/** A usual connection of IKEv1: AES-CBC-128 with SHA-1, which every daemon of the last twenty years has. */
function v1Connection(name: PartyName, options: V1Options | undefined): Partial<ConnectionConfig> {
  if (options === undefined) return {};
  const { only, ...both } = options;
  const side = name === 'alice' ? aliceConnection : gwConnection;
  return {
    ike: {
      version: 'v1', exchange: 'main', natt: { offers: ['rfc-3947', 'draft-03', 'draft-02n', 'draft-02'], accepts: ['rfc-3947', 'draft-03', 'draft-02n', 'draft-02'] },
      natOriginalAddress: 'sent', commitBit: false, ...both, ...only?.[name],
    },
    proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: [], prf: ['hmac-sha1'], groups: ['ecp-256'] }],
    child: { ...side.child, proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha1-96'], groups: [], extendedSequenceNumbers: false }] },
  };
}

const daemonConfig = (address: IpAddress, only: ConnectionConfig, daemon: Partial<IkeConfig> = {}): IkeConfig => ({
  address,
  connections: [only],
  keepalive: { interval: seconds(20) },
  retransmission: { first: seconds(4), factor: 1.8, tries: 5 },
  deadPeerDetection: 'off',
  cookieThreshold: 100,
  halfOpenLimit: 1000,
  ...daemon,
});

export { minutes, seconds };
