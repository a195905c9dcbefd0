/** Several blocks at either end: a quick mode and a child SA for each pair of them, and each lives a life of its own (RFC 2409 §5.5). */
import { describe, expect, test } from 'vitest';
import { prefix } from '../../../src/core/address.ts';
import type { ConnectionConfig } from '../../../src/ike/config.ts';
import { encodePayloads } from '../../../src/wire/ike/v1/codec.ts';
import { policyDirections } from '../../../src/wire/pfkey/message.ts';
import { established, minutes, pair, seconds, type Pair, type PairOptions } from '../../support/pair.ts';
import { opened } from './insider.ts';

const blocks = { alice: ['10.98.0.0/25', '10.98.0.128/25'], gw: ['10.99.0.0/26', '10.99.1.0/24'] };
const child = (who: 'alice' | 'gw', local: readonly string[], remote: readonly string[]): Partial<ConnectionConfig> => {
  const config = pair({ v1: {} })[who].config.connections[0]!.child;
  return { child: { ...config, local: local.map(prefix), remote: remote.map(prefix) } };
};
const four: PairOptions = { v1: {}, alice: child('alice', blocks.alice, blocks.gw), gw: child('gw', blocks.gw, blocks.alice) };
const all = blocks.alice.flatMap((here) => blocks.gw.map((there) => `${here} === ${there}`)).sort();
/** The traffic that has a child SA. */
const carried = (party: Pair['alice']): string[] => {
  const there = new Map<number, string>();
  for (const { state, spiIn, selectors } of party.events('child-sa')) {
    if (state === 'established') there.set(spiIn, selectors);
    if (state === 'deleted') there.delete(spiIn);
  }
  return [...there.values()].sort();
};
const mirrored = (selectors: readonly string[]): string[] => selectors.map((text) => text.split(' === ').reverse().join(' === ')).sort();
const spiOf = (party: Pair['alice'], selectors: string): number => party.events('child-sa').findLast((event) => event.state === 'established' && event.selectors === selectors)!.spiIn;

describe('four pairs of blocks', () => {
  test('four quick modes at once, each with its own message ID and identities; four child SAs, each with its own reqid', () => {
    const two = established(four);
    const first = two.wire.slice(6).filter(({ from }, i, wire) => from === 'alice' && wire.slice(0, i).every((before) => Buffer.compare(before.payload.subarray(20, 24), wire[i]!.payload.subarray(20, 24)) !== 0));
    const identities = first.map((datagram) => opened(two, datagram, two.wire).payloads.filter(({ type }) => type === 'ID'));
    expect(new Set(identities.map((payloads) => Buffer.from(encodePayloads(payloads).bytes).toString('hex'))).size).toBe(4);
    expect(carried(two.alice)).toEqual(all);
    expect(carried(two.gw)).toEqual(mirrored(all));
    expect(new Set([...two.alice.stack.sas.values()].map(({ sa2 }) => sa2!.reqid)).size).toBe(4);
    expect([two.alice.stack.size, two.gw.stack.size, two.alice.stack.policies.size]).toEqual([8, 8, 8]);
  });

  test('any one message is lost: all four come up', () => {
    const messages = established(four).wire.length;
    for (let lost = 6; lost < messages; lost++) {
      const two = pair(four);
      two.link = (datagram) => (two.wire.indexOf(datagram) === lost ? [] : [datagram]);
      two.initiate().pass(seconds(20));
      expect([carried(two.alice), carried(two.gw)]).toEqual([all, mirrored(all)]);
    }
  });

  test('fresh keys for all of them by one command, and none is left over', () => {
    const two = established(four);
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
    expect([carried(two.alice), carried(two.gw)]).toEqual([all, mirrored(all)]);
    expect([two.alice.stack.size, two.gw.stack.size, two.alice.stack.policies.size, two.gw.stack.policies.size]).toEqual([8, 8, 8, 8]);
  });

  test('fresh keys for one: the others do not notice', () => {
    const two = established(four);
    const before = all.map((selectors) => spiOf(two.alice, selectors));
    const soft = { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n };
    const expiring = two.alice.stack.sas.get(`${before[1]!} ${two.alice.config.address}`)!;
    two.stackSays('alice', { type: 'SADB_EXPIRE', sa: expiring.sa!, sa2: expiring.sa2!, lifetimeSoft: soft }).pass(seconds(20));
    const now = all.map((selectors) => spiOf(two.alice, selectors));
    expect(now.map((spi, i) => spi === before[i])).toEqual([true, false, true, true]);
    expect(carried(two.gw)).toEqual(mirrored(all));
  });

  test('another ISAKMP SA takes all of them along', () => {
    const two = established(four);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).pass(minutes(2));
    expect(carried(two.alice)).toEqual(all);
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    for (const { stack, daemon } of [two.alice, two.gw]) expect([stack.size, stack.larval, stack.policies.size, daemon.nextWake()]).toEqual([0, 0, 0, undefined]);
  });

  test('one is gone: to initiate once more makes that one, and when there are all of them nothing', () => {
    const two = established(four);
    const gone = all[2]!;
    const expired = two.alice.stack.sas.get(`${spiOf(two.alice, gone)} ${two.alice.config.address}`)!;
    two.stackSays('alice', { type: 'SADB_EXPIRE', sa: expired.sa!, sa2: expired.sa2!, lifetimeHard: { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n } }).settle();
    expect([carried(two.alice), carried(two.gw)]).toEqual([all.filter((selectors) => selectors !== gone), mirrored(all.filter((selectors) => selectors !== gone))]);
    const before = two.wire.length;
    two.initiate().settle();
    expect(two.wire).toHaveLength(before + 3);
    expect(carried(two.alice)).toEqual(all);
    two.initiate().settle();
    expect(two.wire).toHaveLength(before + 3);
    expect(two.alice.events('command-refused')).toMatchObject([{ why: 'tunnel is up or on its way' }]);
  });
});

