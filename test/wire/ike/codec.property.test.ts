import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/core/bytes.ts';
import { decodeHeader, decodeMessage, decodePayloads, encodeMessage, encodePayloads, protectedHead } from '../../../src/wire/ike/codec.ts';
import { header, message, octets, payload } from './arbitrary.ts';

describe('whatever the message', () => {
  test('decoding what was encoded gives the message back', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(encodeMessage(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test('the payloads inside SK come back as they went in', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 8 }), (payloads) => {
        const { first, bytes } = encodePayloads(payloads);
        expect(decodePayloads(first, bytes)).toEqual({ ok: true, value: payloads });
      }),
    );
  });

  test('the body of a protected message is found where the head ended', () => {
    fc.assert(
      fc.property(header, fc.nat(255), octets(0, 200), (header, firstInner, body) => {
        const bytes = concat(protectedHead(header, firstInner, body.length), body);
        expect(decodeMessage(bytes)).toEqual({ ok: true, value: { header, outer: [], firstInner, bytes, bodyAt: 32 } });
      }),
    );
  });
});

describe('whatever a peer sends', () => {
  const decodes = (bytes: Uint8Array): void => {
    for (const decoded of [decodeHeader(bytes), decodeMessage(bytes), decodePayloads(bytes[0] ?? 0, bytes.subarray(1))]) {
      if (!decoded.ok) expect(['ike-malformed', 'ike-syntax']).toContain(decoded.reason);
    }
  };

  test('any octets decode or are refused', () => {
    fc.assert(fc.property(octets(0, 300), decodes));
  });

  test('any octets behind an honest header decode or are refused', () => {
    fc.assert(
      fc.property(header, fc.nat(255), octets(0, 300), (header, first, body) => {
        const bytes = concat(protectedHead(header, 0, body.length).subarray(0, 28), body);
        bytes[16] = first;
        new DataView(bytes.buffer).setUint32(24, bytes.length);
        decodes(bytes);
      }),
    );
  });

  test('a message cut short is refused', () => {
    fc.assert(
      fc.property(message, fc.nat(), (value, at) => {
        const bytes = encodeMessage(value);
        expect(decodeMessage(bytes.subarray(0, at % bytes.length)).ok).toBe(false);
      }),
    );
  });

  test('payloads cut short inside SK are refused, or end where a payload ended', () => {
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), fc.nat(), (payloads, at) => {
        const { first, bytes } = encodePayloads(payloads);
        expect(decodePayloads(first, bytes.subarray(0, at % bytes.length)).ok).toBe(false);
      }),
    );
  });

  test('flipped bits decode to something that can be encoded, or are refused', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (value, flips) => {
        const bytes = encodeMessage(value);
        for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
        const decoded = decodeMessage(bytes);
        if (!decoded.ok) expect(['ike-malformed', 'ike-syntax']).toContain(decoded.reason);
        else if (!('bodyAt' in decoded.value)) encodeMessage(decoded.value);
      }),
    );
  });
});
