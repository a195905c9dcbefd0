/**
 * What only IPsec meets: two clients that both want source port 500 or 4500, or both send ESP, which has no ports. The first one talks; the second one
 * begins; a late answer to the first shows what has become of it.
 */
import { sameEndpoint, type Endpoint } from '../core/address.ts';
import { after, describeDuration, milliseconds } from '../core/time.ts';
import type { Power } from './attributes.ts';
import { noSecondHost } from './allocation.ts';
import type { Bench, Exchange, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Rival } from './classification.ts';
import type { Experiment } from './experiment.ts';
import type { Carrier } from './letter.ts';
import { oneAddress } from './mapping.ts';
import { lacking } from './powers.ts';
import { silent } from './silence.ts';

export interface Rivalry {
  /** What the first client's own port became; of ESP, which has none, `kept`. */
  readonly first: Finding<'kept' | 'changed' | 'blocked'>;
  /** The second client, to the same server; to another one. */
  readonly same: Finding<Rival>;
  readonly elsewhere: Finding<Rival>;
}

/** `port`: of both ends; 0 for ESP. */
export function* rivalry(bench: Bench, server: Server, carrier: Carrier, port: number): Experiment<Rivalry> {
  const power: Power = carrier === 'esp' ? 'esp' : 'ikePorts';
  const lacks = lacking(bench, server, power);
  if (lacks !== undefined) return { first: notMeasured(lacks), same: notMeasured(lacks), elsewhere: notMeasured(lacks) };
  const from = { address: bench.first, port };
  const to = { address: server.primary.address, port };
  const tag = bench.newTag();
  const answer = yield* bench.askOne({ carrier, from, to, tag });
  if (answer === undefined) {
    const first = yield* silent(bench, server, 'blocked' as const);
    const why = notMeasured(first.measured ? 'the first client is blocked' : first.why);
    return { first, same: why, elsewhere: why };
  }
  const first = found(answer.mapped.port === port ? ('kept' as const) : ('changed' as const));
  if (bench.second === undefined) return { first, same: notMeasured(noSecondHost), elsewhere: notMeasured(noSecondHost) };
  const contest = (place: Endpoint): Experiment<Finding<Rival>> => contestFor(bench, server, { carrier, from, to, tag }, { carrier, from: { address: bench.second!, port }, to: place });
  const elsewhere = server.alternate === undefined ? notMeasured(oneAddress) : yield* contest({ address: server.alternate.address, port });
  return { first, elsewhere, same: yield* contest(to) };
}

interface Side {
  readonly carrier: Carrier;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly tag?: string;
}

function* contestFor(bench: Bench, server: Server, holder: Side, rival: Side): Experiment<Finding<Rival>> {
  const later = milliseconds(Math.round(1.5 * bench.config.patience));
  const askAgain = () => bench.ask({ ...holder, answerAfter: [milliseconds(0), later] });
  const cameLate = ({ answers }: Exchange): boolean => answers.some((answer) => answer.after === later);
  const lateAnswer = function* (held: Exchange): Experiment<boolean> {
    yield { at: after(held.sentAt, milliseconds(later + bench.config.patience)), reason: 'a late answer to the first client', ready: () => cameLate(held) };
    return cameLate(held);
  };

  const [held] = yield* askAgain();
  const [before] = held!.answers;
  if (before === undefined) return notMeasured('the first client was not answered again');
  const reached = yield* bench.askOne(rival);
  const holds = yield* lateAnswer(held!);
  if (reached === undefined) return yield* silent(bench, server, 'refused' as const, rival.from.address);
  if (!holds) {
    // Or it has only grown too old: alone, too, the first one then waits in vain.
    const [alone] = yield* askAgain();
    return alone!.answers.length === 0 || (yield* lateAnswer(alone!)) ? found('takes over') : notMeasured(`mappings live for less than ${describeDuration(later)}, too short to see whether a second client takes one over`);
  }
  return found(sameEndpoint(reached.mapped, before.mapped) ? 'shares' : 'its own');
}
