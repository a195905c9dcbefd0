/** What two daemons may differ in and still agree on in quick mode (RFC 2409 §5.5). */
import { describe, expect, test } from 'vitest';
import type { DhGroupName } from '../../../src/crypto/transforms.ts';
import type { ConnectionConfig } from '../../../src/ike/config.ts';
import { pair, seconds, type Pair } from '../../support/pair.ts';

describe('perfect forward secrecy', () => {
  const negotiated = (alice: readonly DhGroupName[], gw: readonly DhGroupName[]): Pair => {
    const child = (name: 'alice' | 'gw', groups: readonly DhGroupName[]): Pick<ConnectionConfig, 'child'> => {
      const usual = pair({ v1: {} })[name].config.connections[0]!.child;
      return { child: { ...usual, proposals: usual.proposals.map((proposal) => ({ ...proposal, groups })) } };
    };
    return pair({ v1: {}, alice: child('alice', alice), gw: child('gw', gw) }).initiate().settle();
  };
  const notations = ({ alice }: Pair): string[] => alice.events('ike-message').filter(({ exchange }) => exchange === 'quick').map(({ notation }) => notation);

  test.each<[readonly DhGroupName[], readonly DhGroupName[]]>([
    [['ecp-256'], ['ecp-256']],
    [['modp-2048'], ['ecp-256', 'modp-2048']],
    [['ecp-384', 'ecp-256'], ['ecp-256', 'ecp-384']],
  ])('%j asked of %j: the initiator has one group, its first, and the responder takes any of its own', (alice, gw) => {
    const two = negotiated(alice, gw);
    expect(notations(two)).toEqual(['HDR*, HASH(1), SA, Ni, KE, IDci, IDcr', 'HDR*, HASH(2), SA, Nr, KE, IDci, IDcr', 'HDR*, HASH(3)']);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
    const [[inbound], [outbound]] = [two.gw.stack.of('SADB_UPDATE'), two.alice.stack.of('SADB_ADD')];
    expect(inbound!.encryptionKey).toEqual(outbound!.encryptionKey);
  });

  test.each<[readonly DhGroupName[], readonly DhGroupName[]]>([
    [['ecp-256'], []],
    [[], ['ecp-256']],
    [['modp-1024', 'ecp-256'], ['ecp-256']],
  ])('%j asked of %j: no child SA, and the responder says so under the hash', (alice, gw) => {
    const two = negotiated(alice, gw);
    two.pass(seconds(1));
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: NO_PROPOSAL_CHOSEN.' }]);
    expect(two.gw.events('child-sa')[0]!.story).toContain('its algorithms, its group or its encapsulation are others');
    expect([two.alice.stack.size, two.alice.stack.larval, two.gw.stack.size, two.gw.stack.larval]).toEqual([0, 0, 0, 0]);
  });
});
