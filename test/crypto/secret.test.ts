import { expect, test } from 'vitest';
import { sameSecret, wipe } from '../../src/crypto/secret.ts';

test('secrets are the same when each octet is, and other lengths are no exception', () => {
  expect(sameSecret(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3))).toBe(true);
  expect(sameSecret(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4))).toBe(false);
  expect(sameSecret(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2))).toBe(false);
  expect(sameSecret(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});

test('wiped secrets are zeros', () => {
  const [a, b] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
  wipe(a, b);
  expect([a, b]).toEqual([new Uint8Array(3), new Uint8Array(1)]);
});
