/** RFC 4787 §4.1, §4.2: which outside address and port a flow is given. */
import { sameEndpoint, type Endpoint } from '../core/address.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Measured } from './classification.ts';
import type { Experiment } from './experiment.ts';

export type Allocation = { readonly [Name in 'ports' | 'parity' | 'contiguity' | 'pooling']: Finding<Measured[Name]> };

const flows = 12;
/** A box that counts up has others to serve between two of our flows. */
const widestStep = 16;

/** Ports that follow one another, one after the other: what they become. */
export function* allocation(bench: Bench, { primary }: Server): Experiment<Allocation> {
  const pairs: { readonly inside: Endpoint; readonly outside: Endpoint }[] = [];
  for (let i = 0; i < flows; i++) {
    const inside = bench.fresh();
    const answer = yield* bench.askOne({ from: inside, to: primary });
    if (answer) pairs.push({ inside, outside: answer.mapped });
  }
  if (pairs.length < flows / 2) {
    const why = notMeasured(`${pairs.length} of ${flows} flows were answered`);
    return { ports: why, parity: why, contiguity: why, pooling: why };
  }
  const neighbours = pairs.slice(1).flatMap((pair, i) => (pair.inside.port === pairs[i]!.inside.port + 1 ? [pair.outside.port - pairs[i]!.outside.port] : []));
  const kept = pairs.filter(({ inside, outside }) => inside.port === outside.port).length;
  const steps = neighbours.filter((step) => step >= 1 && step <= widestStep).length;
  return {
    ports: found(2 * kept > pairs.length ? 'preserve' : steps >= neighbours.length - 1 ? 'sequential' : 'random'), // one step may lead from the end of the range to its beginning
    parity: found(pairs.every(({ inside, outside }) => inside.port % 2 === outside.port % 2)),
    contiguity: found(neighbours.every((step) => step === 1)),
    pooling: found(new Set(pairs.map(({ outside }) => outside.address)).size === 1 ? 'one address' : 'several addresses'),
  };
}

export const noSecondHost = 'it takes a second address on the inside';

export type Conflict = { readonly [Name in 'conflict' | 'overloading']: Finding<Measured[Name]> };

/** Two clients with the same port: to one server, to two. */
export function* conflict(bench: Bench, { primary, alternate }: Server): Experiment<Conflict> {
  const second = bench.second;
  if (second === undefined) return { conflict: notMeasured(noSecondHost), overloading: notMeasured(noSecondHost) };
  const [port, otherPort] = [bench.fresh(), bench.fresh()];
  const [there, elsewhere] = yield* bench.ask({ from: port, to: primary }, { from: otherPort, to: primary });
  const [same, other] = yield* bench.ask({ from: { address: second, port: port.port }, to: primary }, ...(alternate === undefined ? [] : [{ from: { address: second, port: otherPort.port }, to: alternate }]));
  const [first, rival] = [there!.answers[0], same!.answers[0]];
  const [one, another] = [elsewhere!.answers[0], other?.answers[0]];
  return {
    conflict: first === undefined ? notMeasured('the first client was not answered') : found(rival === undefined ? 'refused' : sameEndpoint(first.mapped, rival.mapped) ? 'the same port' : 'another port'),
    overloading: one === undefined || another === undefined ? notMeasured('no second server answered the second client') : found(sameEndpoint(one.mapped, another.mapped)),
  };
}
