/** An IKE message that is too long for one packet, through boxes that treat fragments each in their way; and in fragments of IKE's own (RFC 4787 §11, RFC 7383). */
import { minutes } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { notifyTypes } from '../../src/wire/ike/message.ts';
import type { FragmentNumber } from '../../src/wire/ike/message.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import type { Ipv4Packet } from '../../src/wire/ipv4.ts';
import { claim, guard } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered } from '../checks/pings.ts';
import { givesUp } from '../checks/sas.ts';
import { cameOut, isIke, seenAt } from '../checks/wire.ts';
import type { SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

const pingName = 'client to server';

export const fragments = defineScenario({
  id: 'fragments',
  chapter: 'Boxes that help too much',
  title: 'A message too long for one packet',
  teaches:
    'A certificate makes an IKE message longer than a packet may be, and IP cuts it up. Only the first piece has ports. A box that puts the pieces together, or remembers where the first one went, passes them; one that drops them, or all but the first, cuts the negotiation off in its middle, where what is short has passed already. IKE can cut the message up by itself: then each piece is a packet with ports, and gets through everywhere.',
  refs: ['RFC 4787 §11', 'RFC 7383 §1', 'RFC 7383 §2', 'RFC 7296 §2'],
  parameters: {},
  acts: () => [
    passing('put-together', 'A box that puts the pieces together before it translates, as Linux does', 'reassemble'),
    passing('followed', 'A box that lets the pieces go where the first one went', 'follow'),
    stopping('first-only', 'A box that passes the first piece, which has ports, and no other', { preset: 'fragments-first-only' }, 'only first pieces, never the rest'),
    stopping('dropped', 'A box that throws pieces away', { preset: 'fragments-dropped' }, 'no pieces at all'),
    byIke,
    short,
  ],
});

/** `fragmentation`: whether IKE cuts up what is too long, or leaves it to IP. */
const withCertificates = (boxes: NonNullable<Adjustment['boxes']>, fragmentation = false): Adjustment => {
  const ike = { authentication: 'rsa-signature', fragmentation } as const;
  return { clients: { ike }, gateway: { ike }, boxes };
};

const passing = (id: string, title: string, treatment: 'reassemble' | 'follow'): Act => ({
  ...setting(id, title, withCertificates({ preset: 'linux-masquerade', behaviour: { fragments: treatment } })),
  checks: (cast) => [
    cutUp(cast),
    treatment === 'reassemble'
      ? claim({ id: 'waits', claim: 'Nothing of the message leaves the box before its last piece has come', expected: 'pieces leave after the last one from the client', ref: 'RFC 4787 §11' }, (trace) => {
          const [inside, outside] = [piecesAt(trace, cast, 'inside'), piecesAt(trace, cast, 'outside')];
          const last = inside.find(({ packet }) => !packet.moreFragments);
          const [first] = outside;
          return { holds: last !== undefined && first !== undefined && first.event.seq > last.event.seq, observed: first ? `${plural(outside.length, 'piece')} left the box` : 'nothing left the box', evidence: [...(last ? [last.event] : []), ...(first ? [first.event] : [])] };
        })
      : claim({ id: 'followed', claim: 'Every piece leaves the box, translated to one source', expected: 'as many pieces outside as inside', ref: 'RFC 4787 §11' }, (trace) => {
          const [inside, outside] = [piecesAt(trace, cast, 'inside'), piecesAt(trace, cast, 'outside')];
          const sources = new Set(outside.map(({ packet }) => packet.source));
          return { holds: inside.length > 0 && inside.length === outside.length && sources.size === 1, observed: `${inside.length} inside, ${outside.length} outside`, evidence: outside.slice(0, 3).map(({ event }) => event) };
        }),
    answered({ id: 'works', claim: 'The tunnel comes up and works' }, pingName),
  ],
});

const stopping = (id: string, title: string, boxes: NonNullable<Adjustment['boxes']>, gone: string): Act => ({
  ...setting(id, title, withCertificates(boxes)),
  checks: (cast) => [
    cutUp(cast),
    claim({ id: 'begun', claim: 'What is short passes: the negotiation begins', expected: 'the gateway answers the first message' }, (trace) => {
      const answers = trace.of('ike-message', cast.gateway.name).filter(({ body }) => body.direction === 'sent' && body.response);
      return { holds: answers.length > 0, observed: answers[0]?.body.notation ?? 'no answer', evidence: answers.slice(0, 1) };
    }),
    claim({ id: 'lost-pieces', claim: 'Of what was cut up too little leaves the box', expected: gone, ref: 'RFC 4787 §11' }, (trace) => {
      const behind = sentBy(trace, cast.boxes[0]!.name).filter(isPiece);
      const rest = behind.filter(({ packet }) => packet.fragmentOffset > 0);
      const right = rest.length === 0 && (id === 'dropped' ? behind.length === 0 : behind.length > 0);
      return { holds: right, observed: `${plural(behind.length, 'piece')} left the box, ${rest.length} of them not first ones`, evidence: behind.slice(0, 3).map(({ event }) => event) };
    }),
    givesUp({ id: 'gives-up', claim: 'The client gives up in the middle', ref: 'RFC 7383 §1' }, cast.clients[0]!.name),
  ],
});

const byIke: Act = {
  ...setting('by-ike', 'The same box, and IKE itself cuts up what is too long', withCertificates({ preset: 'fragments-dropped' }, true)),
  keepsIke: true,
  checks: (cast) => [
    claim({ id: 'offered', claim: 'Both sides say in their first message that they take fragments of IKE', expected: 'IKEV2_FRAGMENTATION_SUPPORTED from the client and from the gateway', ref: 'RFC 7383 §2.3' }, (trace) => {
      const offers = sides(cast).map((node) => ikeSent(trace, node).find(({ content }) => offersFragments(content.message)));
      return { holds: offers.every((offer) => offer !== undefined), observed: `from ${offers.flatMap((offer) => offer?.event.node ?? []).join(' and ') || 'nobody'}`, evidence: offers.flatMap((offer) => offer?.event ?? []) };
    }),
    guard({ id: 'cut-by-ike', claim: 'Messages are too long for one packet, and IKE cuts them up', expected: 'fragments numbered from 1 to the last, from the client and from the gateway', ref: 'RFC 7383 §2.5' }, (trace) => {
      const numbers = sides(cast).map((node) => ikeFragments(trace, node).map(({ fragment }) => fragment));
      const complete = numbers.every((all) => all.length > 1 && all.every(({ number, total }, i) => number === i + 1 && total === all.length));
      return { holds: complete, observed: numbers.map((all) => all.map(({ number, total }) => `${number}/${total}`).join(' ') || 'none').join(' and '), evidence: sides(cast).flatMap((node) => ikeFragments(trace, node).slice(0, 1).map(({ event }) => event)) };
    }),
    claim({ id: 'no-pieces', claim: 'IP has nothing left to cut up: every packet has its ports', expected: 'no piece from either side', ref: 'RFC 7383 §2.5.1' }, (trace) => {
      const pieces = sides(cast).flatMap((node) => sentBy(trace, node)).filter(isPiece);
      return { holds: pieces.length === 0, observed: plural(pieces.length, 'piece'), evidence: pieces.slice(0, 3).map(({ event }) => event) };
    }),
    claim({ id: 'through', claim: 'The box that drops pieces of IP passes each fragment of IKE', expected: 'as many fragments outside as inside, the same octets', ref: 'RFC 7383 §1' }, (trace) => {
      const sent = ikeFragments(trace, cast.clients[0]!.name);
      const outside = cameOut(trace, cast.boxes, sent);
      return { holds: sent.length > 0 && outside.length === sent.length, observed: `${sent.length} inside, ${outside.length} outside`, evidence: outside.slice(0, 3).map(({ event }) => event) };
    }),
    answered({ id: 'works', claim: 'The tunnel comes up and works' }, pingName),
  ],
};

const short: Act = {
  ...setting('short', 'The same box, and keys instead of certificates: every message fits into one packet', { boxes: { preset: 'fragments-dropped' } }),
  checks: (cast) => [
    claim({ id: 'uncut', claim: 'Nothing is cut up', expected: 'no piece at the client', ref: 'RFC 7296 §2' }, (trace) => {
      const pieces = piecesAt(trace, cast, 'inside');
      return { holds: packetsAt(trace, cast, 'inside').length > 0 && pieces.length === 0, observed: plural(pieces.length, 'piece'), evidence: pieces.slice(0, 3).map(({ event }) => event) };
    }),
    answered({ id: 'works', claim: 'The tunnel comes up and works' }, pingName),
  ],
};

function setting(id: string, title: string, adjust: Adjustment): Omit<Act, 'checks'> {
  return { id, title, topology: 'narrow', keepsTopology: true, needs: { boxes: 1 }, adjust, play: comesIn };
}

async function comesIn(stage: Stage): Promise<void> {
  const { clients: [client], server } = stage.cast;
  stage.step('The client calls the gateway');
  if (!(await bringUp(stage, [client!], minutes(5))) || !stage.trace.of('child-sa', client!.name).some(({ body }) => body.state === 'established')) return;
  await ping(stage, { ping: pingName, from: client!.name, to: server });
}

// ---- what is claimed -----------------------------------------------------------------------------------------------------

interface Packet {
  readonly event: EventOf<'packet'>;
  readonly packet: Ipv4Packet;
}

/** What leaves a node by any of its interfaces. */
const sentBy = (trace: Trace, node: string): readonly Packet[] =>
  trace.of('packet', node).flatMap((event): Packet[] => {
    const read = decodeIpv4(event.body.bytes);
    return event.body.direction === 'out' && read.ok ? [{ event, packet: read.value }] : [];
  });

/** What goes from the client to the gateway: as it leaves the client, and as it leaves the box. */
const packetsAt = (trace: Trace, { clients, boxes, gateway }: Cast, side: 'inside' | 'outside'): readonly Packet[] =>
  sentBy(trace, side === 'inside' ? clients[0]!.name : boxes[0]!.name).filter(({ packet }) => packet.destination === gateway.address);

const isPiece = ({ packet }: Packet): boolean => packet.moreFragments || packet.fragmentOffset > 0;
const piecesAt = (trace: Trace, cast: Cast, side: 'inside' | 'outside'): readonly Packet[] => packetsAt(trace, cast, side).filter(isPiece);

const sides = ({ clients, gateway }: Cast): readonly string[] => [clients[0]!.name, gateway.name];

const ikeSent = (trace: Trace, node: string): readonly SeenIke[] => seenAt(trace, { node, direction: 'out' }).filter(isIke);

function offersFragments(message: Uint8Array): boolean {
  const read = decodeMessage(message);
  return read.ok && 'payloads' in read.value && read.value.payloads.some((payload) => payload.type === 'Notify' && payload.notifyType === notifyTypes.IKEV2_FRAGMENTATION_SUPPORTED);
}

/** The fragments that a node sends of its IKE messages. */
const ikeFragments = (trace: Trace, node: string): readonly (SeenIke & { readonly fragment: FragmentNumber })[] =>
  ikeSent(trace, node).flatMap((seen) => {
    const read = decodeMessage(seen.content.message);
    return read.ok && 'bodyAt' in read.value && read.value.fragment ? [{ ...seen, fragment: read.value.fragment }] : [];
  });

const cutUp = (cast: Cast): Check =>
  guard({ id: 'cut-up', claim: 'A message is too long, and leaves its sender in pieces', expected: 'a first piece and others' }, (trace) => {
    const pieces = [cast.clients[0]!.name, cast.gateway.name].flatMap((name) => sentBy(trace, name)).filter(isPiece);
    return { holds: pieces.length > 1, observed: `${plural(pieces.length, 'piece')}, the first of ${pieces[0]?.packet.payload.length ?? 0} octets`, evidence: pieces.slice(0, 3).map(({ event }) => event) };
  });
