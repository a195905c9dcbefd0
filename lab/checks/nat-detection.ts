/** Claims about NAT detection, recomputed from the wire (RFC 3947 §3.2, RFC 7296 §2.23). */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes } from '../../src/core/bytes.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';
import { nattVersions } from '../../src/ike/config.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { notifyTypes } from '../../src/wire/ike/message.ts';
import type { Payload } from '../../src/wire/ike/message.ts';
import { vendorIdOf } from '../../src/wire/ike/v1/vendor-ids.ts';
import type { Cast } from '../topology/cast.ts';
import { claim, nothing } from './check.ts';
import type { Check } from './check.ts';
import { negotiations } from './negotiation.ts';
import { clearPayloads, isEncrypted, negotiatedHash, openedPayloads } from './phase-one.ts';
import { isIke, path, sameOnTheWay, seenAt } from './wire.ts';
import type { SeenIke } from './wire.ts';

export type Which = 'request' | 'response';

/** What a message says of the addresses that its sender believes in. */
export interface Hashes {
  readonly sources: readonly Uint8Array[];
  readonly destinations: readonly Uint8Array[];
  /** As the sender had to make it. */
  over(endpoint: Endpoint): Uint8Array;
}

/** Both ways of a message: as its sender sent it, as its receiver got it. */
export type Journey = readonly [sent: SeenIke | undefined, arrived: SeenIke | undefined];

/** The very first message of a side that went all the way. */
export const firstMessage = (trace: Trace, cast: Cast, which: Which): Journey => journey(trace, cast, which, (seen) => belongs(cast, which, seen));

/** The first message that went all the way of those that carry a side's hashes, or would. */
export function detectionMessage(trace: Trace, cast: Cast, which: Which): Journey {
  if (cast.ike === 'v2') return firstMessage(trace, cast, which);
  // beside the public values, but for the last message of aggressive mode, which is the first that knows the responder's cookie
  const carries = (seen: SeenIke): boolean =>
    cast.ike === 'v1-aggressive' && which === 'request' ? seen.content.header.responderSpi.some((octet) => octet !== 0) : clearPayloads(seen).some(({ type }) => type === 'KE');
  return journey(trace, cast, which, (seen) => belongs(cast, which, seen) && carries(seen));
}

function journey(trace: Trace, { clients, gateway }: Cast, which: Which, isIt: (seen: SeenIke) => boolean): Journey {
  const [sender, receiver] = which === 'request' ? [clients[0]!.name, gateway.name] : [gateway.name, clients[0]!.name];
  const arrived = seenAt(trace, { node: receiver, direction: 'in' }).filter(isIke).find(isIt);
  const sendings = seenAt(trace, { node: sender, direction: 'out' }).filter(isIke).filter(isIt);
  return [arrived && sendings.find((sent) => sameOnTheWay(sent, arrived)), arrived];
}

/** To what opens a negotiation, told by the exchange; who sent it is told by where it was seen. An answer that asks for a cookie, or for another group, opens nothing. */
function belongs({ ike }: Cast, which: Which, { content: { header, message } }: SeenIke): boolean {
  if (header.exchange !== openingExchanges[ike]) return false;
  return ike !== 'v2' || (header.flags.response === (which === 'response') && payloadsOf(message).some(({ type }) => type === 'KE'));
}

/** Of a message of IKEv2 in the clear. */
function payloadsOf(message: Uint8Array): readonly Payload[] {
  const read = decodeMessage(message);
  return read.ok && 'payloads' in read.value ? read.value.payloads : [];
}

const openingExchanges = { v2: 34, v1: 2, 'v1-aggressive': 4 } as const;

export const hashesIn = (trace: Trace, { ike }: Cast, message: SeenIke): Hashes => (ike === 'v2' ? notifiedHashes(message) : natDetectionPayloads(trace, message));

/** RFC 7296 §2.23: two kinds of notifies. */
function notifiedHashes({ content: { message, header } }: SeenIke): Hashes {
  const of = (type: number): Uint8Array[] => payloadsOf(message).flatMap((payload) => (payload.type === 'Notify' && payload.notifyType === type ? [payload.data] : []));
  return {
    sources: of(notifyTypes.NAT_DETECTION_SOURCE_IP),
    destinations: of(notifyTypes.NAT_DETECTION_DESTINATION_IP),
    over: ({ address, port }) => natDetectionHash(header.initiatorSpi, header.responderSpi, address, port),
  };
}

/** RFC 3947 §3.2: the first NAT-D is the destination's, those behind it are the source's. */
function natDetectionPayloads(trace: Trace, message: SeenIke): Hashes {
  const { initiatorSpi, responderSpi } = message.content.header;
  const payloads = isEncrypted(message) ? openedPayloads(trace, message) : clearPayloads(message);
  const [destination, ...sources] = payloads.flatMap((payload) => (payload.type === 'NAT-D' ? [payload.data] : []));
  return {
    sources,
    destinations: destination === undefined ? [] : [destination],
    over: ({ address, port }) => natDetectionHash(initiatorSpi, responderSpi, address, port, negotiatedHash(trace, message)),
  };
}