describe('not all of them are wanted at the other end', () => {
  const some: PairOptions = { ...four, gw: child('gw', blocks.gw, [blocks.alice[0]!]) };
  const wanted = all.filter((selectors) => selectors.startsWith(blocks.alice[0]!));

  test('those come up, each of the others is refused by its own SPI', () => {
    const two = established(some);
    expect(carried(two.alice)).toEqual(wanted);
    expect(two.alice.events('child-sa').filter(({ state }) => state === 'failed').map(({ selectors, story }) => [selectors, story]).sort()).toEqual(
      all.filter((selectors) => !wanted.includes(selectors)).map((selectors) => [selectors, 'gw makes no child SA: INVALID_ID_INFORMATION.']),
    );
    expect([two.alice.stack.size, two.gw.stack.size, two.alice.stack.larval, two.gw.stack.larval]).toEqual([4, 4, 0, 0]);
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  });

  test('a wider block than is wanted is refused: nothing is narrowed', () => {
    const two = established({ ...four, alice: child('alice', ['10.98.0.0/24'], blocks.gw) });
    expect(two.alice.events('child-sa').map(({ state }) => state)).toEqual(['failed', 'failed']);
  });

  test('a narrower one is taken as it is', () => {
    const two = established({ ...four, alice: child('alice', ['10.98.0.64/26'], ['10.99.1.7/32']) });
    expect(carried(two.gw)).toEqual(['10.99.1.7/32 === 10.98.0.64/26']);
  });
});

test('on demand: a trap for each pair, by whose reqid the stack tells their child SAs apart', () => {
  const two = pair({ ...four, alice: { ...four.alice, onDemand: true } });
  expect(two.alice.stack.policies.size).toBe(8);
  two.stackSays('alice', { type: 'SADB_ACQUIRE', sa2: { mode: 2, sequence: 0, reqid: 3 } }).settle();
  expect(carried(two.alice)).toEqual(all);
  const reqidOf = new Map([...two.alice.stack.policies.values()].filter(({ policy }) => policy!.direction === policyDirections.OUTBOUND).map(({ source, destination, policy }) =>
    [`${source!.address}/${source!.prefixLength} === ${destination!.address}/${destination!.prefixLength}`, policy!.requests[0]!.reqid]));
  expect(new Set(reqidOf.values()).size).toBe(4);
  for (const selectors of all) expect(two.alice.stack.sas.get(`${spiOf(two.alice, selectors)} ${two.alice.config.address}`)!.sa2!.reqid).toBe(reqidOf.get(selectors));
  two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
  expect([two.alice.stack.size, two.alice.stack.policies.size]).toEqual([0, 8]);
});
