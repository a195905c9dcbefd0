/** What lessons wait for: predicates over events. */
import type { Predicate } from '../backends/backend.ts';
import type { Kind, TraceBody, TraceEvent } from '../../src/trace/events.ts';
import type { EventOf } from '../../src/trace/trace.ts';

/** One event of a kind that fits. */
export const happens = <K extends Kind>(kind: K, describe: string, fits: (event: EventOf<K>) => boolean = () => true): Predicate => ({
  describe,
  sees: (event) => event.body.kind === kind && fits(event as EventOf<K>),
});

/** Each of them at least once, in any order. */
export function all(describe: string, predicates: readonly Predicate[]): Predicate {
  const open = new Set(predicates);
  return {
    describe,
    sees: (event) => {
      for (const predicate of open) if (predicate.sees(event)) open.delete(predicate);
      return open.size === 0;
    },
  };
}

/** The client's tunnel is up: its side of the child SA stands. */
export const tunnelUp = (client: string): Predicate =>
  happens('child-sa', `${client}'s tunnel is up`, ({ node, body }) => node === client && body.state === 'established');

/** The peer showed that it lives: it answered an empty INFORMATIONAL request, or R-U-THERE (RFC 7296 §2.4, RFC 3706). */
export const answersProbe = ({ node, body }: TraceEvent, asker: string): boolean =>
  node === asker && body.kind === 'ike-message' && body.direction === 'received' && body.response && ['INFORMATIONAL', 'informational'].includes(body.exchange);

/** Each of the hosts has its tunnel, or has given up trying. One pass over the events however many there are. */
export function tunnelsUpOrGivenUp(clients: readonly string[]): Predicate {
  const waiting = new Set(clients);
  const isEnd = ({ body }: TraceEvent): boolean => isUp(body) || (body.kind === 'ike-sa' && body.state === 'failed');
  return {
    describe: clients.length === 1 ? `${clients[0]!}'s tunnel is up, or it has given up` : `all ${clients.length} tunnels are up, or their clients have given up`,
    sees: (event) => isEnd(event) && waiting.delete(event.node) && waiting.size === 0,
  };
}

/** Each of the hosts has its tunnel, however often it had to begin anew. */
export function tunnelsUp(clients: readonly string[]): Predicate {
  const waiting = new Set(clients);
  return { describe: `all ${clients.length} tunnels are up`, sees: ({ node, body }) => isUp(body) && waiting.delete(node) && waiting.size === 0 };
}

const isUp = (body: TraceBody): boolean => body.kind === 'child-sa' && body.state === 'established';

/** The pings of these names came to their end, answered or lost. */
export function pingsDone(names: readonly string[]): Predicate {
  const waiting = new Set(names);
  return {
    describe: names.length === 1 ? `the ping "${names[0]!}" is answered or lost` : `${names.length} pings are answered or lost`,
    sees: ({ body }) => (body.kind === 'ping-answered' || body.kind === 'ping-lost') && waiting.delete(body.ping) && waiting.size === 0,
  };
}
