import { describe, expect, test } from 'vitest';
import { ip } from '../../../../src/core/address.ts';
import { concat, fromHex, toHex, utf8 } from '../../../../src/core/bytes.ts';
import { behindFirst, decodeMessage, decodePayloads, encodeEncrypted, encodeMessage, encodePayloads } from '../../../../src/wire/ike/v1/codec.ts';
import { exchangeName, notation, notifyName, symbols } from '../../../../src/wire/ike/v1/notation.ts';
import type { Sender } from '../../../../src/wire/ike/v1/notation.ts';
import type { Payload } from '../../../../src/wire/ike/v1/message.ts';
import { vendorName } from '../../../../src/wire/ike/v1/vendor-ids.ts';
import { openConversation } from '../../../support/ikev1-conversation.ts';
import { aggressiveMode, mainMode } from '../../../vectors/strongswan-ikev1.ts';
import { header } from './packet.ts';

const opened = { main: openConversation(mainMode), aggressive: openConversation(aggressiveMode) };
const payloadsOf = (mode: keyof typeof opened, n: number): readonly Payload[] => opened[mode][n - 1]!.payloads;
const I: Sender = 'initiator';
const R: Sender = 'responder';

describe('two conversations of strongSwan daemons', () => {
  test('main mode, quick mode and what follows read like the ladder of RFC 2409', () => {
    // who sent it in its exchange: the peer asks whether the other is alive, and the answer is an exchange of its own
    const senders = [I, R, I, R, I, R, I, R, I, I, I, I];
    expect(opened.main.map(({ header, payloads }, i) => notation(header, payloads, senders[i]!))).toEqual([
      'HDR, SA, VID x6',
      'HDR, SA, VID x5',
      'HDR, KE, Ni, NAT-D, NAT-D',
      'HDR, KE, Nr, NAT-D, NAT-D',
      'HDR*, IDii, HASH_I, N(INITIAL_CONTACT)',
      'HDR*, IDir, HASH_R',
      'HDR*, HASH(1), SA, Ni, KE, IDci, IDcr',
      'HDR*, HASH(2), SA, Nr, KE, IDci, IDcr',
      'HDR*, HASH(3)',
      'HDR*, HASH(1), N(R_U_THERE)',
      'HDR*, HASH(1), N(R_U_THERE_ACK)',
      'HDR*, HASH(1), D',
    ]);
  });

  test('aggressive mode, XAUTH, Mode-Config, quick mode', () => {
    const senders = [I, R, I, I, R, I, R, I, R, I, R, I, I];
    expect(opened.aggressive.map(({ header, payloads }, i) => notation(header, payloads, senders[i]!))).toEqual([
      'HDR, SA, KE, Ni, IDii, VID x6',
      'HDR, SA, KE, Nr, IDir, VID x5, NAT-D, NAT-D, HASH_R',
      'HDR*, HASH_I, NAT-D, NAT-D',
      'HDR*, HASH, ATTR(CFG_REQUEST)',
      'HDR*, HASH, ATTR(CFG_REPLY)',
      'HDR*, HASH, ATTR(CFG_SET)',
      'HDR*, HASH, ATTR(CFG_ACK)',
      'HDR*, HASH, ATTR(CFG_REQUEST)',
      'HDR*, HASH, ATTR(CFG_REPLY)',
      'HDR*, HASH(1), SA, Ni, IDci, IDcr',
      'HDR*, HASH(2), SA, Nr, IDci, IDcr',
      'HDR*, HASH(3)',
      'HDR*, HASH(1), D',
    ]);
  });

  test.each([...opened.main, ...opened.aggressive])('$captured.summary is written again octet for octet', ({ header, payloads, bytes, plaintext, captured }) => {
    if (plaintext === undefined) {
      expect(toHex(encodeMessage({ header, payloads }))).toBe(toHex(captured.bytes));
      return;
    }
    const inner = encodePayloads(payloads);
    expect(toHex(inner.bytes)).toBe(toHex(bytes));
    const ciphertext = captured.bytes.subarray(28);
    expect(toHex(encodeEncrypted({ header, first: inner.first, ciphertext }))).toBe(toHex(captured.bytes));
  });

  test('what strongSwan offers in phase 1', () => {
    expect(payloadsOf('main', 1)[0]).toEqual({
      type: 'SA', doi: 1, situation: 1,
      proposals: [
        {
          number: 1, protocol: 1, spi: fromHex(''),
          transforms: [{
            number: 1, id: 1,
            attributes: [{ type: 1, value: 5 }, { type: 2, value: 1 }, { type: 4, value: 2 }, { type: 3, value: 1 }, { type: 11, value: 1 }, { type: 12, value: 15840 }],
          }],
        },
      ],
    });
    expect(payloadsOf('main', 1).flatMap((payload) => (payload.type === 'VID' ? [vendorName(payload.data)] : []))).toEqual([
      'XAUTH', 'DPD RFC 3706', 'Cisco Unity', 'IKE fragmentation', 'NAT-T RFC 3947', 'NAT-T draft-02\\n',
    ]);
  });

  test('what it offers in quick mode: UDP-encapsulated, as RFC 3947 numbers it', () => {
    const [, sa, , , source, destination] = payloadsOf('main', 7);
    expect(sa).toMatchObject({ type: 'SA', proposals: [{ protocol: 3, transforms: [{ id: 3 }] }] });
    const { attributes } = (sa as Extract<Payload, { type: 'SA' }>).proposals[0]!.transforms[0]!;
    expect(attributes).toEqual(expect.arrayContaining([{ type: 3, value: 2 }, { type: 4, value: 3 }, { type: 5, value: 1 }]));
    expect([source, destination]).toEqual([
      { type: 'ID', idType: 4, protocol: 0, port: 0, data: Uint8Array.of(10, 1, 0, 0, 255, 255, 255, 0) },
      { type: 'ID', idType: 4, protocol: 0, port: 0, data: Uint8Array.of(10, 2, 0, 0, 255, 255, 255, 0) },
    ]);
  });

  test('identities, NAT-D under RFC 3947’s number, dead-peer detection, a delete of the ISAKMP SA', () => {
    expect(payloadsOf('main', 5)[0]).toEqual({ type: 'ID', idType: 2, protocol: 0, port: 0, data: utf8('a.example') });
    expect(payloadsOf('main', 3)[2]).toMatchObject({ type: 'NAT-D', number: 20 });
    const cookies = concat(opened.main[1]!.header.initiatorCookie, opened.main[1]!.header.responderCookie);
    expect(payloadsOf('main', 10)[1]).toMatchObject({ type: 'Notification', doi: 1, protocol: 1, spi: cookies, notifyType: 36136 });
    expect(payloadsOf('main', 12)[1]).toEqual({ type: 'Delete', doi: 1, protocol: 1, spis: [cookies] });
  });

  test('user name and password are asked for and given; address, DNS and split network are given', () => {
    expect(payloadsOf('aggressive', 4)[1]).toMatchObject({ configuration: 1, attributes: [{ type: 16521, value: fromHex('') }, { type: 16522, value: fromHex('') }] });
    expect(payloadsOf('aggressive', 5)[1]).toMatchObject({ configuration: 2, attributes: [{ type: 16521, value: utf8('carol') }, { type: 16522, value: utf8('swordfish') }] });
    expect(payloadsOf('aggressive', 6)[1]).toMatchObject({ configuration: 3, attributes: [{ type: 16527, value: 1 }] });
    const reply = payloadsOf('aggressive', 9)[1] as Extract<Payload, { type: 'Attributes' }>;
    expect(reply.attributes[0]).toEqual({ type: 1, value: Uint8Array.of(10, 98, 0, 1) });
    expect(reply.attributes[1]).toEqual({ type: 3, value: Uint8Array.of(192, 0, 2, 53) });
    expect(reply.attributes.at(-1)).toEqual({ type: 28676, value: fromHex('0a020000 ffffff00 0000 0000 0000') });
  });
});

