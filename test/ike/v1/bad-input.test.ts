/** What nobody has proved to have written, and what contradicts itself: no state changes, and the drop says why. */
import { describe, expect, test } from 'vitest';
import { ip, type Endpoint } from '../../../src/core/address.ts';
import { fromHex } from '../../../src/core/bytes.ts';
import { seeded } from '../../../src/core/random.ts';
import { hash } from '../../../src/crypto/hash.ts';
import { phaseTwoIv } from '../../../src/crypto/ike-v1-keys.ts';
import { decodeMessage, encodeEncrypted, encodeMessage, encodePayloads } from '../../../src/wire/ike/v1/codec.ts';
import { exchangeTypes, notifyTypes, type ClearMessage, type IsakmpHeader, type Payload, type Proposal, type Transform } from '../../../src/wire/ike/v1/message.ts';
import { stripMarker, withMarker } from '../../../src/wire/natt.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PartyName } from '../../support/pair.ts';
import { cipherOf, lastBlockOfPhaseOne } from './insider.ts';
import { asReceived, dropped, stateOf } from './unchanged.ts';

const marked = ({ payload }: Datagram): boolean => payload.subarray(0, 4).every((octet) => octet === 0);
function clear(datagram: Datagram): ClearMessage {
  const message = decodeMessage(marked(datagram) ? stripMarker(datagram.payload) : datagram.payload);
  if (!message.ok || 'ciphertext' in message.value) throw new Error('not in the clear');
  return message.value;
}
const rewritten = (datagram: Datagram, change: (message: ClearMessage) => { readonly header?: Partial<IsakmpHeader>; readonly payloads?: readonly Payload[] }): Uint8Array => {
  const message = clear(datagram);
  const { header, payloads } = change(message);
  return encodeMessage({ header: { ...message.header, ...header }, payloads: payloads ?? message.payloads });
};

/** The first `messages` of main mode have gone out; the last of them has not arrived. */
function after(messages: number, options: Parameters<typeof pair>[0] = { v1: {} }): { readonly two: Pair; readonly last: ReturnType<typeof asReceived> } {
  const two = pair(options);
  let held: Datagram | undefined;
  two.link = (datagram) => (two.wire.length === messages ? ((held = datagram), []) : [datagram]);
  two.initiate().settle();
  two.link = (datagram) => [datagram];
  return { two, last: asReceived(two, held!) };
}

/** What was held back arrives after all, and everything goes its way: nothing was spoilt. */
function expectItGoesOn(two: Pair, { to, source, destination, payload }: ReturnType<typeof asReceived>): void {
  two.deliver(to, source, destination, payload).pass(seconds(30));
  expect([two.alice.states().at(-1), two.gw.states().at(-1)]).toEqual(['established', 'established']);
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
}

const mallory: Endpoint = { address: ip('203.0.113.66'), port: 4500 };
const noFlags = { encryption: false, commit: false, authenticationOnly: false };
const headerOf = ({ alice }: Pair, changes: Partial<IsakmpHeader> = {}): IsakmpHeader => {
  const { initiatorSpi, responderSpi } = alice.events('ike-message').at(-1)!;
  return { initiatorCookie: fromHex(initiatorSpi), responderCookie: fromHex(responderSpi), version: 0x10, exchange: exchangeTypes.INFORMATIONAL, flags: noFlags, messageId: 0x1234_5678, ...changes };
};
const cookiesOf = (two: Pair): Uint8Array => Buffer.concat([headerOf(two).initiatorCookie, headerOf(two).responderCookie]);
const childSpis = ({ stack }: Pair['alice']): Uint8Array[] => [...stack.sas.values()].map(({ sa }) => Uint8Array.of(sa!.spi >>> 24, sa!.spi >>> 16, sa!.spi >>> 8, sa!.spi));

