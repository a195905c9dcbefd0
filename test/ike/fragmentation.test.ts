/** IKE's own fragments (RFC 7383): who sends them, what they look like, how they become a message again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, toHex, u16At } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import type { ConnectionConfig } from '../../src/ike/config.ts';
import { longestMessage } from '../../src/ike/fragment-size.ts';
import { Fragments } from '../../src/ike/v2/fragmentation.ts';
import { Protection } from '../../src/ike/v2/protect.ts';
import { decodeMessage, encodePayloads } from '../../src/wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, type Payload } from '../../src/wire/ike/message.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';
import { forgedFragments } from '../support/insider.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PairOptions } from '../support/pair.ts';

const lab = new CertificateAuthority(seeded(1));
const signedBy = (host: string): Partial<ConnectionConfig> => ({ authentication: lab.issue({ subject: `O=natt-lab, CN=${host}`, alternativeNames: [{ type: 'fqdn', value: host }] }) });
const [aliceSigns, gwSigns] = [signedBy('alice'), signedBy('gw')];

/** Both sign with certificates, so that IKE_AUTH is long; what each says about fragments. */
const signing = (alice: boolean | number | 'unsaid', gw = alice, nat: PairOptions['nat'] = 'none'): PairOptions => ({
  nat,
  alice: { ...aliceSigns, ...(alice === 'unsaid' ? {} : { fragmentation: alice }) },
  gw: { ...gwSigns, ...(gw === 'unsaid' ? {} : { fragmentation: gw }) },
});

const message = ({ payload, source }: Datagram): Uint8Array => (source.port === 4500 ? payload.subarray(4) : payload);
/** RFC 7296 §3.1, RFC 7383 §2.5: Next Payload of the header, then of SKF `Next Payload | 0 | Length | Fragment Number | Total Fragments`. */
const isFragment = (datagram: Datagram): boolean => message(datagram)[16] === 53;
const fragmentHeader = (datagram: Datagram): string => toHex(message(datagram).subarray(28, 36));
const from = (two: Pair, who: 'alice' | 'gw'): Datagram[] => two.wire.filter((datagram) => datagram.from === who && isFragment(datagram));
const up = ['connecting', 'established'];

describe('whether there are any', () => {
  test('both say that they take fragments, and only then is a long message cut up, and only behind IKE_SA_INIT', () => {
    const two = established(signing(true));
    expect(two.alice.events('ike-message').slice(0, 2).map(({ notation }) => notation)).toEqual([expect.stringContaining('N(IKEV2_FRAGMENTATION_SUPPORTED)'), expect.stringContaining('N(IKEV2_FRAGMENTATION_SUPPORTED)')]);
    expect(two.wire.slice(0, 2).filter(isFragment)).toEqual([]);
    expect([two.alice.states(), two.gw.states()]).toEqual([up, up]);
    expect(from(two, 'alice').length).toBeGreaterThan(2);
    expect(from(two, 'gw').length).toBeGreaterThan(2);
  });

  test.each<[string, boolean | 'unsaid', boolean | 'unsaid']>([
    ['alice does not offer them', 'unsaid', true],
    ['alice has them switched off', false, true],
    ['the gateway does not answer the offer', true, 'unsaid'],
    ['the gateway has them switched off', true, false],
  ])('%s: messages are whole', (_, alice, gw) => {
    const two = established(signing(alice, gw));
    expect(two.wire.filter(isFragment)).toEqual([]);
    expect(two.gw.states()).toEqual(up);
    expect(two.gw.events('ike-message')[1]!.notation).not.toContain('FRAGMENTATION');
  });

  test('the notify has no protocol, no SPI and no content (RFC 7383 §2.3)', () => {
    const two = established({ alice: { fragmentation: true } });
    expect(toHex(two.wire[0]!.payload)).toMatch(/000000080000402e$/);
  });

  test('what fits stays whole', () => {
    const two = established({ alice: { fragmentation: true }, gw: { fragmentation: true } });
    expect(two.wire.filter(isFragment)).toEqual([]);
    expect(two.gw.states()).toEqual(up);
  });

  test('a message is whole up to the last octet that fits, and in two fragments from the next one on', () => {
    const length = message(established(signing(false)).wire[2]!).length;
    expect(from(established(signing(length + 32)), 'alice')).toHaveLength(0);
    expect(from(established(signing(length + 31)), 'alice')).toHaveLength(2);
  });

  test('an IKE SA that takes over from another has what was agreed on', () => {
    const two = established({ alice: { fragmentation: 200 }, gw: { fragmentation: 200 } });
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    const before = two.wire.length;
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(two.wire.slice(before).filter(isFragment).length).toBeGreaterThan(2);
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });
});