describe('notation', () => {
  const quick = { ...header, exchange: 32, messageId: 7, flags: { encryption: true, commit: true, authenticationOnly: false } };
  const hash: Payload = { type: 'HASH', data: new Uint8Array(16) };

  test('the fourth message of quick mode, which the commit bit asks for', () => {
    expect(notation(quick, [hash, { type: 'Notification', doi: 1, protocol: 3, spi: new Uint8Array(4), notifyType: 16384, data: fromHex('') }], R)).toBe('HDR*, HASH(4), N(CONNECTED)');
  });

  test('certificates and signatures', () => {
    const payloads: readonly Payload[] = [{ type: 'CERT', encoding: 4, data: fromHex('') }, { type: 'SIG', data: fromHex('') }];
    expect([I, R].map((sender) => notation(header, payloads, sender))).toEqual(['HDR, CERT, SIG_I', 'HDR, CERT, SIG_R']);
  });

  test('of either side where nobody knows who sent it', () => {
    const payloads: readonly Payload[] = [{ type: 'Nonce', data: new Uint8Array(8) }, hash, { type: 'ID', idType: 2, protocol: 0, port: 0, data: fromHex('') }];
    expect(symbols(header, payloads)).toBe('Nonce, HASH, ID');
  });

  test('vendor IDs are counted where they stand together', () => {
    const vid: Payload = { type: 'VID', data: fromHex('') };
    expect(symbols(header, [vid, hash, vid, vid])).toBe('VID, HASH, VID x2');
    expect(notation(header, [], I)).toBe('HDR');
  });

  test('what has no name is told by its number', () => {
    const payloads: readonly Payload[] = [
      { type: 'Notification', doi: 1, protocol: 1, spi: fromHex(''), notifyType: 40960, data: fromHex('') },
      { type: 'Unknown', payloadType: 200, data: fromHex('') },
      { type: 'Attributes', configuration: 9, identifier: 0, attributes: [] },
    ];
    expect(notation(header, payloads, I)).toBe('HDR, N(40960), payload 200, ATTR(9)');
    expect([exchangeName(4), exchangeName(99), notifyName(14)]).toEqual(['aggressive mode', 'exchange 99', 'NO_PROPOSAL_CHOSEN']);
  });
});