/** What would do harm if it were believed. */
const harm = (two: Pair): readonly (readonly [string, Payload])[] => [
  ['a delete of the ISAKMP SA', { type: 'Delete', doi: 1, protocol: 1, spis: [cookiesOf(two)] }],
  ['a delete of the child SA', { type: 'Delete', doi: 1, protocol: 3, spis: childSpis(two.alice) }],
  ['INITIAL_CONTACT', { type: 'Notification', doi: 1, protocol: 1, spi: cookiesOf(two), notifyType: notifyTypes.INITIAL_CONTACT, data: new Uint8Array(0) }],
  ['R_U_THERE', { type: 'Notification', doi: 1, protocol: 1, spi: cookiesOf(two), notifyType: notifyTypes.R_U_THERE, data: Uint8Array.of(0, 0, 0, 1) }],
  ...(['NO_PROPOSAL_CHOSEN', 'INVALID_COOKIE', 'AUTHENTICATION_FAILED', 'PAYLOAD_MALFORMED'] as const).map((name) =>
    [name, { type: 'Notification', doi: 1, protocol: 1, spi: cookiesOf(two), notifyType: notifyTypes[name], data: new Uint8Array(0) }] as const),
];

describe('an informational message in the clear', () => {
  const isTold = (two: Pair, to: PartyName, source: Endpoint, destination: Endpoint): void => {
    for (const [, payload] of harm(two)) {
      for (const messageId of [0, 0x1234_5678]) expect(dropped(two, to, source, destination, encodeMessage({ header: headerOf(two, { messageId }), payloads: [payload] })).reason).toBe('isakmp-unprotected');
    }
  };

  test('does nothing to an ISAKMP SA, whoever it claims to be from', () => {
    const two = established({ v1: {} });
    for (const [to, from] of [['alice', 'gw'], ['gw', 'alice']] as const) isTold(two, to, { address: two[from].config.address, port: 500 }, { address: two[to].config.address, port: 500 });
  });

  test.each([2, 3, 4, 5, 6])('nor to one that is being made, while message %i is on its way', (messages) => {
    const { two, last } = after(messages);
    isTold(two, last.to, last.source, last.destination);
    expectItGoesOn(two, last);
  });

  test('nor before the responder has a cookie', () => {
    const two = pair({ v1: {} });
    two.link = () => [];
    two.initiate().settle();
    const header = { ...clear(two.wire[0]!).header, exchange: exchangeTypes.INFORMATIONAL };
    const payload: Payload = { type: 'Notification', doi: 1, protocol: 1, spi: new Uint8Array(0), notifyType: notifyTypes.NO_PROPOSAL_CHOSEN, data: new Uint8Array(0) };
    expect(dropped(two, 'alice', two.wire[0]!.destination, two.wire[0]!.source, encodeMessage({ header, payloads: [payload] })).reason).toBe('isakmp-unprotected');
  });
});

describe('an encrypted message of somebody without the key', () => {
  test.each([['informational', exchangeTypes.INFORMATIONAL], ['quick mode', exchangeTypes.QUICK_MODE], ['transaction', exchangeTypes.TRANSACTION]])('reads like noise: %s', (_name, exchange) => {
    const two = established({ nat: 'initiator', v1: {} });
    const random = seeded(7);
    for (let i = 0; i < 40; i++) {
      const bytes = encodeEncrypted({ header: headerOf(two, { exchange, messageId: random.uint32() }), first: 8, ciphertext: random.bytes(16 * (1 + (i % 5))) });
      expect(dropped(two, 'gw', mallory, { address: two.gw.config.address, port: 4500 }, withMarker(bytes)).reason).toBe('isakmp-authentication');
    }
  });

  test('is cut: not whole blocks', () => {
    const two = established({ v1: {} });
    const bytes = encodeEncrypted({ header: headerOf(two), first: 8, ciphertext: new Uint8Array(17) });
    expect(dropped(two, 'gw', mallory, { address: two.gw.config.address, port: 500 }, bytes)).toMatchObject({ reason: 'isakmp-authentication', detail: expect.stringContaining('17 octets of ciphertext are not whole blocks') as unknown });
  });

  /** With the encryption key, which a weak cipher may give away, but not the one of the hashes. */
  const sealed = (two: Pair, payloads: readonly Payload[], messageId = 77): Uint8Array => {
    const cipher = cipherOf(two);
    const iv = phaseTwoIv(hash('sha1'), lastBlockOfPhaseOne(two, two.wire), messageId, cipher.blockLength);
    const { first, bytes } = encodePayloads(payloads);
    return encodeEncrypted({ header: headerOf(two, { messageId }), first, ciphertext: cipher.encrypt(iv, bytes) });
  };

  test.each([0, 1, 19, 20, 21, 32, 64])('a HASH of %i octets, or none, in front of a delete', (length) => {
    const two = established({ v1: {} });
    for (const [, payload] of harm(two)) {
      const from = { address: two.alice.config.address, port: 500 };
      const to = { address: two.gw.config.address, port: 500 };
      expect(dropped(two, 'gw', from, to, sealed(two, [{ type: 'HASH', data: new Uint8Array(length) }, payload])).reason).toBe('isakmp-authentication');
      expect(dropped(two, 'gw', from, to, sealed(two, [payload])).reason).toBe('isakmp-payloads');
    }
  });
});

