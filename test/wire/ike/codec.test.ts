import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { concat, fromHex, toHex, utf8 } from '../../../src/core/bytes.ts';
import { decodeHeader, decodeMessage, decodePayloads, encodeMessage, encodePayloads, protectedHead } from '../../../src/wire/ike/codec.ts';
import type { IkeHeader, IkeMessage, Payload, ProtectedIkeMessage } from '../../../src/wire/ike/message.ts';
import { exchangeName, notation, notifyName } from '../../../src/wire/ike/notation.ts';
import { conversation } from '../../vectors/strongswan-ikev2.ts';
import type { CapturedMessage } from '../../vectors/strongswan-ikev2.ts';

/** The message and, if it is protected, what stood inside SK. */
function read({ bytes, inner }: CapturedMessage): { message: IkeMessage | ProtectedIkeMessage; inside?: readonly Payload[] } {
  const decoded = decodeMessage(bytes);
  if (!decoded.ok) throw new Error(decoded.detail);
  const message = decoded.value;
  if (!('bodyAt' in message)) return { message };
  const inside = decodePayloads(message.firstInner, inner!);
  if (!inside.ok) throw new Error(inside.detail);
  return { message, inside: inside.value };
}

const payloadsOf = (n: number): readonly Payload[] => {
  const { message, inside } = read(conversation[n - 1]!);
  return inside ?? (message as IkeMessage).payloads;
};

describe('a conversation of two strongSwan daemons', () => {
  test('reads like the ladder of RFC 7296', () => {
    const ladder = conversation.map((captured) => {
      const { message, inside } = read(captured);
      return 'bodyAt' in message ? notation(message.header, message.outer, inside) : notation(message.header, message.payloads);
    });
    const natDetection = 'N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(SIGNATURE_HASH_ALGORITHMS)';
    expect(ladder).toEqual([
      `HDR, SAi1, KEi, Ni, ${natDetection}, N(REDIRECT_SUPPORTED)`,
      `HDR, SAr1, KEr, Nr, ${natDetection}, N(CHILDLESS_IKEV2_SUPPORTED), N(MULTIPLE_AUTH_SUPPORTED)`,
      'HDR, SK {IDi, N(INITIAL_CONTACT), IDr, AUTH, CP(CFG_REQUEST), SAi2, TSi, TSr, N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES), '
        + 'N(MULTIPLE_AUTH_SUPPORTED), N(EAP_ONLY_AUTHENTICATION), N(IKEV2_MESSAGE_ID_SYNC_SUPPORTED)}',
      'HDR, SK {IDr, AUTH, CP(CFG_REPLY), SAr2, TSi, TSr, N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES)}',
      'HDR, SK {N(NO_ADDITIONAL_ADDRESSES)}',
      'HDR, SK {}',
      'HDR, SK {N(REKEY_SA), SA, Ni, TSi, TSr}',
      'HDR, SK {SA, Nr, TSi, TSr}',
      'HDR, SK {D}',
      'HDR, SK {D}',
      'HDR, SK {D}',
      'HDR, SK {}',
    ]);
  });

  test.each(conversation)('$summary is written again octet for octet', (captured) => {
    const { message, inside } = read(captured);
    if (!('bodyAt' in message)) {
      expect(toHex(encodeMessage(message))).toBe(toHex(captured.bytes));
      return;
    }
    const { first, bytes } = encodePayloads(inside!);
    expect(toHex(bytes)).toBe(toHex(captured.inner!));
    expect(first).toBe(message.firstInner);
    const bodyLength = message.bytes.length - message.bodyAt;
    expect(toHex(protectedHead(message.header, first, bodyLength))).toBe(toHex(captured.bytes.subarray(0, message.bodyAt)));
  });

  test('the flags say who began the IKE SA and which message is an answer', () => {
    const flags = conversation.slice(4, 8).map((captured) => read(captured).message.header.flags);
    expect(flags).toEqual([
      { initiator: false, higherVersion: false, response: false },
      { initiator: true, higherVersion: false, response: true },
      { initiator: true, higherVersion: false, response: false },
      { initiator: false, higherVersion: false, response: true },
    ]);
  });

  test('SA: proposals with their transforms, key lengths and SPIs', () => {
    expect(payloadsOf(1)[0]).toEqual({
      type: 'SA',
      proposals: [
        { number: 1, protocol: 1, spi: fromHex(''), transforms: [{ type: 1, id: 20, keyLength: 128 }, { type: 2, id: 5 }, { type: 4, id: 31 }] },
        {
          number: 2, protocol: 1, spi: fromHex(''),
          transforms: [{ type: 1, id: 12, keyLength: 256 }, { type: 3, id: 12 }, { type: 2, id: 5 }, { type: 4, id: 14 }],
        },
      ],
    });
    expect(payloadsOf(3).find(({ type }) => type === 'SA')).toMatchObject({ proposals: [{ protocol: 3, spi: fromHex('1eb84cbd') }, { protocol: 3 }] });
  });

  test('KE and nonce', () => {
    expect(payloadsOf(1)[1]).toEqual({ type: 'KE', group: 31, data: fromHex('02035fde0abb4cef1f9ca60cd30083c4ccd25147f1d912a6a01b80fd1edc753b') });
    expect(payloadsOf(1)[2]).toEqual({ type: 'Nonce', data: fromHex('f79f2af0f2c3fd1ae04efce39adfcc8304e42e5e9aa91089b5b30704247c2338') });
  });

  test('identities, traffic selectors, the virtual address', () => {
    expect(payloadsOf(3)[0]).toEqual({ type: 'IDi', idType: 2, data: utf8('a.example') });
    expect(payloadsOf(3).find(({ type }) => type === 'TSr')).toEqual({
      type: 'TSr',
      selectors: [{ protocol: 0, startPort: 0, endPort: 65535, startAddress: ip('10.99.0.0'), endAddress: ip('10.99.0.255') }],
    });
    expect(payloadsOf(4).find(({ type }) => type === 'CP')).toEqual({
      type: 'CP', configuration: 2,
      attributes: [{ type: 1, value: Uint8Array.of(10, 98, 0, 1) }, { type: 3, value: Uint8Array.of(192, 0, 2, 53) }],
    });
  });

  test('a notify and a delete that name the SPI of a child, a delete of the IKE SA', () => {
    const [rekeyed] = payloadsOf(7);
    expect(rekeyed).toMatchObject({ type: 'Notify', protocol: 3, notifyType: 16393, spi: fromHex('1eb84cbd') });
    expect(payloadsOf(9)).toEqual([{ type: 'Delete', protocol: 3, spis: [fromHex('1eb84cbd')] }]);
    expect(payloadsOf(11)).toEqual([{ type: 'Delete', protocol: 1, spis: [] }]);
  });
});

