/** In a line what several rows come to. */
import type { Kind } from '../../../src/trace/events.ts';
import type { Journeys } from '../../ladder/journey.ts';
import type { MessageRow, SingleRow } from '../../ladder/rows.ts';
import { titleOf } from '../../ladder/title.ts';
import { plural } from '../../wording.ts';
import { clock, everyOf } from './clock.ts';

/** `keepalive × 12, every 20 s, until 4:20.022`. */
export function backgroundSummary(rows: readonly MessageRow[], journeys: Journeys): string {
  const kinds = counted(rows.map((row) => [nameOf(row, journeys), row.at] as const));
  const answered = (name: string): string | undefined => name.endsWith(' request') && kinds.get(name)!.length === kinds.get(name.replace('request', 'response'))?.length ? `${name} and response` : undefined;
  const told = [...kinds].flatMap(([name, times]) => (answered(name.replace('response', 'request')) !== undefined && name.endsWith(' response') ? [] : [`${answered(name) ?? name} × ${times.length}${everyOf(times)}`]));
  return `${told.join('; ')}, until ${clock(rows.at(-1)!.at)}`;
}

/** `IKE_SA_INIT request 0, retransmissions 1 to 5`, and when. */
export function repeatedSummary(rows: readonly MessageRow[]): { readonly title: string; readonly detail: string } {
  const [first, last] = [rows[0]!.journey.message!.body, rows.at(-1)!.journey.message!.body];
  return { title: `${first.exchange} ${first.response ? 'response' : 'request'} ${first.messageId}, retransmissions ${first.retransmission} to ${last.retransmission}`, detail: `at ${rows.map(({ at }) => clock(at)).join(', ')}` };
}

/** What many clients do, by kinds: `17 more clients: IKE_SA_INIT × 34, …; 34 mappings made; dropped: 3 nat-no-port`. */
export function crowdSummary(rows: readonly SingleRow[], clients: number, journeys: Journeys): string {
  const messages = counted(rows.flatMap((row) => (row.kind === 'message' ? [[nameOf(row, journeys), row.at] as const] : [])));
  const events = rows.flatMap((row) => (row.kind === 'message' ? [...row.journey.led] : row.kind === 'note' ? [row.event] : []));
  const happened = counted(events.flatMap((event) => (Object.hasOwn(happenings, event.body.kind) ? [[event.body.kind, event.at] as const] : [])));
  const dropped = counted(events.flatMap(({ body, at }) => (body.kind === 'drop' && body.reason !== 'natt-keepalive' ? [[body.reason, at] as const] : [])));
  return [
    `${plural(clients, 'more client')}: ${[...messages].map(([name, times]) => `${name} × ${times.length}`).join(', ') || 'no messages'}`,
    ...[...happened].map(([kind, times]) => plural(times.length, ...happenings[kind]!)),
    ...(dropped.size > 0 ? [`dropped: ${[...dropped].map(([reason, times]) => `${times.length} ${reason}`).join(', ')}`] : []),
  ].join('; ');
}

/** What is worth a count, one and many. */
const happenings: Readonly<Record<string, readonly [one: string, many: string]>> = {
  'mapping-created': ['mapping made', 'mappings made'],
  'mapping-expired': ['mapping expired', 'mappings expired'],
  'mapping-removed': ['mapping taken away', 'mappings taken away'],
  'ping-answered': ['ping answered', 'pings answered'],
  'ping-lost': ['ping lost', 'pings lost'],
  'peer-dead': ['peer taken for dead', 'peers taken for dead'],
} satisfies Partial<Record<Kind, readonly [one: string, many: string]>>;

function nameOf({ journey }: MessageRow, journeys: Journeys): string {
  if (journey.message !== undefined) return `${journey.message.body.exchange} ${journey.message.body.response ? 'response' : 'request'}`;
  return journey.family === 'keepalive' ? 'keepalive' : titleOf(journey, journeys).title.replace(/[ :,]? ?(spi|mid|seq|\d).*$/, '');
}

function counted<K>(all: readonly (readonly [key: K, at: number])[]): ReadonlyMap<K, readonly number[]> {
  const groups = new Map<K, number[]>();
  for (const [key, at] of all) {
    const times = groups.get(key);
    if (times === undefined) groups.set(key, [at]);
    else times.push(at);
  }
  return groups;
}
