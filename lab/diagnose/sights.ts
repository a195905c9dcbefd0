/** What a capture shows that is no trouble by itself: NATs and in front of whom, the move to 4500, keepalives, what vendor IDs say. */
import { describeEndpoint } from '../../src/core/address.ts';
import { nattPort } from '../../src/wire/summarize.ts';
import { plural } from '../wording.ts';
import type { Facts, Item } from './facts.ts';
import { givenUp, isHeardSince, isProbe } from './liveness.ts';
import { originOf } from './questions.ts';
import type { Served } from './questions.ts';
import { View } from './view.ts';

export interface Sight {
  readonly id: 'nat' | 'no-nat' | 'moved' | 'stayed' | 'esp' | 'keepalives' | 'vendor-ids' | 'rebound' | 'icmp' | 'interrupted' | 'dead-peer' | 'one-sided';
  readonly says: string;
  readonly evidence: readonly number[];
}

/** So many of a kind: a capture may have a thousand clients. */
const most = 8;

export function sightsIn(facts: Facts): readonly Sight[] {
  const view = new View(facts);
  const sas = new Map<string, Item[]>();
  for (const item of view.messages) sas.set(item.ike!.sa, [...(sas.get(item.ike!.sa) ?? []), item]);
  return [...[...sas.values()].slice(0, most).flatMap((messages) => ofSa(view, messages)), ...data(view), ...keepalives(facts), ...moved(view), ...errors(facts), ...interrupted(view), ...deadPeers(view), ...oneSided(view)];
}

function ofSa(view: View, messages: readonly Item[]): Sight[] {
  const [first] = messages as [Item, ...Item[]];
  const { sa, version } = first.ike!;
  const { from, to } = originOf(first);
  const name = `IKEv${version}, ${from.address} to ${to.address}`;
  const nats = view.nats.filter((nat) => nat.sa === sa);
  const compared = messages.flatMap((item) => item.ike!.detections);
  const hidden = [...new Set(nats.map(({ inFrontOf }) => inFrontOf))];
  const onNatt = messages.find((item) => originOf(item).to.port === nattPort || originOf(item).from.port === nattPort);
  const names = [...new Set(messages.flatMap((item) => item.ike!.vendorIds))];
  return [
    ...(hidden.length > 0 ? [{ id: 'nat' as const, says: `${name}: a NAT stands in front of the ${hidden.join(' and of the ')} (hashes of NAT detection that do not fit).`, evidence: nats.map(({ frame }) => frame) }] : []),
    ...(hidden.length === 0 && compared.length > 0 ? [{ id: 'no-nat' as const, says: `${name}: all hashes of NAT detection fit where this was captured.`, evidence: compared.map(({ frame }) => frame) }] : []),
    ...(onNatt !== undefined ? [{ id: 'moved' as const, says: `${name}: on port 4500 from ${onNatt.ike!.exchange} on.`, evidence: [originOf(onNatt).first.frame] }] : [{ id: 'stayed' as const, says: `${name}: stays on port 500.`, evidence: [originOf(first).first.frame] }]),
    ...(names.length > 0 ? [{ id: 'vendor-ids' as const, says: `${name}: vendor IDs say ${names.join(', ')}.`, evidence: messages.filter((item) => item.ike!.vendorIds.length > 0).map((item) => originOf(item).first.frame) }] : []),
  ];
}

function data(view: View): Sight[] {
  const kinds = new Map<string, Item[]>();
  for (const item of view.items) {
    if (item.kind === 'ike') continue;
    const kind = item.kind === 'ah' ? 'AH' : { none: 'ESP as IP protocol 50', udp: 'ESP in UDP', 'udp-non-ike': 'ESP in UDP on port 500, behind eight zero octets' }[item.encapsulation];
    kinds.set(kind, [...(kinds.get(kind) ?? []), item]);
  }
  return [...kinds].map(([kind, items]) => ({ id: 'esp', says: `${kind}: ${view.facts.items.forgotten > 0 ? `in the last ${plural(items.length, 'packet')} those` : plural(items.length, 'packet')} of ${plural(new Set(items.map(({ spi }) => spi)).size, 'SA')}.`, evidence: [originOf(items[0]!).first.frame] }));
}

