/**
 * RFC 4787 §4.3: how long a mapping lives, and what keeps it alive. A mapping can be asked only once whether it is still there, for the question may renew
 * it. So many are opened at once, and the server speaks to each at another age: one pass closes in on the time, a second one between the last age that was
 * reached and the first that was not closes in further.
 */
import type { Endpoint } from '../core/address.ts';
import { after, milliseconds, scaled, seconds, type Duration } from '../core/time.ts';
import type { Tag } from './attributes.ts';
import type { Bench, Exchange, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Lifetime } from './classification.ts';
import type { Experiment } from './experiment.ts';
import type { Carrier } from './letter.ts';
import { foreignServer } from './powers.ts';

export interface LifetimeOptions {
  readonly carrier?: Carrier;
  readonly to: Endpoint;
  /** With traffic both ways before the silence. */
  readonly replied: boolean;
  /** The longest silence that is tried. */
  readonly longest: Duration;
}

/** The shortest age that is tried, and how much longer each further one is. */
const shortest = seconds(2);
const growth = 1.3;
/** Into how many parts the second pass divides what the first has left open. */
const parts = 12;
/** So many mappings in line must be gone before the search ends: a single one may be a lost packet. */
const inLine = 2;

/** Questions and answers in a conversation, the last one included. */
const exchangesInConversation = 6;

export function* lifetime(bench: Bench, server: Server, options: LifetimeOptions): Experiment<Finding<Lifetime>> {
  if (server.powers === undefined) return notMeasured(foreignServer);
  const coarse = yield* closeIn(bench, server, options, ladder(options.longest));
  if (coarse === undefined) return notMeasured('no flow reached the server');
  const [below, beyond] = coarse.gone;
  if (below === undefined) return found({ atLeast: coarse.atLeast, below });
  const step = (below - coarse.atLeast) / parts;
  const between = Array.from({ length: parts }, (_, i) => milliseconds(Math.round(coarse.atLeast + (i + 1) * step)));
  const fine = yield* closeIn(bench, server, options, between);
  if (fine === undefined) return found({ atLeast: coarse.atLeast, below });
  return found({ atLeast: milliseconds(Math.max(coarse.atLeast, fine.atLeast)), below: fine.gone[0] ?? beyond }); // what lives as long in the second pass had lost its packet in the first
}

function ladder(longest: Duration): Duration[] {
  const ages: Duration[] = [];
  for (let age: Duration = shortest; age < longest; age = scaled(age, growth)) ages.push(milliseconds(Math.round(age)));
  return [...ages, longest];
}

interface Course {
  /** The last age at which a mapping was there. */
  readonly atLeast: Duration;
  /** The ages after it at which none was: up to `inLine`. */
  readonly gone: readonly Duration[];
}

/** Opens a flow for each age, and sees which of them the server still reaches. Undefined when none could be opened. */
function* closeIn(bench: Bench, server: Server, options: LifetimeOptions, ages: readonly Duration[]): Experiment<Course | undefined> {
  const opened = options.replied ? yield* conversed(bench, options, ages) : yield* spokenOnce(bench, server, options, ages);
  if (opened.length === 0) return undefined;
  let atLeast = milliseconds(0);
  let gone: Duration[] = [];
  for (const [i, { age, exchange }] of opened.entries()) {
    const alive = (): boolean => exchange.answers.some((answer) => answer.after === age);
    yield { at: after(exchange.sentAt, milliseconds(age + bench.config.patience)), reason: `a mapping is ${age / 1000} s old`, ready: alive };
    if (alive()) {
      atLeast = age;
      gone = [];
    } else gone.push(age);
    if (gone.length === inLine) {
      bench.callOff(server, opened.slice(i + 1).map((further) => further.exchange.tag));
      break;
    }
  }
  return { atLeast, gone };
}

interface Opened {
  readonly age: Duration;
  readonly exchange: Exchange;
}

