/** Fresh keys: another child SA by another quick mode (RFC 2409 §5.5), another ISAKMP SA by another phase 1, from either side, and from both at once. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import type { ConnectionConfig } from '../../../src/ike/config.ts';
import { exchangeTypes } from '../../../src/wire/ike/v1/message.ts';
import { established, minutes, pair, seconds, type Pair, type PairOptions, type PartyName } from '../../support/pair.ts';
import { saOf } from './puppet.ts';

const other = (who: PartyName): PartyName => (who === 'alice' ? 'gw' : 'alice');
const to = (two: Pair, who: PartyName): number[] => two[who].stack.to(two[who].config.address).map(({ sa }) => sa!.spi);
/** Each side may call the other. */
const eitherCalls: PairOptions = { v1: {}, gw: { remote: ip('203.0.113.7') } };

/** `count` pairs of SAs on either side, which fit each other, under one established ISAKMP SA. */
function expectTunnels(two: Pair, count = 1): void {
  const spis = ({ stack }: Pair['alice']): string[] => [...stack.sas.values()].map(({ sa, encryptionKey }) => `${sa!.spi} ${Buffer.from(encryptionKey!).toString('hex')}`).sort();
  expect(spis(two.alice)).toHaveLength(2 * count);
  expect(spis(two.gw)).toEqual(spis(two.alice));
  for (const { stack } of [two.alice, two.gw]) expect([stack.larval, stack.policies.size]).toEqual([0, 2 * count]);
}
/** The cookies of the ISAKMP SAs that a party still has. */
const alive = (party: Pair['alice']): string[] => {
  const last = new Map(party.events('ike-sa').map(({ initiatorSpi, state }) => [initiatorSpi, state]));
  return [...last].flatMap(([cookie, state]) => (state === 'established' ? [cookie] : []));
};

const expire = (two: Pair, who: PartyName, limit: 'soft' | 'hard'): Pair => {
  const lifetime = { allocations: 0, bytes: 0n, addtime: 10n, usetime: 0n };
  const spi = to(two, who)[0]!;
  return two.stackSays(who, { type: 'SADB_EXPIRE', sa: { spi, replay: 0, state: 2, auth: 0, encrypt: 0, flags: 0 }, sa2: { mode: 2, sequence: 0, reqid: 1 }, ...(limit === 'soft' ? { lifetimeSoft: lifetime } : { lifetimeHard: lifetime }) });
};
const withPfs = (two: Pair, who: PartyName, groups: ConnectionConfig['child']['proposals'][number]['groups']): Partial<ConnectionConfig> => {
  const { child } = two[who].config.connections[0]!;
  return { child: { ...child, proposals: child.proposals.map((proposal) => ({ ...proposal, groups })) } };
};

describe.each(['alice', 'gw'] as const)('%s rekeys the child SA', (who) => {
  test('quick mode, and a delete of the old one when what is under way has arrived', () => {
    const two = established({ v1: {} });
    const [old, before] = [to(two, who), two.wire.length];
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(two.wire.slice(before).map(({ from }) => from)).toEqual([who, other(who), who]);
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([4, 4]); // both receive by either
    two.pass(seconds(10));
    expect(two.wire.slice(before).map(({ from }) => from)).toEqual([who, other(who), who, who]);
    expectTunnels(two);
    expect(to(two, who)).not.toEqual(old);
    for (const party of [two.alice, two.gw]) {
      expect(party.events('child-sa').map(({ state }) => state)).toEqual(['established', 'established', 'rekeyed', 'deleted']);
      expect(party.stack.of('SADB_X_SPDADD')).toHaveLength(2);
      expect(party.drops()).toEqual([]);
    }
  });

  test('when the stack says that its time is nearly over', () => {
    const two = expire(established({ v1: {} }), who, 'soft');
    two.pass(seconds(15));
    expectTunnels(two);
    expect(two.alice.events('child-sa')).toHaveLength(4);
  });

  test('with a Diffie-Hellman of its own (PFS); the keys are others for it', () => {
    const base = pair({ v1: {} });
    const two = established({ v1: {}, alice: withPfs(base, 'alice', ['ecp-256']), gw: withPfs(base, 'gw', ['ecp-256']) });
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(10));
    expect(two[who].events('ike-message').filter(({ notation }) => notation.includes('KE')).map(({ notation }) => notation)).toEqual(expect.arrayContaining(['HDR*, HASH(1), SA, Ni, KE, IDci, IDcr', 'HDR*, HASH(2), SA, Nr, KE, IDci, IDcr']));
    expectTunnels(two);
  });

  test('without it where the other side wants it: refused, and the old child SA stays', () => {
    const base = pair({ v1: {} });
    const two = established({ v1: {}, alice: withPfs(base, 'alice', ['ecp-256']) });
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: NO_PROPOSAL_CHOSEN.' }]);
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  });

  test('the delete is lost: the other side gives the old one up after a minute', () => {
    const two = established({ v1: {} });
    const before = two.wire.length;
    two.link = (datagram) => (two.wire.length === before + 4 ? [] : [datagram]);
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(30));
    expect([two[who].stack.size, two[other(who)].stack.size]).toEqual([2, 4]);
    two.pass(seconds(40));
    expectTunnels(two);
    expect(two[who].events('drop')).toMatchObject([{ reason: 'isakmp-payloads', detail: `${other(who)} deletes child SAs that are not here` }]);
  });

  test('nobody answers for a while: it is tried again as long as the old one lives', () => {
    const two = established({ v1: {} });
    two.link = () => [];
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(200));
    expect(two[who].events('child-sa').at(-1)).toMatchObject({ state: 'failed' });
    expect([two.alice.stack.size, two.alice.stack.larval, two.gw.stack.size]).toEqual([2, 0, 2]);
    two.link = (datagram) => [datagram];
    two.pass(minutes(2));
    expectTunnels(two);
    expect(two[other(who)].events('child-sa').map(({ state }) => state)).toEqual(['established', 'established', 'rekeyed', 'deleted']);
  });
});

