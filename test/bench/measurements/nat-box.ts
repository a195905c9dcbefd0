/** How fast the NAT box machine forwards, with a full table and every packet refreshing its mapping, and what a mapping's end costs. */
import { ip, prefix, type IpAddress } from '../../../src/core/address.ts';
import { setU16, u16At } from '../../../src/core/bytes.ts';
import { seeded } from '../../../src/core/random.ts';
import { after, milliseconds, start } from '../../../src/core/time.ts';
import { NatBox } from '../../../src/nat/box.ts';
import { presetNamed } from '../../../src/nat/presets.ts';
import { encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { protocols } from '../../../src/wire/protocols.ts';
import { encodeUdp } from '../../../src/wire/udp.ts';
import { meter } from '../meter.ts';

const server = ip('198.51.100.1');
const outside = ip('203.0.113.1');
const linuxMasquerade = presetNamed('linux-masquerade')!.behaviour;
const newBox = (): NatBox => new NatBox({ name: 'box', behaviour: linuxMasquerade, outsideAddresses: [outside], insidePrefixes: [prefix('10.0.0.0/8')], forwards: [] }, seeded(1));
const clientAddress = (client: number): IpAddress => ip(`10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`);

/**
 * Half the packets go out and half come back in, in an order without pattern, over all mappings, which live by that; one in two hundred opens another
 * mapping, which nobody uses again and which dies 30 s later. After each packet the machine is driven as a world drives it: drained, and asked for its next wake-up.
 */
function forwarding(mappings: number, packets = 2_000_000) {
  const box = newBox();
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

  // all packets as sent lie in one buffer, and each passage gets a copy, as from a link: fetching them is not what is measured
  const size = 40;
  const sent = new Uint8Array(2 * mappings * size);
  for (let client = 0; client < mappings; client++) {
    const source = { address: clientAddress(client), port: 1024 + (client % 60_000) };
    const out = udpPacket(source, { address: server, port: 4500 });
    sent.set(out, 2 * client * size);
    const translated = drive({ kind: 'packet', from: 'inside', packet: out });
    sent.set(udpPacket({ address: server, port: 4500 }, { address: outside, port: u16At(translated, 20) }), (2 * client + 1) * size);
  }
  const order = Uint32Array.from({ length: 1 << 20 }, () => random.uint32() % mappings);
  const tick = milliseconds(0.025);
  const packet = new Uint8Array(size);
  const stray = udpPacket({ address: ip('10.200.0.1'), port: 1 }, { address: ip('198.51.100.2'), port: 9 });
  setU16(stray, 26, 0); // without a UDP checksum its port can be changed in place

  const metered = meter();
  for (let n = 0; n < packets; n++) {
    now = after(now, tick);
    if (n % 200 === 0) {
      packet.set(stray);
      setU16(packet, 20, 1024 + ((n / 200) % 60_000));
      drive({ kind: 'packet', from: 'inside', packet });
      continue;
    }
    const which = 2 * order[n & 0xf_ffff]! + (n & 1);
    for (let i = 0; i < size; i++) packet[i] = sent[which * size + i]!;
    drive({ kind: 'packet', from: n & 1 ? 'outside' : 'inside', packet });
  }
  const { processorMs, wallMs } = metered();
  return { packetsPerSecond: (1000 * packets) / processorMs, packetsPerWallSecond: (1000 * packets) / wallMs, expired };
}

/** Mappings that are used once: from the time on that there are so many, with each that is opened the oldest expires. */
function expiring(mappings: number, lives = 100_000) {
  const box = newBox();
  const packets = Array.from({ length: 60_000 }, (_, i) => udpPacket({ address: clientAddress(i), port: 1024 + i }, { address: server, port: 9 }));
  const lifetime = linuxMasquerade.timeouts.unreplied;
  let expired = 0;
  const drain = (): void => {
    for (let output = box.poll(); output !== undefined; output = box.poll()) if (output.kind === 'event' && output.event.kind === 'mapping-expired') expired++;
  };
  let metered = meter();
  for (let n = 0; n < mappings + lives; n++) {
    if (n === mappings + lives / 2) metered = meter(); // the first half warms up
    const now = after(start, milliseconds((n * lifetime) / mappings));
    box.wake(now);
    drain();
    box.handle(now, { kind: 'packet', from: 'inside', packet: packets[n % packets.length]!.slice() });
    drain();
  }
  if (Math.abs(expired - lives) > 2) throw new Error(`${expired} mappings expired, not ${lives}`);
  return { lifeNs: (1e6 * metered().processorMs) / (lives / 2) };
}

export default function natBox(mappings: string) {
  return { ...forwarding(Number(mappings)), ...expiring(Number(mappings)) };
}

function udpPacket(source: { address: ReturnType<typeof ip>; port: number }, destination: typeof source): Uint8Array {
  const addresses = { source: source.address, destination: destination.address };
  const payload = encodeUdp({ sourcePort: source.port, destinationPort: destination.port, payload: new Uint8Array(12) }, addresses, 'computed');
  return encodeIpv4({ ...addresses, protocol: protocols.udp, payload });
}
