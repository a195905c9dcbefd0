import { expect, test } from 'vitest';
import { established, minutes, pair } from '../support/pair.ts';

const acquire = { type: 'SADB_ACQUIRE', sa2: { mode: 2, sequence: 0, reqid: 1 } } as const;

test('the policies of a connection on demand stand from the start, and traffic that meets them sets the tunnel up', () => {
  const two = pair({ alice: { onDemand: true } });
  expect(two.alice.stack.policies.size).toBe(2);
  two.stackSays('alice', acquire).stackSays('alice', acquire).settle();
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  expect([...two.alice.stack.sas.values()].map(({ sa2 }) => sa2!.reqid)).toEqual([1, 1]);
  expect(two.alice.stack.of('SADB_X_SPDADD')).toHaveLength(2);
});

test('they stay when the tunnel goes, and with an IKE SA that has lost its child they make another', () => {
  const two = established({ alice: { onDemand: true } });
  const spi = two.alice.stack.to(two.alice.config.address)[0]!.sa!.spi;
  two.stackSays('alice', {
    type: 'SADB_EXPIRE', sa: { spi, replay: 0, state: 3, auth: 0, encrypt: 0, flags: 0 }, sa2: { mode: 2, sequence: 0, reqid: 1 },
    lifetimeHard: { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n },
  });
  two.settle();
  expect([two.alice.stack.size, two.alice.stack.policies.size]).toEqual([0, 2]);
  two.stackSays('alice', acquire).settle();
  expect([two.alice.stack.size, two.alice.stack.policies.size]).toEqual([2, 2]);
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  two.command('alice', { kind: 'terminate', connection: 'tunnel' }).pass(minutes(1));
  expect([two.alice.stack.size, two.alice.stack.policies.size]).toEqual([0, 2]);
});
