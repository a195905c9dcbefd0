import { describe, expect, test } from 'vitest';
import type { IkeConfig } from '../../../src/ike/config.ts';
import { established, minutes, pair, type Pair } from '../../support/pair.ts';

const v1 = { exchange: 'aggressive' } as const;
const notations = ({ alice }: Pair): string[] => alice.events('ike-message').slice(0, 3).map(({ notation }) => notation);

describe('aggressive mode', () => {
  test('three messages, then quick mode', () => {
    const two = established({ v1 });
    // 1  HDR, SA, KE, Ni, IDii, VID                              -->
    // 2           <--  HDR, SA, KE, Nr, IDir, HASH_R, VID, NAT-D, NAT-D
    // 3  HDR*, HASH_I, NAT-D, NAT-D                              -->
    expect(notations(two)).toEqual([
      'HDR, SA, KE, Ni, IDii, VID x5',
      'HDR, SA, KE, Nr, IDir, HASH_R, VID x2, NAT-D, NAT-D',
      'HDR*, HASH_I, NAT-D, NAT-D, N(INITIAL_CONTACT)',
    ]);
    for (const party of [two.alice, two.gw]) {
      expect(party.states()).toEqual(['connecting', 'established']);
      expect(party.events('child-sa')).toMatchObject([{ state: 'established' }]);
    }
  });

  test('the group is the one of the initiator, if the responder has it at all', () => {
    const proposing = (...groups: ('ecp-256' | 'modp-1024' | 'modp-1536')[]) => ({ proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 } as const], integrity: [], prf: ['hmac-sha1' as const], groups }] });
    const agreed = established({ v1, alice: proposing('modp-1024', 'ecp-256'), gw: proposing('ecp-256', 'modp-1024') });
    expect(agreed.gw.states().at(-1)).toBe('established');
    const refused = pair({ v1, alice: proposing('modp-1536', 'ecp-256'), gw: proposing('ecp-256', 'modp-1024') }).initiate().settle();
    expect(refused.gw.drops()).toEqual(['isakmp-proposal']);
  });

  test.each(['initiator', 'responder', 'both'] as const)('behind a NAT (%s) the initiator moves to 4500 with message 3, and the responder follows', (nat) => {
    const two = established({ nat, v1 });
    expect(two.wire.filter(({ from }) => from === 'alice').map(({ source, destination }) => [source.port, destination.port])).toEqual([[500, 500], [4500, 4500], [4500, 4500], [4500, 4500]]);
    expect(two.alice.events('port-float')[0]!.story).toContain('from aggressive mode message 3 on');
    expect([two.alice, two.gw].map((party) => party.events('nat-detection')[0])).toMatchObject([{ localBehindNat: nat !== 'responder', remoteBehindNat: nat !== 'initiator' }, { localBehindNat: nat !== 'initiator', remoteBehindNat: nat !== 'responder' }]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'udp' }]);
  });

  test('the responder has a key for each identity, which main mode cannot have for callers from anywhere', () => {
    const gw = pair({ v1 }).gw.config.connections[0]!;
    const keyed = (name: string, key: string): IkeConfig['connections'][number] => ({ ...gw, name: `with ${name}`, remoteIdentity: { type: 'fqdn', value: name }, authentication: { method: 'pre-shared-key', key } });
    for (const [exchange, ends] of [['aggressive', 'established'], ['main', 'failed']] as const) {
      const connections = [keyed('bob', 'the key of bob'), keyed('alice', 'the key of alice')].map((connection) => ({ ...connection, ike: { ...connection.ike, exchange } })) as IkeConfig['connections'];
      const two = pair({ nat: 'initiator', v1: { exchange }, alice: { authentication: { method: 'pre-shared-key', key: 'the key of alice' } }, gwDaemon: { connections } }).initiate();
      two.pass(minutes(5));
      expect([exchange, two.alice.states().at(-1)]).toEqual([exchange, ends]);
    }
  });

  test('another key: the initiator does not believe the responder, and the float does not happen', () => {
    const two = pair({ nat: 'initiator', v1, gw: { authentication: { method: 'pre-shared-key', key: 'wrong horse' } } }).initiate();
    two.pass(minutes(5));
    expect(new Set(two.alice.drops())).toEqual(new Set(['isakmp-authentication']));
    expect([two.alice.states().at(-1), two.gw.states().at(-1)]).toEqual(['failed', 'failed']);
    expect([...two.alice.events('port-float'), ...two.alice.events('isakmp-keys'), ...two.alice.events('nat-detection')]).toEqual([]);
  });

  test('a third message that is not the initiator\'s changes nothing, and the true one is still taken', () => {
    const two = pair({ nat: 'initiator', v1 }).initiate();
    const other = established({ nat: 'initiator', v1, seed: 2 });
    two.link = (datagram) => {
      if (datagram.payload[4] !== 0 && datagram.payload.subarray(0, 4).every((octet) => octet === 0) && two.wire.length === 3) {
        const forged = datagram.payload.slice();
        forged.set(other.wire[2]!.payload.subarray(4 + 28, forged.length), 4 + 28);
        two.deliver('gw', { address: '203.0.113.66' as never, port: 4500 }, { address: two.gw.config.address, port: 4500 }, forged);
        expect(two.gw.drops()).toEqual(['isakmp-authentication']);
        expect(two.gw.events('port-float')).toEqual([]);
      }
      return [datagram];
    };
    two.settle();
    expect(two.gw.drops()).toHaveLength(1);
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peer: { address: '203.0.113.7' } });
  });

  test('an identity that nobody here knows is not answered with anything that it could be told by', () => {
    const two = pair({ v1, alice: { localIdentity: { type: 'fqdn', value: 'mallory' } } }).initiate().settle();
    expect(two.gw.drops()).toEqual(['isakmp-identity']);
    expect(two.gw.sent).toEqual([]);
  });

  test('main mode is not for a connection of aggressive mode', () => {
    const two = pair({ v1: { only: { gw: v1 } } }).initiate().settle();
    expect(two.gw.drops()).toEqual(['isakmp-no-connection']);
  });
});
