/** Claims about a trace. A check is a function of the trace and nothing else: it cannot know which backend made it. */
import type { Trace } from '../../src/trace/trace.ts';

export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'unsupported';

export interface Finding {
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  readonly expected: string;
  readonly observed: string;
  /** Numbers of the events that show it. */
  readonly evidence: readonly number[];
}

export interface Check {
  readonly id: string;
  readonly claim: string;
  readonly ref?: string;
  evaluate(trace: Trace): Finding;
}

/** What was seen, whether it is what was claimed, and the events that show it. */
export interface Observation {
  readonly holds: boolean;
  readonly observed: string;
  readonly evidence: readonly { readonly seq: number }[];
}

/** What a check says when there was nothing to look at. */
export const nothing = (observed: string): Observation => ({ holds: false, observed, evidence: [] });

export interface ClaimText {
  readonly id: string;
  readonly claim: string;
  readonly expected: string;
  readonly ref?: string;
}

/** Something that must be so. */
export const claim = (text: ClaimText, observe: (trace: Trace) => Observation): Check => check(text, 'fail', observe);

/** Something without which the lesson shows nothing: the other checks would pass because nothing happened. */
export const guard = (text: ClaimText, observe: (trace: Trace) => Observation): Check => check(text, 'inconclusive', observe);

function check({ id, claim: said, expected, ref }: ClaimText, otherwise: 'fail' | 'inconclusive', observe: (trace: Trace) => Observation): Check {
  return {
    id,
    claim: said,
    ...(ref === undefined ? {} : { ref }),
    evaluate: (trace) => {
      const { holds, observed, evidence } = observe(trace);
      return { verdict: holds ? 'pass' : otherwise, expected, observed, evidence: evidence.map(({ seq }) => seq) };
    },
  };
}
