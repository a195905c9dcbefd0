/** Who says what again, and when: the initiator of an exchange until it is answered, the responder to who asks again, or where it waits for the last message (RFC 2408 §5.1). */
import { describe, expect, test } from 'vitest';
import { prefix } from '../../../src/core/address.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';

const same = (a: Datagram, b: Datagram): boolean => Buffer.compare(a.payload, b.payload) === 0;
const sentBy = ({ wire }: Pair, who: Datagram['from']): Datagram[] => wire.filter(({ from }) => from === who);
/** Tenths of seconds at which a party sent messages of an exchange. */
const timesOf = (party: Pair['alice'], exchange: string): number[] =>
  party.said.flatMap(({ at, event }) => (event.kind === 'ike-message' && event.direction === 'sent' && event.exchange === exchange ? [Math.round(at / 100) / 10] : []));

/** One pair of SAs on either side, with the same SPIs, and nothing half made. */
function expectOneTunnel({ alice, gw }: Pair): void {
  const spis = ({ stack }: Pair['alice']): number[] => [...stack.sas.values()].map(({ sa }) => sa!.spi).sort();
  expect(spis(alice)).toHaveLength(2);
  expect(spis(gw)).toEqual(spis(alice));
  expect([alice.stack.larval, gw.stack.larval]).toEqual([0, 0]);
  expect([alice.states(), gw.states()]).toEqual([['connecting', 'established'], ['connecting', 'established']]);
}

const remoteAccess: PairOptions = (() => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  return {
    alice: { virtualAddress: 'request', child: { ...alice.child, local: ['dynamic'] } },
    gw: { virtualAddress: { pool: prefix('10.98.0.0/24') }, child: { ...gw.child, remote: ['dynamic'] } },
    v1: { only: { alice: { xauth: { user: 'ann', password: 'open sesame' } }, gw: { xauth: { users: { ann: 'open sesame' } } } } },
  };
})();

const ways: readonly (readonly [string, PairOptions, number])[] = [
  ['main mode', { v1: {} }, 9],
  ['main mode through a NAT', { nat: 'initiator', v1: {} }, 9],
  ['main mode with the commit bit', { v1: { commitBit: true } }, 10],
  ['aggressive mode', { v1: { exchange: 'aggressive' } }, 6],
  ['aggressive mode through a NAT', { nat: 'initiator', v1: { exchange: 'aggressive' } }, 6],
  ['aggressive mode with the commit bit', { nat: 'both', v1: { exchange: 'aggressive', commitBit: true } }, 7],
  ['main mode, XAUTH and Mode-Config', { nat: 'initiator', ...remoteAccess }, 15],
];

describe.each(ways)('%s', (_name, options, messages) => {
  test('needs so many messages when none is lost', () => {
    const two = established(options);
    expect(two.wire).toHaveLength(messages);
    expectOneTunnel(two);
  });

  test.each(Array.from({ length: messages }, (_, i) => i + 1))('message %i is lost: the same octets go out again, and the tunnel comes up', (lost) => {
    const two = pair(options);
    two.link = (datagram) => (two.wire.indexOf(datagram) === lost - 1 ? [] : [datagram]);
    two.initiate().pass(seconds(25));
    expectOneTunnel(two);
    expect(two.wire.filter((datagram) => same(datagram, two.wire[lost - 1]!)).length).toBeGreaterThan(1);
  });

  test('any two are lost', () => {
    for (let first = 0; first < messages; first++) {
      for (let second = first + 1; second < messages + 4; second++) {
        const two = pair(options);
        two.link = (datagram) => ([first, second].includes(two.wire.indexOf(datagram)) ? [] : [datagram]);
        two.initiate().pass(seconds(60));
        expectOneTunnel(two);
      }
    }
  });

  test('every message comes twice: that does not make more of them than one answer for each copy', () => {
    const two = pair(options);
    two.link = (datagram) => [datagram, datagram];
    two.initiate().pass(minutes(5));
    expectOneTunnel(two);
    const kinds = new Map<string, number>();
    for (const { payload } of two.wire) kinds.set(Buffer.from(payload).toString('hex'), (kinds.get(Buffer.from(payload).toString('hex')) ?? 0) + 1);
    expect(kinds.size).toBe(messages + [...kinds.keys()].filter((hex) => hex === 'ff').length);
    for (const [hex, count] of kinds) if (hex !== 'ff') expect(count).toBeLessThanOrEqual(4);
  });
});

