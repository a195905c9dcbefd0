/** What lessons look for around the moment at which a box is told something: to forget, to reboot, to take another address. */
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import type { Cast } from '../topology/cast.ts';
import { ports, seenAt } from './wire.ts';
import type { Seen } from './wire.ts';

/** The first thing that the first box was told. */
export const controlOf = (trace: Trace, { boxes }: Cast): EventOf<'nat-control'> | undefined => trace.of('nat-control', boxes[0]?.name)[0];

/** What came to the gateway's port 4500, in order. */
export const arrivalsOn4500 = (trace: Trace, { gateway }: Cast): readonly Seen[] => seenAt(trace, { node: gateway.name, direction: 'in' }).filter(({ to }) => to.port === ports.natt);

/** The last packet that came there before the box was told something, and the first after. */
export function aroundControl(trace: Trace, cast: Cast): { readonly before?: Seen | undefined; readonly after?: Seen | undefined } {
  const control = controlOf(trace, cast);
  if (control === undefined) return {};
  const arrivals = arrivalsOn4500(trace, cast);
  return { before: arrivals.findLast(({ seq }) => seq < control.seq), after: arrivals.find(({ seq }) => seq > control.seq) };
}
