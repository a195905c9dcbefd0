/** A stack with a hand on its PF_KEY socket, and pairs of them with SAs and policies in place. */
import { ip, prefix, type Endpoint, type IpAddress } from '../../src/core/address.ts';
import type { DropReason } from '../../src/core/drop.ts';
import type { EspEvent } from '../../src/core/events.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { start, type Instant } from '../../src/core/time.ts';
import type { EncryptionName, IntegrityName } from '../../src/crypto/transforms.ts';
import type { StackConfig } from '../../src/ipsec/kernel.ts';
import type { StackInput, StackOutput } from '../../src/ipsec/ports.ts';
import { IpsecStack } from '../../src/ipsec/stack.ts';
import { encodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { decodePfkey, encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { authAlgorithms, encryptionAlgorithms, ipsecModes, policyDirections, policyLevels, policyTypes, saFlags, saTypes, type PfkeyAddress, type PfkeyMessage } from '../../src/wire/pfkey/message.ts';

export type Request = Partial<PfkeyMessage> & Pick<PfkeyMessage, 'type'>;
export type Kind = StackOutput['kind'];

export class Host {
  readonly stack: IpsecStack;
  readonly address: IpAddress;
  now: Instant = start;
  /** Everything that it has said of its SAs. */
  readonly said: EspEvent[] = [];
  #sequence = 0;

  constructor(address: IpAddress, seed = 1, more: Partial<StackConfig> = {}) {
    this.address = address;
    this.stack = new IpsecStack({ addresses: [address], random: seeded(seed, address), ...more });
  }

  do(input: StackInput): StackOutput[] {
    this.stack.handle(this.now, input);
    return this.#drain();
  }

  /** Lets time pass, with every wake-up on the way. */
  until(at: Instant): StackOutput[] {
    const outputs: StackOutput[] = [];
    for (let wake = this.stack.nextWake(); wake !== undefined && wake.at <= at; wake = this.stack.nextWake()) {
      this.now = wake.at;
      this.stack.wake(wake.at);
      outputs.push(...this.#drain());
    }
    this.now = at;
    return outputs;
  }

  /** Everything that the request led to. */
  pfkey(request: Request): StackOutput[] {
    return this.do({ kind: 'pfkey', message: encodePfkey({ saType: saTypes.ESP, errno: 0, sequence: ++this.#sequence, pid: 77, ...request }) });
  }

  /** The one answer to a request. */
  ask(request: Request): PfkeyMessage {
    return messages(this.pfkey(request))[0]!;
  }

  outbound(packet: Uint8Array): StackOutput[] {
    return this.do({ kind: 'outbound', packet });
  }

  #drain(): StackOutput[] {
    const outputs = drain(this.stack);
    for (const { event } of of(outputs, 'event')) if (event.kind !== 'drop' && event.kind !== 'inner') this.said.push(event);
    return outputs;
  }
}

export const of = <K extends Kind>(outputs: readonly StackOutput[], kind: K): Extract<StackOutput, { kind: K }>[] =>
  outputs.filter((output): output is Extract<StackOutput, { kind: K }> => output.kind === kind);

export const messages = (outputs: readonly StackOutput[]): PfkeyMessage[] =>
  of(outputs, 'pfkey').map(({ message }) => {
    const decoded = decodePfkey(message);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.value;
  });

export const drops = (outputs: readonly StackOutput[]): DropReason[] => of(outputs, 'event').flatMap(({ event }) => (event.kind === 'drop' ? [event.reason] : []));
export const events = (outputs: readonly StackOutput[]): EspEvent['kind'][] =>
  of(outputs, 'event').flatMap(({ event }) => (event.kind === 'drop' || event.kind === 'inner' ? [] : [event.kind]));
export const inbound = (outputs: readonly StackOutput[]): Uint8Array[] => of(outputs, 'inbound').map(({ packet }) => packet);

/** A whole outer address, or an inner block. */
export const address = (text: string, protocol = 0, port = 0): PfkeyAddress => {
  const block = text.includes('/') ? prefix(text) : { address: ip(text), length: text.includes(':') ? 128 : 32 };
  return { protocol, prefixLength: block.length, address: block.address, port };
};

export interface Suite {
  readonly name: string;
  readonly encryption: EncryptionName;
  readonly integrity: IntegrityName;
  readonly encrypt: number;
  readonly auth: number;
  readonly keyOctets: number;
  readonly authOctets: number;
}

const gcm = { encryption: 'aes-gcm-16', integrity: 'none', encrypt: encryptionAlgorithms.AES_GCM_ICV16, auth: authAlgorithms.NONE, authOctets: 0 } as const;
const cbc = { encryption: 'aes-cbc', encrypt: encryptionAlgorithms.AESCBC } as const;

export const suites: readonly Suite[] = [
  { name: 'AES-GCM-128', ...gcm, keyOctets: 20 },
  { name: 'AES-GCM-256', ...gcm, keyOctets: 36 },
  { name: 'ChaCha20-Poly1305', encryption: 'chacha20-poly1305', integrity: 'none', encrypt: encryptionAlgorithms.CHACHA20POLY1305, auth: authAlgorithms.NONE, keyOctets: 36, authOctets: 0 },
  { name: 'AES-CBC-128 with HMAC-SHA1', ...cbc, keyOctets: 16, integrity: 'hmac-sha1-96', auth: authAlgorithms.SHA1HMAC, authOctets: 20 },
  { name: 'AES-CBC-256 with HMAC-SHA2-256', ...cbc, keyOctets: 32, integrity: 'hmac-sha2-256-128', auth: authAlgorithms.SHA2_256HMAC, authOctets: 32 },
  { name: 'AES-CBC-128 with HMAC-SHA2-384', ...cbc, keyOctets: 16, integrity: 'hmac-sha2-384-192', auth: authAlgorithms.SHA2_384HMAC, authOctets: 48 },
  { name: 'AES-CBC-256 with HMAC-SHA2-512', ...cbc, keyOctets: 32, integrity: 'hmac-sha2-512-256', auth: authAlgorithms.SHA2_512HMAC, authOctets: 64 },
];

/** Distinct octets for every SPI. */
export const keyOf = (spi: number, length: number): Uint8Array => seeded(spi, 'key').bytes(length);

export interface SaOptions {
  readonly suite?: Suite;
  readonly reqid?: number;
  readonly extended?: boolean;
  /** In units of 8 packets. */
  readonly replay?: number;
  /** Source and destination port; absent: no NAT traversal. `plain`: it took place and found nothing. */
  readonly ports?: readonly [number, number] | 'plain';
  readonly mode?: 'TUNNEL' | 'TRANSPORT';
  readonly more?: Partial<PfkeyMessage>;
}

/** SADB_ADD of an SA from one address to another. */
export function add(spi: number, from: string, to: string, { suite = suites[0]!, reqid = 17, extended = false, replay = 8, ports, mode = 'TUNNEL', more = {} }: SaOptions = {}): Request {
  return {
    type: 'SADB_ADD',
    sa: { spi, replay, state: 0, auth: suite.auth, encrypt: suite.encrypt, flags: extended ? saFlags.ESN : 0 },
    sa2: { mode: ipsecModes[mode], sequence: 0, reqid },
    source: address(from),
    destination: address(to),
    encryptionKey: keyOf(spi, suite.keyOctets),
    ...(suite.authOctets > 0 && { authKey: keyOf(spi + 1, suite.authOctets) }),
    ...(ports === 'plain' && { nattType: 0 }),
    ...(typeof ports === 'object' && { nattType: 2, nattSourcePort: ports[0], nattDestinationPort: ports[1] }),
    ...more,
  };
}

/** SADB_X_SPDADD: inner blocks go by the tunnel between two addresses. */
export const policy = (direction: 'in' | 'out', from: string, to: string, tunnel: readonly [string, string], reqid = 17, priority = 0): Request => ({
  type: 'SADB_X_SPDADD',
  source: address(from),
  destination: address(to),
  policy: {
    type: policyTypes.IPSEC, direction: direction === 'in' ? policyDirections.INBOUND : policyDirections.OUTBOUND, id: 0, priority,
    requests: [{ protocol: 50, mode: ipsecModes.TUNNEL, level: policyLevels.UNIQUE, reqid, tunnel: { source: ip(tunnel[0]), destination: ip(tunnel[1]) } }],
  },
});

/** SADB_X_SPDADD: what goes between two addresses is protected in place. `protocol` and ports as a selector has them; 0 is any. */
export const transportPolicy = (direction: 'in' | 'out', from: string, to: string, { reqid = 17, protocol = 0, ports = [0, 0] }: { readonly reqid?: number; readonly protocol?: number; readonly ports?: readonly [number, number] } = {}): Request => ({
  type: 'SADB_X_SPDADD',
  source: address(from, protocol, ports[0]),
  destination: address(to, protocol, ports[1]),
  policy: {
    type: policyTypes.IPSEC, direction: direction === 'in' ? policyDirections.INBOUND : policyDirections.OUTBOUND, id: 0, priority: 0,
    requests: [{ protocol: 50, mode: ipsecModes.TRANSPORT, level: reqid === 0 ? policyLevels.REQUIRE : policyLevels.UNIQUE, reqid }],
  },
});

/** DISCARD or NONE. */
export const plainPolicy = (direction: 'in' | 'out', type: 'DISCARD' | 'NONE', from: string, to: string, priority = 0): Request => ({
  type: 'SADB_X_SPDADD',
  source: address(from),
  destination: address(to),
  policy: { type: policyTypes[type], direction: direction === 'in' ? policyDirections.INBOUND : policyDirections.OUTBOUND, id: 0, priority, requests: [] },
});

export const inner = (from: string, to: string, text = 'hello'): Uint8Array => encodeUdpPacket({ address: ip(from), port: 40_000 }, { address: ip(to), port: 7 }, new TextEncoder().encode(text), 'computed');
export const innerOf = (from: string, to: string, protocol: number, payload: Uint8Array): Uint8Array => encodeIp({ source: ip(from), destination: ip(to), protocol, payload });

export const west = '192.0.2.1';
export const east = '198.51.100.2';
export const westNet = '10.1.0.0/24';
export const eastNet = '10.2.0.0/24';
export const spiToEast = 0x1000;
export const spiToWest = 0x2000;

/** Two hosts with a tunnel between them, 10.1.0.0/24 behind west and 10.2.0.0/24 behind east. In UDP both use port 4500. */
export function pair(options: SaOptions & { readonly inUdp?: boolean } = {}): { west: Host; east: Host } {
  const hosts = { west: new Host(ip(west), 1), east: new Host(ip(east), 2) };
  const withPorts: SaOptions = options.inUdp ? { ...options, ports: [4500, 4500] } : options;
  for (const host of [hosts.west, hosts.east]) {
    host.do({ kind: 'udp-encap', port: 4500 });
    host.pfkey(add(spiToEast, west, east, withPorts));
    host.pfkey(add(spiToWest, east, west, withPorts));
    const [toEast, toWest] = host === hosts.west ? (['out', 'in'] as const) : (['in', 'out'] as const);
    for (const [near, far] of [[westNet, eastNet], ['fd01::/64', 'fd02::/64']] as const) {
      host.pfkey(policy(toEast, near, far, [west, east]));
      host.pfkey(policy(toWest, far, near, [east, west]));
    }
  }
  return hosts;
}

/** What one stack sends, as the other one receives it; `from` where a NAT has put another source. */
export function carried(outputs: readonly StackOutput[], from?: Endpoint): StackInput[] {
  return outputs.flatMap((output): StackInput[] => {
    switch (output.kind) {
      case 'esp':
        return [{ kind: 'esp', source: from?.address ?? output.source, destination: output.destination, payload: output.payload }];
      case 'datagram':
        return [{ kind: 'datagram', local: output.peer, peer: from ?? output.local, payload: output.payload }];
      default:
        return [];
    }
  });
}
