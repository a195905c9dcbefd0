/** Networks that let IKE's UDP ports not through: what a client can know, and when (RFC 7296 §2.4, RFC 9329 §1). */
import { describeDuration, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { cameOut, isIke, path, ports, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen, SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp } from './stagecraft.ts';

export const udpBlocked = defineScenario({
  id: 'udp-blocked',
  chapter: 'Boxes that help too much',
  title: 'Nothing comes back',
  teaches:
    'Where UDP 500 or 4500 is blocked nobody says so, or nobody who may be believed. The client repeats itself with growing pauses and gives up when they have grown through; what it can say then depends on how far it came: nothing ever heard, or heard on 500 and no longer on 4500.',
  refs: ['RFC 7296 §2.4', 'RFC 7296 §2.23', 'RFC 9329 §1'],
  parameters: {},
  acts: () => [silent, told, moved],
});

/** The ICMP errors of a box that says no: RFC 1812 §5.2.7.1, communication administratively prohibited. */
const prohibited = 13;

const silent: Act = {
  ...setting('silent', 'UDP 500 and 4500 end at the box, which says nothing', { preset: 'udp-blocked', behaviour: { refusals: 'silent' } }),
  checks: (cast) => [endsAtTheBox(cast, ports.ike), repeats(cast), timeToIt(cast), diagnosed(cast, 'nothing-heard')],
};

const impatient: NonNullable<Adjustment['clients']> = { ike: { retransmission: { first: '2 s', factor: 1.8, tries: 3 } } };

const told: Act = {
  ...setting('told', 'The box says with ICMP that it is prohibited. Anybody could say so: the client goes on, and gives up no sooner', { preset: 'udp-blocked', behaviour: { refusals: 'icmp' } }, impatient),
  checks: (cast) => [
    guard({ id: 'told', claim: 'The client is told', expected: `ICMP unreachable, code ${prohibited}, at the client` }, (trace) => {
      const errors = refusalsAt(trace, cast);
      return { holds: errors.length > 0, observed: plural(errors.length, 'ICMP error'), evidence: errors.slice(0, 2) };
    }),
    repeats(cast),
    timeToIt(cast),
    diagnosed(cast, 'nothing-heard'),
  ],
};

const moved: Act = {
  ...setting('moved', 'Only 4500 is blocked: the first answers come, a NAT is found, and what moves to 4500 is never answered', { preset: 'udp-4500-blocked' }, impatient),
  checks: (cast) => [
    guard({ id: 'answered', claim: 'On port 500 the gateway answers', expected: 'an answer on 500 at the client' }, (trace) => {
      const heard = seenAt(trace, { node: cast.clients[0]!.name, direction: 'in' }).filter(isIke);
      return { holds: heard.some(({ to }) => to.port === ports.ike), observed: heard[0] ? path(heard[0]) : 'nothing came', evidence: heard.slice(0, 2) };
    }),
    endsAtTheBox(cast, ports.natt),
    repeats(cast),
    timeToIt(cast),
    diagnosed(cast, 'moved-away'),
  ],
};

function setting(id: string, title: string, boxes: NonNullable<Adjustment['boxes']>, clients: NonNullable<Adjustment['clients']> = {}): Omit<Act, 'checks'> {
  return {
    id,
    title,
    topology: 'home',
    needs: { boxes: 1 },
    adjust: { boxes, clients },
    play: async (stage) => {
      const [client] = stage.cast.clients;
      stage.step('The client begins, and waits');
      await bringUp(stage, [client!], (2 * wholeWait(stage.cast) + seconds(10)) as Duration);
    },
  };
}

// ---- what the configuration says -----------------------------------------------------------------------------------------

const retransmissionOf = ({ clients }: Cast): { readonly first: Duration; readonly factor: number; readonly tries: number } => clients[0]!.plan.endpoint!.ike.retransmission;

/** The pauses behind each transmission, the last one included. */
function pauses(cast: Cast): readonly Duration[] {
  const { first, factor, tries } = retransmissionOf(cast);
  return Array.from({ length: tries + 1 }, (_, i) => (first * factor ** i) as Duration);
}

const wholeWait = (cast: Cast): Duration => pauses(cast).reduce((sum, pause) => (sum + pause) as Duration, 0 as Duration);

/** Timers of a real machine are late now and then. */
const slack = seconds(2);
const inWords = (ms: number): string => describeDuration(Math.round(ms / 100) * 100 as Duration);

// ---- what is claimed -----------------------------------------------------------------------------------------------------

const sentBy = (trace: Trace, { clients }: Cast): readonly SeenIke[] => seenAt(trace, { node: clients[0]!.name, direction: 'out' }).filter(isIke);

/** Each time that the client said its last message: the octets tell. */
function lastWords(trace: Trace, cast: Cast): readonly Seen[] {
  const said = sentBy(trace, cast);
  const last = said.at(-1);
  return last === undefined ? [] : said.filter((seen) => sameOnTheWay(seen, last));
}

const failureOf = (trace: Trace, { clients }: Cast): EventOf<'ike-sa'> | undefined => trace.of('ike-sa', clients[0]!.name).find(({ body }) => body.state === 'failed');

const endsAtTheBox = (cast: Cast, port: number): Check =>
  guard({ id: 'ends-at-the-box', claim: `What goes to UDP port ${port} ends at the box`, expected: 'seen inside, never outside' }, (trace) => {
    const inside = sentBy(trace, cast).filter(({ to }) => to.port === port);
    const outside = cameOut(trace, cast.boxes, inside);
    return { holds: inside.length > 0 && outside.length === 0, observed: `${plural(inside.length, 'message')} inside, ${outside.length} outside`, evidence: [...inside.slice(0, 2), ...outside.slice(0, 2)] };
  });

const repeats = (cast: Cast): Check => {
  const { factor, tries } = retransmissionOf(cast);
  return claim({ id: 'repeats', claim: 'The client says the same again and again, with pauses that grow', expected: `the same octets ${tries + 1} times, each pause ${factor} times the one before`, ref: 'RFC 7296 §2.4' }, (trace) => {
    const said = lastWords(trace, cast);
    if (said.length === 0) return nothing('the client said nothing');
    const between = said.slice(1).map(({ event }, i) => event.at - said[i]!.event.at);
    const wanted = pauses(cast).slice(0, -1);
    const grow = between.length === wanted.length && between.every((pause, i) => Math.abs(pause - wanted[i]!) <= slack);
    return { holds: grow, observed: `${plural(said.length, 'transmission')}${between.length > 0 ? `, pauses of ${between.map(inWords).join(', ')}` : ''}`, evidence: said.slice(0, 6) };
  });
};

const timeToIt = (cast: Cast): Check =>
  claim({ id: 'time', claim: 'It gives up when the last pause is over: so long it takes to know', expected: `${inWords(wholeWait(cast))} after it was first said`, ref: 'RFC 7296 §2.4' }, (trace) => {
    const [first] = lastWords(trace, cast);
    const failed = failureOf(trace, cast);
    if (!first || !failed) return nothing('the client has not given up');
    const took = failed.at - first.event.at;
    return { holds: Math.abs(took - wholeWait(cast)) <= slack, observed: inWords(took), evidence: [first, failed] };
  });

/** What the client can say, by how far it came. */
const diagnoses = {
  'nothing-heard': { words: 'Nothing has come back at all: UDP port 500 is blocked', claim: 'It says what it knows: nothing ever came back' },
  'moved-away': { words: 'It answered before the move and not after it: UDP port 4500 is blocked', claim: 'It says what it knows: the gateway is there, and 4500 does not get through' },
} as const;

const diagnosed = (cast: Cast, kind: keyof typeof diagnoses): Check =>
  claim({ id: 'diagnosis', claim: diagnoses[kind].claim, expected: `"${diagnoses[kind].words}"` }, (trace) => {
    const failed = failureOf(trace, cast);
    return failed ? { holds: failed.body.story.includes(diagnoses[kind].words), observed: failed.body.story, evidence: [failed] } : nothing('the client has not given up');
  });

/** ICMP errors that came in at the client. */
const refusalsAt = (trace: Trace, { clients }: Cast): readonly EventOf<'packet'>[] =>
  trace.of('packet', clients[0]!.name).filter(({ body }) => {
    const ip = body.direction === 'in' ? decodeIpv4(body.bytes) : undefined;
    const icmp = ip?.ok && ip.value.protocol === protocols.icmp ? decodeIcmp(ip.value.payload) : undefined;
    return icmp?.ok === true && icmp.value.kind === 'unreachable' && icmp.value.code === prohibited;
  });
