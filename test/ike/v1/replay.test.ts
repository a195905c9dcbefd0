/** Every message of a whole session, once more: at most the last answer goes out again, and that for a while only. */
import { describe, expect, test } from 'vitest';
import { prefix } from '../../../src/core/address.ts';
import { toHex } from '../../../src/core/bytes.ts';
import { milliseconds } from '../../../src/core/time.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';
import { asReceived, dropped, stateOf } from './unchanged.ts';

const remoteAccess = ((): PairOptions => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  return {
    alice: { virtualAddress: 'request', child: { ...alice.child, local: ['dynamic'] } },
    gw: { virtualAddress: { pool: prefix('10.98.0.0/24') }, child: { ...gw.child, remote: ['dynamic'] } },
    v1: { modeConfig: 'push', only: { alice: { xauth: { user: 'ann', password: 'open sesame' } }, gw: { xauth: { users: { ann: 'open sesame' } } } } },
  };
})();

const sessions: readonly (readonly [string, PairOptions])[] = [
  ['main mode', { nat: 'none', v1: {} }],
  ['main mode through a NAT', { nat: 'initiator', v1: { commitBit: true } }],
  ['aggressive mode through a NAT', { nat: 'initiator', v1: { exchange: 'aggressive' } }],
  ['XAUTH and Mode-Config', { nat: 'initiator', ...remoteAccess }],
];

/** A whole life: up, asked whether it lives, fresh keys for the child SA by either side, another ISAKMP SA. */
function session(options: PairOptions): Pair {
  const two = established(options);
  for (const who of ['alice', 'gw'] as const) {
    two.command(who, { kind: 'probe', connection: 'tunnel' }).settle();
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    two.pass(seconds(20));
  }
  two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
  two.pass(seconds(1));
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  return two;
}

const isMessage = ({ payload }: Datagram): boolean => payload.length > 1;
/** No responder cookie yet; behind a marker where there is one. */
const isFirst = ({ payload }: Datagram): boolean => [8, 12].some((at) => toHex(payload.subarray(at, at + 8)) === '0000000000000000');
const elsewhere = 40_404;

describe.each(sessions)('%s', (_name, options) => {
  test.each([['the same path', undefined], ['another port', elsewhere]] as const)('at once, by %s: each copy is dropped, or answered with what was said before', (_path, port) => {
    const two = session(options);
    for (const message of two.wire.filter(isMessage).map((datagram) => asReceived(two, datagram))) {
      const party = two[message.to];
      const [before, drops, known] = [stateOf(party), party.drops().length, new Set(party.sent.map(({ payload }) => toHex(payload)))];
      const sent = party.sent.length;
      two.deliver(message.to, { ...message.source, port: port ?? message.source.port }, message.destination, message.payload);
      expect(stateOf(party)).toEqual(before);
      const answers = party.sent.slice(sent);
      expect([answers.length, party.drops().length - drops]).toEqual(answers.length === 0 ? [0, 1] : [1, 0]);
      for (const { payload } of answers) expect(known.has(toHex(payload))).toBe(true);
    }
  });

  test('later: every copy is dropped, whichever way it comes', () => {
    const two = session(options);
    two.pass(minutes(5)).command('alice', { kind: 'probe', connection: 'tunnel' }).settle(); // exchanges that are long over are forgotten, their message IDs are not
    // all but the first message of an ISAKMP SA that has been replaced since: nobody could know that it is an old one
    for (const { to, source, destination, payload } of two.wire.slice(1).filter(isMessage).map((datagram) => asReceived(two, datagram))) {
      for (const port of [source.port, elsewhere]) {
        expect(['isakmp-message-id', 'isakmp-unknown-cookies', 'isakmp-exchange', 'isakmp-party']).toContain(dropped(two, to, { ...source, port }, destination, payload).reason);
      }
    }
  });

  test('when all is over: a first message is one, and leads nowhere; the others belong to nothing', () => {
    const two = session(options);
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).pass(minutes(5));
    expect([two.alice.daemon.nextWake(), two.gw.daemon.nextWake()]).toEqual([undefined, undefined]);
    const [first, ...others] = two.wire.filter(isMessage).map((datagram) => asReceived(two, datagram));
    two.link = () => [];
    two.deliver('gw', first!.source, first!.destination, first!.payload);
    expect(two.gw.states().at(-1)).toBe('connecting');
    const heard = two.gw.stack.heard.length;
    for (const { to, source, destination, payload } of others.filter((message) => !isFirst(message))) {
      expect(dropped(two, to, source, destination, payload).reason).toBe('isakmp-unknown-cookies');
    }
    two.pass(minutes(5));
    expect(two.gw.states().at(-1)).toBe('failed');
    expect(two.gw.stack.heard).toHaveLength(heard);
    expect(two.gw.daemon.nextWake()).toBeUndefined();
  });
});

test('an old session played into the beginning of a new one: the new one does not notice', () => {
  const old = session({ nat: 'initiator', v1: {} });
  const copies = old.wire.filter(isMessage).map((datagram) => asReceived(old, datagram)).filter((message) => !isFirst(message));
  const two = pair({ nat: 'initiator', v1: {}, seed: 2 }).initiate();
  for (let sent = 0; sent !== two.wire.length; ) {
    sent = two.wire.length;
    for (const { to, source, destination, payload } of copies) dropped(two, to, source, destination, payload);
    two.pass(milliseconds(5));
  }
  expect(two.wire).toHaveLength(9);
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
});

test('behind every message of a handshake all older ones come again: there are nine, and some answers again', () => {
  const two = pair({ nat: 'initiator', v1: {} });
  const seen = new Set<string>();
  two.link = (datagram) => {
    const isNew = seen.size !== seen.add(toHex(datagram.payload)).size;
    return isNew ? [datagram, ...two.wire.filter((old) => old.from === datagram.from && old !== datagram)] : [datagram];
  };
  two.initiate().settle();
  expect([two.alice.states(), two.gw.states()]).toEqual([['connecting', 'established'], ['connecting', 'established']]);
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  expect(seen.size).toBe(9);
});