describe('a float that nobody has authenticated', () => {
  const to4500 = (two: Pair): Endpoint => ({ address: two.gw.config.address, port: 4500 });

  test('message 5 of another session, from another port: the SA stays where it is', () => {
    const { two, last } = after(5, { nat: 'initiator', v1: {} });
    const other = after(5, { nat: 'initiator', v1: {}, seed: 2 });
    const forged = last.payload.slice();
    forged.set(other.last.payload.subarray(4 + 28), 4 + 28);
    const random = seeded(5);
    const noise = last.payload.slice();
    noise.set(random.bytes(noise.length - 32), 32);
    for (const payload of [forged, noise]) {
      for (const source of [mallory, { ...last.source, port: 4711 }]) {
        expect(dropped(two, 'gw', source, to4500(two), payload).reason).toBe('isakmp-authentication');
        expect(dropped(two, 'gw', source, { ...to4500(two), port: 500 }, stripMarker(payload)).reason).toBe('isakmp-authentication');
      }
    }
    expect(two.gw.events('port-float')).toEqual([]);
    expectItGoesOn(two, last);
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ peer: last.source });
  });

  test('message 3, which is in the clear, from another address, another port, or to port 4500', () => {
    const { two, last } = after(3, { nat: 'initiator', v1: {} });
    const { source, destination, payload } = last;
    expect(dropped(two, 'gw', { ...mallory, port: source.port }, destination, payload).reason).toBe('isakmp-party');
    expect(dropped(two, 'gw', { ...source, port: 4711 }, destination, payload).reason).toBe('isakmp-party');
    expect(dropped(two, 'gw', source, to4500(two), withMarker(payload)).reason).toBe('isakmp-party');
    expectItGoesOn(two, last);
  });

  test('the answers of the responder, from somebody else', () => {
    for (const messages of [2, 4]) {
      const { two, last } = after(messages, { nat: 'initiator', v1: {} });
      expect(dropped(two, 'alice', { ...mallory, port: 500 }, last.destination, last.payload).reason).toBe('isakmp-party');
      expectItGoesOn(two, last);
    }
  });

  test('a first message once more from somewhere else: the cookie of the answer is not for everybody', () => {
    const { two, last } = after(2, { nat: 'initiator', v1: {} });
    const first = asReceived(two, two.wire[0]!);
    expect(dropped(two, 'gw', { ...mallory, port: 500 }, first.destination, first.payload).reason).toBe('isakmp-party');
    expectItGoesOn(two, last);
  });
});

