import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../../src/core/bytes.ts';
import { behindFirst, decodeMessage, decodePayloads, encodeBody, encodeEncrypted, encodeMessage, encodePayloads } from '../../../../src/wire/ike/v1/codec.ts';
import type { PayloadChain } from '../../../../src/wire/ike/v1/message.ts';
import { octets } from '../arbitrary.ts';
import { header, message, payload } from './arbitrary.ts';

const chain = (first: number, bytes: Uint8Array): PayloadChain => {
  const decoded = decodePayloads(first, bytes);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.value;
};

describe('whatever the message', () => {
  test('decoding what was encoded gives the message back', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(encodeMessage(value))).toMatchObject({ ok: true, value });
      }),
    );
  });

  test('the bodies are those of the payloads, and the octets those of the chain', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 8 }), (payloads) => {
        const { first, bytes } = encodePayloads(payloads);
        expect(chain(first, bytes)).toEqual({ payloads, bodies: payloads.map(encodeBody), bytes });
      }),
    );
  });

  test('padding behind the last payload changes nothing', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 4 }), octets(0, 20), (payloads, padding) => {
        const { first, bytes } = encodePayloads(payloads);
        expect(chain(first, concat(bytes, padding))).toEqual(chain(first, bytes));
      }),
    );
  });

  test('what follows the first payload is what would be encoded without it', () => {
    fc.assert(
      fc.property(payload, fc.array(payload, { maxLength: 4 }), (first, rest) => {
        const all = encodePayloads([first, ...rest]);
        expect(behindFirst(chain(all.first, all.bytes))).toEqual(encodePayloads(rest).bytes);
      }),
    );
  });

  test('the ciphertext of an encrypted one comes back as it went in, whatever its length', () => {
    fc.assert(
      fc.property(header, fc.nat(255), octets(0, 200), (header, first, ciphertext) => {
        const encrypted = { ...header, flags: { ...header.flags, encryption: true } };
        expect(decodeMessage(encodeEncrypted({ header, first, ciphertext }))).toEqual({ ok: true, value: { header: encrypted, first, ciphertext } });
      }),
    );
  });
});

describe('whatever a peer sends', () => {
  const decodes = (bytes: Uint8Array): void => {
    for (const decoded of [decodeMessage(bytes), decodePayloads(bytes[0] ?? 0, bytes.subarray(1))]) {
      if (!decoded.ok) expect(['isakmp-malformed', 'isakmp-syntax']).toContain(decoded.reason);
    }
  };

  test('any octets decode or are refused', () => {
    fc.assert(fc.property(octets(0, 300), decodes));
  });

  test('any octets behind an honest header decode or are refused', () => {
    fc.assert(
      fc.property(header, fc.nat(255), octets(0, 300), (header, first, body) => {
        const bytes = encodeEncrypted({ header, first, ciphertext: body });
        bytes[19]! &= ~1; // in the clear
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

  test('payloads cut short are refused', () => {
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
        if (!decoded.ok) expect(['isakmp-malformed', 'isakmp-syntax']).toContain(decoded.reason);
        else if ('ciphertext' in decoded.value) encodeEncrypted(decoded.value);
        else encodeMessage(decoded.value);
      }),
    );
  });
});
