/** Mode-Config at its edges: what is not known, what is not there, what makes no sense (draft-ietf-ipsec-isakmp-mode-cfg §3). */
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { toHex } from '../../../src/core/bytes.ts';
import { transact } from '../../../src/ike/v1/transaction.ts';
import type { DataAttribute } from '../../../src/wire/ike/attributes.ts';
import { configurationAttributes, configurationTypes } from '../../../src/wire/ike/v1/message.ts';
import { established, pair, seconds, type Pair, type PairOptions } from '../../support/pair.ts';
import { make, saOf } from './puppet.ts';

const { INTERNAL_IP4_ADDRESS, INTERNAL_IP4_NETMASK, INTERNAL_IP4_DNS, INTERNAL_IP4_NBNS, INTERNAL_IP6_ADDRESS, APPLICATION_VERSION, UNITY_BANNER, UNITY_SPLIT_INCLUDE } = configurationAttributes;
const { REQUEST, SET } = configurationTypes;
const empty = new Uint8Array(0);
const asking = (...types: number[]): DataAttribute[] => types.map((type) => ({ type, value: empty }));

const access = (pool = '10.98.0.0/24', v1: PairOptions['v1'] = {}): PairOptions => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  return {
    nat: 'initiator', v1,
    alice: { virtualAddress: 'request', child: { ...alice.child, local: ['dynamic'] } },
    gw: { virtualAddress: { pool: prefix(pool) }, child: { ...gw.child, remote: ['dynamic'] } },
  };
};
/** What the other side answers to a transaction of one party's own making; undefined for no answer. */
function asked(two: Pair, who: 'alice' | 'gw', type: typeof REQUEST | typeof SET, attributes: readonly DataAttribute[]): string[] | undefined {
  let answer: string[] | undefined;
  make(two, who, (sa) => {
    transact(sa, type, attributes, (received) => (answer = received.map(({ type, value }) => `${type} ${typeof value === 'object' ? toHex(value) : value}`)));
  }).settle();
  return answer;
}

describe('a gateway that is asked', () => {
  const gifts = { netmask: ip('255.255.255.0'), dns: [ip('10.99.0.53'), ip('10.99.0.54')] };

  test('for what it does not know, or does not have, answers the rest', () => {
    const two = established(access('10.98.0.0/24', { gifts }));
    expect(asked(two, 'alice', REQUEST, asking(INTERNAL_IP4_ADDRESS, INTERNAL_IP4_NBNS, APPLICATION_VERSION, UNITY_BANNER, INTERNAL_IP6_ADDRESS, 0x7fff, INTERNAL_IP4_DNS))).toEqual([
      `${INTERNAL_IP4_ADDRESS} 0a620001`, `${INTERNAL_IP4_DNS} 0a630035`, `${INTERNAL_IP4_DNS} 0a630036`,
    ]);
  });

  test('for an address again and again gives the same one', () => {
    const two = established(access());
    for (let i = 0; i < 5; i++) expect(asked(two, 'alice', REQUEST, asking(INTERNAL_IP4_ADDRESS))).toEqual([`${INTERNAL_IP4_ADDRESS} 0a620001`]);
  });

  test('for no address takes none out of its pool', () => {
    const two = established({ ...access('10.98.0.7/32', { gifts }), alice: { virtualAddress: 'none' } });
    expect(asked(two, 'alice', REQUEST, asking(INTERNAL_IP4_NETMASK, INTERNAL_IP6_ADDRESS))).toEqual([`${INTERNAL_IP4_NETMASK} ffffff00`]);
    expect(asked(two, 'alice', REQUEST, [])).toEqual([]);
    expect(saOf(two.gw).virtualAddress).toBeUndefined();
    expect(asked(two, 'alice', REQUEST, asking(INTERNAL_IP4_ADDRESS))).toEqual([`${INTERNAL_IP4_ADDRESS} 0a620007`]);
  });

  test('without a pool answers nothing', () => {
    const two = established({ v1: {} });
    expect(asked(two, 'alice', REQUEST, asking(INTERNAL_IP4_ADDRESS))).toBeUndefined();
    expect(two.gw.drops()).toEqual(['isakmp-exchange']);
  });

  test('to take an address itself does not', () => {
    const two = established(access());
    expect(asked(two, 'alice', SET, [{ type: INTERNAL_IP4_ADDRESS, value: Uint8Array.of(10, 98, 0, 66) }])).toBeUndefined();
    expect(two.gw.drops()).toEqual(['isakmp-exchange']);
    expect(two.gw.inner).toEqual([]);
  });
});

