/** Transport mode behind NAT, and the original addresses (RFC 3947 §5.2). */
import { describe, expect, test } from 'vitest';
import { seconds } from '../../../src/core/time.ts';
import type { NattVersion } from '../../../src/ike/config.ts';
import { established, pair, type Pair, type PairOptions } from '../../support/pair.ts';

const l2tp = (changes: PairOptions = {}): PairOptions => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  const child = { local: ['dynamic'], remote: ['dynamic'], mode: 'transport', upperLayer: { protocol: 17, localPort: 1701, remotePort: 1701 } } as const;
  return { ...changes, v1: changes.v1 ?? {}, alice: { child: { ...alice.child, ...child }, ...changes.alice }, gw: { child: { ...gw.child, ...child }, ...changes.gw } };
};
const only = (version: NattVersion) => ({ natt: { offers: [version], accepts: [version] } });
/** What the stack of a party was told of its inbound SA. */
const inbound = ({ stack }: Pair['alice']) => stack.of('SADB_UPDATE')[0]!;
const original = (party: Pair['alice']): (string | undefined)[] => [inbound(party).nattOriginalAddress?.address, inbound(party).nattOriginalDestination?.address];

describe('transport mode', () => {
  test('without a NAT: between the two themselves, port 1701 of UDP, no original addresses', () => {
    const two = established(l2tp());
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'none', selectors: '198.51.100.1/32[17/1701] === 203.0.113.7/32[17/1701]' }]);
    expect(inbound(two.gw).sa2!.mode).toBe(1); // IPSEC_MODE_TRANSPORT
    expect(original(two.gw)).toEqual([undefined, undefined]);
  });

  test.each([
    ['initiator', ['192.168.1.10', '198.51.100.1'], ['198.51.100.1', '203.0.113.7']],
    ['responder', ['203.0.113.7', '198.51.100.1'], ['10.0.0.2', '203.0.113.7']],
    ['both', ['192.168.1.10', '198.51.100.1'], ['10.0.0.2', '203.0.113.7']],
  ] as const)('behind a NAT (%s): both say what they call both ends, and the stacks hear it', (nat, toGw, toAlice) => {
    const two = established(l2tp({ nat }));
    expect(two.alice.events('ike-message').filter(({ exchange }) => exchange === 'quick').map(({ notation }) => notation)).toEqual([
      'HDR*, HASH(1), SA, Ni, IDci, IDcr, NAT-OA, NAT-OA', 'HDR*, HASH(2), SA, Nr, IDci, IDcr, NAT-OA, NAT-OA', 'HDR*, HASH(3)',
    ]);
    expect([original(two.gw), original(two.alice)]).toEqual([toGw, toAlice]);
    const here = two.gw.config.address;
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'udp', selectors: `${here}/32[17/1701] === 203.0.113.7/32[17/1701]` }]);
  });

  test.each(['draft-03', 'draft-02n', 'draft-02', 'draft-01', 'draft-00'] as const)('%s has each side say its own address only: what it calls the other remains unknown', (version) => {
    const two = established(l2tp({ nat: 'initiator', v1: only(version) }));
    expect(two.alice.events('ike-message').find(({ exchange }) => exchange === 'quick')!.notation).toBe('HDR*, HASH(1), SA, Ni, IDci, IDcr, NAT-OA');
    expect([original(two.gw), original(two.alice)]).toEqual([['192.168.1.10', undefined], ['198.51.100.1', undefined]]);
  });

  test('who withholds it leaves the other side without', () => {
    const two = established(l2tp({ nat: 'initiator', v1: { only: { alice: { natOriginalAddress: 'withheld' } } } }));
    expect([original(two.gw)[0], original(two.alice)[0]]).toEqual([undefined, '198.51.100.1']);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });

  test('strict about addresses: quick mode names the private one, and is refused', () => {
    const two = established(l2tp({ nat: 'initiator', gw: { ...l2tp().gw, addressIdentity: 'strict' } }));
    expect(two.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw makes no child SA: INVALID_ID_INFORMATION.' }]);
    expect(two.gw.events('child-sa')[0]!.story).toContain('it says that its traffic is of 192.168.1.10, and its packets come from 203.0.113.7');
  });

  test.each(['alice', 'gw'] as const)('%s makes fresh keys, and the original addresses stay known', (who) => {
    const two = established(l2tp({ nat: 'initiator' }));
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' });
    two.pass(seconds(15));
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
    const last = two.gw.stack.of('SADB_UPDATE').filter(({ encryptionKey }) => encryptionKey !== undefined).at(-1)!;
    expect(last.nattOriginalAddress?.address).toBe('192.168.1.10');
  });
});
