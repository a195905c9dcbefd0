/** RFC 5780 §4.3, §4.4: of what a box's mapping depends, and its filter. */
import { describeEndpoint, sameEndpoint } from '../core/address.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Dependence, type Finding } from './classification.ts';
import type { Experiment } from './experiment.ts';
import type { Carrier } from './letter.ts';

export const oneAddress = 'the server has one address only';

/** As many flows are looked at as make chance unlikely. */
const flows = 3;

const dependences = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const satisfies readonly Dependence[];

/** One port to three places: the same outside port for all, for all ports of an address, or for each its own. */
export function* mappingBehaviour(bench: Bench, { primary, alternate }: Server, carrier: Carrier = 'udp'): Experiment<Finding<Dependence>> {
  if (alternate === undefined) return notMeasured(oneAddress);
  const places = [primary, { address: primary.address, port: alternate.port }, { address: alternate.address, port: primary.port }, alternate];
  const exchanges = yield* bench.ask(...Array.from({ length: flows }, () => bench.fresh()).flatMap((from) => places.map((to) => ({ carrier, from, to }))));
  const silent = exchanges.find(({ answers }) => answers.length === 0);
  if (silent) return notMeasured(`no answer from ${describeEndpoint(silent.question.to)}`);
  const seen = exchanges.map(({ answers: [answer] }) => answer!.mapped);
  const kinds = Array.from({ length: flows }, (_, flow): number => {
    const [first, otherPort, otherAddress, both] = seen.slice(flow * places.length, (flow + 1) * places.length);
    if (!sameEndpoint(first!, otherPort!)) return 2;
    return sameEndpoint(first!, otherAddress!) && sameEndpoint(first!, both!) ? 0 : 1;
  });
  return found(dependences[Math.max(...kinds)]!); // the same by chance is possible, another one by chance is not
}

/** A port that has spoken to one place only: who else may speak to it. */
export function* filteringBehaviour(bench: Bench, { primary, alternate }: Server): Experiment<Finding<Dependence>> {
  if (alternate === undefined) return notMeasured(oneAddress);
  const [direct, fromOtherAddress, fromOtherPort] = yield* bench.ask(
    { from: bench.fresh(), to: primary },
    { from: bench.fresh(), to: primary, change: { address: true, port: true } },
    { from: bench.fresh(), to: primary, change: { address: false, port: true } },
  );
  if (direct!.answers.length === 0) return notMeasured(`no answer from ${describeEndpoint(primary)}`);
  return found(fromOtherAddress!.answers.length > 0 ? 'endpoint-independent' : fromOtherPort!.answers.length > 0 ? 'address-dependent' : 'address-and-port-dependent');
}
