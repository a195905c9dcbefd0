import type { Trace } from '../../src/trace/trace.ts';

/** How many packets were dropped for each reason; keepalives, which are to be swallowed, do not count. */
export function countDrops(trace: Trace): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { body } of trace.of('drop')) if (body.reason !== 'natt-keepalive') counts[body.reason] = (counts[body.reason] ?? 0) + 1;
  return counts;
}