test('at the hard limit the child SA is deleted on both sides, and the ISAKMP SA stands', () => {
  const two = expire(established({ v1: {} }), 'alice', 'hard').settle();
  expect([two.alice.stack.size, two.gw.stack.size, two.alice.stack.policies.size, two.gw.stack.policies.size]).toEqual([0, 0, 0, 0]);
  expect(two.gw.states()).toEqual(['connecting', 'established']);
  two.initiate().settle();
  expectTunnels(two);
});

describe('both sides rekey the child SA at once', () => {
  const atOnce = (two: Pair): Pair => {
    for (const who of ['alice', 'gw'] as const) two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' });
    return two;
  };

  test.each([1, 2, 3, 4, 5, 6])('one successor is left, and the same one on both sides: the one without the lowest SPI (seed %i)', (seed) => {
    const two = atOnce(established({ v1: {}, seed }));
    two.settle();
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([6, 6]);
    const lowest = Math.min(...two.alice.events('child-sa').filter(({ state }) => state === 'established').slice(1).flatMap(({ spiIn, spiOut }) => [spiIn, spiOut]));
    two.pass(minutes(3));
    expectTunnels(two);
    expect([...to(two, 'alice'), ...to(two, 'gw')]).not.toContain(lowest);
    // the old one, which both have asked to replace, is deleted by both
    for (const who of ['alice', 'gw'] as const) expect(two[who].events('drop')).toMatchObject([{ detail: `${other(who)} deletes child SAs that are not here` }]);
  });

  test('whichever message is lost on the way: there is a child SA at any time, and one in the end', () => {
    for (let lost = 0; lost < 8; lost++) {
      const two = established({ v1: {} });
      const before = two.wire.length;
      two.link = (datagram) => (two.wire.indexOf(datagram) === before + lost ? [] : [datagram]);
      atOnce(two);
      for (let i = 0; i < 40; i++) {
        two.pass(seconds(5));
        expect([to(two, 'alice').length > 0, to(two, 'gw').length > 0]).toEqual([true, true]);
      }
      expectTunnels(two);
    }
  });
});

describe.each(['alice', 'gw'] as const)('%s rekeys the ISAKMP SA', (who) => {
  test.each(['main', 'aggressive'] as const)('%s mode once more, by port 4500; the child SA stays, and goes on under the new one', (exchange) => {
    const two = established({ nat: 'initiator', v1: { exchange } });
    const [child, before] = [to(two, who), two.wire.length];
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    expect(two.wire.slice(before)).toHaveLength(exchange === 'main' ? 6 : 3);
    expect(two.wire.slice(before).every(({ from, source, destination }) => source.port === 4500 && (from === 'gw' || destination.port === 4500))).toBe(true);
    two.pass(seconds(70));
    expect(to(two, who)).toEqual(child);
    for (const party of [two.alice, two.gw]) {
      expect(party.states().filter((state) => state !== 'established')).toEqual(['connecting', 'connecting', 'rekeyed', 'deleted']);
      expect(alive(party)).toHaveLength(1);
      expect(party.drops()).toEqual([]);
    }
    expect(alive(two.alice)).toEqual(alive(two.gw));
    two.command(other(who), { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
    expectTunnels(two);
    expect(saOf(two.alice).children.size).toBe(1);
  });

  test('the delete of the old one is lost: a minute later the other side deletes it', () => {
    const two = established({ v1: {} });
    const before = two.wire.length;
    two.link = (datagram) => (two.wire.length === before + 7 ? [] : [datagram]);
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'ike' }).pass(minutes(2));
    for (const party of [two.alice, two.gw]) expect([party.states().filter((state) => state === 'deleted').length, alive(party).length]).toEqual([1, 1]);
    expectTunnels(two);
  });
});

