/** The commit bit and CONNECTED, as Windows uses them: a fourth message of quick mode, before which the initiator sends nothing by the child SA (RFC 2408 §3.1). */
import { describe, expect, test } from 'vitest';
import { hashOne, behindHash } from '../../../src/ike/v1/protected.ts';
import { decodeMessage } from '../../../src/wire/ike/v1/codec.ts';
import { ipsecDoi, notifyTypes } from '../../../src/wire/ike/v1/message.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PartyName } from '../../support/pair.ts';
import { make } from './puppet.ts';

const commit = { v1: { only: { gw: { commitBit: true } } } } as const;
const commits = ({ payload }: Datagram): boolean => {
  const message = decodeMessage(payload);
  return message.ok && message.value.header.flags.commit;
};
const outbound = (two: Pair, who: PartyName): number => two[who].stack.to(two[who === 'alice' ? 'gw' : 'alice'].config.address).length;

test('the responder sets it in message 2, and says CONNECTED when it can receive', () => {
  const two = established(commit);
  expect(two.wire.map(commits)).toEqual([...Array<boolean>(7).fill(false), true, false, true]);
  expect(two.alice.events('ike-message').slice(6).map(({ notation }) => notation)).toEqual([
    'HDR*, HASH(1), SA, Ni, IDci, IDcr', 'HDR*, HASH(2), SA, Nr, IDci, IDcr', 'HDR*, HASH(3)', 'HDR*, HASH(4), N(CONNECTED)',
  ]);
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
});

test('until then the initiator receives, and does not send', () => {
  const two = pair(commit);
  two.link = (datagram) => (two.wire.indexOf(datagram) === 9 ? [] : [datagram]);
  two.initiate().settle();
  expect([outbound(two, 'alice'), outbound(two, 'gw')]).toEqual([0, 1]);
  expect(two.alice.stack.size).toBe(1);
  two.pass(seconds(5)); // message 3 once more, and CONNECTED once more
  expect(two.wire).toHaveLength(12);
  expect([outbound(two, 'alice'), outbound(two, 'gw')]).toEqual([1, 1]);
});

describe('CONNECTED never comes', () => {
  const without = (used: boolean): Pair => {
    const two = pair(commit);
    two.link = (datagram) => (datagram.from === 'gw' && two.wire.indexOf(datagram) > 8 ? [] : [datagram]);
    two.initiate().settle();
    if (used) two.alice.stack.used.set(two.alice.stack.to(two.alice.config.address)[0]!.sa!.spi, 1);
    return two.pass(minutes(4));
  };

  test('there is nobody at the other end: the child SA goes, the ISAKMP SA stays', () => {
    const two = without(false);
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established' }, { state: 'deleted', story: 'gw has announced that it would say when it is ready, and has not said so to 6 transmissions of message 3.' }]);
    expect([two.alice.stack.size, two.alice.stack.policies.size, two.gw.stack.size]).toEqual([0, 0, 0]);
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  });

  test('packets arrive by the child SA, which says as much: it is used', () => {
    const two = without(true);
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established' }]);
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });
});

test('something else in its place is not taken for it', () => {
  const two = pair({ v1: {} });
  two.link = (datagram) => {
    if (two.wire.indexOf(datagram) !== 7) return [datagram];
    const payload = datagram.payload.slice();
    payload[19]! |= 0x02; // no HASH covers the header: somebody on the way sets the bit
    return [{ ...datagram, payload }];
  };
  two.initiate().settle();
  expect([outbound(two, 'alice'), outbound(two, 'gw')]).toEqual([0, 1]);
  const { messageId } = two.alice.events('ike-message').at(-1)!;
  make(two, 'gw', (sa) => {
    const notification = { type: 'Notification', doi: ipsecDoi, protocol: 3, spi: new Uint8Array(4), notifyType: notifyTypes.REPLAY_STATUS, data: new Uint8Array(4) } as const;
    sa.exchange(messageId)!.send(behindHash(hashOne(sa, messageId), [notification]));
  }).settle();
  expect(two.alice.events('drop')).toMatchObject([{ reason: 'isakmp-payloads', detail: 'not the CONNECTED that the commit bit has announced' }]);
  expect(outbound(two, 'alice')).toBe(0);
});

describe('a rekey with it', () => {
  test('goes out by the old child SA until CONNECTED, and by the new one then', () => {
    const two = established(commit);
    const before = two.wire.length;
    two.link = (datagram) => (two.wire.indexOf(datagram) === before + 3 ? [] : [datagram]);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    expect(outbound(two, 'alice')).toBe(1);
    expect(two.alice.events('child-sa').map(({ state }) => state)).toEqual(['established', 'established']);
    two.pass(seconds(20));
    expect(two.alice.events('child-sa').map(({ state }) => state)).toEqual(['established', 'established', 'rekeyed', 'deleted']);
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });

  test('that never comes leaves the old one in its place', () => {
    const two = established(commit);
    const old = [...two.alice.stack.sas.keys()];
    const before = two.wire.length;
    two.link = (datagram) => (datagram.from === 'gw' && two.wire.length > before + 3 ? [] : [datagram]);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(minutes(4));
    expect([...two.alice.stack.sas.keys()]).toEqual(old);
    expect(two.alice.events('child-sa').at(-1)).toMatchObject({ state: 'deleted' });
  });
});

test('an initiator whose own quick modes have it answers like any other', () => {
  const two = established({ v1: { only: { alice: { commitBit: true } } } });
  expect(two.wire).toHaveLength(9);
  two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
  expect(two.wire.filter(commits)).toHaveLength(2);
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
});