/** What payloads written here octet by octet decode to, `first` being the type of the first. */
const read = (first: number, octets: string) => {
  const decoded = decodePayloads(first, fromHex(octets));
  return decoded.ok ? decoded.value.payloads : decoded;
};

describe('what RFC 2408 and RFC 3947 ask of a receiver', () => {
  // numbers: RFC 3947 §3.2, §5.2; draft-ietf-ipsec-nat-t-ike-04 and -00
  test.each([
    [20, 21], [15, 16], [130, 131],
  ])('NAT-D %i and NAT-OA %i keep their numbers', (natD, natOa) => {
    const octets = `${natOa.toString(16).padStart(2, '0')}00 0008 aabbccdd 0000 000c 01000000 c0000201`;
    expect(read(natD, octets)).toEqual([{ type: 'NAT-D', number: natD, data: fromHex('aabbccdd') }, { type: 'NAT-OA', number: natOa, address: ip('192.0.2.1') }]);
    const payloads = read(natD, octets) as readonly Payload[];
    expect(encodePayloads(payloads)).toEqual({ first: natD, bytes: fromHex(octets) });
  });

  test('an original address may be an IPv6 one, and nothing else', () => {
    expect(read(21, '00000018 05000000 20010db8000000000000000000000001')).toEqual([{ type: 'NAT-OA', number: 21, address: ip('2001:db8::1') }]);
    expect(read(21, '0000000c 02000000 c0000201')).toMatchObject({ ok: false, reason: 'isakmp-syntax', detail: expect.stringContaining('ID Type 2 is no address') as unknown });
  });

  test('reserved octets may hold anything', () => {
    expect(read(13, '00ff0006 abcd')).toEqual([{ type: 'VID', data: fromHex('abcd') }]);
  });

  test('what follows HASH is kept octet for octet, though it would be written otherwise', () => {
    const rest = '00ff0006 abcd';
    const decoded = decodePayloads(8, fromHex(`0d000006 1234 ${rest} 00000000`));
    expect(decoded.ok && toHex(behindFirst(decoded.value))).toBe('00ff0006abcd');
  });

  test('of another major version only the header is read', () => {
    const bytes = encodeMessage({ header: { ...header, version: 0x30 }, payloads: [{ type: 'VID', data: fromHex('abcd') }] });
    expect(decodeMessage(bytes)).toMatchObject({ ok: true, value: { header: { version: 0x30 }, payloads: [], bodies: [] } });
  });

  test('a life duration in octets, and one in the short form', () => {
    expect(read(1, '00000030 00000001 00000001 00000024 01010001 0000001c 01010000 800b0001 000c0004 00015180 800b0002 800c00ff')).toMatchObject([
      { proposals: [{ transforms: [{ attributes: [{ type: 11, value: 1 }, { type: 12, value: fromHex('00015180') }, { type: 11, value: 2 }, { type: 12, value: 255 }] }] }] },
    ]);
  });

  test('the pieces of a message', () => {
    expect(read(132, '0000000b 0001 02 01 aabbcc')).toEqual([{ type: 'Fragment', identifier: 1, number: 2, last: true, data: fromHex('aabbcc') }]);
  });

  test.each([
    ['a length of less than the header', 13, '00000003', 'isakmp-malformed'],
    ['a length beyond the end', 13, '00000009 abcd', 'isakmp-malformed'],
    ['a next payload that is not there', 13, '0d000004', 'isakmp-malformed'],
    ['another DOI', 1, '0000001c 00000002 00000001 00000010 01010001 00000008 01010000', 'isakmp-syntax'],
    ['a situation with labels', 1, '0000001c 00000001 00000003 00000010 01010001 00000008 01010000', 'isakmp-syntax'],
    ['an SA without a proposal', 1, '0000000c 00000001 00000001', 'isakmp-syntax'],
    ['a proposal longer than its payload', 1, '00000014 00000001 00000001 0000ffff 01010001', 'isakmp-syntax'],
    ['fewer transforms than it says', 1, '0000001c 00000001 00000001 00000010 01010002 00000008 01010000', 'isakmp-syntax'],
    ['a last proposal that says more follow', 1, '0000001c 00000001 00000001 02000010 01010001 00000008 01010000', 'isakmp-syntax'],
    ['ESP with an SPI of eight octets', 1, '00000024 00000001 00000001 00000018 01030801 0000000000000000 00000008 01030000', 'isakmp-syntax'],
    ['ISAKMP with an SPI of 17 octets', 1, '0000002d 00000001 00000001 00000021 01011101 0000000000000000000000000000000000 00000008 01010000', 'isakmp-syntax'],
    ['an attribute longer than its transform', 1, '00000020 00000001 00000001 00000014 01010001 0000000c 01010000 000c0008', 'isakmp-syntax'],
    ['a nonce of seven octets', 10, '0000000b 01020304050607', 'isakmp-syntax'],
    ['an IPv4 address of five octets', 5, '0000000d 01000000 0102030405', 'isakmp-syntax'],
    ['a subnet without its mask', 5, '0000000c 04000000 01020304', 'isakmp-syntax'],
    ['a notification whose SPI is not there', 11, '0000000c 00000001 01100001', 'isakmp-syntax'],
    ['a delete of an ISAKMP SA by four octets', 12, '00000010 00000001 01040001 01020304', 'isakmp-syntax'],
    ['a delete of more SPIs than there are', 12, '00000010 00000001 0304ffff 01020304', 'isakmp-syntax'],
    ['a delete of SPIs without octets', 12, '0000000c 00000001 0900ffff', 'isakmp-syntax'],
    ['a configuration attribute longer than its payload', 14, '0000000c 01000000 0001ffff', 'isakmp-syntax'],
  ])('refuses %s', (_, first, octets, reason) => {
    expect(read(first, octets)).toMatchObject({ ok: false, reason });
  });

  test('refuses a message that is longer or shorter than it says, and octets behind the last payload in the clear', () => {
    const bytes = encodeMessage({ header, payloads: [{ type: 'VID', data: fromHex('abcd') }] });
    expect(decodeMessage(concat(bytes, Uint8Array.of(0)))).toMatchObject({ ok: false, reason: 'isakmp-malformed' });
    const padded = concat(bytes, Uint8Array.of(0));
    padded[27]! += 1;
    expect(decodeMessage(padded)).toMatchObject({ ok: false, reason: 'isakmp-malformed', detail: 'payload chain: 1 octets left over' });
  });
});

test('a message in the clear cannot be written with the encryption bit', () => {
  expect(() => encodeMessage({ header: { ...header, flags: { ...header.flags, encryption: true } }, payloads: [] })).toThrow(TypeError);
});
