import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import { after, milliseconds, seconds, start } from '../../src/core/time.ts';
import { fragmentIpv4, isIpv4Fragment } from '../../src/wire/fragmentation.ts';
import { Reassembly, type Reassembled } from '../../src/wire/reassembly.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Fields, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { encodeUdp } from '../../src/wire/udp.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';

const addresses = { source: ip('192.0.2.1'), destination: ip('198.51.100.7') };
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8));
const datagram = (changes: Partial<Ipv4Fields> = {}): Uint8Array => encodeIpv4({ ...addresses, protocol: 17, identification: 0x1234, payload: counting(3000), ...changes });

function cut(bytes: Uint8Array, mtu: number): Uint8Array[] {
  const pieces = fragmentIpv4(bytes, mtu);
  if (typeof pieces === 'string') throw new Error(pieces);
  return pieces;
}

function read(bytes: Uint8Array): Ipv4Packet {
  const result = decodeIpv4(bytes);
  if (!result.ok) throw new Error(result.detail);
  return result.value;
}

/** A piece of a datagram, as anyone may forge it. */
const piece = (fragmentOffset: number, payload: Uint8Array, moreFragments: boolean, changes: Partial<Ipv4Fields> = {}): Uint8Array => datagram({ fragmentOffset, payload, moreFragments, ...changes });

const together = (reassembly: Reassembly, pieces: readonly Uint8Array[]): Reassembled => pieces.map((bytes) => reassembly.add(start, bytes)).at(-1)!;

describe('fragmentation (RFC 791 §3.2)', () => {
  test('a packet that fits stays whole', () => {
    const bytes = datagram();
    expect(fragmentIpv4(bytes, 3020)).toEqual([bytes]);
    expect(isIpv4Fragment(bytes)).toBe(false);
  });

  test('3000 octets over an Ethernet are 1480, 1480 and 40', () => {
    const pieces = cut(datagram(), 1500).map(read);
    expect(pieces.map(({ fragmentOffset, payload, moreFragments }) => [fragmentOffset, payload.length, moreFragments])).toEqual([[0, 1480, true], [1480, 1480, true], [2960, 40, false]]);
    expect(pieces.every(({ identification, protocol }) => identification === 0x1234 && protocol === 17)).toBe(true);
  });

  test('a packet that says DF is not cut', () => {
    expect(fragmentIpv4(datagram({ dontFragment: true }), 1500)).toBe('needs-fragmentation-but-DF');
    expect(fragmentIpv4(datagram({ dontFragment: true }), 3020)).toHaveLength(1);
  });

  test('a fragment may be cut again, and only the very last piece says that nothing follows', () => {
    const pieces = cut(datagram(), 1500).flatMap((bytes) => cut(bytes, 576));
    expect(pieces.map((bytes) => read(bytes).moreFragments)).toEqual([...Array<boolean>(pieces.length - 1).fill(true), false]);
    expect(together(new Reassembly(), pieces).packet).toEqual(datagram());
  });

  test('options with the copied flag go into every fragment, the others into the first', () => {
    // loose source route (copied), record route (not copied), end of options
    const pieces = cut(datagram({ options: fromHex('83070400000000 0707040000000000 00') }), 1500).map(read);
    expect(pieces.map(({ options }) => toHex(options))).toEqual(['83070400000000070704000000000000', '8307040000000000', '8307040000000000']);
  });

  test('every piece fits the MTU, and they are whole again in any order, with duplicates', () => {
    const shuffled = fc.record({ size: fc.integer({ min: 100, max: 3000 }), mtu: fc.integer({ min: 68, max: 1500 }) }).chain(({ size, mtu }) => {
      const bytes = datagram({ payload: counting(size) });
      const pieces = cut(bytes, mtu);
      const order = pieces.map((_, i) => i);
      return fc.record({
        bytes: fc.constant(bytes),
        mtu: fc.constant(mtu),
        pieces: fc.constant(pieces),
        order: fc.shuffledSubarray(order, { minLength: order.length }),
        twice: fc.subarray(order),
      });
    });
    fc.assert(
      fc.property(shuffled, ({ bytes, mtu, pieces, order, twice }) => {
        expect(pieces.every((one) => one.length <= mtu)).toBe(true);
        const reassembly = new Reassembly();
        const before = order.slice(0, -1).flatMap((i) => (twice.includes(i) ? [i, i] : [i]));
        for (const i of before) expect(reassembly.add(start, pieces[i]!)).toEqual({ discarded: [] });
        expect(reassembly.add(start, pieces[order.at(-1)!]!)).toEqual({ packet: bytes, discarded: [] });
        expect(reassembly.nextExpiry()).toBeUndefined();
      }),
    );
  });

  test.skipIf(tsharkMissing)('tshark puts our fragments together and finds the checksum of the whole good', () => {
    const udp = encodeUdp({ sourcePort: 5000, destinationPort: 9999, payload: counting(2500) }, addresses, 'computed');
    const rows = tshark(cut(datagram({ payload: udp }), 600), ['ip.reassembled.length', 'udp.length', 'udp.checksum.status', 'ip.fragment.overlap', '_ws.malformed']);
    expect(rows.at(-1)).toEqual(['2508', '2508', '1', '', '']);
    expect(rows).toHaveLength(5);
  });
});

