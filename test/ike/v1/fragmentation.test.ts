/** IKEv1 messages in pieces, as Cisco, Windows and strongSwan have them (MS-IKEE §2.2.3.1, §3.3.5.3). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex } from '../../../src/core/bytes.ts';
import { seeded } from '../../../src/core/random.ts';
import type { ConnectionConfig } from '../../../src/ike/config.ts';
import { Fragments } from '../../../src/ike/v1/fragmentation.ts';
import { CertificateAuthority } from '../../../lab/pki/authority.ts';
import { established, pair, seconds, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';

const lab = new CertificateAuthority(seeded(1));
const signedBy = (host: string): Partial<ConnectionConfig> => ({ authentication: lab.issue({ subject: `O=natt-lab, CN=${host}`, alternativeNames: [{ type: 'fqdn', value: host }] }) });
const [aliceSigns, gwSigns] = [signedBy('alice'), signedBy('gw')];

/** Both sign with certificates, so that messages 5 and 6 are long; what each says about fragments. */
const signing = (alice: boolean | number, gw = alice, more: PairOptions = {}): PairOptions => ({ v1: {}, ...more, alice: { ...aliceSigns, fragmentation: alice }, gw: { ...gwSigns, fragmentation: gw } });

const message = ({ payload, source }: Datagram): Uint8Array => (source.port === 4500 ? payload.subarray(4) : payload);
const isFragment = (datagram: Datagram): boolean => message(datagram)[16] === 132;
const from = (two: Pair, who: 'alice' | 'gw'): Datagram[] => two.wire.filter((datagram) => datagram.from === who && isFragment(datagram));
const up = ['connecting', 'established'];
const vendorId = '4048b7d56ebce88525e7de7f00d6c2d3';

describe('whether there are any', () => {
  test.each(['main', 'aggressive'] as const)('%s mode: both say that they take them, and what is long goes in pieces', (exchange) => {
    const two = established(signing(true, true, { v1: { exchange } }));
    expect(toHex(two.wire[0]!.payload)).toContain(vendorId);
    expect([two.alice.states(), two.gw.states()]).toEqual([up, up]);
    expect([from(two, 'alice').length, from(two, 'gw').length].every((count) => count > 1)).toBe(true);
    expect(two.alice.events('drop')).toEqual([]);
    const inPieces = two.gw.events('ike-message').filter((event) => event.exchange === exchange && event.fragments !== undefined);
    expect(inPieces.map(({ direction, fragments }) => [direction, fragments])).toEqual(expect.arrayContaining([['received', from(two, 'alice').length], ['sent', from(two, 'gw').length]]));
  });

  test.each([[false, true], [true, false], [false, false]])('alice %s, the gateway %s: messages are whole', (alice, gw) => {
    const two = established(signing(alice, gw));
    expect(two.wire.filter(isFragment)).toEqual([]);
    expect(two.gw.states()).toEqual(up);
  });
});

test('each has the header of the message but for encryption and length, `Fragment ID | Number | Flags`, and all together are the message', () => {
  const whole = established(signing(false)).wire[4]!;
  const two = established(signing(true));
  const pieces = from(two, 'alice').map(message);
  expect(pieces.map((piece) => toHex(piece.subarray(16, 24)))).toEqual(pieces.map(() => '8410020000000000'));
  expect(pieces.map((piece) => toHex(piece.subarray(32, 36)))).toEqual(pieces.map((_, i) => `0001${(i + 1).toString(16).padStart(2, '0')}${i + 1 === pieces.length ? '01' : '00'}`));
  const together = concat(...pieces.map((piece) => piece.subarray(36)));
  expect(toHex(together.subarray(16, 20))).toBe('05100201'); // ID is the first payload of main mode, encrypted
  expect(together.length).toBe(message(whole).length);
  expect(Math.max(...from(two, 'alice').map(({ payload }) => payload.length + 28))).toBeLessThanOrEqual(576);
});

