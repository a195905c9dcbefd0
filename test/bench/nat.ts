/** How fast the NAT box machine forwards, with a full table and every packet refreshing its mapping. */
import { ip, prefix } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { milliseconds, start, type Instant } from '../../src/core/time.ts';
import { NatBox } from '../../src/nat/box.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { encodeUdp } from '../../src/wire/udp.ts';

export interface NatBenchResult {
  readonly preset: string;
  readonly mappings: number;
  readonly packets: number;
  readonly packetsPerSecond: number;
  /** Mappings that expired while the packets went through. */
  readonly expired: number;
}

/**
 * Half the packets go out and half come back in, in an order without pattern, over all mappings; now and then one is left to die and another opened
 * in its place. After each packet the machine is driven as a world drives it: drained, and asked for its next wake-up.
 */
export function natBench(preset = 'linux-masquerade', mappings = 50_000, packets = 2_000_000): NatBenchResult {
  const server = ip('198.51.100.1');
  const outside = ip('203.0.113.1');
  const behaviour = presetNamed(preset)?.behaviour;
  if (behaviour === undefined) throw new TypeError(`no preset ${preset}`);
  const box = new NatBox({ name: 'box', behaviour, outsideAddresses: [outside], insidePrefixes: [prefix('10.0.0.0/8')], forwards: [] }, seeded(1));
  const random = seeded(2);
  let now = start;
  let expired = 0;
  const drive = (input: Parameters<NatBox['handle']>[1]): Uint8Array => {
    box.handle(now, input);
    let forwarded: Uint8Array | undefined;
    for (let output = box.poll(); output !== undefined; output = box.poll()) {
      if (output.kind === 'forward') forwarded = output.packet;
      else if (output.event.kind === 'mapping-expired') expired++;
      else if (output.event.kind === 'drop') throw new Error(output.event.detail);
    }
    box.nextWake();
    if (forwarded === undefined) throw new Error('nothing forwarded');
    return forwarded;
  };

  // every packet is kept as sent and copied into a buffer for each passage, as a link would hand it over
  const templates: { out: Uint8Array; back: Uint8Array }[] = [];
  for (let client = 0; client < mappings; client++) {
    const source = { address: ip(`10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`), port: 1024 + (client % 60_000) };
    const out = udpPacket({ ...source }, { address: server, port: 4500 });
    const sent = drive({ kind: 'packet', from: 'inside', packet: out.slice() });
    const port = (sent[20]! << 8) | sent[21]!;
    templates.push({ out, back: udpPacket({ address: server, port: 4500 }, { address: outside, port }) });
  }
  const order = Uint32Array.from({ length: 1 << 20 }, () => random.uint32() % mappings);
  const tick = milliseconds(0.002); // 500,000 packets a second of virtual time
  const buffer = new Uint8Array(templates[0]!.out.length);

  const started = performance.now();
  for (let n = 0; n < packets; n++) {
    const template = templates[order[n & 0xf_ffff]!]!;
    const from = n & 1 ? 'outside' : 'inside';
    buffer.set(from === 'inside' ? template.out : template.back);
    now = (now + tick) as Instant;
    drive({ kind: 'packet', from, packet: buffer });
  }
  const elapsed = (performance.now() - started) / 1000;
  return { preset, mappings: box.mappings(now).length, packets, packetsPerSecond: Math.round(packets / elapsed), expired };
}

function udpPacket(source: { address: ReturnType<typeof ip>; port: number }, destination: typeof source): Uint8Array {
  const addresses = { source: source.address, destination: destination.address };
  const payload = encodeUdp({ sourcePort: source.port, destinationPort: destination.port, payload: new Uint8Array(12) }, addresses, 'computed');
  return encodeIpv4({ ...addresses, protocol: protocols.udp, payload });
}
