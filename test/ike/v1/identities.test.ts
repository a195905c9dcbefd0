/** Who somebody says it is: the identities of phase 1 and of quick mode, and which key belongs to whom (RFC 2407 §4.6.2, RFC 2409 §5.4, §5.5). */
import { describe, expect, test } from 'vitest';
import { CertificateAuthority } from '../../../lab/pki/authority.ts';
import { ip, prefix } from '../../../src/core/address.ts';
import { toHex } from '../../../src/core/bytes.ts';
import { seeded } from '../../../src/core/random.ts';
import { preSharedKey, type ChildConfig, type ConnectionConfig, type Identity, type IkeConfig } from '../../../src/ike/config.ts';
import { established, minutes, pair, type Pair, type PairOptions } from '../../support/pair.ts';
import { opened } from './insider.ts';

const exchanges = ['main', 'aggressive'] as const;

/** An identity, another of its type, and its type and octets by RFC 2407 §4.6.2.1 and X.690, written by hand. */
const identities: readonly (readonly [identity: Identity, other: Identity, wire: string])[] = [
  [{ type: 'address', value: '192.168.1.10' }, { type: 'address', value: '192.168.1.11' }, '01000000c0a8010a'],
  [{ type: 'fqdn', value: 'a.example' }, { type: 'fqdn', value: 'b.example' }, '02000000612e6578616d706c65'],
  [{ type: 'user-fqdn', value: 'a@b' }, { type: 'user-fqdn', value: 'b@b' }, '03000000614062'],
  [{ type: 'dn', value: 'O=x, CN=a' }, { type: 'dn', value: 'O=x, CN=b' }, '090000003018310a3008060355040a0c0178310a300806035504030c0161'],
  [{ type: 'key-id', value: 'group1' }, { type: 'key-id', value: 'group2' }, '0b00000067726f757031'],
];

describe.each(exchanges)('phase 1, %s mode', (exchange) => {
  test.each(identities)('$type, proved by a key', (identity, other, wire) => {
    const sides = (expected: Identity): PairOptions => ({ v1: { exchange }, nat: 'initiator', alice: { localIdentity: identity }, gw: { remoteIdentity: expected } });
    const two = established(sides(identity));
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: identity.value });
    if (exchange === 'aggressive') expect(toHex(two.wire[0]!.payload)).toContain(wire);
    refused(pair(sides(other)), 'isakmp-identity');
  });

  test.each(identities.filter(([{ type }]) => type !== 'key-id'))('$type, proved by a certificate that names it', (identity, other) => {
    const authority = new CertificateAuthority(seeded(1));
    const names = ({ type, value }: Identity) => authority.issue({ subject: type === 'dn' ? value : 'CN=somebody', alternativeNames: type === 'dn' || type === 'key-id' ? [] : [{ type, value }] });
    const server: Identity = { type: 'fqdn', value: 'gw' };
    const sides = (certified: Identity): PairOptions => ({ v1: { exchange }, nat: 'initiator', alice: { localIdentity: identity, authentication: names(certified) }, gw: { remoteIdentity: 'any', authentication: names(server) } });
    expect(established(sides(identity)).gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: identity.value });
    refused(pair(sides(other)), 'certificate-identity');
  });
});

/** Nobody gets in, and the responder says why. */
function refused(two: Pair, reason: string): void {
  two.initiate().pass(minutes(5));
  expect(two.gw.drops()).toContain(reason);
  expect([two.alice.states().at(-1), two.gw.events('child-sa')]).toEqual(['failed', []]);
}

