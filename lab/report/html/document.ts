/**
 * What a report is made of: everything that happened in some runs, in a form that survives JSON. The page reads it; whoever else wants to may, too.
 * Octets are hex.
 */
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { System } from '../../../src/wire/pfkey/dialect.ts';
import type { Verdict } from '../../checks/check.ts';
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

/** The topology as far as it is drawn. */
export interface Network {
  readonly name: string;
  readonly title: string;
  readonly segments: readonly { readonly name: string; readonly prefix: string }[];
  readonly nodes: readonly NetworkNode[];
}

export interface NetworkNode {
  readonly name: string;
  readonly kind: 'client' | 'gateway' | 'host' | 'nat' | 'router';
  readonly interfaces: readonly { readonly name: string; readonly segment: string; readonly address: string }[];
  /** Of a box: its preset, and the ports that it does not translate. */
  readonly preset?: string;
  readonly pinned?: readonly number[];
  /** Of a box: what it ran on, where there was a choice. */
  readonly engine?: string;
  /** Of an endpoint: whose PF_KEY it speaks. */
  readonly system?: System;
}
