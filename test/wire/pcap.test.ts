/** Captures as others write them, in every shape that tshark can give one, and cut and bent in every way. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { section } from '../../lab/report/pcapng.ts';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/core/bytes.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { CaptureReader } from '../../src/wire/pcap/capture-reader.ts';
import type { CaptureItem, Frame } from '../../src/wire/pcap/frame.ts';
import { cookedOf, ipPacketOf } from '../../src/wire/pcap/link-layer.ts';
import { needs } from '../support/needs.ts';
import { pcap } from '../support/tshark.ts';

const packet = (n: number): Uint8Array => encodeUdpPacket({ address: ip('192.0.2.1'), port: 500 }, { address: ip('192.0.2.2'), port: 500 }, utf8('x'.repeat(n)), 'computed');

const passed = (seq: number, at: number, interfaceName: string, direction: 'in' | 'out'): TraceEvent =>
  ({ seq, at, node: 'alice', layer: 'link', body: { kind: 'packet', interface: interfaceName, segment: 'lan', direction, bytes: packet(seq) } }) as TraceEvent;

const events = [passed(1, 0.000001, 'eth0', 'out'), passed(2, 1500.25, 'eth1', 'in'), passed(3, 86_400_000.123456, 'eth0', 'in')];
const ours = Buffer.concat([...section('one', events, new Map([[2, ['first', 'second']]])), ...section('two', events)]);

function read(bytes: Uint8Array, cuts: readonly number[] = []): CaptureItem[] {
  const reader = new CaptureReader();
  const places = [0, ...cuts, bytes.length];
  return [...places.slice(1).flatMap((to, i) => [...reader.push(bytes.slice(places[i], to))]), ...reader.end()];
}

const framesOf = (items: readonly CaptureItem[]): Frame[] => items.flatMap((item) => (item.kind === 'frame' ? [item.frame] : []));

test('what the lab writes is read as it was meant', () => {
  const items = read(ours);
  expect(framesOf(items).map(({ number, at, direction, place: { section: part, sectionTitle, name }, comments, bytes }) => [number, at, direction, part, sectionTitle, name, comments, bytes.length])).toEqual(
    ['one', 'two'].flatMap((title, part) => [
      [3 * part + 1, 1n, 'out', part + 1, title, 'alice eth0', [], 29],
      [3 * part + 2, 1_500_250_000n, 'in', part + 1, title, 'alice eth1', part === 0 ? ['first', 'second'] : [], 30],
      [3 * part + 3, 86_400_000_123_456n, 'in', part + 1, title, 'alice eth0', [], 31],
    ]),
  );
  expect(items.flatMap((item) => (item.kind === 'listened-until' ? [[item.place.name, item.at]] : []))).toEqual([
    ['alice eth0', 86_400_000_123_456n], ['alice eth1', 86_400_000_123_456n], ['alice eth0', 86_400_000_123_456n], ['alice eth1', 86_400_000_123_456n],
  ]);
});

needs('tshark').describe('what Wireshark writes', () => {
  test.each(['pcap', 'nsecpcap', 'modpcap', 'pcapng'])('as %s', (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
    try {
      writeFileSync(join(folder, 'ours.pcap'), pcap([packet(1), packet(2), packet(3)]));
      execFileSync('tshark', ['-r', join(folder, 'ours.pcap'), '-F', format, '-w', join(folder, 'theirs')], { stdio: 'ignore' });
      expect(framesOf(read(readFileSync(join(folder, 'theirs')))).map(({ at, bytes, originalLength }) => [at, toHex(bytes), originalLength])).toEqual(
        [1, 2, 3].map((n) => [BigInt(n - 1) * 1_000_000_000n, toHex(packet(n)), packet(n).length]),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  /** Frames by link type: the octets in front of an IP packet, from the systems' own headers. */
  const links: readonly (readonly [name: string, linkType: number, front: string])[] = [
    ['Ethernet', 1, '02 00 00 00 00 01 02 00 00 00 00 02 08 00'],
    ['a VLAN', 1, '02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 07 08 00'],
    ['a VLAN in a VLAN', 1, '02 00 00 00 00 01 02 00 00 00 00 02 88 a8 00 07 81 00 00 08 08 00'],
    ['PPPoE', 1, '02 00 00 00 00 01 02 00 00 00 00 02 88 64 11 00 00 01 00 1f 00 21'],
    ['raw IP', 101, ''],
    ['raw IPv4', 228, ''],
    ['Linux cooked', 113, '00 00 00 01 00 06 02 00 00 00 00 01 00 00 08 00'],
    ['Linux cooked v2', 276, '08 00 00 00 00 00 00 02 00 01 00 06 02 00 00 00 00 01 00 00'],
    ['loopback in little order', 0, '02 00 00 00'],
    ['loopback in big order', 0, '00 00 00 02'],
    ['OpenBSD loopback', 108, '00 00 00 02'],
    ['PPP', 9, 'ff 03 00 21'],
  ];

  test.each(links)('finds the packet behind %s where tshark finds it', (_, linkType, front) => {
    const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
    try {
      const frame = concat(fromHex(front), packet(3));
      const bytes = pcap([frame], linkType);
      writeFileSync(join(folder, 'link.pcap'), bytes);
      const seen = execFileSync('tshark', ['-r', join(folder, 'link.pcap'), '-T', 'fields', '-e', 'ip.src', '-e', 'udp.length'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      expect(seen.trim()).toBe('192.0.2.1\t11');
      const [only] = framesOf(read(bytes));
      expect(toHex(ipPacketOf(only!.place.linkType, only!.bytes)!)).toBe(toHex(packet(3)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('a cooked header tells who has sent the packet, and of version 2 by which interface', () => {
  const [cooked, cooked2] = [(type: string) => fromHex(`${type} 0001 0006 020000000001 0000 0800`), (type: string) => fromHex(`0800 0000 00000007 0001 ${type} 06 0200000000010000`)];
  expect(['0000', '0001', '0004', '0003'].map((type) => cookedOf(113, cooked(type)))).toEqual([{ direction: 'in' }, { direction: 'in' }, { direction: 'out' }, {}]);
  expect(['00', '04', '03'].map((type) => cookedOf(276, cooked2(type)))).toEqual([{ direction: 'in', interface: 7 }, { direction: 'out', interface: 7 }, { interface: 7 }]);
  expect([cookedOf(113, fromHex('00')), cookedOf(276, fromHex('0800')), cookedOf(1, cooked('0004'))]).toEqual([{}, {}, {}]);
});

test.each([
  ['ARP', 1, '02 00 00 00 00 01 02 00 00 00 00 02 08 06 00 01 08 00'],
  ['half an Ethernet header', 1, '02 00 00'],
  ['a tag with nothing behind', 1, '02 00 00 00 00 01 02 00 00 00 00 02 81 00 00 07'],
  ['AppleTalk in loopback', 0, '00 00 00 10 45'],
  ['a link type that nobody here reads', 105, '45 00'],
])('%s has no IP packet', (_, linkType, frame) => {
  expect(ipPacketOf(linkType, fromHex(frame))).toBeUndefined();
});

describe('a file that is no good', () => {
  const captures = { pcapng: ours, pcap: pcap([packet(1), packet(2), packet(3)]) };

  test('however it is cut into pieces, the same is read', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(captures)), fc.array(fc.nat(900), { maxLength: 8 }), (bytes, cuts) => {
        expect(read(bytes, cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b))).toEqual(read(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test.each(Object.entries(captures))('a %s that ends early says at which octet, and what came before is told', (_, bytes) => {
    const whole = framesOf(read(bytes)).map(({ number, at }) => [number, at]);
    for (let length = 0; length < bytes.length; length++) {
      const items = read(bytes.slice(0, length));
      const frames = framesOf(items).map(({ number, at }) => [number, at]);
      expect(frames).toEqual(whole.slice(0, frames.length));
      const last = items.at(-1);
      if (last?.kind !== 'damaged') continue; // cut between two blocks
      expect(last.how).toBe(length === 0 ? 'empty' : length < 4 ? 'no-capture' : 'cut-off');
      expect(last.offset).toBeLessThanOrEqual(length);
      expect(read(bytes.slice(0, last.offset)).every(({ kind }) => last.offset === 0 || kind !== 'damaged')).toBe(true);
    }
  });

  test('any octets are read without a throw, and at the end or at the damage it is over', () => {
    const bent = fc.tuple(fc.constantFrom(...Object.values(captures)), fc.array(fc.tuple(fc.nat(900), fc.nat(255)), { minLength: 1, maxLength: 12 })).map(([bytes, flips]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, octet] of flips) if (at < copy.length) copy[at] = octet;
      return copy;
    });
    const begun = fc.tuple(fc.constantFrom('0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffffffffffff 0000001c', 'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000', '0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000'), fc.uint8Array({ maxLength: 200 })).map(([head, tail]) => concat(fromHex(head), tail));
    fc.assert(
      fc.property(fc.oneof(bent, begun, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        const items = read(bytes);
        expect(items.findIndex(({ kind }) => kind === 'damaged')).toBeOneOf([-1, items.length - 1]);
        for (const { place, bytes: frame } of framesOf(items)) ipPacketOf(place.linkType, frame);
      }),
      { numRuns: 2000 },
    );
  });

  test('a block that nobody needs may be longer than memory', () => {
    const reader = new CaptureReader();
    expect([...reader.push(ours)].length).toBeGreaterThan(0);
    const unknown = fromHex('00000bad fffffffc');
    expect([...reader.push(concat(unknown, fromHex('00000000')))]).toEqual([]);
    expect([...reader.push(new Uint8Array(1 << 20))]).toEqual([]);
    expect([...reader.end()]).toMatchObject([{ kind: 'damaged', how: 'cut-off' }]);
  });

  test('a packet that claims to be longer than any is where the damage begins', () => {
    const bytes = Uint8Array.from(captures.pcap);
    bytes.set(fromHex('00100000'), 24 + 8);
    expect(read(bytes)).toEqual([{ kind: 'damaged', offset: 24, how: 'broken', why: 'a packet that claims to have 1048576 octets' }]);
  });
});
