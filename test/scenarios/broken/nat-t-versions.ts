/** Rules broken in `nat-t-versions`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { nattVersions } from '../../../src/ike/config.ts';
import { each, fromElsewhere, pingLost, udpPacketOf, withPayload } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { hasMarker, looksLikeIke, routersForBoxes } from '../../support/sabotage.ts';

const acts = [...nattVersions, 'of-today', 'everything', 'nothing'];
const natted = acts.filter((act) => act !== 'nothing');
const floating = natted.filter((act) => act !== 'draft-00' && act !== 'draft-01');

/** Payloads of a message in the clear under other numbers; a marker stays. */
function renumbered(payload: Uint8Array, change: (type: number) => number): Uint8Array {
  const changed = Uint8Array.from(payload);
  const start = hasMarker(payload) ? 4 : 0;
  // where the number of the payload that follows stands: in the header first, then in each payload's first octet (RFC 2408 §3.2)
  for (let place = start + 16, next = start + 28; changed[place] !== 0 && next < changed.length;) {
    const type = changed[place]!;
    changed[place] = change(type);
    place = next;
    next += (changed[next + 2]! << 8) | changed[next + 3]!;
  }
  return changed;
}

const natDetection = [20, 15, 130];
const nonce = 10;
const mainMode = 2;
const inTheClear = (payload: Uint8Array): boolean => looksLikeIke(payload) && payload[18] === mainMode && payload[19] === 0;

/** Its NAT-D payloads have a number that no version has; where there are none, a nonce is made one. */
const misnumbered = (payload: Uint8Array): Uint8Array => {
  if (!inTheClear(payload)) return payload;
  const other = renumbered(payload, (type) => (natDetection.includes(type) ? 21 : type));
  return Buffer.compare(other, payload) === 0 ? renumbered(payload, (type) => (type === nonce ? 20 : type)) : other;
};

const others = ['gateway', 'box', 'server'];
const sentByClient = ({ node, body }: TraceEvent): boolean => body.kind === 'packet' && body.direction === 'out' && !others.includes(node);
const isIke = (event: TraceEvent): boolean => looksLikeIke(udpPacketOf(event)?.payload ?? new Uint8Array());

export const nattVersionsRules: readonly BrokenRule[] = [
  { lesson: 'nat-t-versions', rule: 'the boxes are routers', sabotage: routersForBoxes, red: [...each(acts, 'translated'), ...each(floating, 'ports'), ...each(natted, 'marker'), ...each(acts.filter((act) => act !== 'everything'), 'data')] },
  {
    lesson: 'nat-t-versions',
    rule: 'they agree on something else (forged)',
    forge: (event) => (event.body.kind === 'nat-detection' ? ({ ...event, body: { ...event.body, nattVersion: 'draft-09' } } as unknown as TraceEvent) : event),
    red: each(acts, 'version'),
  },
  { lesson: 'nat-t-versions', rule: 'NAT-D has a number of its own (forged)', forge: (event) => withPayload(event, misnumbered), red: each(acts, 'numbers') },
  {
    lesson: 'nat-t-versions',
    rule: 'IKE leaves from another port (forged)',
    forge: (event) => (sentByClient(event) && isIke(event) ? fromElsewhere(event, { port: 501 }) : event),
    red: each(acts, 'ports'),
  },
  { lesson: 'nat-t-versions', rule: 'nobody sends ESP (forged)', forge: (event) => (sentByClient(event) && !isIke(event) ? undefined : event), red: each(acts, 'marker') },
  { lesson: 'nat-t-versions', rule: 'no ping is answered (forged)', forge: (event) => (event.body.kind === 'ping-answered' ? pingLost(event.body.ping)(event) : event), red: each(acts, 'data') },
];