test('i and r follow the exchange, whoever began the IKE SA', () => {
  const rekey: readonly Payload[] = [{ type: 'Nonce', data: new Uint8Array(16) }, { type: 'KE', group: 31, data: new Uint8Array(32) }];
  const byResponder = { ...header, exchange: 36, flags: { initiator: false, higherVersion: false, response: false } };
  expect(notation(byResponder, [], rekey)).toBe('HDR, SK {Ni, KEi}');
  expect(notation({ ...byResponder, flags: { initiator: true, higherVersion: false, response: true } }, [], rekey)).toBe('HDR, SK {Nr, KEr}');
});

test('what has no name is told by its number', () => {
  const payloads: readonly Payload[] = [
    { type: 'Notify', protocol: 0, spi: fromHex(''), notifyType: 40960, data: fromHex('') },
    { type: 'Unknown', payloadType: 200, critical: false, data: fromHex('') },
    { type: 'Unknown', payloadType: 53, critical: false, data: fromHex('') },
    { type: 'CP', configuration: 9, attributes: [] },
  ];
  expect(notation(header, payloads)).toBe('HDR, N(40960), payload 200, SKF, CP(9)');
  expect([exchangeName(34), exchangeName(99), notifyName(14)]).toEqual(['IKE_SA_INIT', 'exchange 99', 'NO_PROPOSAL_CHOSEN']);
});

const header: IkeHeader = {
  initiatorSpi: fromHex('0102030405060708'),
  responderSpi: fromHex('1112131415161718'),
  version: 0x20,
  exchange: 34,
  flags: { initiator: true, higherVersion: false, response: false },
  messageId: 0,
};

