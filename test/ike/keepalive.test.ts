import { describe, expect, test } from 'vitest';
import { established, minutes, seconds, type Datagram, type Pair } from '../support/pair.ts';

const isKeepalive = ({ payload }: Datagram): boolean => payload.length === 1 && payload[0] === 0xff;
/** When keepalives went out, in seconds since the tunnel was up (20 ms after the start). */
const times = (two: Pair, who: 'alice' | 'gw'): number[] => two[who].said.flatMap(({ at, event }) => (event.kind === 'keepalive-sent' ? [Math.round(at / 100) / 10] : []));

test('one octet 0xFF every 20 s from port 4500 to the peer, when nothing else goes out', () => {
  const two = established({ nat: 'initiator' });
  two.wire.length = 0;
  two.pass(minutes(1));
  expect(two.wire.map(({ source, destination, payload }) => [source.port, destination.port, ...payload])).toEqual(Array(3).fill([4500, 4500, 0xff]));
  expect(times(two, 'alice')).toEqual([20, 40, 60]);
});

test.each([
  ['none', 'alice', 0], ['none', 'gw', 0], ['initiator', 'gw', 0], ['responder', 'alice', 0], ['responder', 'gw', 3], ['both', 'alice', 3], ['both', 'gw', 3],
] as const)('NAT in front of %s: %s sends %i in a minute: only who stands behind the NAT does', (nat, who, count) => {
  const two = established({ nat });
  two.pass(minutes(1));
  expect(times(two, who)).toHaveLength(count);
});

test('no interval, no keepalives', () => {
  const two = established({ nat: 'initiator', aliceDaemon: { keepalive: { interval: 'off' } } });
  two.pass(minutes(10));
  expect(two.wire.some(isKeepalive)).toBe(false);
});

describe('what goes out anyhow keeps the mapping as well', () => {
  test('an IKE message', () => {
    const two = established({ nat: 'initiator' });
    two.pass(seconds(15)).command('alice', { kind: 'probe', connection: 'tunnel' }).pass(seconds(60));
    expect(times(two, 'alice')).toEqual([35, 55, 75]);
  });

  test('ESP, as the stack tells in whole seconds, rounded up: never too soon', () => {
    const two = established({ nat: 'initiator' });
    const [spi] = two.alice.stack.to(two.gw.config.address).map(({ sa }) => sa!.spi);
    two.pass(seconds(15));
    two.alice.stack.used.set(spi!, 16); // somewhere in 15.001 … 16.0
    two.pass(seconds(45));
    expect(times(two, 'alice')).toEqual([36, 56]);
  });

  test('ESP without a pause: none at all', () => {
    const two = established({ nat: 'initiator' });
    const [spi] = two.alice.stack.to(two.gw.config.address).map(({ sa }) => sa!.spi);
    for (let second = 1; second < 600; second += 5) {
      two.alice.stack.used.set(spi!, second);
      two.pass(seconds(5));
    }
    expect(times(two, 'alice')).toEqual([]);
  });
});

test.each(['child', 'ike'] as const)('they go on after a rekey of the %s SA', (what) => {
  const two = established({ nat: 'initiator' });
  two.pass(seconds(10)).command('gw', { kind: 'rekey', connection: 'tunnel', what }).settle();
  two.pass(seconds(50));
  expect(times(two, 'alice')).toEqual([30, 50]);
  const [spi] = two.alice.stack.to(two.gw.config.address).map(({ sa }) => sa!.spi);
  two.alice.stack.used.set(spi!, 66);
  two.pass(seconds(30));
  expect(times(two, 'alice')).toEqual([30, 50, 86]);
});

test('they end with the tunnel', () => {
  const two = established({ nat: 'initiator' });
  two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
  two.wire.length = 0;
  two.pass(minutes(2));
  expect(two.wire).toEqual([]);
});

test('an IKE SA that has a successor sends none of its own, though the peer forgets to delete it', () => {
  const two = established({ nat: 'initiator' });
  two.command('gw', { kind: 'rekey', connection: 'tunnel', what: 'ike' });
  two.link = (datagram) => (datagram.from === 'gw' ? [] : [datagram]); // what gw says after its request is lost
  two.settle().pass(seconds(50));
  expect(times(two, 'alice')).toEqual([20, 40]);
});
