/** What was known of a packet when the report was written, told again in the order in which its tree asks. */
import { fromHex } from '../../../../src/core/bytes.ts';
import type { Inside, Insight } from '../../../../src/wire/insight.ts';
import type { Tree } from '../../../../src/wire/tree.ts';
import { packetTree } from '../../../capture/tree.ts';
import type { Answer, Knowledge } from '../document.ts';

/** A packet with all that is known of it; `seq` is the number of its event. */
export function treeOf(bytes: Uint8Array, seq: number, knowledge: Knowledge | undefined): Tree {
  const known = knowledge?.packets[seq];
  if (known === undefined) return packetTree(bytes, undefined, undefined);
  return packetTree(bytes, known.whole === undefined ? undefined : fromHex(known.whole), retold(known.heard.map((place) => knowledge!.answers[place] ?? null)));
}

function retold(answers: readonly Answer[]): Insight {
  const left = [...answers];
  const next = <Said>(read: (answer: NonNullable<Answer>) => Said): Said | undefined => {
    const answer = left.shift() ?? null;
    return answer === null ? undefined : read(answer);
  };
  return {
    ike: () => next((answer): Inside | string | undefined => (typeof answer === 'string' ? answer : 'payloads' in answer ? { ...answer, payloads: fromHex(answer.payloads) } : 'share' in answer ? { ...answer, share: fromHex(answer.share) } : undefined)),
    esp: () => next((answer) => (typeof answer === 'object' && 'payload' in answer ? { nextHeader: answer.nextHeader, payload: fromHex(answer.payload) } : undefined)),
    together: () => next((answer) => (typeof answer === 'string' ? answer : 'whole' in answer ? fromHex(answer.whole) : undefined)),
    natDetection: () => next((answer) => (typeof answer === 'string' ? answer : undefined)),
  };
}
