import { describe, expect, test } from 'vitest';
import { seconds } from '../../../src/core/time.ts';
import { established, minutes, pair, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';

type Nat = NonNullable<PairOptions['nat']>;

const marker = [0, 0, 0, 0];
const hasMarker = ({ payload }: Datagram): boolean => payload.subarray(0, 4).every((octet) => octet === 0);
/** `main 1 500 > 500`: which exchange, its number in it, and between which ports its sender believes to speak. */
const ladder = ({ alice }: Pair): string[] =>
  alice.events('ike-message').map(({ direction, exchange, local, peer }) => `${exchange} ${direction === 'sent' ? `${local.port} --> ${peer.port}` : `${local.port} <-- ${peer.port}`}`);

describe('main mode and quick mode', () => {
  test('six messages, then three', () => {
    const two = established({ v1: {} });
    expect(ladder(two)).toEqual([
      'main 500 --> 500', //  1  HDR, SA, VID                         -->
      'main 500 <-- 500', //  2                       <--  HDR, SA, VID
      'main 500 --> 500', //  3  HDR, KE, Ni, NAT-D, NAT-D            -->
      'main 500 <-- 500', //  4          <--  HDR, KE, Nr, NAT-D, NAT-D
      'main 500 --> 500', //  5  HDR*, IDii, HASH_I                   -->
      'main 500 <-- 500', //  6                 <--  HDR*, IDir, HASH_R
      'quick 500 --> 500', // 1  HDR*, HASH(1), SA, Ni, IDci, IDcr     -->
      'quick 500 <-- 500', // 2    <--  HDR*, HASH(2), SA, Nr, IDci, IDcr
      'quick 500 --> 500', // 3  HDR*, HASH(3)                        -->
    ]);
    for (const who of ['alice', 'gw'] as const) {
      expect(two[who].states()).toEqual(['connecting', 'established']);
      expect(two[who].events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'none' }]);
      expect(two[who].drops()).toEqual([]);
    }
    expect(two.alice.events('child-sa')[0]!.selectors).toBe('10.98.0.0/24 === 10.99.0.0/24');
  });

  test('both stacks have the same keys under the same SPIs, and the policies that lead there', () => {
    const two = established({ v1: {} });
    const keys = ({ stack }: Pair['alice']): string[] => [...stack.sas.values()].map(({ sa, encryptionKey, authKey }) => `${sa!.spi} ${Buffer.from(encryptionKey!).toString('hex')} ${Buffer.from(authKey!).toString('hex')}`).sort();
    expect(keys(two.gw)).toHaveLength(2);
    expect(keys(two.gw)).toEqual(keys(two.alice));
    expect([two.alice.stack.policies.size, two.gw.stack.policies.size]).toEqual([2, 2]);
    expect(two.gw.events('isakmp-keys')[0]).toMatchObject({ ...two.alice.events('isakmp-keys')[0], role: 'responder' });
  });

  test.each([
    ['none', 500, 'none'],
    ['initiator', 4500, 'udp'],
    ['responder', 4500, 'udp'],
    ['both', 4500, 'udp'],
  ] as const)('NAT in front of: %s; from message 5 on it goes by port %i, encapsulation %s', (nat, port, encapsulation) => {
    const two = established({ nat, v1: {} });
    expect(two.wire.slice(0, 4).every(({ from, source, destination }) => (from === 'alice' ? source.port === 500 && destination.port === 500 : source.port === 500))).toBe(true);
    expect(two.wire.slice(4).map(({ from, source, destination }) => (from === 'alice' ? [source.port, destination.port] : [source.port]))).toEqual([[port, port], [port], [port, port], [port], [port, port]]);
    expect(two.wire.map(hasMarker)).toEqual([false, false, false, false, ...Array<boolean>(5).fill(port === 4500)]);
    expect([two.alice, two.gw].map((party) => party.events('child-sa')[0]!.encapsulation)).toEqual([encapsulation, encapsulation]);
    if (port === 4500) expect([...two.wire[4]!.payload.subarray(0, 4)]).toEqual(marker);
    const floats = port === 4500 ? 1 : 0;
    expect([two.alice.events('port-float').length, two.gw.events('port-float').length]).toEqual([floats, floats]);
  });

  test.each<[Nat, boolean, boolean]>([['none', false, false], ['initiator', true, false], ['responder', false, true], ['both', true, true]])('both sides conclude the same: %s', (nat, aliceHidden, gwHidden) => {
    const two = established({ nat, v1: {} });
    expect(two.alice.events('nat-detection')).toMatchObject([{ supported: true, localBehindNat: aliceHidden, remoteBehindNat: gwHidden, nattVersion: 'rfc-3947' }]);
    expect(two.gw.events('nat-detection')).toMatchObject([{ supported: true, localBehindNat: gwHidden, remoteBehindNat: aliceHidden, nattVersion: 'rfc-3947' }]);
  });

  test('without NAT traversal nobody looks for a NAT, and nothing moves', () => {
    const two = established({ nat: 'initiator', v1: {}, alice: { natTraversal: false } });
    expect(two.gw.events('nat-detection')).toMatchObject([{ supported: false }]);
    expect(two.wire.every(({ source }) => source.port === 500 || source.port === 61_001)).toBe(true);
    expect(two.gw.events('child-sa')).toMatchObject([{ encapsulation: 'none' }]);
  });

  test('the gateway may begin as well as the client', () => {
    const two = pair({ v1: {}, gw: { remote: '203.0.113.7' as never } }).initiate('gw').settle();
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', role: 'initiator' });
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'established', selectors: '10.98.0.0/24 === 10.99.0.0/24' }]);
  });

  test('a quick mode for each pair of blocks, each with its own child SA', () => {
    const two = pair({ v1: {} });
    const blocks = [{ address: '10.98.0.0', length: 25 }, { address: '10.98.0.128', length: 25 }] as never;
    const { child } = two.alice.config.connections[0]!;
    const several = established({ v1: {}, alice: { child: { ...child, local: blocks } } });
    expect(several.gw.events('child-sa').map(({ selectors }) => selectors).sort()).toEqual(['10.99.0.0/24 === 10.98.0.0/25', '10.99.0.0/24 === 10.98.0.128/25']);
    expect(several.alice.stack.policies.size).toBe(4);
  });
});