describe('NAT-D', () => {
  const natDetection = (data: Uint8Array): Payload => ({ type: 'NAT-D', number: 20, data });
  const without = ({ payloads }: ClearMessage): Payload[] => payloads.filter(({ type }) => type !== 'NAT-D');

  test.each([
    ['hashes of another length', [natDetection(new Uint8Array(16)), natDetection(new Uint8Array(16))], 'a NAT-D payload of 16 octets, where sha1 makes 20'],
    ['the beginning of a hash', [natDetection(new Uint8Array(20)), natDetection(new Uint8Array(19))], 'a NAT-D payload of 19 octets, where sha1 makes 20'],
    ['a hash with something behind it', [natDetection(new Uint8Array(20)), natDetection(new Uint8Array(20)), natDetection(new Uint8Array(21))], 'a NAT-D payload of 21 octets, where sha1 makes 20'],
    ['nothing at all', [natDetection(new Uint8Array(0)), natDetection(new Uint8Array(0))], 'a NAT-D payload of 0 octets, where sha1 makes 20'],
    ['a flood', Array.from({ length: 33 }, () => natDetection(new Uint8Array(20))), '33 NAT-D payloads'],
    ['a flood that fills a datagram', Array.from({ length: 2600 }, () => natDetection(new Uint8Array(20))), '2600 NAT-D payloads'],
  ])('%s: message 3 and message 4 are not taken', (_name, payloads, detail) => {
    for (const messages of [3, 4]) {
      const { two, last } = after(messages);
      const forged = rewritten(last, (message) => ({ payloads: [...without(message), ...payloads] }));
      expect(dropped(two, last.to, last.source, last.destination, forged)).toMatchObject({ reason: 'nat-detection-payloads', detail });
      expectItGoesOn(two, last);
    }
  });
});

describe('headers', () => {
  const first = (): { two: Pair; last: ReturnType<typeof asReceived> } => after(1);

  test.each<[string, Partial<IsakmpHeader>, string]>([
    ['no initiator cookie', { initiatorCookie: new Uint8Array(8) }, 'isakmp-unknown-cookies'],
    ['a responder cookie in the first message', { responderCookie: fromHex('0102030405060708') }, 'isakmp-unknown-cookies'],
    ['a message ID in phase 1', { messageId: 1 }, 'isakmp-exchange'],
    ['quick mode without anything before it', { exchange: exchangeTypes.QUICK_MODE }, 'isakmp-exchange'],
    ['an exchange that nobody has', { exchange: 99 }, 'isakmp-exchange'],
    ['the base exchange', { exchange: exchangeTypes.BASE }, 'isakmp-exchange'],
    ['version 1.1', { version: 0x11 }, 'isakmp-version'],
  ])('%s', (_name, header, reason) => {
    const { two, last } = first();
    expect(dropped(two, 'gw', last.source, last.destination, rewritten(last, () => ({ header }))).reason).toBe(reason);
    expectItGoesOn(two, last);
  });

  test('our own first message, sent back to us', () => {
    const { two, last } = first();
    expect(dropped(two, 'alice', last.destination, last.source, last.payload).reason).toBe('isakmp-unknown-cookies');
  });

  test('a length that is not the datagram\'s', () => {
    const { two, last } = first();
    for (const payload of [last.payload.subarray(0, -1), Uint8Array.of(...last.payload, 0), last.payload.subarray(0, 28)]) expect(dropped(two, 'gw', last.source, last.destination, payload).reason).toBe('isakmp-malformed');
    expect(dropped(two, 'gw', last.source, last.destination, last.payload.subarray(0, 27)).reason).toBe('ike-malformed'); // of which version it is nobody can tell
  });

  test.each([3, 5])('the responder\'s cookie is zero in message %i, as for somebody who never got one', (messages) => {
    const { two, last } = after(messages);
    const payload = last.payload.slice();
    payload.fill(0, 8, 16);
    expect(dropped(two, 'gw', last.source, last.destination, payload).reason).toBe('isakmp-exchange');
    expectItGoesOn(two, last);
  });

  test('quick mode with message ID zero', () => {
    const two = established({ v1: {} });
    const ciphertext = new Uint8Array(64);
    for (const exchange of [exchangeTypes.QUICK_MODE, exchangeTypes.INFORMATIONAL, exchangeTypes.TRANSACTION]) {
      const payload = encodeEncrypted({ header: headerOf(two, { exchange, messageId: 0 }), first: 8, ciphertext });
      expect(dropped(two, 'gw', two.wire[0]!.source, two.wire[0]!.destination, payload)).toMatchObject({ reason: 'isakmp-exchange' });
    }
  });

  test('another exchange under the message ID of one that is under way', () => {
    const { two, last } = after(8);
    const forged = last.payload.slice();
    forged[18] = exchangeTypes.INFORMATIONAL;
    expect(dropped(two, last.to, last.source, last.destination, forged).reason).toBe('isakmp-message-id');
    expectItGoesOn(two, last);
  });
});