test('in any order, each twice: the message is read once', () => {
  const two = pair(signing(true));
  two.link = (datagram) => (isFragment(datagram) ? [] : [datagram]);
  two.initiate().settle();
  two.link = (datagram) => [datagram];
  for (const { source, destination, payload } of from(two, 'alice').flatMap((one) => [one, one]).toReversed().slice(0, -1)) two.deliver('gw', source, destination, payload);
  two.settle();
  expect([two.alice.states(), two.gw.states()]).toEqual([up, up]);
  expect(new Set(two.gw.drops())).toEqual(new Set(['isakmp-fragment-again']));
});

test.each(['alice', 'gw'] as const)('one of %s’s is lost: all are sent again, and the tunnel comes up', (whose) => {
  const two = pair(signing(true));
  let lost = 0;
  two.link = (datagram) => (datagram.from === whose && isFragment(datagram) && lost++ === 1 ? [] : [datagram]);
  two.initiate().settle();
  expect(two.alice.states()).toEqual(['connecting']);
  two.pass(seconds(12));
  expect([two.alice.states(), two.gw.states()]).toEqual([up, up]);
});

test('pieces of which the others never come are forgotten after 30 s', () => {
  const two = established(signing(true));
  const { source, destination, payload } = from(two, 'alice')[0]!;
  two.deliver('gw', source, destination, payload).pass(seconds(31));
  expect(two.gw.drops()).toEqual(['isakmp-fragment-timeout']);
});

test('nobody’s cookies: nothing is kept of a piece', () => {
  const two = pair(signing(true));
  const { source, destination, payload } = from(established(signing(true)), 'alice')[0]!;
  two.deliver('gw', source, destination, payload);
  expect(two.gw.drops()).toEqual(['isakmp-unknown-cookies']);
  expect(two.gw.daemon.nextWake()).toBeUndefined();
});

test('a piece that nobody has agreed on is refused', () => {
  const two = established(signing(false));
  const { source, destination, payload } = two.wire[4]!;
  const piece = payload.slice();
  piece.set([132, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 12, 0, 1, 1, 1, 1, 2, 3, 4], 16);
  two.deliver('gw', source, destination, piece.subarray(0, 40));
  expect(two.gw.drops()).toEqual(['isakmp-fragment']);
});

test.each<[string, [number, boolean][]]>([
  ['number 0', [[0, false]]],
  ['one behind the last', [[2, true], [3, false]]],
  ['two that are the last', [[3, true], [2, true]]],
  ['a last one before another', [[3, false], [2, true]]],
])('%s: refused', (_, pieces) => {
  const fragments = new Fragments();
  const results = pieces.map(([number, last]) => fragments.add('2 0', { identifier: 1, number, last, data: Uint8Array.of(number) }));
  expect(results.at(-1)).toMatchObject({ ok: false, reason: 'isakmp-fragment' });
});

test('whatever a message, however cut, in whatever order: it is whole again, and not before its last piece', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 400 }), fc.integer({ min: 1, max: 200 }), fc.infiniteStream(fc.double({ noNaN: true })), (data, room, order) => {
      const total = Math.ceil(data.length / room);
      const pieces = Array.from({ length: total }, (_, i) => ({ identifier: 1, number: i + 1, last: i + 1 === total, data: data.subarray(i * room, (i + 1) * room) }));
      const places = [...order.take(total)];
      const shuffled = pieces.map((piece, i) => ({ piece, at: places[i]! })).sort((a, b) => a.at - b.at).map(({ piece }) => piece);
      if (total > 255) return;
      const fragments = new Fragments();
      const made = shuffled.map((piece) => fragments.add('2 0', piece));
      expect(made.slice(0, -1).every((one) => one.ok && one.value === undefined)).toBe(true);
      expect(made.at(-1)).toEqual({ ok: true, value: data });
    }),
    { numRuns: 200 },
  );
});