describe('quick mode', () => {
  /** The identities of the initiator's first message, as octets without port and protocol. */
  const asked = (two: Pair): string[] => {
    const message = two.wire.find(({ from, payload }, i) => i > 5 && from === 'alice' && payload.length > 60)!;
    return opened(two, message, two.wire).payloads.flatMap((payload) => (payload.type === 'ID' ? [`${payload.idType} ${toHex(payload.data)}`] : []));
  };
  const child = (name: 'alice' | 'gw', change: Partial<ChildConfig>): { child: ChildConfig } => ({ child: { ...pair({ v1: {} })[name].config.connections[0]!.child, ...change } });

  test.each([
    ['10.98.0.7/32', '1 0a620007'],
    ['10.98.0.0/24', '4 0a620000ffffff00'],
    ['0.0.0.0/0', '4 0000000000000000'],
    ['2001:db8::7/128', '5 20010db8000000000000000000000007'],
    ['2001:db8::/32', '6 20010db8000000000000000000000000ffffffff000000000000000000000000'],
  ])('a tunnel for %s', (block, wire) => {
    const [here, there] = [prefix(block), prefix(block.includes(':') ? '2001:db8:99::/48' : '10.99.0.0/24')];
    const two = established({ v1: {}, alice: child('alice', { local: [here], remote: [there] }), gw: child('gw', { local: [there], remote: [here] }) });
    expect(asked(two)[0]).toBe(wire);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });

  const transport = (nat: 'none' | 'initiator', quickModeIdentity: 'address' | 'name', more: PairOptions = {}): PairOptions => {
    const change = { mode: 'transport', local: ['dynamic'], remote: ['dynamic'] } as const;
    return { nat, v1: { quickModeIdentity }, alice: { ...child('alice', change), ...more.alice }, gw: { ...child('gw', change), remoteIdentity: 'any', ...more.gw } };
  };

  test.each(identities)('transport mode, $type instead of the address, as Windows has it behind a NAT: the traffic is of whoever says so', (localIdentity, _other, wire) => {
    for (const nat of ['none', 'initiator'] as const) {
      const two = established(transport(nat, 'name', { alice: { localIdentity } }));
      expect(asked(two)[0]).toBe(`${Number.parseInt(wire.slice(0, 2), 16)} ${wire.slice(8)}`);
      expect(two.gw.events('child-sa')).toMatchObject([{ state: localIdentity.type === 'address' && nat === 'none' ? 'failed' : 'established' }]);
      if (nat === 'initiator') expect(two.gw.events('child-sa')[0]!.selectors).toBe('198.51.100.1/32 === 203.0.113.7/32');
    }
  });

  test('transport mode, strict about addresses: the private one is refused, a name is the remedy', () => {
    const strict = { gw: { addressIdentity: 'strict' } } as const;
    expect(established(transport('initiator', 'address', strict)).alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: INVALID_ID_INFORMATION.' }]);
    expect(established(transport('initiator', 'name', strict)).alice.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });

  test('in a tunnel a name stands for no traffic: addresses are said', () => {
    expect(asked(established({ v1: { quickModeIdentity: 'name' } }))[0]).toBe('4 0a620000ffffff00');
  });
});

describe('which key', () => {
  const keyed = (changes: Partial<ConnectionConfig>, key: string, exchange: 'main' | 'aggressive'): ConnectionConfig => ({
    ...pair({ v1: { exchange } }).gw.config.connections[0]!, remoteIdentity: 'any', authentication: preSharedKey(key), ...changes,
  });
  /** Alice with a key and a name, at the pair's address for her or at another one. */
  const caller = (connections: readonly ConnectionConfig[], key: string, exchange: 'main' | 'aggressive', { name = 'alice', from = '203.0.113.7' } = {}): Pair => {
    const gwDaemon: Partial<IkeConfig> = { connections };
    const two = pair({ nat: 'initiator', v1: { exchange }, gwDaemon, alice: { authentication: preSharedKey(key), localIdentity: { type: 'fqdn', value: name } } });
    two.aliceBox!.outside = ip(from);
    two.initiate().pass(minutes(5));
    return two;
  };
  const end = (two: Pair): string | undefined => two.alice.states().at(-1);

  describe.each(exchanges)('%s mode', (exchange) => {
    test('by address: each place has a key of its own, everybody else the wildcard key', () => {
      const connections = [keyed({ name: 'others' }, 'wildcard', exchange), keyed({ name: 'home', remote: ip('203.0.113.7') }, 'of the home', exchange)];
      expect(end(caller(connections, 'of the home', exchange))).toBe('established');
      expect(end(caller(connections, 'wildcard', exchange, { from: '203.0.113.8' }))).toBe('established');
      // on the road with the key of the home
      expect(end(caller(connections, 'of the home', exchange, { from: '203.0.113.8' }))).toBe('failed');
    });

    test('a group key: who comes with it is told apart by the identity, which must be known', () => {
      const connections = ['bob', 'alice'].map((name) => keyed({ name, remoteIdentity: { type: 'fqdn', value: name } }, 'of the group', exchange));
      const two = caller(connections, 'of the group', exchange);
      expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', connection: 'alice', peerIdentity: 'alice' });
      const stranger = caller(connections, 'of the group', exchange, { name: 'mallory' });
      expect([end(stranger), stranger.gw.drops()]).toEqual(['failed', expect.arrayContaining(['isakmp-identity'])]);
    });
  });

  test.each([['main', 'isakmp-identity'], ['aggressive', 'isakmp-authentication']] as const)('%s mode: who knows the key of one name cannot come by another', (exchange, reason) => {
    const connections = ['alice', 'bob'].map((known) => keyed({ name: known, remoteIdentity: { type: 'fqdn', value: known } }, `of ${known}`, exchange));
    const two = caller(connections, 'of alice', exchange, { name: 'bob' });
    expect([end(two), two.gw.events('child-sa')]).toEqual(['failed', []]);
    expect([...two.alice.drops(), ...two.gw.drops()]).toContain(reason);
  });

  test.each([['alice', 'established', 'established'], ['bob', 'established', 'failed']] as const)('a key for each name, %s: aggressive mode shows the name in time (%s), main mode does not (%s)', (name, aggressive, main) => {
    for (const [exchange, outcome] of [['aggressive', aggressive], ['main', main]] as const) {
      const connections = ['alice', 'bob'].map((known) => keyed({ name: known, remoteIdentity: { type: 'fqdn', value: known } }, `of ${known}`, exchange));
      const two = caller(connections, `of ${name}`, exchange, { name });
      expect([exchange, end(two)]).toEqual([exchange, outcome]);
      // RFC 2409 §5.4: by the address alone the key is the first one's
      if (outcome === 'failed') expect(two.gw.drops()[0]).toBe('isakmp-authentication');
    }
  });
});
