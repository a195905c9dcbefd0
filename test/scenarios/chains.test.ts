/** Boxes in a row, and a box that both peers stand behind: which lessons still hold there. */
import { describe, expect, test } from 'vitest';
import { checksOf, notPassed, play } from '../support/lessons.ts';

describe('a client and its gateway behind one box', () => {
  const reaches = async (preset: string): Promise<string | undefined> => {
    const result = await play('detection', { set: ['position=initiator'], preset }, { topology: 'hairpin' });
    return checksOf(result).find(({ id }) => id === 'initiator/data')?.verdict;
  };

  test.each(['rfc-4787', 'full-cone', 'port-restricted', 'carrier-cgnat'])('%s turns their packets around', async (preset) => expect(await reaches(preset)).toBe('pass'));
  test.each(['no-hairpin', 'linux-masquerade', 'symmetric', 'cisco-asa'])('%s does not', async (preset) => expect(await reaches(preset)).toBe('fail'));
});

describe('two homes, each behind its own box, both behind a carrier', () => {
  test('keepalives keep both boxes open', async () => {
    expect(notPassed(await play('keepalive', {}, { topology: 'carrier' }))).toEqual([]);
  });

  test('clients with one address get in, on ports of their own; that the carrier has two addresses is noticed', async () => {
    expect(notPassed(await play('multi-client', {}, { topology: 'carrier' }))).toEqual(['together/same-ports']);
  });
});
