import { expect, test } from 'vitest';
import { seeded } from '../../src/core/random.ts';
import { concat } from '../../src/core/bytes.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { Protection } from '../../src/ike/v2/protect.ts';
import { decodeMessage, protectedHead } from '../../src/wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2 } from '../../src/wire/ike/message.ts';

const suite = cipherSuite('aes-gcm-16', 128, 'none');
const key = (fill: number, length: number): Uint8Array => new Uint8Array(length).fill(fill);
const newKeys = (): Protection['keys'] => ({ skD: key(1, 32), skAi: key(0, 0), skAr: key(0, 0), skEi: key(2, 20), skEr: key(3, 20), skPi: key(4, 32), skPr: key(5, 32) });
const header = {
  initiatorSpi: key(7, 8), responderSpi: key(8, 8), version: ikeVersion2, exchange: exchangeTypes.INFORMATIONAL,
  flags: { initiator: true, higherVersion: false, response: false }, messageId: 5,
};
const initiator = (): Protection => new Protection(suite, newKeys(), 'initiator', seeded(1));
const responder = (): Protection => new Protection(suite, newKeys(), 'responder', seeded(2));

function open(side: Protection, bytes: Uint8Array): Uint8Array | undefined {
  const message = decodeMessage(bytes);
  return message.ok && 'bodyAt' in message.value ? side.open(message.value) : undefined;
}

test('what one side seals the other opens, and nobody after a change of one bit', () => {
  const bytes = initiator().seal(header, [{ type: 'Vendor', data: Uint8Array.of(1, 2, 3) }]);
  expect(open(responder(), bytes)).toEqual(Uint8Array.of(0, 0, 0, 7, 1, 2, 3));
  expect(open(initiator(), bytes)).toBeUndefined(); // not by who wrote it: a message cannot be sent back
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    expect(open(responder(), changed)).toBeUndefined();
  }
});

test('no two messages have the same IV', () => {
  const side = initiator();
  const ivs = Array.from({ length: 100 }, () => Buffer.from(side.seal(header, []).subarray(32, 40)).toString('hex'));
  expect(new Set(ivs).size).toBe(100);
});

test('a pad length that is longer than what is there is refused', () => {
  const keys = newKeys();
  const body = (plaintext: Uint8Array): Uint8Array => {
    const head = protectedHead(header, 0, 8 + plaintext.length + 16);
    return concat(head, suite.create(keys.skEi, keys.skAi).seal(plaintext, { associated: head, packetNumber: 9n, random: seeded(3) }));
  };
  expect(open(responder(), body(Uint8Array.of(0, 0, 2)))).toEqual(new Uint8Array(0));
  expect(open(responder(), body(Uint8Array.of(0, 0, 3)))).toBeUndefined();
  expect(open(responder(), body(new Uint8Array(0)))).toBeUndefined();
});

test('wiped keys are zeros', () => {
  const side = initiator();
  side.wipe();
  expect(Object.values(side.keys).every((secret: Uint8Array) => secret.every((octet) => octet === 0))).toBe(true);
});
