import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { established, type Pair, type PartyName } from '../support/pair.ts';
import { RealStack } from '../support/real-stack.ts';

/** The daemons with the stack that they will have: what they say to it must be taken, every time. */
function tunnel(nat: 'none' | 'initiator' | 'both', seed = 1): { two: Pair; stacks: Record<PartyName, RealStack> } {
  const made: RealStack[] = [];
  const two = established({ nat, seed, stack: (address) => (made[made.length] = new RealStack(address, seed)) });
  const [alice, gw] = made as [RealStack, RealStack]; // in the order in which the pair makes its parties
  return { two, stacks: { alice, gw } };
}

const spis = (stack: RealStack): number[] => stack.dump('SADB_DUMP').map(({ sa }) => sa!.spi).sort((a, b) => a - b);

describe.each(['none', 'initiator', 'both'] as const)('NAT in front of: %s', (nat) => {
  test('set up, rekeyed in every way, ended: the stack refuses nothing and nothing is left in it', () => {
    for (const seed of [1, 2, 3, 4]) {
      const { two, stacks } = tunnel(nat, seed);
      const rekey = (who: PartyName, what: 'ike' | 'child'): Pair => two.command(who, { kind: 'rekey', connection: 'tunnel', what });
      rekey('alice', 'child').settle();
      rekey('gw', 'child').settle();
      rekey('alice', 'child');
      rekey('gw', 'child').settle();
      rekey('gw', 'ike').settle();
      rekey('alice', 'ike');
      rekey('gw', 'ike').settle();
      rekey('alice', 'child').settle();
      expect([stacks.alice.refusals, stacks.gw.refusals]).toEqual([[], []]);
      expect(spis(stacks.alice)).toHaveLength(2);
      expect(spis(stacks.alice)).toEqual(spis(stacks.gw));
      expect(stacks.gw.dump('SADB_X_SPDDUMP')).toHaveLength(2);
      two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
      for (const stack of [stacks.alice, stacks.gw]) {
        expect(stack.refusals).toEqual([]);
        expect([...stack.dump('SADB_DUMP'), ...stack.dump('SADB_X_SPDDUMP')]).toEqual([]);
      }
    }
  });
});

test('the peer moves to another port and another address: SAs and policies go along', () => {
  const { two, stacks } = tunnel('initiator');
  two.aliceBox!.flush();
  two.command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
  two.aliceBox!.outside = ip('203.0.113.200');
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
  expect(stacks.gw.refusals).toEqual([]);
  const out = stacks.gw.dump('SADB_DUMP').find(({ source }) => source!.address === ip('198.51.100.1'));
  expect(out).toMatchObject({ destination: { address: '203.0.113.200' }, nattDestinationPort: 61_003 });
  expect(stacks.gw.dump('SADB_X_SPDDUMP').flatMap(({ policy }) => policy!.requests.map(({ tunnel: ends }) => ends))).toContainEqual({ source: '198.51.100.1', destination: '203.0.113.200' });
});
