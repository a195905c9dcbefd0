import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import { binding, decodeStun, encodeStun, looksLikeStun, mappedEndpoint, mustBeUnderstood, type StunAttribute, type StunMessage } from '../../src/wire/stun.ts';
import { sampleRequest, sampleResponse4, sampleResponse6, transaction } from '../vectors/rfc5769.ts';

const read = (bytes: Uint8Array): StunMessage => {
  const message = decodeStun(bytes);
  if (!message.ok) throw new Error(message.detail);
  return message.value;
};

const refusal = (bytes: Uint8Array): string => {
  const message = decodeStun(bytes);
  return message.ok ? 'accepted' : `${message.reason}: ${message.detail}`;
};

describe('the vectors of RFC 5769', () => {
  test('§2.1: the request with every attribute, those of ICE as octets of another\'s concern', () => {
    const { class: stunClass, method, attributes, ...rest } = read(sampleRequest);
    expect([stunClass, method, toHex(rest.transaction)]).toEqual(['request', binding, toHex(transaction)]);
    expect(attributes.map((attribute) => (attribute.kind === 'other' ? `${attribute.type.toString(16)}: ${toHex(attribute.value)}` : attribute))).toEqual([
      { kind: 'software', text: 'STUN test client' },
      '24: 6e0001ff',
      '8029: 932ff9b151263b36',
      '6: 6576746a3a68367659',
      '8: 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2',
    ]);
  });

  test.for([
    ['§2.2', sampleResponse4, ip('192.0.2.1')],
    ['§2.3', sampleResponse6, ip('2001:db8:1234:5678:11:2233:4455:6677')],
  ] as const)('%s: the mapped address of the response', ([, bytes, address]) => {
    expect(read(bytes).class).toBe('success');
    expect(mappedEndpoint(read(bytes))).toEqual({ address, port: 32853 });
  });

  test('what was read is written again octet for octet, but for what the vectors pad with and the fingerprint that covers it', () => {
    for (const bytes of [sampleRequest, sampleResponse4, sampleResponse6]) {
      const written = encodeStun(read(bytes));
      const padded = bytes.slice();
      written.forEach((octet, i) => octet === 0 && bytes[i] === 0x20 && (padded[i] = 0));
      expect(toHex(written.subarray(0, -4))).toBe(toHex(padded.subarray(0, -4)));
    }
  });

  test('one octet changed anywhere breaks the fingerprint, or more; but for its type, without which it is none', () => {
    const fingerprintAt = sampleResponse4.length - 8;
    for (let i = 0; i < sampleResponse4.length; i++) {
      if (i === fingerprintAt || i === fingerprintAt + 1) continue;
      const damaged = sampleResponse4.slice();
      damaged[i]! ^= 1;
      expect(refusal(damaged), `octet ${i}`).toMatch(/^stun-malformed/);
    }
  });
});

describe('RFC 5780 §7', () => {
  const attributes: readonly StunAttribute[] = [
    { kind: 'change-request', address: true, port: false },
    { kind: 'response-port', port: 40001 },
    { kind: 'padding', length: 5 },
    { kind: 'response-origin', endpoint: { address: ip('203.0.113.2'), port: 3478 } },
    { kind: 'other-address', endpoint: { address: ip('203.0.113.3'), port: 3479 } },
  ];

  test('the layout of its attributes', () => {
    const bytes = encodeStun({ class: 'request', method: binding, transaction, attributes });
    expect(toHex(bytes.subarray(20, -8))).toBe(
      ['0003000400000004', '002700049c410000', '002600050000000000000000', '802b000800010d96cb007102', '802c000800010d97cb007103'].join(''),
    );
    expect(read(bytes).attributes).toEqual(attributes);
  });

  test('which attributes must be understood (RFC 8489 §5)', () => {
    expect([0x0003, 0x0027, 0x7fff].map(mustBeUnderstood)).toEqual([true, true, true]);
    expect([0x8000, 0x802b, 0xffff].map(mustBeUnderstood)).toEqual([false, false, false]);
  });
});

test.for([
  ['request', binding, '0001'], ['indication', binding, '0011'], ['success', binding, '0101'], ['error', binding, '0111'], ['request', 0xfff, '3eef'], ['error', 0x080, '0310'],
] as const)('%s of method %i is type %s (RFC 8489 §5, figure 3)', ([stunClass, method, type]) => {
  const bytes = encodeStun({ class: stunClass, method, transaction, attributes: [] });
  expect(toHex(bytes.subarray(0, 2))).toBe(type);
  expect(read(bytes)).toMatchObject({ class: stunClass, method });
});

describe('what is refused', () => {
  const header = (length: number, cookie = '2112a442'): string => `0001${length.toString(16).padStart(4, '0')}${cookie}${toHex(transaction)}`;

  test.for([
    ['nothing', ''],
    ['half a header', '00010000 2112a442'],
    ['another cookie', header(0, '2112a443')],
    ['a length of more than there is', header(8)],
    ['a length that is no multiple of four', `${header(6)}000000000000`],
    ['an attribute that is longer than the message', `${header(8)}8022000574657374`],
    ['an address of no family', `${header(12)}0001000800030000c0000201`],
    ['an address too short for its family', `${header(8)}00010004 00010000`],
    ['an IPv6 address of four octets', `${header(12)}00200008 00020000 c0000201`],
    ['an error without a code', `${header(8)}0009000200000000`],
    ['a fingerprint that is not the last', `${header(16)}80280004 00000000 80220004 74657374`],
  ] as const)('%s', ([, hex]) => {
    expect(refusal(fromHex(hex))).toMatch(/^stun-malformed: /);
  });

  test('nothing that a peer can send throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (tail, framed) => {
      const even = tail.subarray(0, tail.length & ~3);
      expect(() => decodeStun(framed ? Uint8Array.from([...fromHex(header(even.length)), ...even]) : tail)).not.toThrow();
    }), { numRuns: 500 });
  });
});

test('what is no STUN is told by its first octets', () => {
  expect(looksLikeStun(sampleRequest)).toBe(true);
  expect(looksLikeStun(Uint8Array.of(0xff))).toBe(false);
  expect(looksLikeStun(sampleRequest.map((octet, i) => (i === 0 ? 0x80 : octet)))).toBe(false);
});
