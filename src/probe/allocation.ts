/** RFC 4787 §4.1, §4.2: which outside address and port a flow is given. */
import { sameEndpoint, type Endpoint } from '../core/address.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Measured } from './classification.ts';
import type { Experiment } from './experiment.ts';
import { lacking } from './powers.ts';
import { silent } from './silence.ts';

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

export type Conflict = { readonly [Name in 'conflict' | 'overloading' | 'deterministic']: Finding<Measured[Name]> };

/** Two clients with the same port: to one server, to two. And whether the second one's mapping is of the same kind as the first one's (RFC 4787 §8). */
export function* conflict(bench: Bench, server: Server): Experiment<Conflict> {
  const { primary, alternate } = server;
  const second = bench.second;
  if (second === undefined) return { conflict: notMeasured(noSecondHost), overloading: notMeasured(noSecondHost), deterministic: notMeasured(noSecondHost) };
  const [mine, other] = [bench.fresh(), bench.fresh()];
  const places = alternate === undefined ? [] : [alternate];
  const [there, elsewhere, ...mineElsewhere] = yield* bench.ask({ from: mine, to: primary }, { from: other, to: primary }, ...places.map((to) => ({ from: mine, to })));
  const [same] = yield* bench.ask({ from: { ...mine, address: second }, to: primary });
  const [otherwise, ...rivalElsewhere] = yield* bench.ask(...places.flatMap((to) => [{ from: { ...other, address: second }, to }, { from: { ...mine, address: second }, to }]));
  const [first, rival] = [there!.answers[0]?.mapped, same!.answers[0]?.mapped];
  const [one, another] = [elsewhere!.answers[0]?.mapped, otherwise?.answers[0]?.mapped];
  const kinds = [[first, mineElsewhere[0]?.answers[0]?.mapped], [rival, rivalElsewhere[0]?.answers[0]?.mapped]].map(([a, b]) => (a === undefined || b === undefined ? undefined : sameEndpoint(a, b)));
  return {
    conflict: first === undefined ? notMeasured('the first client was not answered') : rival === undefined ? yield* silent(bench, server, 'refused' as const, second) : found(outcomeOf(first, rival)),
    overloading: one === undefined || another === undefined ? notMeasured('no second server answered the second client') : found(sameEndpoint(one, another)),
    deterministic: kinds.includes(undefined) ? notMeasured('a client was not answered by both servers') : found(kinds[0] === kinds[1]),
  };
}

function outcomeOf(first: Endpoint, rival: Endpoint): Measured['conflict'] {
  if (rival.port !== first.port) return 'another port';
  return rival.address === first.address ? 'the same port' : 'another address';
}

/** Below 1024, and not among those that Linux hands to nobody. */
const lowPort = { first: 700, count: 200 } as const;

/** A low port that must become another: because a second client has it already, or because the box keeps none. */
export function* lowPorts(bench: Bench, server: Server): Experiment<Finding<Measured['lowPorts']>> {
  const lacks = lacking(bench, server, 'ikePorts');
  if (lacks !== undefined) return notMeasured(lacks);
  const { primary } = server;
  const port = lowPort.first + (bench.fresh().port % lowPort.count);
  const first = yield* bench.askOne({ from: { address: bench.first, port }, to: primary });
  if (first === undefined) return notMeasured('a low port was not answered');
  const told = (mapped: Endpoint): Finding<Measured['lowPorts']> => found(mapped.port < 1024 ? 'stay low' : 'become high');
  if (first.mapped.port !== port) return told(first.mapped);
  if (bench.second === undefined) return notMeasured(noSecondHost);
  const rival = yield* bench.askOne({ from: { address: bench.second, port }, to: primary });
  if (rival === undefined || rival.mapped.port === port) return notMeasured('no low port had to become another one');
  return told(rival.mapped);
}