describe('payloads that contradict each other', () => {
  const of = (type: Payload['type']) => ({ payloads }: ClearMessage): Payload => payloads.find((payload) => payload.type === type)!;
  const [sa, ke, nonce] = [of('SA'), of('KE'), of('Nonce')];
  const minus = (message: ClearMessage, type: Payload['type']): Payload[] => message.payloads.filter((payload) => payload.type !== type);

  test.each<[string, number, (message: ClearMessage) => readonly Payload[], string]>([
    ['nothing in message 1', 1, () => [], 'isakmp-payloads'],
    ['an SA that is not the first', 1, (message) => [...minus(message, 'SA'), sa(message)], 'isakmp-payloads'],
    ['two SAs', 1, (message) => [...message.payloads, sa(message)], 'isakmp-payloads'],
    ['two SAs in the answer', 2, (message) => [...message.payloads, sa(message)], 'isakmp-payloads'],
    ['two public values', 3, (message) => [...message.payloads, ke(message)], 'isakmp-payloads'],
    ['none', 3, (message) => minus(message, 'KE'), 'isakmp-payloads'],
    ['two nonces', 3, (message) => [...message.payloads, nonce(message)], 'isakmp-payloads'],
    ['none in the answer', 4, (message) => minus(message, 'Nonce'), 'isakmp-payloads'],
    ['a public value that is no point of the curve', 3, (message) => [{ type: 'KE', data: new Uint8Array(64).fill(1) }, ...minus(message, 'KE')], 'isakmp-payloads'],
    ['a public value of another length', 4, (message) => [{ type: 'KE', data: new Uint8Array(128).fill(1) }, ...minus(message, 'KE')], 'isakmp-payloads'],
    ['an identity in the clear instead of a public value', 3, () => [{ type: 'ID', idType: 2, protocol: 0, port: 0, data: Uint8Array.of(97) }], 'isakmp-payloads'],
  ])('%s (message %i)', (_name, messages, change, reason) => {
    const { two, last } = after(messages);
    expect(dropped(two, last.to, last.source, last.destination, rewritten(last, (message) => ({ payloads: change(message) }))).reason).toBe(reason);
    expectItGoesOn(two, last);
  });

  test.each(['HASH', 'ID'] as const)('message 5 in the clear, with a made up %s', (type) => {
    const { two, last } = after(5);
    const payloads: Payload[] = [{ type: 'ID', idType: 2, protocol: 0, port: 0, data: Buffer.from('alice') }, ...(type === 'HASH' ? [{ type, data: new Uint8Array(20) }] : [])];
    const header = headerOf(two, { exchange: exchangeTypes.MAIN_MODE, messageId: 0 });
    expect(dropped(two, 'gw', last.source, last.destination, encodeMessage({ header, payloads })).reason).toBe('isakmp-unprotected');
    expectItGoesOn(two, last);
  });
});

