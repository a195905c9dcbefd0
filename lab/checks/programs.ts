/** Claims about the programs that carry UDP and TCP through the tunnel. */
import type { Predicate } from '../backends/backend.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { claim } from './check.ts';
import type { Check, ClaimText, Observation } from './check.ts';

/** A datagram to the echo service, a TCP connection with it, or a request to an L2TP server, by the name that the lesson gave it. */
export interface Errand {
  readonly program: 'udp-echo' | 'tcp-probe' | 'l2tp';
  readonly name: string;
}

/** One that goes to an echo service. */
export type EchoErrand = Errand & { readonly program: 'udp-echo' | 'tcp-probe' };

/** The errand brought its answer back. */
export const returned = (text: Omit<ClaimText, 'expected'>, errand: Errand): Check =>
  claim({ ...text, expected: `"${errand.name}" is answered` }, (trace) => outcome(trace, errand, 'answered'));

/** It did not: what a control run must show. */
export const lost = (text: Omit<ClaimText, 'expected'>, errand: Errand): Check => claim({ ...text, expected: `"${errand.name}" is not answered` }, (trace) => outcome(trace, errand, 'lost'));

/** Each came to its end, answered or lost. */
export function errandsDone(errands: readonly Errand[]): Predicate {
  const waiting = new Set(errands.map(({ name }) => name));
  return {
    describe: errands.map(({ name }) => `"${name}"`).join(' and ') + ' answered or lost',
    sees: ({ body }) => {
      const name = body.kind === 'udp-echo-answered' || body.kind === 'udp-echo-lost' ? body.echo : body.kind === 'tcp-probe-answered' || body.kind === 'tcp-probe-lost' ? body.probe : body.kind === 'l2tp-answered' || body.kind === 'l2tp-lost' ? body.l2tp : undefined;
      return name !== undefined && waiting.delete(name) && waiting.size === 0;
    },
  };
}

function outcome(trace: Trace, { program, name }: Errand, wanted: 'answered' | 'lost'): Observation {
  const [sent, answered, gone] = ends[program](trace, name);
  const end = [...answered, ...gone];
  const observed =
    end.length > 0
      ? end.map(({ body }) => ('roundTrip' in body ? `answered after ${body.roundTrip.toFixed(1)} ms` : `nothing came back: ${body.why}`)).join('; ')
      : sent.length > 0
        ? 'sent, and the run ended before an answer or a loss'
        : 'never sent';
  return { holds: end.length > 0 && (wanted === 'answered' ? gone : answered).length === 0, observed, evidence: [...sent, ...end] };
}

type Ends = readonly [
  sent: readonly { readonly seq: number }[],
  answered: readonly EventOf<'udp-echo-answered' | 'tcp-probe-answered' | 'l2tp-answered'>[],
  gone: readonly EventOf<'udp-echo-lost' | 'tcp-probe-lost' | 'l2tp-lost'>[],
];

const ends: Readonly<Record<Errand['program'], (trace: Trace, name: string) => Ends>> = {
  'udp-echo': (trace, name) => [
    trace.of('udp-echo-sent').filter(({ body }) => body.echo === name),
    trace.of('udp-echo-answered').filter(({ body }) => body.echo === name),
    trace.of('udp-echo-lost').filter(({ body }) => body.echo === name),
  ],
  'tcp-probe': (trace, name) => [
    trace.of('tcp-probe-sent').filter(({ body }) => body.probe === name),
    trace.of('tcp-probe-answered').filter(({ body }) => body.probe === name),
    trace.of('tcp-probe-lost').filter(({ body }) => body.probe === name),
  ],
  'l2tp': (trace, name) => [
    trace.of('l2tp-sent').filter(({ body }) => body.l2tp === name),
    trace.of('l2tp-answered').filter(({ body }) => body.l2tp === name),
    trace.of('l2tp-lost').filter(({ body }) => body.l2tp === name),
  ],
};
