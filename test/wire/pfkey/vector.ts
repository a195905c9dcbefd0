/** What the tests of the dialects have in common: a message, and its octets written down from the system's header file. */
import { expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { fromHex, toHex } from '../../../src/core/bytes.ts';
import type { IsLocal, PfkeyDialect } from '../../../src/wire/pfkey/dialect.ts';
import type { PfkeyAddress, PfkeyMessage } from '../../../src/wire/pfkey/message.ts';

export const host = (address: string, port = 0): PfkeyAddress => ({ protocol: 0, prefixLength: address.includes(':') ? 128 : 32, address: ip(address), port });
export const net = (address: string, prefixLength: number, port = 0, protocol = 0): PfkeyAddress => ({ protocol, prefixLength, address: ip(address), port });
export const counting = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);

/** This host, in every vector. */
export const here: IsLocal = (address) => address === '192.168.1.2' || address === '2001:db8::1';

export interface Vector {
  readonly what: string;
  readonly message: PfkeyMessage;
  /** One line for the header and one for each extension. */
  readonly octets: string;
  /** What is read back, where the system says it in another way than we did. */
  readonly read?: PfkeyMessage;
}

export function testVectors(dialect: PfkeyDialect, vectors: readonly Vector[]): void {
  test.each(vectors)('$what is encoded', ({ message, octets }) => {
    expect(toHex(dialect.encode(message, here))).toBe(toHex(fromHex(octets)));
  });
  test.each(vectors)('$what is decoded', ({ message, octets, read = message }) => {
    expect(dialect.decode(fromHex(octets), here)).toEqual({ ok: true, value: read });
  });
}

/** Octets that are refused, and what is said of them. */
export function testRefusals(dialect: PfkeyDialect, refusals: readonly (readonly [what: string, octets: string, detail: RegExp])[]): void {
  test.each(refusals)('%s is refused', (_, octets, detail) => {
    const decoded = dialect.decode(fromHex(octets), here);
    expect(decoded).toMatchObject({ ok: false, reason: 'pfkey-malformed' });
    expect(decoded.ok ? '' : decoded.detail).toMatch(detail);
  });
}

/** Messages that the system has no words for: `lacks` names what, and `encode` throws it. */
export function testLacks(dialect: PfkeyDialect, lacks: readonly (readonly [what: string, message: PfkeyMessage])[]): void {
  test.each(lacks)(`${dialect.name} has no words for %s`, (what, message) => {
    expect(dialect.lacks(message)).toBe(what);
    expect(() => dialect.encode(message, here)).toThrow(new RangeError(`${dialect.name} has no words for ${what}`));
  });
}
