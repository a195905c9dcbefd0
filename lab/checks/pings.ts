/** Claims about pings through the tunnel. */
import type { Trace } from '../../src/trace/trace.ts';
import { claim } from './check.ts';
import type { Check, ClaimText } from './check.ts';

/** The ping got its answer. */
export const answered = (text: Omit<ClaimText, 'expected'>, ping: string): Check =>
  claim({ ...text, expected: `the ping "${ping}" is answered` }, (trace) => outcome(trace, ping, 'ping-answered'));

/** The ping found nobody: what a control run must show. */
export const unanswered = (text: Omit<ClaimText, 'expected'>, ping: string): Check =>
  claim({ ...text, expected: `the ping "${ping}" is lost` }, (trace) => outcome(trace, ping, 'ping-lost'));

function outcome(trace: Trace, ping: string, wanted: 'ping-answered' | 'ping-lost') {
  const sent = trace.of('ping-sent').filter(({ body }) => body.ping === ping);
  const end = [...trace.of('ping-answered'), ...trace.of('ping-lost')].filter(({ body }) => body.ping === ping);
  const observed =
    end.length > 0
      ? end.map(({ body }) => (body.kind === 'ping-answered' ? `${body.to} answered ${body.from} after ${body.roundTrip.toFixed(1)} ms` : `nothing came back to ${body.from}: ${body.why}`)).join('; ')
      : sent.length > 0
        ? 'sent, and the run ended before an answer or a loss'
        : 'never sent';
  return { holds: end.length > 0 && end.every(({ body }) => body.kind === wanted), observed, evidence: [...sent, ...end] };
}
