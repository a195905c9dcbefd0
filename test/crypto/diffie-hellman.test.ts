import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from '../../src/core/random.ts';
import { dhGroup, dhGroupById } from '../../src/crypto/diffie-hellman.ts';

const groups = (['modp-2048', 'ecp-256', 'ecp-384', 'curve25519'] as const).map(dhGroup);

describe.each(groups)('$name', (group) => {
  test('both sides come to the same secret', () => {
    const [a, b] = [group.generate(seeded(1)), group.generate(seeded(2))];
    expect(a.publicValue).toHaveLength(group.publicLength);
    expect(a.agree(b.publicValue)).toBeDefined();
    expect(a.agree(b.publicValue)).toEqual(b.agree(a.publicValue));
  });

  test('the same randomness gives the same pair, other randomness another', () => {
    expect(group.generate(seeded(7)).publicValue).toEqual(group.generate(seeded(7)).publicValue);
    expect(group.generate(seeded(7)).publicValue).not.toEqual(group.generate(seeded(8)).publicValue);
  });

  test('refuses a public value of any other length', () => {
    const pair = group.generate(seeded(1));
    const peer = group.generate(seeded(2)).publicValue;
    for (const wrong of [peer.subarray(1), peer.subarray(0, -1), Uint8Array.of(0, ...peer), new Uint8Array(0)]) expect(pair.agree(wrong)).toBeUndefined();
  });

  test('refuses zeros', () => {
    expect(group.generate(seeded(1)).agree(new Uint8Array(group.publicLength))).toBeUndefined();
  });

  test('never throws, whatever a peer sends', () => {
    const pair = group.generate(seeded(1));
    const length = group.publicLength;
    fc.assert(fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (peer) => void pair.agree(peer)), { numRuns: 20 });
  });

  test('is found by its transform ID', () => {
    expect(dhGroupById(group.id)).toBe(group);
  });
});

test('a group we have not is not found', () => {
  expect(dhGroupById(2)).toBeUndefined();
});
