/** A run as a capture shows it: whole, as one side saw it, or as tcpdump would have written it there. */
import { noKeys, ringOf } from '../../lab/capture/keys.ts';
import type { KeyRing } from '../../lab/capture/keys.ts';
import { Onlooker } from '../../lab/capture/onlooker.ts';
import { takeApart } from '../../lab/capture/packet.ts';
import { Pieces } from '../../lab/capture/pieces.ts';
import { causesOf } from '../../lab/diagnose/diagnosis.ts';
import type { Cause } from '../../lab/diagnose/diagnosis.ts';
import { Facts } from '../../lab/diagnose/facts.ts';
import { sightsIn } from '../../lab/diagnose/sights.ts';
import type { Sight } from '../../lab/diagnose/sights.ts';
import { section } from '../../lab/report/pcapng.ts';
import { wiresharkProfile } from '../../lab/report/wireshark-keys.ts';
import type { ActResult } from '../../lab/run.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { CaptureReader } from '../../src/wire/pcap/capture-reader.ts';
import { ipPacketOf } from '../../src/wire/pcap/link-layer.ts';

export type Vantage = 'whole' | 'clients' | 'gateway' | 'boxes';

export interface Watching {
  readonly from: Vantage;
  readonly keys?: boolean;
  /** As in a classic pcap file: no names, no directions, no end but the last packet. */
  readonly plain?: boolean;
}

type Seen = Pick<ActResult, 'trace' | 'topology' | 'act'>;

/** By way of the file's octets, as a user's capture comes. */
export const causesSeen = (act: Seen, watching: Watching): readonly Cause[] => causesOf(factsSeen(act, watching));
export const sightsSeen = (act: Seen, watching: Watching): readonly Sight[] => sightsIn(factsSeen(act, watching));

function factsSeen({ trace, topology, act }: Seen, { from, keys = true, plain = false }: Watching): Facts {
  const gateway = 'gateway';
  const clients = new Set(topology.plan.nodes.flatMap((node) => (node.kind === 'host' && node.endpoint !== undefined && node.name !== gateway ? [node.name] : [])));
  const boxes = new Set(topology.plan.nodes.flatMap(({ kind, name }) => (kind === 'nat' ? [name] : [])));
  const events = trace.events.filter(({ node, body }) => body.kind !== 'packet' || from === 'whole' || (from === 'clients' ? clients.has(node) : from === 'boxes' ? boxes.has(node) : node === gateway));
  const facts = new Facts(act.title, 0n, new Onlooker(keys ? keysOf(trace) : noKeys));
  const reader = new CaptureReader();
  const pieces = new Pieces();
  for (const item of [...reader.push(Buffer.concat([...section(act.title, events)])), ...reader.end()]) {
    if (item.kind === 'damaged') throw new Error(item.why);
    if (item.kind === 'listened-until') {
      if (!plain) facts.see(item);
      continue;
    }
    const { frame } = item;
    const { number, at, bytes, originalLength, place: { linkType } } = frame;
    const seen = plain ? { number, at, bytes, originalLength, comments: [], place: { section: 1, interface: 0, linkType } } : frame;
    const ip = ipPacketOf(frame.place.linkType, frame.bytes)!;
    const packet = takeApart(ip);
    facts.see({ kind: 'packet', captured: 'whole', frame: seen, ip, packet, whole: packet?.fragment && pieces.add(frame, ip) });
  }
  return facts;
}

export function keysOf(trace: Trace): KeyRing {
  const bodies = <Kind extends 'ike-keys' | 'isakmp-keys' | 'esp-keys'>(kind: Kind) => trace.of(kind).map(({ body }) => body);
  const profile = wiresharkProfile({ ike: bodies('ike-keys'), isakmp: bodies('isakmp-keys'), esp: bodies('esp-keys') });
  return ringOf({ ike: profile['ikev2_decryption_table']!, isakmp: profile['ikev1_decryption_table']!, esp: profile['esp_sa']! });
}
