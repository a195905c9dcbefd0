/** How long clients had to wait for their tunnels because a box had lost something. */
import type { Duration, Instant } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { isIke, seenAt } from '../checks/wire.ts';
import type { At, SeenIke } from '../checks/wire.ts';
import type { Cast } from '../topology/cast.ts';

/**
 * From its first message to its tunnel, of the client that needed longest among those of whose negotiation something was lost; undefined where nothing was. Who repeats
 * what was merely slow, as on a busy machine, has not waited for the box.
 */
export function longestWait(trace: Trace, { gateway }: Cast): Duration | undefined {
  const waits = trace.of('ike-sa').flatMap(({ node, at: began, body }) => {
    if (body.state !== 'connecting' || body.role !== 'initiator') return [];
    const up = trace.of('child-sa', node).find((event) => event.body.state === 'established' && event.at >= began);
    return up !== undefined && hasLost(trace, node, gateway.name, began, up.at) ? [up.at - began] : [];
  });
  return waits.length === 0 ? undefined : (Math.round(Math.max(...waits)) as Duration);
}

/** Whether of what a client and its gateway told each other in this time something never arrived. */
function hasLost(trace: Trace, client: string, gateway: string, began: Instant, ended: Instant): boolean {
  const messages = (at: At, until = Infinity): readonly SeenIke[] => seenAt(trace, at).filter(isIke).filter(({ event }) => event.at >= began && event.at <= until);
  const asked = messages({ node: client, direction: 'out' }, ended);
  const sas = new Set(asked.map(({ content }) => content.sa));
  const answered = messages({ node: gateway, direction: 'out' }, ended).filter(({ content }) => sas.has(content.sa));
  return isOneLost(asked, messages({ node: gateway, direction: 'in' })) || isOneLost(answered, messages({ node: client, direction: 'in' }));
}

/** Copies of a message are counted: each that was sent must have arrived. */
function isOneLost(sent: readonly SeenIke[], arrived: readonly SeenIke[]): boolean {
  const copies = new Map<string, number>();
  for (const name of arrived.map(nameOf)) copies.set(name, (copies.get(name) ?? 0) + 1);
  return sent.map(nameOf).some((name) => {
    const left = copies.get(name) ?? 0;
    copies.set(name, left - 1);
    return left <= 0;
  });
}

/** What no box changes: some change what is in a message. */
const nameOf = ({ content: { sa, header: { exchange, messageId, flags } } }: SeenIke): string => JSON.stringify([sa, exchange, messageId, flags]);