/** A message in the clear whose payloads are written here octet by octet, its length as it should be. */
function wire(first: number, octets: string, version = 0x20): Uint8Array {
  const body = fromHex(octets);
  const head = protectedHead({ ...header, version }, 0, body.length).subarray(0, 28);
  head[16] = first;
  head[27] = 28 + body.length;
  return concat(head, body);
}

describe('versions', () => {
  const ikev1 = wire(1, 'ffff', 0x10);
  const ikev3 = wire(33, 'ffff', 0x30);

  test('of another major version only the header is read', () => {
    expect(decodeMessage(ikev3)).toEqual({ ok: true, value: { header: { ...header, version: 0x30 }, payloads: [] } });
    expect(decodeMessage(ikev1)).toMatchObject({ ok: true, value: { header: { version: 0x10 }, payloads: [] } });
  });

  test('the header alone can always be read, however long the message claims to be', () => {
    expect(decodeHeader(ikev3.subarray(0, 28))).toEqual({ ok: true, value: { ...header, version: 0x30, nextPayload: 33, length: 30 } });
    expect(decodeHeader(ikev3.subarray(0, 27))).toMatchObject({ ok: false, reason: 'ike-malformed' });
  });

  test('a higher minor version changes nothing', () => {
    expect(decodeMessage(wire(43, '00000006 abcd', 0x2f))).toMatchObject({ ok: true, value: { payloads: [{ type: 'Vendor', data: fromHex('abcd') }] } });
  });
});

describe('what RFC 7296 asks of a receiver', () => {
  const payloads = (first: number, octets: string) => {
    const decoded = decodeMessage(wire(first, octets));
    return decoded.ok && 'payloads' in decoded.value ? decoded.value.payloads : decoded;
  };

  test('an unknown payload keeps its critical bit (§2.5)', () => {
    expect(payloads(200, 'c9800005 aa 00000004')).toEqual([
      { type: 'Unknown', payloadType: 200, critical: true, data: fromHex('aa') },
      { type: 'Unknown', payloadType: 201, critical: false, data: fromHex('') },
    ]);
  });

  test('the critical bit and the reserved bits of a known payload do not matter (§3.2)', () => {
    expect(payloads(43, '00ff0006 abcd')).toEqual([{ type: 'Vendor', data: fromHex('abcd') }]);
  });

  test('reserved fields may hold anything (§3)', () => {
    expect(payloads(34, '00000009 001f ffff 01')).toEqual([{ type: 'KE', group: 31, data: fromHex('01') }]);
  });

  test('a transform with an attribute that nobody understands says so, and only that one (§3.3.6)', () => {
    const transforms = '0300000c 01000014 800e0080  03000010 01000014 800e0100 800f0001  0000000e 01000014 000e0002 0080';
    expect(payloads(33, `00000036 00000032 01010003 ${transforms}`)).toEqual([
      {
        type: 'SA',
        proposals: [
          {
            number: 1, protocol: 1, spi: fromHex(''),
            transforms: [
              { type: 1, id: 20, keyLength: 128 },
              { type: 1, id: 20, keyLength: 256, otherAttributes: [{ type: 15, value: 1 }] },
              { type: 1, id: 20, otherAttributes: [{ type: 14, value: fromHex('0080') }] }, // the key length in the long form
            ],
          },
        ],
      },
    ]);
  });

  test('a second key length is one too many', () => {
    expect(payloads(33, '0000001c 00000018 01010001 00000010 01000014 800e0080 800e0100')).toMatchObject([
      { proposals: [{ transforms: [{ keyLength: 128, otherAttributes: [{ type: 14, value: 256 }] }] }] },
    ]);
  });

  test('the reserved bit of a configuration attribute does not matter (§3.15.1)', () => {
    expect(payloads(47, '0000000c 01000000 80010000')).toEqual([{ type: 'CP', configuration: 1, attributes: [{ type: 1, value: fromHex('') }] }]);
  });

  test('a traffic selector of a type that nobody knows is left out (§3.13.1)', () => {
    const label = '0a 00 0008 61626364';
    const range = '07 11 0010 06a5 06a5 c0a80102 c0a80102';
    expect(payloads(44, `00000020 02000000 ${label} ${range}`)).toEqual([
      { type: 'TSi', selectors: [{ protocol: 17, startPort: 1701, endPort: 1701, startAddress: ip('192.168.1.2'), endAddress: ip('192.168.1.2') }] },
    ]);
  });

  test('what stands in front of SK is kept apart, and SK ends the chain (§3.14)', () => {
    expect(decodeMessage(wire(43, '2e000005 ab 23000006 cdef'))).toMatchObject({
      ok: true,
      value: { outer: [{ type: 'Vendor', data: fromHex('ab') }], firstInner: 35, bodyAt: 37 },
    });
  });

  test('SKF says which fragment it is of how many, and its Next Payload does not go on with the chain (RFC 7383 §2.5)', () => {
    const fragment = wire(53, '2300000a 00010002 abcd');
    expect(decodeMessage(fragment)).toEqual({ ok: true, value: { header, outer: [], firstInner: 35, fragment: { number: 1, total: 2 }, bytes: fragment, bodyAt: 36 } });
  });
});

