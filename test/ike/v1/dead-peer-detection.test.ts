/** R-U-THERE and R-U-THERE-ACK (RFC 3706). */
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../src/wire/ike/v1/codec.ts';
import { notifyTypes, type Payload } from '../../../src/wire/ike/v1/message.ts';
import { vendorIds } from '../../../src/wire/ike/v1/vendor-ids.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';
import { opened } from './insider.ts';
import { about, say } from './puppet.ts';
import { asReceived, dropped, stateOf } from './unchanged.ts';

const watching = (options: PairOptions = {}): PairOptions => ({ v1: {}, aliceDaemon: { deadPeerDetection: seconds(30) }, ...options });
/** The notification in the first message of an exchange. */
function notified(two: Pair, datagram: Datagram, wire: readonly Datagram[] = two.wire): Extract<Payload, { type: 'Notification' }> {
  const payload = opened(two, datagram, wire).payloads[1]!;
  if (payload.type !== 'Notification') throw new Error('no notification');
  return payload;
}
const sequenceOf = ({ data }: { readonly data: Uint8Array }): number => Buffer.from(data).readUInt32BE();
const sequence = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
const { R_U_THERE, R_U_THERE_ACK } = notifyTypes;

describe('a silent peer', () => {
  test.each([['the client', 'alice', watching()], ['the gateway', 'gw', { v1: {}, gwDaemon: { deadPeerDetection: seconds(30) } }]] as const)('is asked by %s, and as long as it answers nothing happens', (_name, who, options) => {
    const two = established(options);
    two.wire.length = 0;
    two.pass(seconds(100));
    expect(two.wire.map(({ from }) => from)).toEqual(Array(3).fill([who, who === 'alice' ? 'gw' : 'alice']).flat());
    expect(two.alice.states()).toEqual(['connecting', 'established']);
    expect([...two.alice.drops(), ...two.gw.drops()]).toEqual([]);
  });

  test('the question has the cookies for SPI and a number that goes up by one, the answer has the same (§5.3, §6.2)', () => {
    const two = established(watching());
    two.pass(seconds(65));
    const [ask1, answer1, ask2, answer2] = two.wire.slice(9).map((datagram) => notified(two, datagram));
    const cookies = Buffer.from(two.wire[2]!.payload.subarray(0, 16));
    for (const { spi, doi, protocol } of [ask1!, answer1!, ask2!, answer2!]) expect([Buffer.from(spi), doi, protocol]).toEqual([cookies, 1, 1]);
    expect([ask1!, answer1!, ask2!, answer2!].map(({ notifyType }) => notifyType)).toEqual([36136, 36137, 36136, 36137]);
    const first = sequenceOf(ask1!);
    expect(first).toBeLessThan(2 ** 31);
    expect([answer1!, ask2!, answer2!].map(sequenceOf)).toEqual([first, first + 1, first + 1]);
  });

  test('is not asked when ESP of its came in: the stack knows of it', () => {
    const two = established(watching());
    const [spi] = two.alice.stack.to(two.alice.config.address).map(({ sa }) => sa!.spi);
    two.wire.length = 0;
    two.pass(seconds(25));
    two.alice.stack.used.set(spi!, 26);
    two.pass(seconds(30));
    expect(two.wire).toEqual([]);
    two.pass(seconds(5));
    expect(two.wire).toHaveLength(2);
  });

  test('is not asked when it has not said that it answers (§5.1); a person who wants it asked hears why', () => {
    const two = pair(watching());
    two.link = (datagram) => {
      if (two.wire.indexOf(datagram) !== 1) return [datagram];
      const message = decodeMessage(datagram.payload);
      if (!message.ok || 'ciphertext' in message.value) throw new Error('message 2 is in the clear');
      const { header, payloads } = message.value;
      return [{ ...datagram, payload: encodeMessage({ header, payloads: payloads.filter((payload) => payload.type !== 'VID' || Buffer.compare(payload.data, vendorIds.deadPeerDetection.id) !== 0) }) }];
    };
    two.initiate().settle();
    two.wire.length = 0;
    two.pass(minutes(5));
    expect(two.wire).toEqual([]);
    two.command('alice', { kind: 'probe', connection: 'tunnel' });
    expect(two.wire).toEqual([]);
    expect(two.alice.events('command-refused')).toMatchObject([{ command: 'probe', why: 'gw has not said that it answers R-U-THERE' }]);
  });

  test('is asked once at a time, though a person is impatient', () => {
    const two = established(watching());
    two.wire.length = 0;
    for (let i = 0; i < 3; i++) two.command('alice', { kind: 'probe', connection: 'tunnel' });
    expect(two.wire).toHaveLength(1);
    two.settle();
    expect(two.wire).toHaveLength(2);
  });
});