/** One packet out, and nothing back before its time. Whether it came out is asked of the server by another way. */
function* spokenOnce(bench: Bench, server: Server, { carrier = 'udp', to }: LifetimeOptions, ages: readonly Duration[]): Experiment<readonly Opened[]> {
  const opened = ages.map((age) => ({ age, exchange: bench.pose({ carrier, from: bench.fresh(), to, answerAfter: [age] }) }));
  const reached = yield* seen(bench, server, opened.map(({ exchange }) => exchange));
  return opened.filter(({ exchange }) => reached.has(exchange.tag));
}

/** Those that the server has seen; those that it has not are sent once more. */
function* seen(bench: Bench, server: Server, exchanges: readonly Exchange[]): Experiment<ReadonlySet<Tag>> {
  const reached = new Set<Tag>();
  for (let round = 0; round < 2; round++) {
    yield* bench.pass(milliseconds(bench.config.patience / 4), 'packets are under way');
    const missing = exchanges.filter(({ tag }) => !reached.has(tag));
    for (const [tag, { count }] of yield* bench.reports(server, missing.map(({ tag }) => tag))) if (count > 0) reached.add(tag);
    if (reached.size === exchanges.length) break;
    if (round === 0) for (const exchange of exchanges) if (!reached.has(exchange.tag)) bench.pose(exchange.question, exchange);
  }
  return reached;
}

function* conversed(bench: Bench, { carrier = 'udp', to }: LifetimeOptions, ages: readonly Duration[]): Experiment<readonly Opened[]> {
  const began = bench.now;
  const pause = scaled(bench.config.conversation, 1 / (exchangesInConversation - 1));
  let flows = ages.map((age) => ({ age, from: bench.fresh(), tag: bench.newTag() }));
  for (let i = 1; i < exchangesInConversation; i++) {
    const exchanges = yield* bench.ask(...flows.map(({ from, tag }) => ({ carrier, from, to, tag })));
    if (i === 1) flows = flows.filter((_, n) => exchanges[n]!.answers.length > 0); // the box has no room for the others
    const next = after(began, scaled(pause, i));
    if (next > bench.now) yield { at: next, reason: 'a conversation goes on' };
  }
  return flows.map(({ age, from, tag }) => ({ age, exchange: bench.pose({ carrier, from, to, tag, answerAfter: [milliseconds(0), age] }) }));
}

// ---- what keeps it alive ----

const flowsForRefresh = 2;

/** One packet out at 0.6 of a life: whether the mapping is there at 1.2. */
export function* refreshOutbound(bench: Bench, server: Server, life: Finding<Lifetime>): Experiment<Finding<boolean>> {
  const age = ageForRefresh(life);
  if (typeof age !== 'number') return age;
  const flows = Array.from({ length: flowsForRefresh }, () => bench.pose({ from: bench.fresh(), to: server.primary, answerAfter: [] }));
  yield* bench.pass(age, 'a mapping is left alone');
  const again = flows.map(({ question, tag }) => bench.pose({ ...question, tag, answerAfter: [age] }));
  yield* bench.pass(milliseconds(age + bench.config.patience), 'a mapping that was spoken through is left alone');
  return found(again.some(({ answers }) => answers.length > 0));
}

/** One packet in at 0.6 of a life: whether the mapping is there at 1.2. */
export function* refreshInbound(bench: Bench, server: Server, life: Finding<Lifetime>): Experiment<Finding<boolean>> {
  const age = ageForRefresh(life);
  if (typeof age !== 'number') return age;
  const twice = scaled(age, 2);
  const flows = Array.from({ length: flowsForRefresh }, () => bench.pose({ from: bench.fresh(), to: server.primary, answerAfter: [age, twice] }));
  yield* bench.pass(milliseconds(twice + bench.config.patience), 'a mapping is spoken to from outside');
  if (!flows.some(({ answers }) => answers.some((answer) => answer.after === age))) return notMeasured('nothing came in while the mapping lived');
  return found(flows.some(({ answers }) => answers.some((answer) => answer.after === twice)));
}

/** 0.6 of a life. The time of a life that was not seen to end cannot be told. */
function ageForRefresh(life: Finding<Lifetime>): Duration | Finding<never> {
  if (!life.measured) return life;
  const { atLeast, below } = life.value;
  if (below === undefined) return notMeasured('no mapping was seen to end');
  return milliseconds(Math.round(0.3 * (atLeast + below)));
}
