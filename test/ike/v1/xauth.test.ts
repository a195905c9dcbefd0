/** A name and a password behind the key of a group, and what may go wrong with them (draft-beaulieu-ike-xauth). */
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { transact } from '../../../src/ike/v1/transaction.ts';
import { configurationAttributes, configurationTypes, xauthTypes } from '../../../src/wire/ike/v1/message.ts';
import type { DataAttribute } from '../../../src/wire/ike/attributes.ts';
import { established, minutes, pair, seconds, type Pair, type PairOptions } from '../../support/pair.ts';
import { make } from './puppet.ts';

const { XAUTH_TYPE, XAUTH_USER_NAME, XAUTH_STATUS, XAUTH_MESSAGE } = configurationAttributes;
const { REQUEST, SET } = configurationTypes;
const users = { ann: 'open sesame', bob: 'letmein' };
const as = (user: string, password: string): PairOptions => ({ v1: { only: { alice: { xauth: { user, password } }, gw: { xauth: { users } } } } });
const ann = as('ann', users.ann);

/** What the other side answers to a transaction of one party's own making. */
function asked(two: Pair, who: 'alice' | 'gw', type: typeof REQUEST | typeof SET, attributes: readonly DataAttribute[]): readonly DataAttribute[] | undefined {
  let answer: readonly DataAttribute[] | undefined;
  make(two, who, (sa) => { transact(sa, type, attributes, (received) => (answer = received)); }).settle();
  return answer;
}

describe('whoever guesses', () => {
  test('is not listened to any more after five wrong passwords, not even with the right one; after a minute it is', () => {
    const two = pair(as('ann', 'wrong'));
    for (let i = 0; i < 5; i++) two.initiate().settle();
    expect(two.gw.states().filter((state) => state === 'failed')).toHaveLength(5);
    // the same gateway, and ann herself
    const { connections } = two.alice.config;
    Object.assign(connections[0]!.ike, { xauth: { user: 'ann', password: users.ann } });
    two.initiate().settle();
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw does not let ann in: there were too many wrong passwords.' });
    expect(two.alice.states().at(-1)).toBe('failed');
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([0, 0]);
    two.pass(seconds(61)).initiate().settle();
    expect(two.alice.states().at(-1)).toBe('established');
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });

  test('does so at no other\'s cost', () => {
    const two = pair(as('ann', 'wrong'));
    for (let i = 0; i < 6; i++) two.initiate().settle();
    Object.assign(two.alice.config.connections[0]!.ike, { xauth: { user: 'bob', password: users.bob } });
    two.initiate().settle();
    expect(two.gw.states().at(-1)).toBe('established');
  });

  test('four wrong ones and then the right one: from the beginning', () => {
    const two = pair(as('ann', 'wrong'));
    for (const password of ['a', 'b', 'c', 'd', users.ann, 'e', 'f', 'g', 'h', users.ann]) {
      Object.assign(two.alice.config.connections[0]!.ike, { xauth: { user: 'ann', password } });
      two.initiate().settle();
      expect(two.alice.states().at(-1)).toBe(password === users.ann ? 'established' : 'failed');
      two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
    }
  });

  test('the client hears no more than that it may not come in, whatever was wrong', () => {
    const stories = [as('ann', 'wrong'), as('eve', users.ann), as('', '')].map((options) => established(options).alice.events('ike-sa').at(-1)!.story);
    expect(new Set(stories.map((story) => story.replace(/name "?\w*"?|\b(ann|eve)\b/g, ''))).size).toBe(1);
  });
});

describe('the client', () => {
  test('is not asked at all: it gives up after half a minute, and says so', () => {
    const two = pair(ann);
    two.link = (datagram) => (two.wire.length > 6 ? [] : [datagram]);
    two.initiate().pass(seconds(31));
    expect(two.alice.events('ike-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw has asked for no password.' });
    expect(two.alice.daemon.nextWake()).toBeUndefined();
  });

  test.each([['RADIUS-CHAP', xauthTypes.RADIUS_CHAP], ['a one-time password', xauthTypes.OTP]])('has no %s to show, and does not show its password instead', (_name, type) => {
    const two = established(ann);
    expect(asked(two, 'gw', REQUEST, [{ type: XAUTH_TYPE, value: type }, { type: XAUTH_USER_NAME, value: new Uint8Array(0) }])).toEqual([{ type: XAUTH_STATUS, value: 0 }]);
    expect(asked(two, 'gw', REQUEST, [{ type: XAUTH_TYPE, value: xauthTypes.GENERIC }])).toHaveLength(2);
  });

  test('hears a message for people, and goes on waiting', () => {
    const two = pair(ann);
    let told = false;
    two.link = (datagram) => {
      if (told || two.wire.length < 7) return [datagram];
      told = true;
      return []; // the first question is lost, and the message comes before the second
    };
    two.initiate().settle();
    expect(asked(two, 'gw', SET, [{ type: XAUTH_MESSAGE, value: utf8('call 555-0100') }])).toBeDefined();
    expect(two.alice.states()).toEqual(['connecting', 'established']);
    two.pass(seconds(10));
    expect(two.alice.stack.size).toBe(2);
  });

  test('that is in is not let in twice', () => {
    const two = established(ann);
    expect(asked(two, 'gw', SET, [{ type: XAUTH_STATUS, value: 1 }])).toBeUndefined();
    expect(two.alice.drops()).toContain('isakmp-exchange');
    expect(two.alice.stack.size).toBe(2);
  });

  test('without a password is asked for none, and tells none', () => {
    const two = established({ v1: {} });
    expect(asked(two, 'gw', REQUEST, [{ type: XAUTH_USER_NAME, value: new Uint8Array(0) }])).toBeUndefined();
    expect(two.alice.drops()).toEqual(['isakmp-exchange']);
  });
});

describe('the gateway', () => {
  test('takes no name for an answer, no answer for a name', () => {
    for (const options of [as('', users.ann), as('ann', ''), as('ann\u0000', users.ann), as('__proto__', ''), as('toString', 'x')]) {
      const two = established(options);
      expect(two.gw.states().at(-1)).toBe('failed');
      expect([two.alice.stack.size, two.gw.stack.size]).toEqual([0, 0]);
    }
  });

  test('gives up on who does not answer, and nothing is left of it', () => {
    const two = pair(ann);
    two.link = (datagram) => (two.wire.length > 7 && datagram.from === 'alice' ? [] : [datagram]);
    two.initiate().pass(minutes(4));
    expect(two.gw.states().at(-1)).toBe('failed');
    expect(two.gw.daemon.nextWake()).toBeUndefined();
  });

  test('takes no child SA and no question for an address before the password', () => {
    const two = pair(ann);
    two.link = (datagram) => (two.wire.length > 6 ? [] : [datagram]);
    two.initiate().settle();
    two.link = (datagram) => [datagram];
    const drops = two.gw.drops().length;
    expect(asked(two, 'alice', REQUEST, [{ type: configurationAttributes.INTERNAL_IP4_ADDRESS, value: new Uint8Array(0) }])).toBeUndefined();
    expect(two.gw.drops().slice(drops)).toEqual(['isakmp-exchange']);
  });
});