describe('reassembly', () => {
  test('what is no fragment passes', () => {
    expect(new Reassembly().add(start, datagram())).toEqual({ packet: datagram(), discarded: [] });
  });

  test('datagrams are told apart by source, destination, protocol and identification', () => {
    const others: Partial<Ipv4Fields>[] = [{ source: ip('192.0.2.2') }, { destination: ip('198.51.100.8') }, { protocol: 50 }, { identification: 0x1235 }];
    for (const other of others) {
      const reassembly = new Reassembly();
      expect(together(reassembly, [piece(0, counting(8), true), piece(8, counting(8), false, other)]).packet).toBeUndefined();
      expect(reassembly.add(start, piece(8, counting(4), false)).packet).toBeDefined();
    }
  });

  test('the bytes handed in may be used again', () => {
    const reassembly = new Reassembly();
    const [first, second] = cut(datagram({ payload: counting(1600) }), 1500) as [Uint8Array, Uint8Array];
    reassembly.add(start, first);
    first.fill(0);
    expect(reassembly.add(start, second).packet).toEqual(datagram({ payload: counting(1600) }));
  });

  test.each([
    ['covers part of another', piece(8, counting(16), true)],
    ['stands in the midst of another', piece(24, counting(8), true)],
    ['has the place of another and other octets', piece(16, counting(24).reverse(), true)],
    ['swallows another', piece(0, counting(64), true)],
  ])('RFC 5722: a fragment that %s discards the datagram, and all of it that is still to come', (_, intruder) => {
    const reassembly = new Reassembly();
    reassembly.add(start, piece(16, counting(24), true));
    expect(reassembly.add(start, intruder).discarded).toMatchObject([{ reason: 'ip-fragment-overlap' }]);
    expect(reassembly.add(start, piece(0, counting(16), true)).discarded).toMatchObject([{ reason: 'ip-fragment-overlap' }]);
    expect(reassembly.add(start, piece(40, counting(3), false))).toMatchObject({ discarded: [{ reason: 'ip-fragment-overlap' }] });
    // the name is free again once its time is over, without another word
    expect(reassembly.expire(after(start, seconds(30)))).toEqual([]);
    expect(reassembly.nextExpiry()).toBeUndefined();
  });

  test.each([
    ['an empty one', piece(8, new Uint8Array(), true)],
    ['one in the midst that is no multiple of 8', piece(8, counting(9), true)],
    ['one that ends behind octet 65535', piece(65528, counting(8), false)],
    ['one with a total length that is not there', piece(8, counting(16), true).subarray(0, 30)],
  ])('refuses %s', (_, bytes) => {
    expect(new Reassembly().add(start, bytes)).toMatchObject({ discarded: [{ reason: 'ip-malformed' }] });
  });

  test('the longest datagram of all comes through', () => {
    const longest = datagram({ payload: counting(65515) });
    expect(together(new Reassembly(), cut(longest, 1500)).packet).toEqual(longest);
  });

  test('a first header with options does not make a datagram longer than there can be', () => {
    const pieces = cut(datagram({ payload: counting(65515) }), 1500);
    const withOptions = encodeIpv4({ ...read(pieces[0]!), options: fromHex('01010101') });
    expect(together(new Reassembly(), [...pieces.slice(1), withOptions])).toMatchObject({ discarded: [{ reason: 'ip-malformed' }] });
  });

  test.each([
    ['two ends', piece(8, counting(8), false), piece(24, counting(8), false)],
    ['something behind the end', piece(8, counting(8), false), piece(24, counting(8), true)],
    ['an end in front of what is there', piece(24, counting(8), true), piece(8, counting(8), false)],
  ])('a datagram with %s is discarded', (_, one, other) => {
    expect(together(new Reassembly(), [one, other]).discarded).toMatchObject([{ reason: 'ip-malformed' }]);
  });

  test('what is not whole after 30 s is given up, with its first fragment for the ICMP error', () => {
    const reassembly = new Reassembly();
    const [first, , last] = cut(datagram(), 1500) as [Uint8Array, Uint8Array, Uint8Array];
    reassembly.add(start, last);
    reassembly.add(after(start, seconds(29)), first);
    expect(reassembly.nextExpiry()).toBe(after(start, seconds(30)));
    expect(reassembly.expire(after(start, milliseconds(29_999)))).toEqual([]);
    expect(reassembly.expire(after(start, seconds(30)))).toMatchObject([{ reason: 'ip-reassembly-timeout', first }]);
    expect(reassembly.nextExpiry()).toBeUndefined();
  });

  test('a fragment that comes too late begins anew', () => {
    const reassembly = new Reassembly();
    reassembly.add(start, piece(0, counting(8), true));
    const late = reassembly.add(after(start, seconds(31)), piece(8, counting(8), false));
    expect(late).toMatchObject({ discarded: [{ reason: 'ip-reassembly-timeout' }] });
    expect(late.packet).toBeUndefined();
    expect(reassembly.nextExpiry()).toBe(after(start, seconds(61)));
  });

  test('beyond its memory the oldest datagram gives way', () => {
    const reassembly = new Reassembly(3000);
    const begun = (identification: number): Reassembled => reassembly.add(start, piece(0, counting(1000), true, { identification }));
    expect(begun(1).discarded).toEqual([]);
    expect(begun(2).discarded).toEqual([]);
    expect(begun(3).discarded).toMatchObject([{ reason: 'ip-reassembly-full' }]);
    const ending = (identification: number): Reassembled => reassembly.add(start, piece(1000, counting(1), false, { identification }));
    expect(ending(2).packet).toBeDefined();
    expect(ending(1).packet).toBeUndefined();
  });

  test('a flood of hopeless fragments stays within the memory', () => {
    const reassembly = new Reassembly(100_000);
    let gaveWay = 0;
    for (let identification = 0; identification < 1000; identification++) {
      gaveWay += reassembly.add(start, piece(8, counting(8), true, { identification })).discarded.length;
      reassembly.add(start, piece(8, counting(8).reverse(), true, { identification: identification ^ 1 })); // poisons half of them
    }
    expect(gaveWay).toBeGreaterThan(0);
    expect(reassembly.expire(after(start, seconds(30))).length).toBeLessThan(100_000 / 256);
  });

  test('datagrams that are given up at their first fragment count towards the memory too', () => {
    const reassembly = new Reassembly(10_000);
    reassembly.add(start, piece(0, counting(8), true));
    const discarded = Array.from({ length: 50 }, (_, identification) => reassembly.add(start, piece(65528, counting(8), false, { identification })).discarded).flat();
    expect(discarded).toContainEqual(expect.objectContaining({ reason: 'ip-reassembly-full' }));
  });

  test('any fragments are taken or refused', () => {
    const anyPiece = fc.tuple(fc.nat(12), fc.nat(40), fc.boolean(), fc.nat(2)).map(([units, length, more, identification]) => piece(units * 8, counting(length), more, { identification }));
    fc.assert(
      fc.property(fc.array(anyPiece, { maxLength: 30 }), fc.uint8Array(), (pieces, noise) => {
        const reassembly = new Reassembly(2000);
        for (const bytes of [...pieces, noise]) reassembly.add(start, bytes);
      }),
    );
  });
});
