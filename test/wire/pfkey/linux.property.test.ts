import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressFromBytes } from '../../../src/core/address.ts';
import { describePfkey } from '../../../src/wire/pfkey/describe.ts';
import { decodePfkey, encodePfkey } from '../../../src/wire/pfkey/linux.ts';
import { pfkeyTypes } from '../../../src/wire/pfkey/message.ts';
import type { PfkeyAddress, PfkeyMessage, PfkeyType } from '../../../src/wire/pfkey/message.ts';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const octets = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength });

const family = fc.constantFrom(4, 16);
const ipAddress = (length: number) => octets(length).map(addressFromBytes);
// 255 on the wire is any protocol, which is 0 in the value
const address: fc.Arbitrary<PfkeyAddress> = family.chain((length) =>
  fc.record({ protocol: fc.nat(254), prefixLength: fc.nat(length * 8), address: ipAddress(length), port: u16 }),
);
const lifetime = fc.record({ allocations: u32, bytes: u64, addtime: u64, usetime: u64 });
const algorithms = fc.array(fc.record({ id: u8, ivLength: u8, minBits: u16, maxBits: u16 }), { maxLength: 5 });
const tunnel = family.chain((length) => fc.record({ source: ipAddress(length), destination: ipAddress(length) }));
const request = fc.record({ protocol: u16, mode: u8, level: u8, reqid: u32, tunnel }, { requiredKeys: ['protocol', 'mode', 'level', 'reqid'] });

const message: fc.Arbitrary<PfkeyMessage> = fc.record(
  {
    type: fc.constantFrom(...(Object.keys(pfkeyTypes) as PfkeyType[])),
    saType: u8,
    errno: u8,
    sequence: u32,
    pid: u32,
    sa: fc.record({ spi: u32, replay: u8, state: u8, auth: u8, encrypt: u8, flags: u32 }),
    sa2: fc.record({ mode: u8, sequence: u32, reqid: u32 }),
    lifetimeCurrent: lifetime,
    lifetimeHard: lifetime,
    lifetimeSoft: lifetime,
    source: address,
    destination: address,
    proxy: address,
    newSource: address,
    newDestination: address,
    authKey: octets(1, 64),
    encryptionKey: octets(1, 64),
    spiRange: fc.record({ min: u32, max: u32 }),
    supportedAuth: algorithms,
    supportedEncryption: algorithms,
    policy: fc.record({ type: u16, direction: u8, id: u32, priority: u32, requests: fc.array(request, { maxLength: 4 }) }),
    nattType: u8,
    nattSourcePort: u16,
    nattDestinationPort: u16,
    nattOriginalAddress: address,
    nattOriginalDestination: address,
  },
  { requiredKeys: ['type', 'saType', 'errno', 'sequence', 'pid'] },
);

test('decoding what was encoded gives the message back', () => {
  fc.assert(
    fc.property(message, (value) => {
      expect(decodePfkey(encodePfkey(value))).toEqual({ ok: true, value });
    }),
  );
});

test('every message can be told in one line, and its keys stay out of it', () => {
  fc.assert(
    fc.property(message, (value) => {
      const line = describePfkey(value);
      expect(line).toBe(describePfkey({ ...value, authKey: Uint8Array.of(0), encryptionKey: Uint8Array.of(0) }));
      expect(line).not.toContain('\n');
    }),
  );
});

const decodes = (bytes: Uint8Array): void => {
  const decoded = decodePfkey(bytes);
  if (decoded.ok) describePfkey(decoded.value);
  else expect(decoded.reason).toBe('pfkey-malformed');
};

test('any octets decode or are refused', () => {
  fc.assert(fc.property(octets(0, 300), decodes));
});

test('any octets behind an honest header decode or are refused', () => {
  const extension = fc.record({ words: fc.nat(8), number: fc.nat(30), body: octets(0, 60) });
  fc.assert(
    fc.property(fc.array(extension, { maxLength: 4 }), octets(0, 8), (parts, tail) => {
      const body = [...parts.flatMap(({ words, number, body }) => [words, 0, number, 0, ...body]), ...tail];
      const padded = [...body, ...Array<number>(-body.length & 7).fill(0)];
      decodes(Uint8Array.of(2, 3, 0, 3, 2 + padded.length / 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...padded));
    }),
  );
});

test('a message cut short is refused', () => {
  fc.assert(
    fc.property(message, fc.nat(), (value, at) => {
      const bytes = encodePfkey(value);
      expect(decodePfkey(bytes.subarray(0, at % bytes.length)).ok).toBe(false);
    }),
  );
});

test('flipped bits decode or are refused', () => {
  fc.assert(
    fc.property(message, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (value, flips) => {
      const bytes = encodePfkey(value);
      for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
      decodes(bytes);
    }),
  );
});