/** Where they were seen first: what passes a box is the same. */
const keepalives = ({ keepalives: all }: Facts): Sight[] =>
  [...all.values()].filter((one, i, every) => every.findIndex(({ count, to, first }) => count === one.count && to.address === one.to.address && Math.abs(first.at - one.first.at) < 1) === i).slice(0, most).map(({ from, to, place, count, first, last, exact }) => {
    const every = count > 1 ? `, one every ${((last.at - first.at) / (count - 1)).toFixed(1)} s` : '';
    return { id: 'keepalives', says: `${plural(count, 'keepalive')} ${describeEndpoint(from)} to ${describeEndpoint(to)} at ${place}${every}${exact ? '' : ', not all of them one octet 0xFF'}.`, evidence: [first.frame, last.frame] };
  });

/** An SA that comes from another port or address than before, at the same place: the mapping has moved. */
function moved(view: View): Sight[] {
  const known = new Map<string, { readonly name: string; readonly frame: number }>();
  const sights: Sight[] = [];
  for (const item of view.items) {
    if (item.kind !== 'esp') continue;
    for (const { place, from, first, direction } of item.sightings) {
      if (direction !== 'in') continue;
      const name = `${place} ${item.spi}`;
      const before = known.get(name);
      if (before !== undefined && before.name !== describeEndpoint(from)) sights.push({ id: 'rebound', says: `The SA with SPI 0x${item.spi.toString(16).padStart(8, '0')} comes to ${place} from ${describeEndpoint(from)}, before it came from ${before.name}.`, evidence: [before.frame, first.frame] });
      known.set(name, { name: describeEndpoint(from), frame: first.frame });
    }
  }
  return sights.slice(0, most);
}

const errors = ({ errors: all }: Facts): Sight[] =>
  all.slice(0, most).map(({ by, kind, about, frame }) => ({ id: 'icmp', says: `${by} says "${kind}" of what ${about.from.address} sent to ${about.to.address}.`, evidence: [frame] }));

/** By who asked whom at which place. */
function byAsker<Asked extends Served>(asked: readonly Asked[]): readonly [Asked, ...Asked[]][] {
  const groups = new Map<string, [Asked, ...Asked[]]>();
  for (const one of asked) {
    const name = `${one.origin.place} ${one.origin.from.address} ${one.origin.to.address}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups.values()].slice(0, most);
}

const framesOf = (asked: readonly Served[]): number[] => asked.map(({ origin }) => origin.first.frame);

/** What works in the end has not always worked. */
const interrupted = (view: View): Sight[] =>
  byAsker(view.healed).map((asked) => {
    const [{ origin }] = asked;
    const [from, to] = [Math.min(...asked.map((one) => one.origin.first.at)), Math.max(...asked.map((one) => one.origin.last.at))];
    return { id: 'interrupted', says: `${plural(asked.length, 'question')} of ${origin.from.address} to ${origin.to.address}, at ${origin.place} ${from === to ? `at ${from.toFixed(1)} s` : `from ${from.toFixed(1)} to ${to.toFixed(1)} s`}, got no answer; later ones did.`, evidence: framesOf(asked) };
  });

/** Dead-peer detection that heard nothing, whatever the cause. */
const deadPeers = (view: View): Sight[] =>
  byAsker(view.open.filter((question) => isProbe(question.item) && question.origin.direction !== 'in' && question.times > 1 && !isHeardSince(view, question))).map((asked) => ({ id: 'dead-peer', says: givenUp(view, asked[0]), evidence: framesOf(asked) }));

/** One who watches at one place does not see what was thrown away on the way to it. */
function oneSided({ items, open, nats }: View): Sight[] {
  const places = new Set(items.flatMap(({ sightings }) => sightings.map(({ place }) => place)));
  const [place] = places;
  const hasNat = nats.length > 0;
  if (places.size !== 1 || open.length > 0 || !hasNat) return [];
  return [{ id: 'one-sided', says: `All of this was captured at one place, ${place!}: what the other side sends and a box throws away on the way here leaves no trace here. If it is the other side that cannot reach this one, capture there, too: a box that has lost or moved its mapping shows there only.`, evidence: [] }];
}
