/** Claims about NAT detection, recomputed from the wire (RFC 7296 §2.23). */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes } from '../../src/core/bytes.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { exchangeTypes, notifyTypes } from '../../src/wire/ike/message.ts';
import type { Cast } from '../topology/cast.ts';
import { claim, nothing } from './check.ts';
import type { Check } from './check.ts';
import { isIke, sameOnTheWay, seenAt } from './wire.ts';
import type { SeenIke } from './wire.ts';

/** The first IKE_SA_INIT request or response that went all the way: as its sender sent it, as its receiver got it. */
export function firstMessage(trace: Trace, { clients, gateway }: Cast, which: 'request' | 'response'): readonly [SeenIke | undefined, SeenIke | undefined] {
  const [sender, receiver] = which === 'request' ? [clients[0]!.name, gateway.name] : [gateway.name, clients[0]!.name];
  const isIt = (seen: SeenIke): boolean => seen.content.header.exchange === exchangeTypes.IKE_SA_INIT && seen.content.header.flags.response === (which === 'response');
  const arrivals = seenAt(trace, { node: receiver, direction: 'in' }).filter(isIke).filter(isIt);
  const sendings = seenAt(trace, { node: sender, direction: 'out' }).filter(isIke).filter(isIt);
  const arrived = arrivals[0];
  return [arrived && sendings.find((sent) => sameOnTheWay(sent, arrived)), arrived];
}

export function hashes(message: SeenIke): { readonly sources: readonly Uint8Array[]; readonly destinations: readonly Uint8Array[] } {
  const read = decodeMessage(message.content.message);
  const payloads = read.ok && 'payloads' in read.value ? read.value.payloads : [];
  const of = (type: number): Uint8Array[] => payloads.flatMap((payload) => (payload.type === 'Notify' && payload.notifyType === type ? [payload.data] : []));
  return { sources: of(notifyTypes.NAT_DETECTION_SOURCE_IP), destinations: of(notifyTypes.NAT_DETECTION_DESTINATION_IP) };
}

const hashOf = ({ content }: SeenIke, { address, port }: Endpoint): Uint8Array => natDetectionHash(content.header.initiatorSpi, content.header.responderSpi, address, port);

/** Recomputed from the wire on the sender's side: a hash over anything else than where the packet left from and went to would find NATs that are not there. */
export const hashesAreHonest = (cast: Cast, which: 'request' | 'response'): Check =>
  claim(
    {
      id: `hashes-${which}`,
      claim: `The hashes in the ${which} are those of the addresses and ports as it left its sender`,
      expected: 'SHA-1(SPIi | SPIr | address | port), recomputed from the wire, for source and destination',
      ref: 'RFC 7296 §2.23',
    },
    (trace) => {
      const [sent] = firstMessage(trace, cast, which);
      if (!sent) return nothing(`no IKE_SA_INIT ${which} on the wire`);
      const { sources, destinations } = hashes(sent);
      const source = sources.some((hash) => sameBytes(hash, hashOf(sent, sent.from)));
      const destination = destinations.length === 1 && sameBytes(destinations[0]!, hashOf(sent, sent.to));
      const say = (fits: boolean, count: number): string => (count === 0 ? 'missing' : fits ? 'fits' : 'does not fit');
      return {
        holds: source && destination,
        observed: `source hash ${say(source, sources.length)} ${describeEndpoint(sent.from)}, destination hash ${say(destination, destinations.length)} ${describeEndpoint(sent.to)}`,
        evidence: [sent],
      };
    },
  );

/** A side's conclusion against the hashes in the message it received, recomputed for the addresses it received it with. */
export const conclusion = (cast: Cast, side: 'client' | 'gateway', from: 'request' | 'response'): Check =>
  claim(
    { id: `${side}-concludes`, claim: `The ${side} concludes exactly what the wire shows`, expected: 'behind a NAT is who has a hash that does not fit', ref: 'RFC 7296 §2.23' },
    (trace) => {
      const node = side === 'client' ? cast.clients[0]!.name : cast.gateway.name;
      const [, arrived] = firstMessage(trace, cast, from);
      const concluded = trace.of('nat-detection', node).at(0);
      if (!arrived || !concluded) return nothing(`${node} drew no conclusion`);
      const { sources, destinations } = hashes(arrived);
      const remote = !sources.some((hash) => sameBytes(hash, hashOf(arrived, arrived.from)));
      const local = !destinations.some((hash) => sameBytes(hash, hashOf(arrived, arrived.to)));
      const { localBehindNat, remoteBehindNat, supported } = concluded.body;
      const say = (here: boolean, there: boolean): string => (here && there ? 'both behind a NAT' : here ? `${node} behind a NAT` : there ? 'the peer behind a NAT' : 'no NAT');
      return {
        holds: supported && localBehindNat === local && remoteBehindNat === remote,
        observed: `the wire says ${say(local, remote)}; ${node} says ${supported ? say(localBehindNat, remoteBehindNat) : 'that it cannot tell'}`,
        evidence: [arrived, concluded],
      };
    },
  );
