import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { established, pair, seconds, type Pair, type PairOptions } from '../../support/pair.ts';

const dynamic = (changes: PairOptions = {}): PairOptions => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  return {
    nat: 'initiator', ...changes, v1: changes.v1 ?? {},
    alice: { virtualAddress: 'request', child: { ...alice.child, local: ['dynamic'] }, ...changes.alice },
    gw: { virtualAddress: { pool: prefix('10.98.0.0/24') }, child: { ...gw.child, remote: ['dynamic'] }, ...changes.gw },
  };
};
const notations = ({ alice }: Pair): string[] => alice.events('ike-message').slice(6).map(({ direction, notation }) => `${direction === 'sent' ? '-->' : '<--'} ${notation}`);
const password = { alice: { xauth: { user: 'ann', password: 'open sesame' } }, gw: { xauth: { users: { ann: 'open sesame', bob: 'letmein' } } } };

describe('Mode-Config', () => {
  test('the client asks for an inner address, and its child SA is for that', () => {
    const two = established(dynamic());
    expect(notations(two)).toEqual([
      '--> HDR*, HASH, ATTR(CFG_REQUEST)',
      '<-- HDR*, HASH, ATTR(CFG_REPLY)',
      '--> HDR*, HASH(1), SA, Ni, IDci, IDcr',
      '<-- HDR*, HASH(2), SA, Nr, IDci, IDcr',
      '--> HDR*, HASH(3)',
    ]);
    expect(two.alice.inner).toEqual(['10.98.0.1']);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', selectors: '10.99.0.0/24 === 10.98.0.1/32' }]);
  });

  test('the gateway gives netmask, DNS and the networks behind it; the client makes a child SA for each', () => {
    const gifts = { netmask: ip('255.255.255.0'), dns: [ip('10.99.0.53')], networks: [prefix('10.99.0.0/26'), prefix('10.99.0.128/25')] };
    const two = established(dynamic({ v1: { gifts } }));
    expect(two.alice.events('virtual-address')).toMatchObject([{
      address: '10.98.0.1',
      story: 'gw gives alice the inner address 10.98.0.1, netmask 255.255.255.0, DNS 10.99.0.53, the networks 10.99.0.0/26 and 10.99.0.128/25.',
    }]);
    expect(two.gw.events('child-sa').map(({ selectors }) => selectors).sort()).toEqual(['10.99.0.0/26 === 10.98.0.1/32', '10.99.0.128/25 === 10.98.0.1/32']);
  });

  test.each(['pull', 'push'] as const)('an address of IPv6 where the networks are (%s), whatever the outer version', (modeConfig) => {
    const { alice, gw } = dynamic({ v1: { modeConfig } });
    const networks = [prefix('fd99::/64')];
    const two = established(dynamic({ v1: { modeConfig }, alice: { child: { ...alice!.child!, remote: networks } }, gw: { virtualAddress: { pool: prefix('fd98::/64') }, child: { ...gw!.child!, local: networks } } }));
    expect(two.alice.inner).toEqual(['fd98::1']);
    expect(two.alice.events('virtual-address')).toMatchObject([{ address: 'fd98::1', networks }]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', selectors: 'fd99::/64 === fd98::1/128' }]);
  });

  test('the gateway gives unasked', () => {
    const two = established(dynamic({ v1: { modeConfig: 'push' } }));
    expect(notations(two).slice(0, 3)).toEqual(['<-- HDR*, HASH, ATTR(CFG_SET)', '--> HDR*, HASH, ATTR(CFG_ACK)', '--> HDR*, HASH(1), SA, Ni, IDci, IDcr']);
    expect(two.alice.inner).toEqual(['10.98.0.1']);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });

  test('an address goes back to the pool with its ISAKMP SA, and the host loses it', () => {
    const two = established(dynamic());
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    expect(two.alice.inner).toEqual([]);
    two.initiate().settle();
    expect(two.alice.inner).toHaveLength(1);
    expect(two.gw.events('child-sa').at(-1)).toMatchObject({ state: 'established' });
  });

  test('who asks for none gets no child SA where there is a pool', () => {
    const two = established(dynamic({ alice: { virtualAddress: 'none' } }));
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: INVALID_ID_INFORMATION.' }]);
    expect(two.gw.stack.size).toBe(0);
  });

  test('a pool that is empty', () => {
    const two = established(dynamic({ gw: { virtualAddress: { pool: prefix('10.98.0.0/32') } } }));
    expect(two.alice.inner).toEqual(['10.98.0.0']);
    const empty = pair(dynamic({ gw: { virtualAddress: { pool: prefix('10.98.0.0/32') } } }));
    empty.initiate().settle().command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    expect(empty.alice.inner).toEqual(['10.98.0.0']); // a new ISAKMP SA asks for nothing again
  });
});

describe('XAUTH', () => {
  test('the gateway asks, the client answers, and only then there is an address and a child SA', () => {
    const two = established(dynamic({ v1: { only: password } }));
    expect(notations(two).slice(0, 5)).toEqual([
      '<-- HDR*, HASH, ATTR(CFG_REQUEST)',
      '--> HDR*, HASH, ATTR(CFG_REPLY)',
      '<-- HDR*, HASH, ATTR(CFG_SET)',
      '--> HDR*, HASH, ATTR(CFG_ACK)',
      '--> HDR*, HASH, ATTR(CFG_REQUEST)',
    ]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
    // from now on it is the user who is known, not the group
    two.command('gw', { kind: 'terminate', connection: 'tunnel', peerIdentity: 'ann' }).settle();
    expect(two.alice.states().at(-1)).toBe('deleted');
  });

  test.each(['alice', 'gw'] as const)('%s makes a new ISAKMP SA: whoever begins with it, it is the client that is asked', (who) => {
    const two = established(dynamic({ v1: { only: password } }));
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'ike' }).settle();
    expect(two.gw.events('ike-message').filter(({ direction, notation }) => direction === 'sent' && notation.includes('CFG_REQUEST'))).toHaveLength(2);
    expect([two.gw.states().at(-1), two.alice.inner]).toEqual(['rekeyed', ['10.98.0.1']]);
  });

  test.each([
    ['another password', { user: 'ann', password: 'open barley' }, 'gw does not let ann in: this is not the password of ann.'],
    ['another name', { user: 'eve', password: 'open sesame' }, 'gw does not let alice in: nobody there has the name that comes with the password.'],
    ['the name of what every object has', { user: 'constructor', password: '' }, 'gw does not let alice in: nobody there has the name that comes with the password.'],
  ])('%s: nobody gets in', (_name, xauth, why) => {
    const two = established(dynamic({ v1: { only: { ...password, alice: { xauth } } } }));
    expect(two.gw.drops()).toEqual(['isakmp-authentication']);
    expect([two.alice.states().at(-1), two.gw.states().at(-1)]).toEqual(['failed', 'failed']);
    expect([two.alice.stack.size, two.gw.stack.size, two.alice.inner.length]).toEqual([0, 0, 0]);
    expect(two.gw.events('ike-sa').at(-1)!.story).toBe(why);
    expect(two.alice.events('ike-sa').at(-1)!.story).toBe(`gw does not let ${xauth.user} in: it does not know this name with this password.`);
  });

  test('a client without a password is not talked to: the methods differ', () => {
    const two = pair(dynamic({ v1: { only: { gw: password.gw } } })).initiate().settle();
    expect(two.gw.drops()).toEqual(['isakmp-proposal']);
  });

  test('without the password there is no quick mode and no address, whatever the client sends', () => {
    const two = pair(dynamic({ v1: { only: password } }));
    two.link = (datagram) => (datagram.from === 'alice' && two.alice.events('ike-message').filter(({ exchange }) => exchange === 'transaction').length >= 2 ? [] : [datagram]);
    two.initiate().settle();
    expect(two.gw.events('child-sa')).toEqual([]);
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established' });
    two.pass(seconds(200)); // the gateway asks until it gives up
    expect(two.gw.states().at(-1)).toBe('failed');
  });
});
