/** What lessons wait for: predicates over events. */
import type { SpiText } from '../../src/core/events.ts';
import type { Predicate } from '../backends/backend.ts';
import type { Kind, TraceBody, TraceEvent } from '../../src/trace/events.ts';
import type { EventOf } from '../../src/trace/trace.ts';
import { takeApart } from '../capture/packet.ts';
import type { Client } from '../topology/cast.ts';

/** One event of a kind that fits. */
export const happens = <K extends Kind>(kind: K, describe: string, fits: (event: EventOf<K>) => boolean = () => true): Predicate => ({
  describe,
  kind,
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

/** A client, or the name of one whose daemon is the lab's own. */
type Awaited = string | Pick<Client, 'name' | 'plan'>;
const nameOf = (client: Awaited): string => (typeof client === 'string' ? client : client.name);

/** Each of the clients has its tunnel, or has given up trying. One pass over the events however many there are. */
export function tunnelsUpOrGivenUp(clients: readonly Awaited[]): Predicate {
  const waiting = new Set(clients.map(nameOf));
  const whose = tunnelOwner(clients);
  const isEnd = ({ body }: TraceEvent): boolean => isUp(body) || (body.kind === 'ike-sa' && body.state === 'failed') || (body.kind === 'image' && body.state === 'not-begun');
  return {
    describe: clients.length === 1 ? `${nameOf(clients[0]!)}'s tunnel is up, or it has given up` : `all ${clients.length} tunnels are up, or their clients have given up`,
    sees: (event) => {
      const node = whose(event);
      return isEnd(event) && waiting.delete(node) && waiting.size === 0;
    },
  };
}

/** Each of the clients has its tunnel, however often it had to begin anew. */
export function tunnelsUp(clients: readonly Awaited[]): Predicate {
  const waiting = new Set(clients.map(nameOf));
  const whose = tunnelOwner(clients);
  return {
    describe: `all ${clients.length} tunnels are up`,
    sees: (event) => {
      const node = whose(event);
      return isUp(event.body) && waiting.delete(node) && waiting.size === 0;
    },
  };
}

/** Whose tunnel an event is about: its node's, or that of an image, of which its gateway tells; the wire shows which IKE SA is whose. To be shown every event. */
function tunnelOwner(clients: readonly Awaited[]): (event: TraceEvent) => string {
  const images = new Set(clients.flatMap((client) => (typeof client === 'string' || client.plan.image === undefined ? [] : [client.name])));
  const ownerOf = new Map<SpiText, string>();
  return ({ node, body }) => {
    if (body.kind === 'packet' && body.direction === 'out' && images.has(node)) {
      const content = takeApart(body.bytes)?.content;
      if (content?.kind === 'ike') ownerOf.set(content.sa, node);
    }
    return 'initiatorSpi' in body ? (ownerOf.get(body.initiatorSpi) ?? node) : node;
  };
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
