/** RFC 4787 §6: from inside to inside, by the outside address. */
import { sameEndpoint } from '../core/address.ts';
import { after, scaled } from '../core/time.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Measured } from './classification.ts';
import type { Experiment } from './experiment.ts';

const rounds = 3;

/** Two flows learn their outside endpoints and speak to each other's, so that neither's filter stands in the way. The second is another host's where there is one. */
export function* hairpinning(bench: Bench, { primary }: Server): Experiment<Finding<Measured['hairpinning']>> {
  const [one, other] = [bench.fresh(), bench.fresh(bench.second ?? bench.first)];
  const [first, second] = yield* bench.ask({ from: one, to: primary }, { from: other, to: primary });
  const [there, here] = [first!.answers[0]?.mapped, second!.answers[0]?.mapped];
  if (there === undefined || here === undefined) return notMeasured('the flows were not answered');
  const tag = bench.newTag();
  const arrived = (): boolean => bench.straysOf(tag).length > 0;
  for (let round = 0; round < rounds && !arrived(); round++) {
    bench.pose({ from: one, to: here, tag });
    bench.pose({ from: other, to: there, tag });
    yield { at: after(bench.now, scaled(bench.config.patience, 1 / rounds)), reason: 'a packet may come back in', ready: arrived };
  }
  const [stray] = bench.straysOf(tag);
  if (stray === undefined) return found('none');
  return found(sameEndpoint(stray.from, one) || sameEndpoint(stray.from, other) ? 'internal source' : 'external source');
}
