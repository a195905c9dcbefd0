/** Ways of breaking a rule that several lessons are tried with: wrong ideas of both endpoints, of one, and traces forged afterwards. */
import type { TraceEvent } from '../../src/trace/events.ts';
import { seconds } from '../../src/core/time.ts';
import { isIpv4 } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { stripMarker, withMarker } from '../../src/wire/natt.ts';
import { decodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import { boxes, everybody, hasMarker, ikeHeader, isClient, isEsp, isGateway, isIke, isKeepalive, looksLikeIke, on, only, receiving, sending, telling } from './sabotage.ts';
import type { DatagramOut, Sabotage } from './sabotage.ts';

export interface BrokenRule {
  readonly rule: string;
  readonly lesson: string;
  readonly set?: readonly string[];
  readonly preset?: string;
  /** Played on another topology than its own. */
  readonly topology?: string;
  readonly sabotage?: Sabotage;
  /** The trace of an honest run as a liar would have written it; undefined takes an event away. */
  readonly forge?: (event: TraceEvent, act: string) => TraceEvent | undefined;
  readonly red: readonly string[];
}

export const each = (acts: readonly string[], ...checks: readonly string[]): string[] => acts.flatMap((act) => checks.map((check) => `${act}/${check}`));

// ---- wrong ideas that both endpoints share -------------------------------------------------------------------------------

export const noMarker = everybody(() => ({
  said: sending((datagram) => [datagram.local.port === 4500 && hasMarker(datagram.payload) ? { ...datagram, payload: stripMarker(datagram.payload) } : datagram]),
  heard: receiving((datagram) => [datagram.local.port === 4500 && !hasMarker(datagram.payload) && looksLikeIke(datagram.payload) ? { ...datagram, payload: withMarker(datagram.payload) } : datagram]),
}));

export const markerOn500 = everybody(() => ({
  said: sending((datagram) => [datagram.local.port === 500 ? { ...datagram, payload: withMarker(datagram.payload) } : datagram]),
  heard: receiving((datagram) => [datagram.local.port === 500 && hasMarker(datagram.payload) ? { ...datagram, payload: stripMarker(datagram.payload) } : datagram]),
}));

export const wrongHash = (which: 'source' | 'destination', of: 'request' | 'response'): Sabotage =>
  everybody(() => ({
    said: sending((datagram) => [{ ...datagram, payload: flippedHash(datagram.payload, which, of) }]),
    heard: receiving((datagram) => [{ ...datagram, payload: flippedHash(datagram.payload, which, of) }]),
  }));

/** The notify's length, protocol 0, no SPI, type, and then the hash, whose first octet is turned over. */
export function flippedHash(payload: Uint8Array, which: 'source' | 'destination', of: 'request' | 'response'): Uint8Array {
  const header = ikeHeader(payload);
  if (header?.exchange !== 34 || header.flags.response !== (of === 'response')) return payload;
  const start = Buffer.from(payload).indexOf(Buffer.from(which === 'source' ? '001c00004004' : '001c00004005', 'hex'));
  if (start < 0) return payload;
  const changed = Uint8Array.from(payload);
  changed[start + 6]! ^= 0xff;
  return changed;
}

export const staysOn500 = everybody(() => ({
  said: sending((datagram) => [hasMarker(datagram.payload) ? toPort(500)(datagram) : datagram]),
  heard: receiving((datagram) => [datagram.local.port === 500 && hasMarker(datagram.payload) ? { ...on('local', 4500)(datagram), peer: { ...datagram.peer, port: datagram.peer.port === 500 ? 4500 : datagram.peer.port } } : datagram]),
}));

export const espOn500 = everybody(() => ({
  said: sending((datagram) => [isEsp(datagram) ? toPort(500)(datagram) : datagram]),
  heard: receiving((datagram) => [datagram.local.port === 500 && !looksLikeIke(datagram.payload) ? { ...on('local', 4500)(datagram), peer: { ...datagram.peer, port: datagram.peer.port === 500 ? 4500 : datagram.peer.port } } : datagram]),
}));

export const toPort = (port: number) => (datagram: DatagramOut): DatagramOut => ({ ...on('local', port)(datagram), peer: { ...datagram.peer, port: datagram.peer.port === 4500 ? port : datagram.peer.port } });

export const plainEsp = everybody(() => {
  const from = new Map<string, number>();
  return {
    said: sending((datagram) => [isEsp(datagram) ? { kind: 'esp', source: datagram.local.address, destination: datagram.peer.address, payload: datagram.payload } : datagram]),
    heard: (input) => {
      if (input.kind === 'datagram' && isIke(input)) from.set(input.peer.address, input.peer.port);
      if (input.kind !== 'esp') return [input];
      return [{ kind: 'datagram', local: { address: input.destination, port: 4500 }, peer: { address: input.source, port: from.get(input.source) ?? 4500 }, payload: input.payload }];
    },
  };
});

export const needlessUdp = everybody(() => ({
  said: (output) => [output.kind === 'esp' ? { kind: 'datagram', local: { address: output.source, port: 4500 }, peer: { address: output.destination, port: 4500 }, payload: output.payload, checksum: isIpv4(output.source) ? 'zero' : 'computed' } : output],
  heard: receiving((datagram) => [datagram.local.port === 4500 && isEsp(datagram) ? { kind: 'esp', source: datagram.peer.address, destination: datagram.local.address, payload: datagram.payload } : datagram]),
}));

export const twoOctets = everybody(() => ({
  said: sending((datagram) => [isKeepalive(datagram) ? { ...datagram, payload: Uint8Array.of(0xff, 0xff) } : datagram]),
  heard: receiving((datagram) => [datagram.payload.length === 2 ? { ...datagram, payload: Uint8Array.of(0xff) } : datagram]),
}));

/** Works through a box that lets everybody in, and through no other. */
export const answersFromAnotherPort = everybody(() => ({
  said: sending((datagram) => [isIke(datagram) && datagram.local.port === 4500 && ikeHeader(datagram.payload)!.flags.response ? on('local', 4501)(datagram) : datagram]),
  heard: receiving((datagram) => [datagram.peer.port === 4501 ? on('peer', 4500)(datagram) : datagram]),
}));

// ---- wrong ideas of one --------------------------------------------------------------------------------------------------

export const lies = (kind: TraceEvent['body']['kind'], change: (body: never) => object): Sabotage['endpoint'] => () => ({ said: telling((body) => (body.kind === kind ? ({ ...body, ...change(body as never) }) : body)) });
export const liar = (whom: Parameters<typeof only>[0], kind: TraceEvent['body']['kind'], change: (body: never) => object): Sabotage => ({ endpoint: (config) => (whom(config) ? lies(kind, change)!(config) : undefined) });
export const silentAbout = (whom: Parameters<typeof only>[0], is: (body: TraceEvent['body']) => boolean): Sabotage => only(whom, () => ({ said: telling((body) => (is(body) ? undefined : body)) }));

/** Tunnel up, and nothing that comes through it is heard. */
export const deafToEsp = (whom: Parameters<typeof only>[0], from = 0): Sabotage =>
  only(whom, () => ({ heard: (input, now) => (now >= from && (input.kind === 'esp' || (input.kind === 'datagram' && isEsp(input))) ? [] : [input]) }));

export const repeatsItselfOn = (port: 500 | 4500): Sabotage => only(isClient, () => {
  let first: DatagramOut | undefined;
  let repeated = false;
  return {
    said: sending((datagram) => {
      first ??= datagram;
      if (repeated || !isEsp(datagram)) return [datagram];
      repeated = true;
      return [datagram, { ...first, local: { ...first.local, port }, peer: { ...first.peer, port }, payload: port === 4500 ? withMarker(unmarked(first)) : unmarked(first) }];
    }),
  };
});

export const unmarked = ({ payload }: DatagramOut): Uint8Array => (hasMarker(payload) ? stripMarker(payload) : payload);

export const alongside = (when: (datagram: DatagramOut) => boolean, extra: (datagram: DatagramOut) => readonly DatagramOut[], whom = isClient): Sabotage =>
  only(whom, () => ({ said: sending((datagram) => (when(datagram) ? [datagram, ...extra(datagram)] : [datagram])) }));

export const junk = Uint8Array.from({ length: 40 }, (_, i) => i + 1);

export const followsAKeepalive = (indeed: boolean): Sabotage => only(isGateway, () => {
  let peer: Endpoint | undefined;
  let was: Endpoint | undefined;
  return {
    heard: (input, _, say) => {
      if (input.kind === 'datagram' && input.local.port === 4500) {
        if (isKeepalive(input) && was !== undefined && was.port !== input.peer.port) {
          peer = input.peer;
          say({ kind: 'event', layer: 'ike', body: { kind: 'peer-moved', connection: 'clients', initiatorSpi: '', responderSpi: '', role: 'responder', from: was, to: peer, by: 'ike', story: 'an octet told me so' } });
        }
        was ??= input.peer;
      }
      return [input];
    },
    said: sending((datagram) => [indeed && peer !== undefined && datagram.peer.port !== 500 ? { ...datagram, peer } : datagram]),
  };
});

export const neverFollows = only(isGateway, () => {
  let peer: Endpoint | undefined;
  return { heard: receiving((datagram) => [datagram.local.port === 4500 ? { ...datagram, peer: (peer ??= datagram.peer) } : datagram]) };
});

export const forgetful = { timeouts: { unreplied: seconds(1e7), replied: seconds(1e7) } } as const;
export const neverForgets = boxes(({ timeouts }) => ({ timeouts: { ...timeouts, ...forgetful.timeouts } }));

/** A packet as if it had come from elsewhere. */
export const fromElsewhere = (event: TraceEvent, from: Partial<Endpoint>): TraceEvent => rewritten(event, (packet) => ({ ...packet, source: { ...packet.source, ...from } }));
export const withPayload = (event: TraceEvent, change: (payload: Uint8Array) => Uint8Array): TraceEvent => rewritten(event, (packet) => ({ ...packet, payload: change(packet.payload) }));

interface UdpPacket {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly payload: Uint8Array;
}

export function rewritten(event: TraceEvent, change: (packet: UdpPacket) => UdpPacket): TraceEvent {
  const packet = udpPacketOf(event);
  if (packet === undefined) return event;
  const { source, destination, payload } = change(packet);
  return { ...event, body: { ...event.body, bytes: encodeUdpPacket(source, destination, payload, 'computed') } } as TraceEvent;
}

export function udpPacketOf({ body }: TraceEvent): UdpPacket | undefined {
  if (body.kind !== 'packet') return undefined;
  const ip = decodeIp(body.bytes);
  const udp = ip.ok && ip.value.protocol === protocols.udp ? decodeUdp(ip.value.payload, ip.value) : undefined;
  if (!ip.ok || !udp?.ok) return undefined;
  return { source: { address: ip.value.source, port: udp.value.sourcePort }, destination: { address: ip.value.destination, port: udp.value.destinationPort }, payload: udp.value.payload };
}

export const without = (kind: TraceEvent['body']['kind']) => (event: TraceEvent): TraceEvent | undefined => (event.body.kind === kind ? undefined : event);

/** Wrong on the wire, and the receiver's conclusion is what it would be then. */
export const forgedHash = (of: 'request' | 'response', fooled: string) => (event: TraceEvent): TraceEvent => {
  if (event.body.kind === 'nat-detection' && event.node === fooled) return { ...event, body: { ...event.body, remoteBehindNat: true } } as TraceEvent;
  return withPayload(event, (payload) => flippedHash(payload, 'source', of));
};

export const pingLost = (name: string) => (event: TraceEvent): TraceEvent => (event.body.kind === 'ping-answered' && event.body.ping === name ? ({ ...event, body: { ...event.body, kind: 'ping-lost', why: 'forged' } } as unknown as TraceEvent) : event);
export const pingAnswered = (name: string) => (event: TraceEvent): TraceEvent => (event.body.kind === 'ping-lost' && event.body.ping === name ? ({ ...event, body: { ...event.body, kind: 'ping-answered', roundTrip: 1 } } as unknown as TraceEvent) : event);

/** The answer is a loss, and the loss an answer. */
export const turned = (program: 'udp-echo' | 'tcp-probe') => (event: TraceEvent): TraceEvent => {
  const { body } = event;
  if (body.kind === `${program}-answered`) {
    const { roundTrip, ...rest } = body as Extract<TraceEvent['body'], { kind: 'tcp-probe-answered' }>;
    return { ...event, body: { ...rest, kind: `${program}-lost`, why: `forged, it took ${roundTrip} ms` } } as unknown as TraceEvent;
  }
  return body.kind === `${program}-lost` ? ({ ...event, body: { ...body, kind: `${program}-answered`, roundTrip: 1 } } as unknown as TraceEvent) : event;
};
