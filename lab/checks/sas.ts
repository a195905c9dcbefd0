/** Claims about what became of IKE SAs and child SAs, by what their daemons tell. */
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { plural } from '../wording.ts';
import { claim } from './check.ts';
import type { Check, ClaimText } from './check.ts';
import { answersProbe } from './waiting.ts';

type Text = Omit<ClaimText, 'expected'>;

const failuresOf = (trace: Trace, node: string): readonly EventOf<'ike-sa'>[] => trace.of('ike-sa', node).filter(({ body }) => body.state === 'failed');
const tunnelsOf = (trace: Trace, node: string): readonly EventOf<'child-sa'>[] => trace.of('child-sa', node).filter(({ body }) => body.state === 'established');

/** Nobody has answered it for so long that it no longer asks. */
export const givesUp = (text: Text, node: string): Check =>
  claim({ ...text, expected: 'its IKE SA fails after all retransmissions' }, (trace) => {
    const failed = failuresOf(trace, node);
    return { holds: failed.length > 0, observed: failed[0]?.body.story ?? 'it has not given up', evidence: failed.slice(0, 1) };
  });

/** It has failed, and has had no tunnel at any time. */
export const neverIn = (text: Text, node: string): Check =>
  claim({ ...text, expected: 'its IKE SA fails, no child SA' }, (trace) => {
    const [failed, tunnels] = [failuresOf(trace, node), tunnelsOf(trace, node)];
    return { holds: failed.length > 0 && tunnels.length === 0, observed: failed[0]?.body.story ?? `no failure, ${plural(tunnels.length, 'child SA')}`, evidence: [...failed.slice(0, 1), ...tunnels.slice(0, 1)] };
  });

/** Each of them has a tunnel, whatever gets through it. */
export const haveTunnels = (text: Text, nodes: readonly string[]): Check =>
  claim({ ...text, expected: 'an established child SA of each' }, (trace) => {
    const up = nodes.flatMap((node) => tunnelsOf(trace, node).slice(0, 1));
    return { holds: up.length === nodes.length, observed: `${up.length} of ${nodes.length}`, evidence: up };
  });

/** Who asked whether the other lives has been told so, and nobody is taken for dead. */
export const findsPeerAlive = (text: Text, asker: string): Check =>
  claim({ ...text, expected: 'an answer, and nobody taken for dead' }, (trace) => {
    const answers = trace.of('ike-message', asker).filter((event) => answersProbe(event, asker));
    const dead = trace.of('peer-dead');
    return { holds: answers.length > 0 && dead.length === 0, observed: `${plural(answers.length, 'answer')}, ${dead.length} taken for dead`, evidence: [...answers.slice(0, 1), ...dead.slice(0, 1)] };
  });