describe('lifetimes', () => {
  test('who has begun it begins anew before it is over, again and again', () => {
    const two = established({ v1: {}, alice: { rekeyIkeAfter: minutes(10) } });
    two.pass(minutes(35));
    expect(two.alice.states().filter((state) => state === 'rekeyed').length).toBeGreaterThanOrEqual(3);
    expect(alive(two.alice)).toEqual(alive(two.gw));
    expectTunnels(two);
    expect(two.alice.events('child-sa')).toHaveLength(1);
  });

  test('nobody answers then: it is tried again until the end, and so the tunnel is there when somebody does', () => {
    const two = established({ v1: {}, alice: { rekeyIkeAfter: minutes(60) } });
    two.pass(minutes(53));
    two.link = () => [];
    two.pass(minutes(11));
    expect(two.alice.states()).toContain('failed');
    two.link = (datagram) => [datagram];
    two.pass(minutes(20));
    expectTunnels(two);
    expect(alive(two.alice)).toEqual(alive(two.gw));
  });

  test('at the end everything goes, on both sides, if nobody has begun anew', () => {
    const two = established({ v1: {}, gw: { rekeyIkeAfter: minutes(10) }, alice: { rekeyIkeAfter: 'never' } });
    two.pass(minutes(14));
    for (const { stack, daemon } of [two.alice, two.gw]) {
      expect([stack.size, stack.larval, stack.policies.size]).toEqual([0, 0, 0]);
      expect(daemon.nextWake()).toBeUndefined();
    }
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'deleted', story: 'Its lifetime is over.' });
  });
});

describe('both sides begin phase 1 at once', () => {
  test.each([1, 2, 3, 4, 5, 6])('to rekey: one ISAKMP SA is left, the one without the lower initiator\'s cookie, and the child SA with it (seed %i)', (seed) => {
    const two = established({ ...eitherCalls, seed });
    const child = to(two, 'alice');
    for (const who of ['alice', 'gw'] as const) two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'ike' });
    two.pass(minutes(2));
    const cookies = two.alice.events('ike-sa').filter(({ state }) => state === 'connecting').slice(1).map(({ initiatorSpi }) => initiatorSpi);
    expect([alive(two.alice), alive(two.gw)]).toEqual([[cookies.sort().at(-1)], [cookies.sort().at(-1)]]);
    expect(to(two, 'alice')).toEqual(child);
    expectTunnels(two);
    two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
    expectTunnels(two);
  });

  test.each([1, 2, 3, 4, 5, 6])('from nothing: one ISAKMP SA is left, and one child SA (seed %i)', (seed) => {
    const two = pair({ ...eitherCalls, seed }).initiate('alice').initiate('gw');
    two.pass(minutes(3));
    expect(alive(two.alice)).toHaveLength(1);
    expect(alive(two.gw)).toEqual(alive(two.alice));
    expectTunnels(two);
  });

  test('whichever message is lost on the way: a tunnel is there in the end', () => {
    for (const begin of ['rekey', 'initiate'] as const) {
      for (let lost = 0; lost < 14; lost++) {
        const two = begin === 'rekey' ? established(eitherCalls) : pair(eitherCalls);
        const before = two.wire.length;
        two.link = (datagram) => (two.wire.indexOf(datagram) === before + lost ? [] : [datagram]);
        for (const who of ['alice', 'gw'] as const) two.command(who, begin === 'rekey' ? { kind: 'rekey', connection: 'tunnel', what: 'ike' } : { kind: 'initiate', connection: 'tunnel' });
        two.pass(minutes(5));
        expectTunnels(two);
        expect(alive(two.gw)).toEqual(alive(two.alice));
        two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
        expectTunnels(two);
      }
    }
  });
});

test('the NAT forgets between two phases 1: the old ISAKMP SA leaves its child SA to the new one', () => {
  const two = established({ nat: 'initiator', v1: {} });
  two.aliceBox!.flush();
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).pass(minutes(2));
  expectTunnels(two);
  expect(alive(two.alice)).toEqual(alive(two.gw));
});

test('a child SA that is being rekeyed when its ISAKMP SA goes is rekeyed under the next one', () => {
  const two = established({ v1: {} });
  const old = to(two, 'alice');
  two.link = (datagram) => (datagram.payload[18] === exchangeTypes.QUICK_MODE ? [] : [datagram]);
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).pass(seconds(20));
  two.link = (datagram) => [datagram];
  expect(alive(two.alice)).toEqual(alive(two.gw));
  two.pass(minutes(2));
  expectTunnels(two);
  expect(to(two, 'alice')).not.toEqual(old);
});

test('INITIAL_CONTACT of somebody who could not know of what came up meanwhile does not end it', () => {
  const two = pair(eitherCalls);
  let held: (() => void) | undefined;
  two.link = (datagram) => {
    if (datagram.from !== 'alice' || held !== undefined || two.alice.events('isakmp-keys').length === 0) return [datagram];
    held = (): void => { two.deliver('gw', datagram.source, datagram.destination, datagram.payload); };
    return [];
  };
  two.initiate('alice').settle().initiate('gw').settle(); // gw's comes up while alice's message 5 is on its way
  expect(two.gw.states()).toContain('established');
  held!();
  two.pass(minutes(3));
  expectTunnels(two);
  expect(alive(two.gw)).toEqual(alive(two.alice));
});