describe('a peer that does not answer', () => {
  test('is asked again, by the next number each time, and then everything about it is forgotten', () => {
    const two = established(watching());
    const wire = [...two.wire];
    two.wire.length = 0;
    two.link = () => [];
    two.pass(minutes(5));
    const asked = two.alice.said.flatMap(({ at, event }) => (event.kind === 'ike-message' && event.exchange === 'informational' ? [Math.round(at / 1000)] : []));
    expect(asked).toEqual([30, 34, 41, 54, 78, 120]);
    const numbers = two.wire.map((datagram) => sequenceOf(notified(two, datagram, wire)));
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    expect(two.alice.events('peer-dead')).toHaveLength(1);
    expect(two.alice.states()).toEqual(['connecting', 'established', 'failed']);
    expect([two.alice.stack.size, two.alice.stack.policies.size, two.alice.stack.larval]).toEqual([0, 0, 0]);
    expect(two.alice.daemon.nextWake()).toBeUndefined();
  });

  test('for a while only, lives: whichever answer comes first is enough', () => {
    for (const lost of [1, 3, 5]) {
      const two = established(watching());
      const before = two.wire.length;
      two.link = (datagram) => (two.wire.length - before <= lost ? [] : [datagram]);
      two.pass(minutes(3));
      expect(two.alice.states()).toEqual(['connecting', 'established']);
      expect(two.alice.events('peer-dead')).toEqual([]);
    }
  });

  test('an old answer played again does not keep it alive', () => {
    const two = established(watching());
    two.pass(seconds(31));
    const answer = asReceived(two, two.wire.at(-1)!);
    two.link = (datagram) => {
      if (datagram.from === 'alice') two.deliver('alice', answer.source, answer.destination, answer.payload);
      return [];
    };
    two.pass(minutes(5));
    expect(two.alice.events('peer-dead')).toHaveLength(1);
    expect(new Set(two.alice.drops())).toEqual(new Set(['isakmp-message-id']));
  });
});

describe('what is no question and no answer, though the peer has written it', () => {
  const after = (payload: (two: Pair) => Payload, to: 'alice' | 'gw' = 'gw'): ReturnType<typeof dropped> => {
    const two = established({ v1: {} });
    say(two, 'alice', about(two, R_U_THERE, sequence(100))).settle();
    expect(notified(two, two.wire.at(-1)!)).toMatchObject({ notifyType: R_U_THERE_ACK, data: sequence(100) });
    two.link = () => [];
    say(two, to === 'gw' ? 'alice' : 'gw', payload(two));
    const { source, destination, payload: bytes } = asReceived(two, two.wire.at(-1)!);
    const before = stateOf(two[to]);
    const reason = dropped(two, to, source, destination, bytes);
    expect(stateOf(two[to])).toEqual(before);
    return reason;
  };

  test.each<[string, (two: Pair) => Payload, 'alice' | 'gw', string]>([
    ['a question that is older than the last', (two) => about(two, R_U_THERE, sequence(99)), 'gw', 'isakmp-message-id'],
    ['a question about other cookies', (two) => about(two, R_U_THERE, sequence(101), new Uint8Array(16)), 'gw', 'isakmp-payloads'],
    ['a question about nothing', (two) => about(two, R_U_THERE, sequence(101), new Uint8Array(0)), 'gw', 'isakmp-payloads'],
    ['a question without a number', (two) => about(two, R_U_THERE), 'gw', 'isakmp-payloads'],
    ['a number of three octets', (two) => about(two, R_U_THERE, new Uint8Array(3)), 'gw', 'isakmp-payloads'],
    ['an answer that nobody has asked for', (two) => about(two, R_U_THERE_ACK, sequence(100)), 'alice', 'isakmp-message-id'],
  ])('%s', (_name, payload, to, reason) => {
    expect(after(payload, to).reason).toBe(reason);
  });

  test('the same number again is answered: some repeat themselves so', () => {
    const two = established({ v1: {} });
    for (let i = 0; i < 2; i++) say(two, 'alice', about(two, R_U_THERE, sequence(100))).settle();
    expect(two.gw.sent.slice(-2).map((datagram) => notified(two, datagram).notifyType)).toEqual([R_U_THERE_ACK, R_U_THERE_ACK]);
  });
});
