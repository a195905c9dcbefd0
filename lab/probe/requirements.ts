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

const isWhole = (fate: Measured['fragments']): boolean => fate === 'whole';

export const lines: readonly Line[] = [
  line('translation', 'Addresses are translated'),
  line('mapping', 'Mapping', { ref: 'RFC 4787 REQ-1', level: 'MUST', met: (value) => value === 'endpoint-independent' }),
  line('pooling', 'Outside addresses of a host', { ref: 'RFC 4787 REQ-2', level: 'RECOMMENDED', met: (value) => value === 'one address' }),
  line('ports', 'Outside ports'),
  line('conflict', 'Second client, same port'),
  line('overloading', 'Ports overloaded', { ref: 'RFC 4787 REQ-3', level: 'MUST', met: (value) => !value }),
  line('lowPorts', 'Low ports', { ref: 'RFC 4787 REQ-3a', level: 'RECOMMENDED', met: (value) => value === 'stay low' }),
  line('parity', 'Parity kept', { ref: 'RFC 4787 REQ-4', level: 'RECOMMENDED', met: isTrue }),
  line('contiguity', 'Neighbours stay neighbours'),
  line('unreplied', 'Life without an answer', { ref: 'RFC 4787 REQ-5', level: 'MUST', met: lasts(minutes(2)) }),
  line('replied', 'Life of a conversation', { ref: 'RFC 4787 REQ-5', level: 'MUST', met: lasts(minutes(2)) }),
  line('refreshOutbound', 'Refreshed from inside', { ref: 'RFC 4787 REQ-6', level: 'MUST', met: isTrue }),
  line('refreshInbound', 'Refreshed from outside', { ref: 'RFC 4787 REQ-6a', level: 'MAY', met: () => true }),
  line('filtering', 'Filtering', { ref: 'RFC 4787 REQ-8', level: 'RECOMMENDED', met: (value) => value !== 'address-and-port-dependent' }),
  line('hairpinning', 'Hairpinning', { ref: 'RFC 4787 REQ-9', level: 'MUST', met: (value) => value === 'external source' }),
  line('deterministic', 'The same to every client', { ref: 'RFC 4787 REQ-11', level: 'MUST', met: isTrue }),
  line('fragments', 'Fragments outwards', { ref: 'RFC 4787 REQ-14', level: 'MUST', met: isWhole }),
  line('fragmentsDisordered', 'The last one first', { ref: 'RFC 4787 REQ-14', level: 'MUST', met: isWhole }),
  line('fragmentsInward', 'Fragments inwards', { ref: 'RFC 4787 REQ-14', level: 'MUST', met: isWhole }),
  line('tcpMapping', 'Mapping of TCP', { ref: 'RFC 5382 REQ-1', level: 'MUST', met: (value) => value === 'endpoint-independent' }),
  line('tcpHalfOpen', 'Life of TCP half open', { ref: 'RFC 5382 REQ-5', level: 'MUST', met: lasts(minutes(4)) }),
  line('icmp', 'ICMP queries', { ref: 'RFC 5508 REQ-1', level: 'MUST', met: (value) => value === 'passes' }),
  line('icmpLife', 'Life of a query', { ref: 'RFC 5508 REQ-2', level: 'MUST', met: lasts(minutes(1)) }),
  line('icmpErrors', 'ICMP errors, inwards', { ref: 'RFC 5508 REQ-4', level: 'MUST', met: (value) => value === 'translated' }),
  line('zeroChecksum', 'UDP without a checksum'),
  line('open500', 'UDP 500 reached'),
  line('replied500', 'Life towards 500'), // REQ-5a: below 1024 it may be shorter
  line('port500', 'Source port 500'),
  line('rival500', 'Second client on 500'),
  line('rival500Elsewhere', '  to another server'),
  line('open4500', 'UDP 4500 reached'),
  line('replied4500', 'Life towards 4500', { ref: 'RFC 4787 REQ-5', level: 'MUST', met: lasts(minutes(2)) }),
  line('port4500', 'Source port 4500'),
  line('rival4500', 'Second client on 4500'),
  line('rival4500Elsewhere', '  to another server'),
  line('ikeAddresses', 'Addresses of 500 and 4500'),
  line('helper', 'IPsec helper'),
  line('esp', 'Raw ESP'),
  line('rivalEsp', 'Second client with ESP'),
  line('rivalEspElsewhere', '  to another server'),
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