describe('who is not let in', () => {
  test('another pre-shared key: message 5 reads like noise, and nothing comes of it', () => {
    const two = pair({ v1: {}, alice: { authentication: { method: 'pre-shared-key', key: 'wrong horse' } } }).initiate();
    two.pass(minutes(5));
    expect(two.gw.events('ike-sa').map(({ state }) => state)).toEqual(['connecting', 'failed']);
    expect([...new Set(two.gw.drops())]).toEqual(['isakmp-authentication', 'isakmp-unknown-cookies']); // after half a minute alice is forgotten
    expect(two.gw.events('port-float')).toEqual([]);
    expect(two.alice.states()).toEqual(['connecting', 'failed']);
  });

  test('an identity that no connection is for is refused under the keys that were just made', () => {
    const two = established({ v1: {}, alice: { localIdentity: { type: 'fqdn', value: 'mallory' } } });
    expect(two.gw.drops()).toEqual(['isakmp-identity']);
    expect(two.alice.events('ike-sa').at(-1)).toMatchObject({ state: 'failed', story: 'gw does not let alice in: INVALID_ID_INFORMATION.'.replace('alice', 'mallory') });
    expect(two.gw.states()).toEqual(['connecting', 'failed']);
    for (const { stack, daemon } of [two.alice, two.gw]) expect([stack.size, stack.larval, daemon.nextWake()]).toEqual([0, 0, undefined]);
  });

  test('without a common proposal the responder says so in the clear, which the initiator does not believe', () => {
    const two = pair({ v1: {}, gw: { proposals: [{ encryption: [{ name: 'aes-cbc', bits: 256 }], integrity: [], prf: ['hmac-sha1'], groups: ['ecp-256'] }] } }).initiate();
    two.settle();
    expect(two.gw.drops()).toEqual(['isakmp-proposal']);
    expect(two.alice.events('drop')).toMatchObject([{ reason: 'isakmp-unprotected', detail: 'NO_PROPOSAL_CHOSEN, in the clear: anybody could have written it' }]);
    two.pass(minutes(5));
    expect(two.alice.states()).toEqual(['connecting', 'failed']);
  });

  test('other traffic than is wanted: the ISAKMP SA stands, the child SA does not come about', () => {
    const { child } = pair({ v1: {} }).alice.config.connections[0]!;
    const two = established({ v1: {}, alice: { child: { ...child, local: [{ address: '10.55.0.0', length: 16 }] as never } } });
    expect(two.alice.states()).toEqual(['connecting', 'established']);
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: INVALID_ID_INFORMATION.' }]);
    expect([two.alice.stack.larval, two.gw.stack.larval]).toEqual([0, 0]);
  });
});

describe('the end', () => {
  test.each(['alice', 'gw'] as const)('%s ends the tunnel: deletes that nobody answers, and nothing is left on either side', (who) => {
    const two = established({ nat: 'initiator', v1: {}, aliceDaemon: { deadPeerDetection: seconds(30) } });
    two.command(who, { kind: 'terminate', connection: 'tunnel' }).settle();
    for (const party of [two.alice, two.gw]) {
      expect(party.states().at(-1)).toBe('deleted');
      expect([party.stack.size, party.stack.larval, party.stack.policies.size]).toEqual([0, 0, 0]);
      expect(party.daemon.nextWake()).toBeUndefined();
    }
    expect(two[who].events('ike-message').slice(9).map(({ exchange, direction }) => [exchange, direction])).toEqual([['informational', 'sent'], ['informational', 'sent']]);
  });

  test('the side behind the NAT sends keepalives from port 4500, the other does not', () => {
    const two = established({ nat: 'initiator', v1: {} });
    two.pass(seconds(65));
    expect(two.alice.events('keepalive-sent')).toMatchObject(Array(3).fill({ local: { port: 4500 }, peer: { port: 4500 } }));
    expect(two.gw.events('keepalive-sent')).toEqual([]);
  });
});