describe('the pool is empty', () => {
  const full = (v1: PairOptions['v1']): Pair => {
    const two = pair(access('10.98.0.9/32', v1));
    two.initiate().settle();
    saOf(two.gw).virtualAddress = undefined; // its client is gone without giving it back
    two.link = (datagram) => (datagram.from === 'alice' ? [] : [datagram]);
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    two.link = (datagram) => [datagram];
    return two.initiate().settle();
  };

  test('asked: an answer without an address; the client says farewell, and the gateway why', () => {
    const two = full({});
    expect(two.alice.events('ike-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw gives no inner address.' });
    expect(two.gw.events('child-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw has no inner address left for alice: all of its pool are in use.' });
    expect(two.gw.states().at(-1)).toBe('deleted');
    expect([two.alice.stack.size, two.alice.inner.length]).toEqual([0, 0]);
  });

  test('unasked: the gateway ends it, and the client hears so', () => {
    const two = full({ modeConfig: 'push' });
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw has no inner address left for alice: all of its pool are in use.' });
    expect(two.alice.states().at(-1)).toBe('deleted');
  });
});

describe('a client that is given', () => {
  const given = (...attributes: DataAttribute[]): { two: Pair; answer: string[] | undefined } => {
    const two = pair(access());
    // the answer to its own question is lost: it has no address yet
    two.link = (datagram) => (datagram.from === 'gw' && two.wire.length > 7 ? [] : [datagram]);
    two.initiate().settle();
    two.link = (datagram) => [datagram];
    return { two, answer: asked(two, 'gw', SET, attributes) };
  };
  const address = { type: INTERNAL_IP4_ADDRESS, value: Uint8Array.of(10, 98, 0, 1) };

  test('what it does not know acknowledges what it does', () => {
    const { two, answer } = given({ type: UNITY_BANNER, value: Uint8Array.of(104, 105) }, address, { type: 0x7000, value: 7 });
    expect(answer).toEqual([`${INTERNAL_IP4_ADDRESS} `]);
    expect(two.alice.inner).toEqual(['10.98.0.1']);
  });

  test.each<[string, DataAttribute[]]>([
    ['an address of three octets', [{ type: INTERNAL_IP4_ADDRESS, value: new Uint8Array(3) }]],
    ['an address of sixteen', [{ type: INTERNAL_IP4_ADDRESS, value: new Uint8Array(16) }]],
    ['a number for an address', [{ type: INTERNAL_IP4_ADDRESS, value: 7 }]],
    ['a netmask alone', [{ type: INTERNAL_IP4_NETMASK, value: new Uint8Array(4) }]],
    ['nothing', []],
  ])('%s does not take it', (_name, attributes) => {
    const { two, answer } = given(...attributes);
    expect(answer).toBeUndefined();
    expect(two.alice.drops()).toContain('isakmp-payloads');
    expect(two.alice.inner).toEqual([]);
  });

  test('split networks that are cut, or have a mask with holes, takes the others', () => {
    const whole = [10, 99, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0];
    const holes = [10, 99, 0, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0];
    const { two } = given(address, { type: UNITY_SPLIT_INCLUDE, value: Uint8Array.from([...holes, ...whole, ...whole.slice(0, 9)]) });
    expect(saOf(two.alice).splitNetworks).toEqual([prefix('10.99.0.0/24')]);
    two.pass(seconds(10));
    expect(two.alice.stack.size).toBe(2);
  });

  test('an address twice keeps the first', () => {
    const { two } = given(address);
    expect(asked(two, 'gw', SET, [{ type: INTERNAL_IP4_ADDRESS, value: Uint8Array.of(10, 98, 0, 2) }])).toBeDefined();
    expect(two.alice.inner).toEqual(['10.98.0.1']);
  });
});