describe('refused', () => {
  test.each([
    ['more octets than the header says', concat(wire(0, ''), fromHex('00')), /header: Length is 28, 29 octets there/],
    ['fewer octets than the header says', wire(43, '00000004').subarray(0, 28), /header: Length is 32, 28 octets there/],
    ['a payload header cut short', wire(43, '0000'), /Vendor's Payload Length is cut off/],
    ['a payload longer than the message', wire(43, '00000006 ab'), /Vendor \(Payload Length\) is cut off/],
    ['a payload shorter than its own header', wire(43, '00000003'), /Vendor \(Payload Length\) is cut off/],
    ['a chain that names a payload that is not there', wire(43, '28000004'), /Nonce's Next Payload is cut off/],
    ['octets behind the last payload', wire(43, '00000004 00'), /1 octets left over/],
    ['a payload behind SK', wire(46, '00000004 00000004'), /4 octets behind SK/],
    ['a payload behind SKF', wire(53, '00000008 00010002 00000004'), /4 octets behind SKF/],
    ['SKF without its numbers', wire(53, '00000006 0001'), /SKF: Total Fragments is cut off/],
  ])('%s: the frame is wrong', (_, bytes, detail) => {
    expect(decodeMessage(bytes)).toMatchObject({ ok: false, reason: 'ike-malformed', detail: expect.stringMatching(detail) as string });
  });

  test.each([
    ['SA without a proposal (§3.3)', 33, '00000004', /SA: Last Substruc is cut off/],
    ['a proposal longer than SA', 33, '0000000c 00000010 01010000', /SA: proposal 1 is cut off/],
    ['a proposal shorter than its own header', 33, '0000000c 00000003 01010000', /SA: proposal 1 is cut off/],
    ['a proposal without a transform (§3.3.1)', 33, '0000000c 00000008 01010000', /SA, proposal 1: Last Substruc is cut off/],
    ['fewer transforms than announced', 33, '00000014 00000010 01010002 00000008 02000005', /proposal 1: Num Transforms is 2, 1 there/],
    ['a proposal that is not marked as the last one', 33, '00000014 02000010 01010001 00000008 02000005', /SA: Last Substruc is 2 where 0 belongs/],
    ['a transform that is not marked as the last one', 33, '00000014 00000010 01010001 03000008 02000005', /proposal 1: Last Substruc is 3 where 0 belongs/],
    ['a transform longer than its proposal', 33, '00000014 00000010 01010001 00000009 02000005', /proposal 1: transform 1 is cut off/],
    ['an attribute longer than its transform', 33, '00000018 00000014 01010001 0000000c 02000005 00630001', /transform 1: Attribute Value is cut off/],
    ['an SPI size that the protocol has not (§3.3.1)', 33, '00000016 00000012 01030201 abcd 00000008 05000000', /SPI Size 2 for protocol 3/],
    ['KE without its group', 34, '00000005 00', /KE: Diffie-Hellman Group Num is cut off/],
    ['an IPv4 identity of five octets (§3.5)', 35, '0000000d 01000000 c0a8010203', /IDi: ID Type 1 with 5 octets/],
    ['an IPv6 identity of four octets (§3.5)', 36, '0000000c 05000000 c0a80102', /IDr: ID Type 5 with 4 octets/],
    ['CERT without an encoding', 37, '00000004', /CERT: Cert Encoding is cut off/],
    ['AUTH without all of its head', 39, '00000007 020000', /AUTH: RESERVED is cut off/],
    ['a nonce of 15 octets (§3.9)', 40, `00000013 ${'00'.repeat(15)}`, /Nonce: Nonce Data of 15 octets/],
    ['a notify whose SPI runs over its end', 41, '0000000a 03044009 abcd', /Notify: SPI is cut off/],
    ['a delete of fewer SPIs than it holds (§3.11)', 42, '00000010 03040001 01020304 05060708', /Delete: Num of SPIs is 1 of 4 octets, 8 octets there/],
    ['a delete of more SPIs than it holds (§3.11)', 42, '0000000c 03040002 01020304', /Delete: Num of SPIs is 2 of 4 octets, 4 octets there/],
    ['a delete of 65535 SPIs without octets', 42, '00000008 0600ffff', /Delete: Num of SPIs is 65535 where SPIs have no octets/],
    ['a delete of the IKE SA that names its SPI (§3.11)', 42, '00000010 01080001 0102030405060708', /Delete: SPI Size 8 for protocol 1/],
    ['TSi without a selector (§3.13)', 44, '00000008 00000000', /TSi: no Traffic Selector/],
    ['fewer selectors than announced', 44, '00000018 02000000 07000010 0000ffff 00000000 ffffffff', /TSi: TS Type is cut off/],
    ['more selectors than announced', 45, '00000028 01000000 07000010 0000ffff 00000000 ffffffff 07000010 0000ffff 00000000 ffffffff', /TSr: 16 octets left over/],
    ['a selector too long for its type (§3.13.1)', 44, '0000001c 01000000 07000014 0000ffff 00000000 ffffffff 00000000', /selector 1: 4 octets left over/],
    ['a selector too short for its type (§3.13.1)', 44, '00000018 01000000 08000010 0000ffff 00000000 ffffffff', /selector 1: Starting Address is cut off/],
    ['a configuration attribute that runs over the end (§3.15.1)', 47, '0000000c 01000000 00010004', /CP: Attribute Value is cut off/],
    ['an EAP message whose own length is another (§3.16)', 48, '0000000a 0201 0005 0141', /EAP: EAP Length is 5, 6 octets there/],
    ['an EAP message of three octets', 48, '00000007 020100', /EAP: EAP Length is cut off, 3 octets there/],
  ])('%s: the payload breaks its section', (_, first, octets, detail) => {
    expect(decodeMessage(wire(first, octets))).toMatchObject({ ok: false, reason: 'ike-syntax', detail: expect.stringMatching(detail) as string });
  });

  test('a nonce of 257 octets (§3.9)', () => {
    const { first, bytes } = encodePayloads([{ type: 'Nonce', data: new Uint8Array(257) }]);
    expect(decodePayloads(first, bytes)).toMatchObject({ ok: false, reason: 'ike-syntax', detail: 'Nonce: Nonce Data of 257 octets' });
  });

  test('SK inside SK', () => {
    expect(decodePayloads(46, fromHex('00000004'))).toMatchObject({ ok: false, reason: 'ike-syntax' });
  });
});

describe('a bug of ours throws', () => {
  test.each<[string, Payload]>([
    ['a payload of more than 65535 octets', { type: 'Vendor', data: new Uint8Array(0xfffc) }],
    ['a selector from IPv4 to IPv6', { type: 'TSi', selectors: [{ protocol: 0, startPort: 0, endPort: 0, startAddress: ip('10.0.0.1'), endAddress: ip('::1') }] }],
  ])('%s', (_, payload) => {
    expect(() => encodeMessage({ header, payloads: [payload] })).toThrow();
  });

  test('an IKE SPI that has not 8 octets', () => {
    expect(() => encodeMessage({ header: { ...header, initiatorSpi: fromHex('01') }, payloads: [] })).toThrow(RangeError);
  });
});