describe('proposals', () => {
  const offer = (change: (proposal: Proposal) => readonly Proposal[]) => (message: ClearMessage): { payloads: Payload[] } => ({
    payloads: message.payloads.map((payload) => (payload.type === 'SA' ? { ...payload, proposals: payload.proposals.flatMap(change) } : payload)),
  });
  const unknown = (number: number): Transform => ({ number, id: 1, attributes: [{ type: 1, value: 0x4000 + number }, { type: 2, value: 2 }, { type: 3, value: 1 }, { type: 4, value: 19 }] });
  const unknowns = (count: number): Transform[] => Array.from({ length: count }, (_, i) => unknown(i + 1));

  test('254 transforms that nobody has, and behind them one that is wanted', () => {
    const { two, last } = after(1);
    const payload = rewritten(last, offer((proposal) => [{ ...proposal, transforms: [...unknowns(254), ...proposal.transforms] }]));
    two.deliver('gw', last.source, last.destination, payload);
    const answer = clear(two.wire.at(-1)!).payloads[0]!;
    expect(answer.type === 'SA' && answer.proposals[0]!.transforms).toEqual(clear(last).payloads.flatMap((it) => (it.type === 'SA' ? it.proposals[0]!.transforms : [])));
  });

  test('1000 transforms in one proposal, which counts in one octet', () => {
    const { two, last } = after(1);
    const payload = rewritten(last, offer((proposal) => [{ ...proposal, transforms: [...unknowns(999), ...proposal.transforms] }]));
    expect(dropped(two, 'gw', last.source, last.destination, payload)).toMatchObject({ reason: 'isakmp-syntax', detail: expect.stringContaining('# of Transforms is 232, 1000 there') as unknown });
    expectItGoesOn(two, last);
  });

  test('1000 transforms in four proposals: phase 1 has one (RFC 2409 §5)', () => {
    const { two, last } = after(1);
    const payload = rewritten(last, offer((proposal) => Array.from({ length: 4 }, (_, i) => ({ ...proposal, number: i + 1, transforms: [...unknowns(249), ...proposal.transforms] }))));
    expect(dropped(two, 'gw', last.source, last.destination, payload).reason).toBe('isakmp-payloads');
    expectItGoesOn(two, last);
  });

  test('an attribute that says two things at once is understood as neither', () => {
    const { two, last } = after(1);
    const twice = rewritten(last, offer((proposal) => [{ ...proposal, transforms: proposal.transforms.map((transform) => ({ ...transform, attributes: [{ type: 1, value: 5 }, ...transform.attributes] })) }]));
    two.deliver('gw', last.source, last.destination, twice);
    expect(two.gw.drops()).toEqual(['isakmp-proposal']);
    expect(two.gw.states()).toEqual([]);
    expectItGoesOn(two, last);
  });

  test('an answer that was not offered', () => {
    const { two, last } = after(2);
    const payload = rewritten(last, offer((proposal) => [{ ...proposal, transforms: [unknown(1)] }]));
    expect(dropped(two, 'alice', last.source, last.destination, payload).reason).toBe('isakmp-proposal');
    expectItGoesOn(two, last);
  });
});

describe('half-open ISAKMP SAs', () => {
  test('are borne up to a limit, and forgotten when nobody goes on; who is up stays up', () => {
    const two = established({ v1: {}, gwDaemon: { halfOpenLimit: 3 } });
    const first = asReceived(two, two.wire[0]!);
    const flood = (n: number): Uint8Array => rewritten(first, () => ({ header: { initiatorCookie: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, n) } }));
    two.link = () => [];
    for (let n = 1; n <= 3; n++) two.deliver('gw', mallory, first.destination, flood(n));
    expect(two.gw.drops()).toEqual([]);
    expect(dropped(two, 'gw', mallory, first.destination, flood(4))).toEqual(expect.objectContaining({ reason: 'isakmp-half-open-limit', detail: '3 ISAKMP SAs are half-open' }));
    two.pass(minutes(1));
    expect(two.gw.states().filter((state) => state === 'failed')).toHaveLength(3);
    expect(two.gw.daemon.nextWake()).toBeUndefined();
    two.deliver('gw', mallory, first.destination, flood(4));
    expect(two.gw.states().at(-1)).toBe('connecting');
    expect(two.gw.stack.size).toBe(2);
  });

  test('of nobody who is known: no state at all, and a word in the clear once a second', () => {
    const two = pair({ v1: {}, gw: { remote: ip('203.0.113.200') } });
    const { last } = after(1);
    const before = stateOf(two.gw);
    for (let n = 0; n < 50; n++) two.deliver('gw', mallory, last.destination, rewritten(last, () => ({ header: { initiatorCookie: Uint8Array.of(9, 9, 9, 9, 9, 9, 9, n) } })));
    expect(stateOf(two.gw)).toEqual(before);
    expect(new Set(two.gw.drops())).toEqual(new Set(['isakmp-no-connection']));
    expect(two.gw.sent).toHaveLength(1);
  });
});