const announced: ReadonlySet<string | undefined> = new Set(nattVersions);

/** How often a side offered NAT detection in the first message that allows it: by hashes in IKEv2, by the vendor IDs of NAT-T in IKEv1 (RFC 3947 §3.1). */
export function offers(trace: Trace, cast: Cast, message: SeenIke): number {
  if (cast.ike !== 'v2') return clearPayloads(message).filter((payload) => payload.type === 'VID' && announced.has(vendorIdOf(payload.data))).length;
  const { sources, destinations } = hashesIn(trace, cast, message);
  return sources.length + destinations.length;
}

/** Recomputed from the wire on the sender's side: a hash over anything else than where the packet left from and went to would find NATs that are not there. */
export function hashesAreHonest(cast: Cast, which: Which): Check {
  const { hashes, hash, refs } = negotiations[cast.ike];
  return claim(
    {
      id: `hashes-${which}`,
      claim: `The hashes in the ${hashes[which]} are those of the addresses and ports as it left its sender`,
      expected: `${hash}, recomputed from the wire, for source and destination`,
      ref: refs.detection,
    },
    (trace) => {
      const [sent] = detectionMessage(trace, cast, which);
      if (!sent) return nothing(`no ${hashes[which]} on the wire`);
      const { sources, destinations, over } = hashesIn(trace, cast, sent);
      const source = sources.some((hash) => sameBytes(hash, over(sent.from)));
      const destination = destinations.length === 1 && sameBytes(destinations[0]!, over(sent.to));
      const say = (fits: boolean, count: number): string => (count === 0 ? 'missing' : fits ? 'fits' : 'does not fit');
      return {
        holds: source && destination,
        observed: `source hash ${say(source, sources.length)} ${describeEndpoint(sent.from)}, destination hash ${say(destination, destinations.length)} ${describeEndpoint(sent.to)}`,
        evidence: [sent],
      };
    },
  );
}

/** Recomputed from the wire: the hash of the destination is honest, that of the source is not. */
export function falseHash(cast: Cast, which: Which): Check {
  const side = which === 'request' ? 'client' : 'gateway';
  const { hashes, refs } = negotiations[cast.ike];
  return claim({ id: 'false-hash', claim: `The ${side} says that it is where it is not`, expected: `in the ${hashes[which]} a source hash that fits no address there, and a destination hash that fits`, ref: refs.detection }, (trace) => {
    const [sent] = detectionMessage(trace, cast, which);
    if (!sent) return nothing(`no ${hashes[which]} on the wire`);
    const { sources, destinations, over } = hashesIn(trace, cast, sent);
    const isHonest = sources.some((hash) => sameBytes(hash, over(sent.from)));
    const destinationFits = destinations.some((hash) => sameBytes(hash, over(sent.to)));
    const say = (fits: boolean, count: number): string => (count === 0 ? 'is missing' : fits ? 'fits' : 'does not fit');
    return {
      holds: sources.length > 0 && !isHonest && destinationFits,
      observed: `it went ${path(sent)}; the source hash ${say(isHonest, sources.length)}, the destination hash ${say(destinationFits, destinations.length)}`,
      evidence: [sent],
    };
  });
}

/** What its configuration makes of a side's hashes: false of who forces encapsulation, else honest. */
export const hashesAsConfigured = (cast: Cast, which: Which): Check => {
  const { plan } = which === 'request' ? cast.clients[0]! : cast.gateway;
  return plan.endpoint!.ike.connections[0]!.encapsulation === 'forced' ? falseHash(cast, which) : hashesAreHonest(cast, which);
};

/** A side's conclusion against the hashes in the message it received, recomputed for the addresses it received it with. */
export const conclusion = (cast: Cast, side: 'client' | 'gateway', from: Which): Check =>
  claim(
    { id: `${side}-concludes`, claim: `The ${side} concludes exactly what the wire shows`, expected: 'behind a NAT is who has a hash that does not fit', ref: negotiations[cast.ike].refs.detection },
    (trace) => {
      const node = side === 'client' ? cast.clients[0]!.name : cast.gateway.name;
      const [, arrived] = detectionMessage(trace, cast, from);
      const concluded = trace.of('nat-detection', node).at(0);
      if (!arrived || !concluded) return nothing(`${node} drew no conclusion`);
      const { sources, destinations, over } = hashesIn(trace, cast, arrived);
      const remote = !sources.some((hash) => sameBytes(hash, over(arrived.from)));
      const local = !destinations.some((hash) => sameBytes(hash, over(arrived.to)));
      const { localBehindNat, remoteBehindNat, supported } = concluded.body;
      const say = (here: boolean, there: boolean): string => (here && there ? 'both behind a NAT' : here ? `${node} behind a NAT` : there ? 'the peer behind a NAT' : 'no NAT');
      return {
        holds: supported && localBehindNat === local && remoteBehindNat === remote,
        observed: `the wire says ${say(local, remote)}; ${node} says ${supported ? say(localBehindNat, remoteBehindNat) : 'that it cannot tell'}`,
        evidence: [arrived, concluded],
      };
    },
  );