describe('what they look like', () => {
  test('the first says what the first payload is (IDi, 35), the others say nothing; each its number and how many there are', () => {
    const headers = from(established(signing(true)), 'alice').map(fragmentHeader);
    const total = headers.length.toString(16).padStart(4, '0');
    expect(headers.map((header) => [header.slice(0, 4), header.slice(8)])).toEqual(headers.map((_, i) => [i === 0 ? '2300' : '0000', (i + 1).toString(16).padStart(4, '0') + total]));
  });

  test('all have the message ID of the message, and no IV comes twice', () => {
    const fragments = from(established(signing(true)), 'alice');
    expect(new Set(fragments.map((datagram) => toHex(message(datagram).subarray(20, 24))))).toEqual(new Set(['00000001']));
    expect(new Set(fragments.map((datagram) => toHex(message(datagram).subarray(36, 44)))).size).toBe(fragments.length);
  });

  test.each<[string, boolean | number, number]>([['the RFC’s length over IPv4', true, 576], ['a length that is said', 1280, 1280], ['a shorter one', 300, 300]])('%s: no IP datagram is longer, and all but the last are nearly so', (_, fragmentation, longest) => {
    const lengths = from(established(signing(fragmentation, fragmentation, 'initiator')), 'alice').map(({ payload }) => 20 + 8 + payload.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(longest);
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThan(longest - 8);
  });

  test('the length over IPv6 is that of its least MTU (RFC 7383 §2.5.1)', () => {
    const to = (address: string) => longestMessage({ fragmentation: true } as ConnectionConfig, { address: ip(address), port: 500 });
    expect([to('198.51.100.1'), to('2001:db8::1')]).toEqual([576 - 32, 1280 - 52]);
  });

  test.each(['aes-gcm-16', 'aes-cbc', 'chacha20-poly1305'] as const)('under %s the pieces of any message of any length are no longer than they may be, and say all of it', (cipher) => {
    const suite = cipherSuite(cipher, cipher === 'aes-cbc' ? 128 : 256, cipher === 'aes-cbc' ? 'hmac-sha2-512-256' : 'none');
    const { encryptionKeyLength: encryption, integrityKeyLength: integrity } = suite;
    const keys = (): Protection['keys'] => ({ skD: new Uint8Array(32), skAi: new Uint8Array(integrity), skAr: new Uint8Array(integrity), skEi: new Uint8Array(encryption), skEr: new Uint8Array(encryption), skPi: new Uint8Array(32), skPr: new Uint8Array(32) });
    const [sender, receiver] = [new Protection(suite, keys(), 'initiator', seeded(1)), new Protection(suite, keys(), 'responder', seeded(2))];
    const header = { initiatorSpi: new Uint8Array(8).fill(1), responderSpi: new Uint8Array(8).fill(2), version: ikeVersion2, exchange: exchangeTypes.IKE_AUTH, flags: { initiator: true, higherVersion: false, response: false }, messageId: 1 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 140, max: 1500 }), (data, longest) => {
        const payloads: Payload[] = [{ type: 'Vendor', data }];
        const pieces = sender.sealFitting(header, payloads, longest);
        const opened = pieces.map((bytes) => {
          const read = decodeMessage(bytes);
          return read.ok && 'bodyAt' in read.value ? receiver.open(read.value)! : new Uint8Array(0);
        });
        expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(longest);
        expect(concat(...opened)).toEqual(encodePayloads(payloads).bytes);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what becomes of them', () => {
  test('in any order, and each twice: the message is read once, and the tunnel is up', () => {
    const two = pair(signing(true));
    two.initiate();
    two.link = (datagram) => (isFragment(datagram) ? [] : [datagram]);
    two.settle();
    const fragments = from(two, 'alice');
    two.link = (datagram) => [datagram];
    for (const { source, destination, payload } of [...fragments, ...fragments].toReversed().slice(0, -1)) two.deliver('gw', source, destination, payload);
    two.settle();
    expect([two.alice.states(), two.gw.states()]).toEqual([up, up]);
    expect(new Set(two.gw.drops())).toEqual(new Set(['ike-fragment-again']));
    expect(two.gw.events('ike-message').filter(({ exchange, direction }) => exchange === 'IKE_AUTH' && direction === 'received')).toMatchObject([{ fragments: fragments.length }]);
  });

  test('one is lost: all are sent again, the same octets, and what is there already is not needed', () => {
    const two = pair(signing(true));
    let lost: Datagram | undefined;
    two.link = (datagram) => (lost === undefined && isFragment(datagram) && u16At(message(datagram), 32) === 2 ? ((lost = datagram), []) : [datagram]);
    two.initiate().settle();
    const first = from(two, 'alice').map(({ payload }) => payload);
    expect(two.gw.states()).toEqual(['connecting']);
    two.pass(seconds(5));
    expect(two.gw.states()).toEqual(up);
    expect(from(two, 'alice').map(({ payload }) => payload)).toEqual([...first, ...first]);
    expect(two.gw.drops().filter((reason) => reason !== 'ike-fragment-again')).toEqual([]);
  });

  test('the answer is lost: the first fragment of the request asks for it again, the others are dropped (RFC 7383 §2.6.1)', () => {
    const two = pair(signing(true));
    two.link = (datagram) => (datagram.from === 'gw' && isFragment(datagram) ? [] : [datagram]);
    two.initiate().settle();
    const answer = from(two, 'gw').map(({ payload }) => payload);
    two.link = (datagram) => [datagram];
    two.pass(seconds(5));
    expect(from(two, 'gw').map(({ payload }) => payload)).toEqual([...answer, ...answer]);
    expect(two.gw.drops()).toEqual(Array<string>(from(two, 'alice').length / 2 - 1).fill('ike-fragment-again'));
    expect(two.alice.states()).toEqual(up);
  });

  test('one is damaged: it alone is dropped, and the next transmission mends it', () => {
    const two = pair(signing(true));
    let damaged = false;
    two.link = (datagram) => {
      if (damaged || !isFragment(datagram)) return [datagram];
      damaged = true;
      const payload = datagram.payload.slice();
      payload[payload.length - 1]! ^= 1;
      return [{ ...datagram, payload }];
    };
    two.initiate().settle();
    expect([two.gw.drops(), two.gw.states()]).toEqual([['ike-authentication'], ['connecting']]);
    two.pass(seconds(5));
    expect(two.gw.states()).toEqual(up);
  });

  test('a message that does not become whole is forgotten after 30 s, and its fragments are taken anew', () => {
    const two = established(signing(true));
    const { source, destination } = two.wire.at(-1)!;
    const fragments = forgedFragments(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Vendor', data: new Uint8Array(600) }], 300);
    const give = (...which: number[]) => which.forEach((i) => two.deliver('gw', destination, source, fragments[i]!));
    give(0, 1);
    two.pass(seconds(29));
    give(1);
    expect(two.gw.drops()).toEqual(['ike-fragment-again']);
    two.pass(seconds(2));
    expect(two.gw.drops()).toEqual(['ike-fragment-again', 'ike-fragment-timeout']);
    give(...fragments.keys());
    expect(two.gw.events('ike-message').at(-1)).toMatchObject({ direction: 'sent', messageId: 2, response: true });
    two.pass(minutes(2));
    expect(two.gw.drops()).toHaveLength(2);
  });

  test('shorter ones than before begin the message anew, and longer ones that come late are of no use (RFC 7383 §2.5.2, §2.6)', () => {
    const two = established(signing(true));
    const { source, destination } = two.wire.at(-1)!;
    const cut = (longest: number) => forgedFragments(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Vendor', data: new Uint8Array(600).fill(longest) }], longest);
    const [long, short] = [cut(500), cut(300)];
    const give = (payload: Uint8Array) => two.deliver('gw', destination, source, payload);
    give(long[0]!);
    short.slice(0, -1).forEach(give);
    give(long[1]!);
    expect(two.gw.drops()).toEqual(['ike-fragment']);
    give(short.at(-1)!);
    expect(two.gw.events('ike-message').at(-2)).toMatchObject({ direction: 'received', fragments: short.length });
    // and the answer to the shorter ones goes out again for the longer ones too, which are the same request
    const answers = two.wire.length;
    give(long[0]!);
    give(long[1]!);
    expect(two.wire).toHaveLength(answers + 1);
    expect(two.gw.drops()).toEqual(['ike-fragment', 'ike-fragment-again']);
  });

  test.each<[string, string, string]>([
    ['number 0', '00000002', 'ike-fragment'],
    ['a number beyond the last', '00030002', 'ike-fragment'],
    ['none in all', '00000000', 'ike-fragment'],
    ['more than are taken', '00010101', 'ike-fragment-limit'],
  ])('%s: refused before anything is computed', (_, numbers, reason) => {
    const two = established(signing(true));
    const { source, destination } = two.wire.at(-1)!;
    const [fragment] = forgedFragments(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Vendor', data: new Uint8Array(600) }], 300);
    fragment!.set(Buffer.from(numbers, 'hex'), 32);
    two.deliver('gw', destination, source, fragment!);
    expect(two.gw.drops()).toEqual([reason]);
  });

  test('fragments that nobody has agreed on are not put together', () => {
    const two = established();
    const { source, destination } = two.wire.at(-1)!;
    const fragments = forgedFragments(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Vendor', data: new Uint8Array(600) }], 300);
    for (const fragment of fragments) two.deliver('gw', destination, source, fragment);
    expect(new Set(two.gw.drops())).toEqual(new Set(['ike-fragment']));
    expect(two.gw.events('ike-message').at(-1)).toMatchObject({ exchange: 'IKE_AUTH' });
  });

  test('no more octets are kept than a whole message can have', () => {
    const fragments = new Fragments();
    const piece = { firstInner: 0, plaintext: new Uint8Array(40_000), bytes: new Uint8Array(0) };
    expect(fragments.add(1, { number: 1, total: 3 }, piece)).toBeUndefined();
    expect(fragments.add(1, { number: 2, total: 3 }, piece)).toMatchObject({ reason: 'ike-fragment-limit' });
    expect(fragments.gathered).toBeUndefined();
  });
});

test('whatever fragments come, they make what a list of them would make', () => {
  /** RFC 7383 §2.6, word for word, over everything that has come so far. */
  const naive = () => {
    let kept: { number: number; total: number; octet: number }[] = [];
    let id = -1;
    return (messageId: number, number: number, total: number, octet: number): string | undefined => {
      if (number === 0 || total === 0 || number > total) return undefined;
      if (messageId !== id) kept = [];
      id = messageId;
      if (kept.some((one) => one.total > total || (one.total === total && one.number === number))) return undefined;
      kept = [...kept.filter((one) => one.total === total), { number, total, octet }].sort((a, b) => a.number - b.number);
      if (kept.length < total) return undefined;
      const whole = kept.map((one) => one.octet).join();
      kept = [];
      return whole;
    };
  };
  const small = fc.nat(4);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1), small, small, fc.nat(255)), { maxLength: 60 }), (sequence) => {
      const [fragments, model] = [new Fragments(), naive()];
      for (const [messageId, number, total, octet] of sequence) {
        const piece = { firstInner: 0, plaintext: Uint8Array.of(octet), bytes: new Uint8Array(0) };
        const made = fragments.refuse(messageId, { number, total }) === undefined ? fragments.add(messageId, { number, total }, piece) : undefined;
        expect(made && 'plaintext' in made ? made.plaintext.join() : undefined).toBe(model(messageId, number, total, octet));
      }
    }),
    { numRuns: 500 },
  );
});
