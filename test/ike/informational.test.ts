import { describe, expect, test } from 'vitest';
import { established, minutes, pair, seconds, type Pair } from '../support/pair.ts';
import { forged, ladder, opened } from '../support/insider.ts';

function expectNothingLeft(two: Pair): void {
  for (const { stack, daemon } of [two.alice, two.gw]) {
    expect([stack.size, stack.larval, stack.policies.size]).toEqual([0, 0, 0]);
    expect(daemon.nextWake()).toBeUndefined();
  }
}

describe.each(['alice', 'gw'] as const)('%s ends the tunnel', (who) => {
  test('with a DELETE that is answered; then nothing is left on either side', () => {
    const two = established({ nat: 'initiator', aliceDaemon: { deadPeerDetection: seconds(30) } });
    two.wire.length = 0;
    two.command(who, { kind: 'terminate', connection: 'tunnel' }).settle();
    expect(ladder(two.wire).map(([, name]) => name)).toEqual(['INFORMATIONAL', 'INFORMATIONAL answer']);
    expect(two.alice.states().at(-1)).toBe('deleted');
    expect(two.gw.states().at(-1)).toBe('deleted');
    expectNothingLeft(two);
  });

  test('and by itself when the peer does not answer any more', () => {
    const two = established();
    two.link = () => [];
    two.command(who, { kind: 'terminate', connection: 'tunnel' });
    expect(two[who].stack.size).toBe(0); // nothing goes through it from now on
    two.pass(minutes(3));
    expect(two[who].states().at(-1)).toBe('deleted');
  });
});

test('both end it at once', () => {
  const two = established();
  two.command('alice', { kind: 'terminate', connection: 'tunnel' }).command('gw', { kind: 'terminate', connection: 'tunnel' });
  two.pass(minutes(4));
  expectNothingLeft(two);
});

test('one client of a gateway is named by its identity', () => {
  const two = established();
  two.command('gw', { kind: 'terminate', connection: 'tunnel', peerIdentity: 'bob' }).settle();
  expect(two.gw.events('command-refused')).toMatchObject([{ command: 'terminate', why: 'tunnel has no IKE SA with bob' }]);
  two.command('gw', { kind: 'terminate', connection: 'tunnel', peerIdentity: 'alice' }).settle();
  expect(two.alice.states().at(-1)).toBe('deleted');
});

test.each([
  ['initiate', { kind: 'initiate', connection: 'nowhere' }, 'there is no connection nowhere'],
  ['probe', { kind: 'probe', connection: 'tunnel' }, 'tunnel has no IKE SA'],
] as const)('a command that makes no sense is refused with a reason: %s', (_name, command, why) => {
  const two = pair().command('alice', command);
  expect(two.alice.events('command-refused')).toMatchObject([{ why }]);
});

test('a gateway that waits for anybody has nobody to call', () => {
  expect(pair().initiate('gw').gw.events('command-refused')).toMatchObject([{ why: 'tunnel waits for anybody: it knows nobody to call' }]);
});

test('what is not understood is answered with nothing', () => {
  const two = established();
  const { source, destination } = two.wire[2]!;
  const vendor = forged(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Vendor', data: Uint8Array.of(1) }]);
  two.deliver('gw', source, destination, vendor);
  expect(opened(two.gw, two.wire.at(-1)!, 'responder')).toEqual([]);
});

test('a request with the right keys that cannot be read ends the IKE SA on both sides (INVALID_SYNTAX)', () => {
  const two = established();
  const { source, destination } = two.wire[2]!;
  // a notify whose SPI would not fit into it
  const broken = forged(two.gw, 'initiator', { exchange: 'INFORMATIONAL', response: false, messageId: 2 }, [{ type: 'Unknown', payloadType: 41, critical: false, data: Uint8Array.of(3, 200, 0, 1) }]);
  two.deliver('gw', source, destination, broken);
  expect(two.gw.drops()).toEqual(['ike-syntax']);
  expect(two.gw.states().at(-1)).toBe('failed');
  expect(two.gw.stack.size).toBe(0);
});

describe('dead-peer detection', () => {
  const watching = { aliceDaemon: { deadPeerDetection: seconds(30) } };

  test('a silent peer is asked; as long as it answers nothing happens', () => {
    const two = established(watching);
    two.wire.length = 0;
    two.pass(seconds(100));
    expect(ladder(two.wire).map(([from, name]) => `${from} ${name}`)).toEqual(Array(3).fill(['alice INFORMATIONAL', 'gw INFORMATIONAL answer']).flat());
    expect(two.alice.states()).toEqual(['connecting', 'established']);
  });

  test('a peer whose ESP came in is not asked: the stack knows of it', () => {
    const two = established(watching);
    const [spi] = two.alice.stack.to(two.alice.config.address).map(({ sa }) => sa!.spi);
    two.wire.length = 0;
    two.pass(seconds(25));
    two.alice.stack.used.set(spi!, 26);
    two.pass(seconds(30));
    expect(two.wire).toEqual([]);
    two.pass(seconds(5));
    expect(ladder(two.wire)).toHaveLength(2);
  });

  test('a peer that never answers again is dead, and everything about it is forgotten', () => {
    const two = established(watching);
    two.link = () => [];
    two.pass(minutes(5));
    expect(two.alice.events('peer-dead')).toHaveLength(1);
    expect(two.alice.states()).toEqual(['connecting', 'established', 'failed']);
    expect([two.alice.stack.size, two.alice.stack.policies.size]).toEqual([0, 0]);
    expect(two.alice.daemon.nextWake()).toBeUndefined();
  });
});