describe('the initiator', () => {
  test('repeats its first message at 4, 11.2, 24.2, 47.5 and 89.5 s, and then gives up', () => {
    const two = pair({ v1: {} });
    two.link = () => [];
    two.initiate().pass(minutes(5));
    expect(timesOf(two.alice, 'main')).toEqual([0, 4, 11.2, 24.2, 47.5, 89.5]);
    expect(two.wire.every((datagram) => same(datagram, two.wire[0]!))).toBe(true);
    expect(two.alice.states()).toEqual(['connecting', 'failed']);
    expect(two.alice.daemon.nextWake()).toBeUndefined();
  });

  test('takes an answer that comes twice once: the first copy has been gone on from', () => {
    const two = pair({ v1: {} });
    two.link = (datagram) => (two.wire.indexOf(datagram) === 1 ? [datagram, datagram] : [datagram]);
    two.initiate().settle();
    expect(two.wire).toHaveLength(9);
    expect(two.alice.events('drop')).toMatchObject([{ reason: 'isakmp-exchange', detail: 'it came twice: the next step is under way, and is repeated when its time has come' }]);
  });
});

describe('the responder', () => {
  test('of main mode says nothing of its own accord, and forgets who does not go on', () => {
    const two = pair({ v1: {} });
    two.link = (datagram) => (datagram.from === 'alice' && two.wire.length > 1 ? [] : [datagram]);
    two.initiate().pass(minutes(5));
    expect(sentBy(two, 'gw')).toHaveLength(1);
    expect(two.gw.events('ike-sa').map(({ state }) => state)).toEqual(['connecting', 'failed']);
    expect(two.gw.daemon.nextWake()).toBeUndefined();
  });

  test.each([['main mode', {}, 8], ['aggressive mode', { exchange: 'aggressive' }, 5]] as const)('%s: of quick mode it repeats message 2, since nobody would repeat message 3', (_name, v1, last) => {
    const two = pair({ v1 });
    two.link = (datagram) => (two.wire.indexOf(datagram) === last ? [] : [datagram]);
    two.initiate().settle();
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 0]);
    two.pass(seconds(5));
    expect(timesOf(two.gw, 'quick')).toHaveLength(2);
    expect(timesOf(two.alice, 'quick')).toHaveLength(3);
    expectOneTunnel(two);
  });

  test('of aggressive mode repeats message 2, and is told message 3 again', () => {
    const two = pair({ v1: { exchange: 'aggressive' } });
    two.link = (datagram) => (two.wire.indexOf(datagram) === 2 ? [] : [datagram]);
    two.initiate().settle();
    expect([two.alice.states(), two.gw.states()]).toEqual([['connecting', 'established'], ['connecting']]);
    two.pass(seconds(12));
    expect(timesOf(two.gw, 'aggressive')).toEqual([0, 4]);
    expectOneTunnel(two);
  });

  test('of quick mode gives up when message 3 never comes, and gives the SPI back', () => {
    const two = pair({ v1: {} });
    two.link = (datagram) => (two.alice.events('child-sa').length > 0 && datagram.from === 'alice' ? [] : [datagram]);
    two.initiate().pass(minutes(4));
    expect(timesOf(two.gw, 'quick').map((time) => Math.round(time))).toEqual([0, 4, 11, 24, 48, 90]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'failed', story: 'alice has not confirmed its child SA in 6 transmissions.' }]);
    expect([two.gw.stack.size, two.gw.stack.larval]).toEqual([0, 0]);
  });

  test('says once more why it refuses, to who asks once more', () => {
    const { child } = pair({ v1: {} }).alice.config.connections[0]!;
    const two = pair({ v1: {}, alice: { child: { ...child, local: [prefix('10.55.0.0/16')] } } });
    two.link = (datagram) => (datagram.from === 'gw' && two.wire.length === 8 ? [] : [datagram]);
    two.initiate().settle();
    expect(two.alice.events('child-sa')).toEqual([]);
    two.pass(seconds(5));
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: INVALID_ID_INFORMATION.' }]);
    expect(two.gw.events('child-sa')).toHaveLength(1);
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  });

  test('is not worn out by copies of message 1: they use up none of its own retransmissions', () => {
    const two = pair({ v1: {} });
    two.link = (datagram) => (two.wire.indexOf(datagram) === 8 ? [] : [datagram]);
    two.initiate().settle();
    const { source, destination, payload } = two.wire[6]!;
    two.link = () => [];
    for (let i = 0; i < 10; i++) two.deliver('gw', source, destination, payload);
    two.link = (datagram) => [datagram];
    two.pass(seconds(5));
    expectOneTunnel(two);
  });
});

test('an answer that goes elsewhere does not stand for a keepalive', () => {
  const two = established({ nat: 'responder', v1: {} });
  const { destination, payload } = two.wire[4]!; // message 5, which anybody may have recorded
  for (let at = 0; at < 60; at += 5) {
    two.pass(seconds(5));
    two.deliver('gw', { address: two.alice.config.address, port: 40_000 }, { ...destination, address: two.gw.config.address }, payload);
  }
  expect(two.wire.filter((datagram) => same(datagram, two.wire[5]!))).toHaveLength(13);
  expect(two.gw.events('keepalive-sent')).toHaveLength(3);
});
