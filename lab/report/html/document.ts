/**
 * What a report is made of: everything that happened in some runs, in a form that survives JSON. The page reads it; whoever else wants to may, too.
 * Octets are hex.
 */
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { Verdict } from '../../checks/check.ts';
import type { Network } from '../../ladder/network.ts';
import type { CheckResult } from '../../run.ts';

/** Raised when a page that reads the one cannot read the other. */
export const reportSchema = 1;

export interface ReportDocument {
  readonly schema: typeof reportSchema;
  readonly lessons: readonly ReportLesson[];
  /** Two acts to be seen side by side at first, each by the numbers of its lesson and of its place there: `0/1`. */
  readonly compare?: readonly [string, string];
}

/** As it is before anybody has looked at its schema. */
export type OfAnySchema = Omit<ReportDocument, 'schema'> & { readonly schema: unknown };

export interface ReportLesson {
  /** The file of an earlier report that it was taken from. */
  readonly from?: string;
  readonly scenario: string;
  readonly title: string;
  readonly teaches: string;
  readonly refs: readonly string[];
  readonly backend: string;
  readonly clock: 'virtual' | 'real';
  readonly seed: number;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly verdict: Verdict;
  readonly interrupted: boolean;
  readonly acts: readonly ReportAct[];
}

export interface ReportAct {
  readonly id: string;
  readonly title: string;
  readonly elapsedMs: number;
  readonly network: Network;
  readonly checks: readonly CheckResult[];
  readonly events: readonly TraceEvent[];
}
