import type { ActModel } from '../model/act.ts';
import { titleOf } from '../../../ladder/title.ts';
import { clock } from './words.ts';

/** An event that a check cites, in a few words. */
export function describeEvidence({ trace, journeys }: ActModel, seq: number): string {
  const event = trace.events[seq - (trace.events[0]?.seq ?? 0)];
  if (event === undefined) return `event ${seq}`;
  const what = event.body.kind === 'packet' ? titleOf(journeys.of(seq)!, journeys).title : event.body.kind.replaceAll('-', ' ');
  return `${what} at ${event.node}, ${clock(event.at)}`;
}
