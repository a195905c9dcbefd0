/** Rules broken in `fragments`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { setU16, u16At } from '../../../src/core/bytes.ts';
import { complement, wordSum } from '../../../src/wire/checksum.ts';
import { decodeIpv4, ipv4At, ipv4HeaderLengthOf } from '../../../src/wire/ipv4.ts';
import type { EventOf } from '../../../src/trace/trace.ts';
import { protocols } from '../../../src/wire/protocols.ts';
import { each, pingLost } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, isGateway } from '../../support/sabotage.ts';

const isPiece = ({ body }: TraceEvent): boolean => {
  const read = body.kind === 'packet' ? decodeIpv4(body.bytes) : undefined;
  return read?.ok === true && (read.value.moreFragments || read.value.fragmentOffset > 0);
};
/** The second of the fragments of an IKE message, behind UDP's header and the non-ESP marker (RFC 7383 §2.5). */
const isSecondFragment = (event: TraceEvent): boolean => isIkeFragment(event) && u16At(sentUdp(event)!, 8 + 4 + 32) === 2;
const isIkeFragment = (event: TraceEvent): boolean => sentUdp(event)?.[8 + 4 + 16] === 53;
type Sending = TraceEvent & { readonly body: EventOf<'packet'>['body'] };
const sendsTo = (event: TraceEvent, port: number): event is Sending => {
  const udp = sentUdp(event);
  return udp !== undefined && (u16At(udp, 0) === port || u16At(udp, 2) === port);
};
/** What a node sends by UDP, header and all. */
function sentUdp({ body }: TraceEvent): Uint8Array | undefined {
  const read = body.kind === 'packet' && body.direction === 'out' ? decodeIpv4(body.bytes) : undefined;
  return read?.ok === true && read.value.protocol === protocols.udp ? read.value.payload : undefined;
}
/** What leaves the box is seen as a piece, the third of something. */
const piecesLeave = (act: string): NonNullable<BrokenRule['forge']> => (event, played) =>
  played === act && event.node === 'box' && event.body.kind === 'packet' && event.body.direction === 'out' ? ({ ...event, body: { ...event.body, bytes: changed(event.body.bytes, 7, 2) } } as TraceEvent) : event;

const stopping = ['first-only', 'dropped'];

export const fragmentsRules: readonly BrokenRule[] = [
  { lesson: 'fragments', rule: 'every box puts pieces together', sabotage: boxes(() => ({ fragments: 'reassemble' })), red: ['first-only/lost-pieces', 'first-only/gives-up', 'dropped/lost-pieces', 'dropped/gives-up'] },
  { lesson: 'fragments', rule: 'every box drops pieces', sabotage: boxes(() => ({ fragments: 'drop' })), red: ['put-together/waits', 'put-together/works', 'followed/followed', 'followed/works', 'first-only/lost-pieces'] },
  { lesson: 'fragments', rule: 'nobody cuts anything up (forged)', forge: (event) => (isPiece(event) && event.node !== 'box' ? undefined : event), red: ['put-together/cut-up', 'put-together/waits', 'followed/cut-up', 'followed/followed', 'first-only/cut-up', 'dropped/cut-up'] },
  { lesson: 'fragments', rule: 'no piece leaves the box (forged)', forge: (event, act) => (act === 'put-together' && event.node === 'box' && event.body.kind === 'packet' && event.body.direction === 'out' && isPiece(event) ? undefined : event), red: ['put-together/waits'] },
  { lesson: 'fragments', rule: 'pieces are lost on the way out (forged)', forge: (event, act) => (act === 'followed' && event.node === 'box' && isPiece(event) ? undefined : event), red: ['followed/followed'] },
  { lesson: 'fragments', rule: 'the gateway answers nothing (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'ike-message' ? undefined : event), red: each(stopping, 'begun') },
  { lesson: 'fragments', rule: 'pieces leave the box that lets first ones pass (forged)', forge: piecesLeave('first-only'), red: ['first-only/lost-pieces'] },
  { lesson: 'fragments', rule: 'pieces leave the box that drops them (forged)', forge: piecesLeave('dropped'), red: ['dropped/lost-pieces'] },
  { lesson: 'fragments', rule: 'the client never gives up (forged)', forge: (event) => (event.body.kind === 'ike-sa' && event.body.state === 'failed' ? undefined : event), red: each(stopping, 'gives-up') },
  { lesson: 'fragments', rule: 'what is short is cut up (forged)', forge: (event, act) => (act === 'short' && event.node === 'alice' && event.body.kind === 'packet' && event.body.direction === 'out' ? ({ ...event, body: { ...event.body, bytes: changed(event.body.bytes, 6, 0x20) } } as TraceEvent) : event), red: ['short/uncut'] },
  { lesson: 'fragments', rule: 'nobody knows of fragments of IKE', sabotage: connections(() => true, { fragmentation: false }), red: ['by-ike/offered', 'by-ike/cut-by-ike', 'by-ike/no-pieces', 'by-ike/through', 'by-ike/works'] },
  { lesson: 'fragments', rule: 'the gateway does not know of fragments of IKE', sabotage: connections(isGateway, { fragmentation: false }), red: ['by-ike/offered', 'by-ike/cut-by-ike', 'by-ike/no-pieces', 'by-ike/through', 'by-ike/works'] },
  { lesson: 'fragments', rule: 'fragments of IKE that are too long for the line', sabotage: connections(() => true, { fragmentation: 700 }), red: ['by-ike/cut-by-ike', 'by-ike/no-pieces', 'by-ike/through', 'by-ike/works'] },
  { lesson: 'fragments', rule: 'a fragment of IKE is lost in the box (forged)', forge: (event, act) => (act === 'by-ike' && event.node === 'box' && isSecondFragment(event) ? undefined : event), red: ['by-ike/through'] },
  { lesson: 'fragments', rule: 'a fragment of IKE is not sent (forged)', forge: (event, act) => (act === 'by-ike' && event.node === 'alice' && isSecondFragment(event) ? undefined : event), red: ['by-ike/cut-by-ike'] },
  { lesson: 'fragments', rule: 'the client does not say that it takes fragments of IKE (forged)', forge: (event, act) => (act === 'by-ike' && event.node === 'alice' && sendsTo(event, 500) ? undefined : event), red: ['by-ike/offered'] },
  { lesson: 'fragments', rule: 'IP cuts up a packet all the same (forged)', forge: (event, act) => (act === 'by-ike' && event.node === 'gateway' && sendsTo(event, 4500) && !isIkeFragment(event) ? ({ ...event, body: { ...event.body, bytes: changed(event.body.bytes, 6, 0x20) } } as TraceEvent) : event), red: ['by-ike/no-pieces'] },
  { lesson: 'fragments', rule: 'nobody is reached (forged)', forge: pingLost('client to server'), red: [...each(['put-together', 'followed'], 'works'), 'by-ike/works', 'short/works'] },
];

/** One octet of the header otherwise, and its checksum with it: 6 and 7 are flags and offset (RFC 791 §3.1). */
function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = to;
  setU16(copy, ipv4At.checksum, 0);
  setU16(copy, ipv4At.checksum, complement(wordSum(copy, 0, ipv4HeaderLengthOf(copy))));
  return copy;
}
