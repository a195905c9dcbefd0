/** What becomes of packets that are no everyday ones: fragments, datagrams without a checksum. */
import { sameEndpoint } from '../core/address.ts';
import { milliseconds } from '../core/time.ts';
import { provocation } from './attributes.ts';
import type { Bench, Question, Server } from './bench.ts';
import { found, notMeasured, type ChecksumFate, type ErrorFate, type Finding, type FragmentFate } from './classification.ts';
import type { Experiment } from './experiment.ts';
import type { Letter } from './letter.ts';
import { lacking } from './powers.ts';
import { silent } from './silence.ts';

/** Two fragments and a half: enough for an order. */
const large = 3400;

/** RFC 4787 §11: out through the box, in order and the last one first. */
export function* fragmentsOutward(bench: Bench, server: Server, order: 'in-order' | 'last-first'): Experiment<Finding<FragmentFate>> {
  const lacks = lacking(bench, server, 'packets');
  if (lacks !== undefined) return notMeasured(lacks);
  const flows = [1, 2].map(() => bench.pose({ from: bench.fresh(), to: server.primary, answerAfter: [], padding: { length: large, order } }));
  yield* bench.pass(milliseconds(bench.config.patience / 2), 'fragments are under way');
  const seen = yield* bench.reports(server, flows.map(({ tag }) => tag));
  const sightings = flows.flatMap(({ tag }) => seen.get(tag) ?? []);
  if (sightings.some(({ count }) => count > 0)) return found('whole');
  return sightings.some(({ fragments }) => fragments > 0) ? found('first only') : yield* silent(bench, server, 'dropped' as const);
}

/** Fits a packet of 1500 octets; the answer, which says a little more, does not. */
const nearlyTooLarge = 1424;

/** In through the box: the answer comes in two pieces. */
export function* fragmentsInward(bench: Bench, server: Server): Experiment<Finding<FragmentFate>> {
  const lacks = lacking(bench, server, 'packets');
  if (lacks !== undefined) return notMeasured(lacks);
  const before = bench.fragmentsHeard;
  const question: Question = { from: bench.fresh(), to: server.primary, padding: { length: nearlyTooLarge, order: 'in-order' } };
  const answer = yield* bench.askOne(question);
  if (answer !== undefined) return found('whole');
  return bench.fragmentsHeard > before ? found('first only') : yield* silent(bench, server, 'dropped' as const);
}

const checksumFates: Record<Letter['checksum'], ChecksumFate> = { zero: 'left alone', computed: 'filled in', wrong: 'made wrong' };

export function* zeroChecksum(bench: Bench, server: Server): Experiment<Finding<ChecksumFate>> {
  const lacks = lacking(bench, server, 'packets');
  if (lacks !== undefined) return notMeasured(lacks);
  const flows = [1, 2].map(() => bench.pose({ from: bench.fresh(), to: server.primary, answerAfter: [], checksum: 'zero' }));
  yield* bench.pass(milliseconds(bench.config.patience / 2), 'datagrams without a checksum are under way');
  const seen = yield* bench.reports(server, flows.map(({ tag }) => tag));
  const [sighting] = flows.flatMap(({ tag }) => seen.get(tag) ?? []);
  if (sighting === undefined || sighting.count === 0) return yield* silent(bench, server, 'dropped' as const);
  return found(checksumFates[sighting.checksum]);
}

/** RFC 5508 §4: an ICMP error about what went out comes back. */
export function* icmpErrors(bench: Bench, server: Server): Experiment<Finding<ErrorFate>> {
  const lacks = lacking(bench, server, 'packets');
  if (lacks !== undefined) return notMeasured(lacks);
  const flows = [1, 2].map(() => bench.pose({ from: bench.fresh(), to: server.primary, more: [provocation] }));
  yield* bench.pass(milliseconds(bench.config.patience / 2), 'errors are under way');
  const quoted = flows.flatMap(({ question, errors }) => errors.map((source) => sameEndpoint(source, question.from)));
  if (quoted.length === 0) return yield* silent(bench, server, 'dropped' as const);
  return found(quoted.every(Boolean) ? 'translated' : 'outer only');
}
