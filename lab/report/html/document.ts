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
  /** Reports that were written before there was any have none. */
  readonly knowledge?: Knowledge;
}

/** What a packet's tree asks somebody who has the keys and has seen all that went before: see src/wire/insight.ts. */
export interface Knowledge {
  /** Each once: a message passes many places. */
  readonly answers: readonly Answer[];
  /** By the number of the event: the answers by their places above, in the order in which its tree asks. */
  readonly packets: Readonly<Record<number, { readonly heard: readonly number[]; /** Put together from pieces of IP, of which this was the last. */ readonly whole?: string }>>;
}

/** As `Insight` has it, with octets as hex; null where it is not known. */
export type Answer =
  | null
  | string
  | { readonly first: number; readonly payloads: string; readonly fragments?: number }
  | { readonly share: string; readonly gathered: string }
  | { readonly nextHeader: number; readonly payload: string }
  | { readonly whole: string };
