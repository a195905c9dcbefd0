/** Fragments through boxes that do not put them together (RFC 4787 §11), and those that mean harm. */
import { describe, expect, test } from 'vitest';
import { setU16, u16At } from '../../src/core/bytes.ts';
import { decodeIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { fragmentIpv4 } from '../../src/wire/fragmentation.ts';
import { Reassembly } from '../../src/wire/reassembly.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { boxWith, outside } from './lab.ts';
import { told, udp, wrongChecksums } from './packets.ts';

const client = '10.0.0.2';
const gateway = '198.51.100.1';
const large = udp(`${client}:500`, `${gateway}:500`, { payload: Uint8Array.from({ length: 3000 }, (_, i) => i), identification: 99 });
const pieces = fragmentIpv4(large, 1500) as Uint8Array[];

/** All that the box has let out since the last time, put together as its receiver would. */
function whole(packets: readonly Uint8Array[]): Uint8Array | undefined {
  const reassembly = new Reassembly();
  return packets.map((packet) => reassembly.add(0 as never, packet).packet).find((packet) => packet !== undefined);
}

describe('followed by their identification', () => {
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]]) {
    test(`in the order ${order.join(' ')} they leave as fragments of one translated datagram`, () => {
      const lab = boxWith('linux-masquerade-random', { fragments: 'follow' });
      const left = order.flatMap((i) => {
        lab.out(pieces[i]!);
        return lab.allPassed();
      });
      expect(left).toHaveLength(3);
      const datagram = whole(left)!;
      expect(told(datagram)).toMatch(/^udp 203\.0\.113\.1:\d+ > 198\.51\.100\.1:500$/);
      expect(wrongChecksums(datagram)).toEqual([]);
      expect(datagram.subarray(28)).toEqual(large.subarray(28));
    });
  }
  test('inwards they find the host of the first one', () => {
    const lab = boxWith('linux-masquerade', { fragments: 'follow' });
    lab.out(udp(`${client}:500`, `${gateway}:500`));
    const answer = fragmentIpv4(udp(`${gateway}:500`, `${outside}:500`, { payload: new Uint8Array(3000), identification: 7 }), 1500) as Uint8Array[];
    expect(lab.in(answer[1]!)).toBe('nothing');
    lab.in(answer[0]!);
    expect(lab.allPassed().map((packet) => decodeIpv4(packet)).map((ip) => ip.ok && `${ip.value.destination} ${ip.value.fragmentOffset}`)).toEqual([`${client} 0`, `${client} 1480`]);
  });
  test('where the first one is refused, so are the others, those that waited included', () => {
    const lab = boxWith('linux-masquerade', { fragments: 'follow', blockedUdpPorts: [500] });
    lab.out(pieces[1]!);
    lab.out(pieces[0]!);
    lab.out(pieces[2]!);
    expect(lab.drops()).toEqual(['nat-port-blocked', 'nat-port-blocked', 'nat-port-blocked']);
  });
  test('two datagrams with one identification from two hosts are kept apart', () => {
    const lab = boxWith('linux-masquerade', { fragments: 'follow' });
    const other = fragmentIpv4(udp('10.0.0.3:500', `${gateway}:500`, { payload: new Uint8Array(3000), identification: 99 }), 1500) as Uint8Array[];
    lab.out(pieces[0]!);
    expect(lab.out(other[1]!)).toBe('nothing');
  });
  test('those whose first one never comes are dropped after 30 s, when the box asked to be woken', () => {
    const lab = boxWith('linux-masquerade', { fragments: 'follow' });
    lab.out(pieces[1]!);
    expect(lab.box.nextWake()).toEqual({ at: 30_000, reason: 'fragments wait for the rest of their packet no longer' });
    lab.wait(30);
    expect(lab.drops()).toEqual(['ip-reassembly-timeout']);
    expect(lab.box.nextWake()).toBeUndefined();
  });
  test('a flood of later fragments takes a bounded share of memory: the oldest give way', () => {
    const lab = boxWith('linux-masquerade', { fragments: 'follow' });
    for (let identification = 0; identification < 3000; identification++) {
      const piece = pieces[1]!.slice();
      setU16(piece, 4, identification);
      setU16(piece, 10, 0);
      lab.out(encodeIpv4({ ...(decodeAnyway(piece)), identification }));
    }
    expect(new Set(lab.drops())).toEqual(new Set(['ip-reassembly-full']));
    expect(lab.drops().length).toBeGreaterThan(2000);
  });
});

const decodeAnyway = (piece: Uint8Array) => {
  const ip = decodeIpv4(pieces[1]!);
  if (!ip.ok) throw new Error(ip.detail);
  return { ...ip.value, identification: u16At(piece, 4) };
};

test('a box that lets only first fragments pass translates those, and drops the others', () => {
  const lab = boxWith('linux-masquerade', { fragments: 'first-only' });
  expect(lab.out(pieces[0]!)).toMatch(/^udp.* 203\.0\.113\.1:500 > 198\.51\.100\.1:500$/);
  expect(lab.out(pieces[1]!)).toBe('nat-fragment');
});

test('a fragment that lays itself over the flags of a TCP header is dropped (RFC 3128)', () => {
  for (const fragments of ['follow', 'first-only'] as const) {
    const lab = boxWith('linux-masquerade', { fragments });
    const over = encodeIpv4({ source: '10.0.0.2' as never, destination: '198.51.100.1' as never, protocol: protocols.tcp, fragmentOffset: 8, payload: new Uint8Array(64) });
    expect(lab.out(over)).toBe('nat-fragment');
    const tiny = encodeIpv4({ source: '10.0.0.2' as never, destination: '198.51.100.1' as never, protocol: protocols.tcp, moreFragments: true, payload: new Uint8Array(8) });
    expect(lab.out(tiny)).toBe('nat-fragment');
  }
});

test('fragments that overlap with other octets are given up by a box that puts them together', () => {
  const lab = boxWith('linux-masquerade');
  const changed = pieces[1]!.slice();
  changed[30]! ^= 1;
  lab.out(pieces[1]!);
  expect(lab.out(changed)).toBe('ip-fragment-overlap');
  expect([pieces[0]!, pieces[2]!].map((piece) => lab.out(piece))).not.toContainEqual(expect.stringMatching(/^udp/));
});
