/** The gateway speaks first after a silence: has the box kept the mapping that IKE needs (RFC 3948 §4, RFC 7296 §2.4)? */
import { describeEndpoint } from '../../src/core/address.ts';
import { describeDuration, scaled, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Predicate } from '../backends/backend.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { saidBy } from '../checks/negotiation.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { findsPeerAlive } from '../checks/sas.ts';
import { answersProbe, happens } from '../checks/waiting.ts';
import { isIke, isKeepalive, path, ports, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import type { IkeMode } from '../topology/ike-version.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, connectAndTry, impatient, ping } from './stagecraft.ts';

/** The box forgets an idle mapping after this; a client that sends keepalives is never silent for so long. */
const timeout = seconds(30);
const interval = seconds(20);
const silence = scaled(timeout, 1.5);

export const ikeMappingTimeout = defineScenario({
  id: 'ike-mapping-timeout',
  chapter: 'Staying alive',
  title: 'The gateway speaks first',
  teaches:
    'IKE and ESP in UDP share one mapping, and when it is gone the gateway cannot reach the client by either: its question whether the client lives finds nobody, its rekey comes to nothing, its delete is never heard, and the client believes in a tunnel that is no more. Keepalives keep the way open; else it is for the client to speak first.',
  refs: ['RFC 3948 §4', 'RFC 7296 §2.4', 'RFC 3706 §5', 'RFC 3947 §7', 'RFC 4787 §4.3'],
  parameters: {},
  acts: () => [...words.flatMap((word) => [unheard(word), heard(word)]), clientFirst, clientAsks],
});

const v1Refs = { liveness: 'RFC 3706 §5', rekeying: 'RFC 2409 §5.5', ending: 'RFC 2408 §3.15', following: 'RFC 3947 §7' } as const;
const refs: Readonly<Record<IkeMode, Readonly<Record<keyof typeof v1Refs, string>>>> = {
  v2: { liveness: 'RFC 7296 §2.4', rekeying: 'RFC 7296 §2.8', ending: 'RFC 7296 §1.4.1', following: 'RFC 7296 §2.23' },
  v1: v1Refs,
  'v1-aggressive': v1Refs,
};

// ---- what the gateway says -------------------------------------------------------------------------------------------------

interface Word {
  readonly id: 'probe' | 'rekey' | 'delete';
  readonly says: string;
  /** What comes of it when nobody hears it, and when the client does. */
  readonly lost: string;
  readonly kept: string;
  say(stage: Stage): void;
  /** The gateway knows that it was not heard; of a delete it may never know. */
  unheard(cast: Cast): Predicate;
  heard(cast: Cast): Predicate;
  checksOfLost(cast: Cast): readonly Check[];
  checksOfKept(cast: Cast): readonly Check[];
}

const words: readonly Word[] = [
  {
    id: 'probe',
    says: 'The gateway asks the client whether it lives',
    lost: 'it hears nothing, and takes a healthy client for dead',
    kept: 'the client answers',
    say: ({ cast: { gateway, clients }, command }) => command(gateway.name, { kind: 'probe', connection: gateway.connection, peerIdentity: clients[0]!.identity }),
    unheard: ({ gateway }) => happens('peer-dead', 'the gateway takes the client for dead', ({ node }) => node === gateway.name),
    heard: ({ gateway }) => ({ describe: "the client's answer", sees: (event) => answersProbe(event, gateway.name) }),
    checksOfLost: (cast) => [
      claim({ id: 'taken-for-dead', claim: 'The gateway takes the client for dead', expected: 'the peer is given up after all retransmissions', ref: refs[cast.ike].liveness }, (trace) => {
        const dead = trace.of('peer-dead', cast.gateway.name);
        return { holds: dead.length > 0, observed: dead[0]?.body.story ?? 'it does not', evidence: dead };
      }),
      neverTold(cast),
      cutOff,
    ],
    checksOfKept: (cast) => [
      findsPeerAlive({ id: 'lives', claim: 'The client answers, and lives on', ref: refs[cast.ike].liveness }, cast.gateway.name),
      works,
    ],
  },
  {
    id: 'rekey',
    says: 'The gateway wants fresh keys for the child SA',
    lost: 'it gets none, and the old ones will wear out',
    kept: 'it gets them',
    say: ({ cast: { gateway, clients }, command }) => command(gateway.name, { kind: 'rekey', connection: gateway.connection, what: 'child', peerIdentity: clients[0]!.identity }),
    unheard: ({ gateway }) => happens('child-sa', 'the gateway gives the rekey up', ({ node, body }) => node === gateway.name && (body.state === 'failed' || body.state === 'deleted')),
    heard: ({ clients }) => happens('child-sa', 'another child SA at the client', ({ node, body }) => node === clients[0]!.name && body.state === 'established'),
    checksOfLost: (cast) => [freshKeys(cast, false)],
    checksOfKept: (cast) => [freshKeys(cast, true), works],
  },
  {
    id: 'delete',
    says: 'The gateway ends the IKE SA, and says so',
    lost: 'the client believes in a tunnel that is no more',
    kept: 'the client knows',
    say: ({ cast: { gateway, clients }, command }) => command(gateway.name, { kind: 'terminate', connection: gateway.connection, peerIdentity: clients[0]!.identity }),
    unheard: ({ gateway }) => happens('ike-sa', 'the gateway has ended it', ({ node, body }) => node === gateway.name && body.state === 'deleted'),
    heard: ({ clients }) => happens('ike-sa', 'the client has heard of it', ({ node, body }) => node === clients[0]!.name && body.state === 'deleted'),
    checksOfLost: (cast) => [neverTold(cast), cutOff],
    checksOfKept: (cast) => [
      claim({ id: 'told', claim: 'The client knows that its tunnel has ended', expected: 'its IKE SA is deleted', ref: refs[cast.ike].ending }, (trace) => {
        const deleted = deletions(trace, cast);
        return { holds: deleted.length > 0, observed: deleted[0]?.body.story ?? 'it does not know', evidence: deleted };
      }),
    ],
  },
];

// ---- the acts --------------------------------------------------------------------------------------------------------------

const setting = (keepalive: 'off' | Duration, preset = 'linux-masquerade'): Adjustment => ({
  clients: { ike: { keepalive: keepalive === 'off' ? 'off' : describeDuration(keepalive), ...impatient } },
  gateway: { ike: { keepalive: 'off', ...impatient } },
  boxes: { preset, behaviour: { timeouts: { unreplied: describeDuration(timeout), replied: describeDuration(timeout) } } },
});

/** Longer than somebody impatient tries. */
const patience = seconds(15);

function unheard(word: Word): Act {
  return {
    id: `${word.id}-lost`,
    title: `No keepalives. ${word.says}: ${word.lost}`,
    topology: 'home',
    needs: { boxes: 1 },
    adjust: setting('off'),
    play: async (stage) => {
      await connectAndTry(stage, 'at first');
      await fallsSilent(stage);
      await speaksToNobody(stage, word);
      await ping(stage, { ping: later, from: stage.cast.clients[0]!.name, to: stage.cast.server });
    },
    checks: (cast) => [expired(cast), diesAtTheBox(cast), ...word.checksOfLost(cast)],
  };
}

function heard(word: Word): Act {
  return {
    id: `${word.id}-kept`,
    title: `A keepalive every ${describeDuration(interval)}. ${word.says}: ${word.kept}`,
    topology: 'home',
    needs: { boxes: 1 },
    adjust: setting(interval),
    play: async (stage) => {
      await connectAndTry(stage, 'at first');
      stage.step(`Nobody has anything to say for ${describeDuration(silence)}, but for the keepalives`);
      await stage.pass(silence);
      stage.step(word.says);
      await stage.expect(word.heard(stage.cast), patience, () => word.say(stage));
      await ping(stage, { ping: later, from: stage.cast.clients[0]!.name, to: stage.cast.server });
    },
    checks: (cast) => [longEnough(cast), arrives(cast), ...word.checksOfKept(cast)],
  };
}

const clientFirst: Act = {
  id: 'client-first',
  title: 'The mapping is gone, but the client speaks before the gateway does: it opens another, and the gateway\'s next question finds it',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: setting('off', 'linux-masquerade-random'),
  play: async (stage) => {
    const [client] = stage.cast.clients;
    await connectAndTry(stage, 'at first');
    await fallsSilent(stage);
    stage.step('The client has something to send');
    await ping(stage, { ping: later, from: client!.name, to: stage.cast.server });
    const [word] = words;
    stage.step(word!.says);
    await stage.expect(word!.heard(stage.cast), patience, () => word!.say(stage));
  },
  checks: (cast) => [
    expired(cast),
    works,
    claim({ id: 'new-port', claim: 'The gateway asks at the new port', expected: "its question goes to where the client's data last came from", ref: refs[cast.ike].following }, (trace) => {
      const [question] = questions(trace, cast);
      const arrivals = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter(({ to, seq }) => to.port === ports.natt && seq < (question?.seq ?? 0));
      const [first, last] = [arrivals[0], arrivals.at(-1)];
      if (!question || !first || !last) return nothing('no question, or nothing before it');
      return { holds: describeEndpoint(first.from) !== describeEndpoint(last.from) && describeEndpoint(question.to) === describeEndpoint(last.from), observed: `the client was at ${describeEndpoint(first.from)}, then at ${describeEndpoint(last.from)}; the question went ${path(question)}`, evidence: [first, last, question] };
    }),
    arrives(cast),
  ],
};

const clientAsks: Act = {
  id: 'client-asks',
  title: 'The delete was not heard, and the client asks whether the gateway lives: no answer is an answer, and it begins anew',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: setting('off'),
  play: async (stage) => {
    const { cast } = stage;
    const [client] = cast.clients;
    const word = words.find(({ id }) => id === 'delete')!;
    await connectAndTry(stage, 'at first');
    await fallsSilent(stage);
    await speaksToNobody(stage, word);
    stage.step('The client asks whether the gateway lives');
    await stage.expect(happens('peer-dead', 'the client gives the gateway up', ({ node }) => node === client!.name), patience, () => stage.command(client!.name, { kind: 'probe', connection: client!.connection }));
    stage.step('It begins anew');
    await bringUp(stage, [client!]);
    await ping(stage, { ping: later, from: client!.name, to: cast.server });
  },
  checks: (cast) => [
    expired(cast),
    diesAtTheBox(cast),
    claim({ id: 'notices', claim: 'The client notices that the gateway has forgotten it', expected: 'it takes its peer for dead after all retransmissions', ref: refs[cast.ike].liveness }, (trace) => {
      const dead = trace.of('peer-dead', cast.clients[0]!.name);
      return { holds: dead.length > 0, observed: dead[0]?.body.story ?? 'it does not', evidence: dead };
    }),
    works,
  ],
};

async function fallsSilent(stage: Stage): Promise<void> {
  stage.step(`Nobody speaks. The box forgets after ${describeDuration(timeout)}`);
  await stage.expect(happens('mapping-expired', 'the mapping expires', ({ body }) => body.mapping.inside.port === ports.natt), silence);
  await stage.pass(seconds(1));
}

/** Until the last of it is certainly lost: whatever the client sends opens the box again. */
async function speaksToNobody(stage: Stage, word: Word): Promise<void> {
  stage.step(word.says);
  await stage.expect(word.unheard(stage.cast), patience, () => word.say(stage));
  await stage.pass(seconds(1));
}

// ---- checks ----------------------------------------------------------------------------------------------------------------

const later = 'after the silence';
const works = answered({ id: 'works', claim: 'The tunnel carries data' }, later);
const cutOff = unanswered({ id: 'cut-off', claim: 'What the client sends into its tunnel is lost' }, later);

/** What the gateway says of its own accord; it answers, as long as it is the client that has something to say. */
const questions = (trace: Trace, { gateway }: Cast): readonly Seen[] => saidBy(trace, gateway.name).questions;
const deletions = (trace: Trace, { clients }: Cast) => trace.of('ike-sa', clients[0]!.name).filter(({ body }) => body.state === 'deleted' || body.state === 'failed');
const came = (trace: Trace, { clients }: Cast, question: Seen): boolean => seenAt(trace, { node: clients[0]!.name, direction: 'in' }).some((seen) => isIke(seen) && sameOnTheWay(seen, question));

const expired = ({ boxes }: Cast): Check =>
  guard({ id: 'expired', claim: 'The mapping of port 4500 expired while nobody spoke', expected: "it is gone from the box's table" }, (trace) => {
    const gone = trace.of('mapping-expired', boxes[0]?.name).filter(({ body }) => body.mapping.inside.port === ports.natt);
    return { holds: gone.length > 0, observed: gone[0]?.body.story ?? 'nothing expired', evidence: gone.slice(0, 1) };
  });

const longEnough = (cast: Cast): Check =>
  guard({ id: 'long-enough', claim: 'Nothing but keepalives crossed the box for longer than it remembers', expected: `more than ${describeDuration(timeout)} before the gateway speaks` }, (trace) => {
    const [question] = questions(trace, cast);
    const data = seenAt(trace, { node: cast.clients[0]!.name }).filter((seen) => !isKeepalive(seen) && seen.seq < (question?.seq ?? 0));
    const last = data.at(-1);
    if (!question || !last) return nothing('the gateway said nothing');
    const idle = question.event.at - last.event.at;
    return { holds: idle > timeout, observed: describeDuration(Math.round(idle) as Duration), evidence: [last, question] };
  });

const diesAtTheBox = (cast: Cast): Check =>
  claim({ id: 'dies-at-the-box', claim: 'What the gateway says comes to the box and goes no further', expected: 'each transmission is seen outside, and none inside', ref: 'RFC 4787 §4.3' }, (trace) => {
    const said = questions(trace, cast);
    const outside = cast.boxes.flatMap((box) => seenAt(trace, { node: box.name, interface: box.outside, direction: 'in' })).filter((seen) => said.some((question) => sameOnTheWay(question, seen)));
    const through = said.filter((question) => came(trace, cast, question));
    return { holds: outside.length > 0 && through.length === 0, observed: `${plural(outside.length, 'transmission')} at the box, ${through.length} at the client`, evidence: [...outside.slice(0, 2), ...through.slice(0, 2)] };
  });

const arrives = (cast: Cast): Check =>
  claim({ id: 'arrives', claim: 'What the gateway says reaches the client at the first attempt', expected: 'the first transmission is seen at the client', ref: 'RFC 3948 §4' }, (trace) => {
    const [question] = questions(trace, cast);
    return question === undefined ? nothing('the gateway said nothing') : { holds: came(trace, cast, question), observed: `${path(question)}, ${came(trace, cast, question) ? 'and it arrived' : 'and it did not arrive'}`, evidence: [question] };
  });

const neverTold = (cast: Cast): Check =>
  claim({ id: 'never-told', claim: 'The client believes that its tunnel is up', expected: 'its IKE SA stands' }, (trace) => {
    const up = trace.of('ike-sa', cast.clients[0]!.name).filter(({ body }) => body.state === 'established');
    const down = deletions(trace, cast);
    return { holds: up.length > 0 && down.length === 0, observed: down[0]?.body.story ?? (up.length > 0 ? 'it has heard nothing' : 'it never had one'), evidence: [...up.slice(0, 1), ...down] };
  });

const freshKeys = (cast: Cast, wanted: boolean): Check =>
  claim({ id: wanted ? 'fresh-keys' : 'no-fresh-keys', claim: wanted ? 'There is another child SA with fresh keys' : 'There are no fresh keys', expected: wanted ? 'a second child SA at the client' : 'no second child SA at the client', ref: refs[cast.ike].rekeying }, (trace) => {
    const up = trace.of('child-sa', cast.clients[0]!.name).filter(({ body }) => body.state === 'established');
    return { holds: up.length > 0 && up.length > 1 === wanted, observed: plural(up.length, 'child SA'), evidence: up };
  });
