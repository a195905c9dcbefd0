/** Boxes in a row, a box that both peers stand behind, lines on which IP cuts messages up: which lessons still hold there. */
import { describe, expect, test } from 'vitest';
import { isIpFragment } from '../../src/wire/reassembly.ts';
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

describe('certificates on lines that take small packets only: IP cuts IKE up, and the checks put it together', () => {
  test.each([['port-float', undefined], ['port-float', 'v1']] as const)('%s, IKE %s', async (id, ike) => {
    const result = await play(id, {}, { topology: 'test/scenarios/cut-up.yaml', ...(ike === undefined ? {} : { ike }) });
    expect(notPassed(result)).toEqual([]);
    const pieces = result.acts.flatMap(({ trace }) => trace.of('packet', 'alice').filter(({ body }) => isIpFragment(body.bytes)));
    expect(pieces.length).toBeGreaterThan(1);
  });
});
