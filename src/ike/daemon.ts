/** The IKE daemon: its ports, its PF_KEY socket, its commands; the protocol itself lives in v1/ and v2/. */
import { describePrefix, type Endpoint } from '../core/address.ts';
import { start, type Instant } from '../core/time.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { Timers } from '../core/timers.ts';
import { decodeHeader } from '../wire/ike/codec.ts';
import { classifyNatt, isNatKeepalive, stripMarker, withMarker } from '../wire/natt.ts';
import { pfkeyDialects } from '../wire/pfkey/dialects.ts';
import { saTypes } from '../wire/pfkey/message.ts';
import { AddressPool } from './address-pool.ts';
import type { Alarm } from './alarm.ts';
import { ChildSaTable } from './child-table.ts';
import type { ConnectionConfig, IkeConfig } from './config.ts';
import { Connections } from './connections.ts';
import type { IkeContext } from './context.ts';
import { PfkeyClient } from './pfkey-client.ts';
import { SecurityPolicies } from './policies.ts';
import { ikePort, natTraversalPort } from './port-float.ts';
import type { IkeCommand, IkeInput, IkeOutput } from './ports.ts';
import { hearStack } from './stack-news.ts';
import { TrapPolicies } from './trap.ts';
import { staysOnIkePort } from './v1/natt-versions.ts';
import { IkeV1 } from './v1/protocol.ts';
import { IkeV2 } from './v2/protocol.ts';
import type { IkeVersion } from './version.ts';

/**
 * One daemon with all its IKE SAs. It has something to say from the start: poll it once before anything else. It knows the IPsec stack by PF_KEY
 * messages and the UDP_ENCAP socket option only.
 */
export class IkeDaemon implements Machine<IkeInput, IkeOutput> {
  readonly #outputs = new Queue<IkeOutput>();
  readonly #alarms = new Timers<Alarm>();
  readonly #context: IkeContext;
  readonly #pfkey: PfkeyClient;
  /** illumos' UDP_NAT_T_ENDPOINT: the stack puts the marker on and takes it off, and sends the keepalives. */
  readonly #stackMarks: boolean;
  readonly #connections: Connections;
  readonly #versions: { readonly v1: IkeV1; readonly v2: IkeV2 };
  #now: Instant = start;

  constructor(config: IkeConfig, random: Random) {
    const { address, otherAddresses = [], system = 'linux' } = config;
    this.#stackMarks = system === 'illumos';
    this.#pfkey = new PfkeyClient((message) => this.#outputs.push({ kind: 'pfkey', message }), pfkeyDialects[system], (local) => local === address || otherAddresses.includes(local));
    this.#context = this.#newContext(this.#stackMarks ? { ...config, keepalive: { interval: 'off' } } : config, random);
    this.#outputs.push({ kind: 'udp-encap', port: natTraversalPort });
    if (config.connections.some(staysOnIkePort)) this.#outputs.push({ kind: 'udp-encap', port: ikePort, option: 'non-ike' });
    this.#pfkey.request('SADB_REGISTER', {}, undefined, saTypes.ESP);
    if (config.connections.some(({ child }) => child.protocol === 'ah')) this.#pfkey.request('SADB_REGISTER', {}, undefined, saTypes.AH);
    this.#context.traps.install(config, this.#context.children, this.#context.policies);
    this.#connections = new Connections(config.connections);
    this.#versions = { v1: new IkeV1(this.#context, this.#connections), v2: new IkeV2(this.#context, this.#connections) };
  }

  handle(now: Instant, input: IkeInput): void {
    this.#now = now;
    switch (input.kind) {
      case 'datagram':
        this.#receive(input.local, input.peer, input.payload);
        return;
      case 'pfkey': {
        const news = this.#pfkey.receive(input.message);
        if (news === undefined) return;
        if (news.ok) hearStack(this.#context, news.value, (connection) => this.#version(connection).wanted(connection));
        else this.#context.drop(news.reason, news.detail, input.message);
        return;
      }
      case 'command':
        this.#command(input.command);
        return;
    }
  }

  wake(now: Instant): void {
    this.#now = now;
    for (let alarm = this.#alarms.take(now); alarm !== undefined; alarm = this.#alarms.take(now)) alarm.ring();
  }

  poll(): IkeOutput | undefined {
    this.#pfkey.answerUnsaid();
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#alarms.next();
    return next && { at: next.at, reason: next.key.reason };
  }

  /** RFC 3948 §2.2: on the shared port a marker tells IKE from ESP, which the stack has taken already. */
  #receive(local: Endpoint, peer: Endpoint, payload: Uint8Array): void {
    let message = payload;
    if (local.port === ikePort && isNatKeepalive(payload)) {
      this.#context.drop('natt-keepalive', 'a keepalive says nothing to anybody but the NAT', payload, peer);
      return;
    }
    if (local.port === natTraversalPort && !this.#stackMarks) {
      const kind = classifyNatt(payload);
      if (kind === 'keepalive') {
        this.#context.drop('natt-keepalive', 'a keepalive says nothing to anybody but the NAT', payload, peer);
        return;
      }
      if (kind !== 'ike') {
        this.#context.drop(kind === 'esp' ? 'esp-unknown-spi' : 'natt-too-short', 'no IKE message behind a non-ESP marker', payload, peer);
        return;
      }
      message = stripMarker(payload);
    }
    const header = decodeHeader(message);
    if (!header.ok) {
      this.#context.drop(header.reason, header.detail, payload, peer);
      return;
    }
    const major = header.value.version >> 4;
    if (major === 1 || major === 2) {
      this.#versions[`v${major}`].receive(message, { local, peer });
      return;
    }
    this.#context.drop('ike-version', `major version ${major}`, payload, peer);
    if (major > 2) this.#versions.v2.refuseVersion(header.value, { local, peer });
  }

  #command(command: IkeCommand): void {
    const connection = this.#connections.named(command.connection);
    if (connection === undefined) this.#context.event({ kind: 'command-refused', command: command.kind, why: `there is no connection ${command.connection}` });
    else this.#version(connection).command(connection, command);
  }

  #version(connection: ConnectionConfig): IkeVersion {
    return this.#versions[connection.ike.version];
  }

  #newContext(config: IkeConfig, random: Random): IkeContext {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the context outlives this call, and its getter must see the daemon
    const daemon = this;
    const pools = new Map<string, AddressPool>();
    for (const { virtualAddress } of config.connections) {
      if (typeof virtualAddress === 'object') pools.set(describePrefix(virtualAddress.pool), new AddressPool(virtualAddress.pool));
    }
    return {
      config,
      random,
      get now() {
        return daemon.#now;
      },
      alarms: this.#alarms,
      pfkey: this.#pfkey,
      children: new ChildSaTable(),
      policies: new SecurityPolicies(this.#pfkey),
      traps: new TrapPolicies(),
      poolOf: ({ virtualAddress }) => (typeof virtualAddress === 'object' ? pools.get(describePrefix(virtualAddress.pool)) : undefined),
      output: (output) => this.#outputs.push(output),
      event: (event) => this.#outputs.push({ kind: 'event', event }),
      drop: (reason, detail, bytes, peer) =>
        this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason, detail, ...(bytes === undefined ? {} : { bytes }), ...(peer === undefined ? {} : { peer }) } }),
      transmit: (local, peer, message) =>
        this.#outputs.push({ kind: 'datagram', local, peer, payload: local.port === natTraversalPort && !this.#stackMarks ? withMarker(message) : message }),
    };
  }
}
