/** The lines of the result: what was asked, what RFC 4787 (UDP), 5382 (TCP) and 5508 (ICMP) want of it, and whether the box has it. */
import { minutes } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { Classification, Finding, Lifetime, Measure, Measured } from '../../src/probe/classification.ts';

/** RFC 2119's word for it. */
export type Level = 'MUST' | 'RECOMMENDED' | 'MAY';

interface Requirement<Value> {
  readonly ref: string;
  readonly level: Level;
  readonly met: (value: Value) => boolean;
}

export interface Line<Name extends Measure = Measure> {
  readonly measure: Name;
  readonly title: string;
  /** Undefined: it is good to know, and nobody asks for it. */
  readonly requirement?: Requirement<Measured[Name]>;
}

const line = <Name extends Measure>(measure: Name, title: string, requirement?: Requirement<Measured[Name]>): Line => ({ measure, title, ...(requirement && { requirement }) }) as unknown as Line;

const lasts = (wanted: Duration) => ({ atLeast, below }: Lifetime): boolean => atLeast >= wanted || below === undefined || below >= wanted;
const isTrue = (value: boolean): boolean => value;

export const lines: readonly Line[] = [
  line('translation', 'Addresses are translated'),
  line('mapping', 'Mapping', { ref: 'RFC 4787 REQ-1', level: 'MUST', met: (value) => value === 'endpoint-independent' }),
  line('pooling', 'Outside addresses of a host', { ref: 'RFC 4787 REQ-2', level: 'RECOMMENDED', met: (value) => value === 'one address' }),
  line('ports', 'Outside ports'),
  line('conflict', 'Second client, same port'),
  line('overloading', 'Ports overloaded', { ref: 'RFC 4787 REQ-3', level: 'MUST', met: (value) => !value }),
  line('parity', 'Parity kept', { ref: 'RFC 4787 REQ-4', level: 'RECOMMENDED', met: isTrue }),
  line('contiguity', 'Neighbours stay neighbours'),
  line('unreplied', 'Life without an answer', { ref: 'RFC 4787 REQ-5', level: 'MUST', met: lasts(minutes(2)) }),
  line('replied', 'Life of a conversation', { ref: 'RFC 4787 REQ-5', level: 'MUST', met: lasts(minutes(2)) }),
  line('refreshOutbound', 'Refreshed from inside', { ref: 'RFC 4787 REQ-6', level: 'MUST', met: isTrue }),
  line('refreshInbound', 'Refreshed from outside', { ref: 'RFC 4787 REQ-6a', level: 'MAY', met: () => true }),
  line('filtering', 'Filtering', { ref: 'RFC 4787 REQ-8', level: 'RECOMMENDED', met: (value) => value !== 'address-and-port-dependent' }),
  line('hairpinning', 'Hairpinning', { ref: 'RFC 4787 REQ-9', level: 'MUST', met: (value) => value === 'external source' }),
];

export interface Judgement {
  readonly line: Line;
  readonly finding: Finding<Measured[Measure]>;
  /** Undefined where nothing is asked, or nothing was found. */
  readonly met: boolean | undefined;
}

export const judge = (findings: Classification): readonly Judgement[] =>
  lines.map((one) => {
    const finding: Finding<Measured[Measure]> = findings[one.measure];
    const met = one.requirement as Requirement<unknown> | undefined;
    return { line: one, finding, met: finding.measured ? met?.met(finding.value) : undefined };
  });
