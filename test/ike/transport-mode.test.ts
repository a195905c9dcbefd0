/** Transport mode in IKEv2 (RFC 7296 §1.3.1, §2.23.1), with our stack behind either daemon. */
import { describe, expect, test } from 'vitest';
import { ip, type IpAddress } from '../../src/core/address.ts';
import type { ChildConfig, ConnectionConfig } from '../../src/ike/config.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { established, pair, type Pair, type PairOptions, type Party } from '../support/pair.ts';
import { RealStack } from '../support/real-stack.ts';

const child: ChildConfig = {
  local: ['dynamic'],
  remote: ['dynamic'],
  mode: 'transport',
  proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false }],
  lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
};
const tunnel: ChildConfig = { ...child, mode: 'tunnel' };
const l2tp: Partial<ConnectionConfig> = { child: { ...child, upperLayer: { protocol: 17, localPort: 1701, remotePort: 1701 } } };
const stack = (address: IpAddress): RealStack => new RealStack(address, 1);
const options = (nat: PairOptions['nat'], alice: Partial<ConnectionConfig> = { child }, gw: Partial<ConnectionConfig> = { child }): PairOptions => ({ nat: nat!, alice, gw, stack });

function stackOf({ stack: found }: Party): RealStack {
  if (!(found instanceof RealStack)) throw new Error('a real stack expected');
  return found;
}

const sas = (party: Party): PfkeyMessage[] => stackOf(party).dump('SADB_DUMP');
const policies = (party: Party): string[] =>
  stackOf(party).dump('SADB_X_SPDDUMP').map(({ source, destination, policy }) => `${policy!.direction === 1 ? 'in' : 'out'} ${source!.address}[${source!.protocol}/${source!.port}] ${destination!.address}[${destination!.port}] mode ${policy!.requests[0]!.mode}`);
const notations = ({ alice, gw }: Pair): string[] => [...alice.events('ike-message'), ...gw.events('ike-message')].filter(({ direction, exchange }) => direction === 'sent' && exchange === 'IKE_AUTH').map(({ notation }) => notation);
const originals = (party: Party): object[] => sas(party).map(({ source, nattOriginalAddress, nattOriginalDestination }) => ({ from: source!.address, peer: nattOriginalAddress?.address, own: nattOriginalDestination?.address }));

const [hidden, outside, hiddenGw, gateway] = ['192.168.1.10', '203.0.113.7', '10.0.0.2', '198.51.100.1'];

test('both say USE_TRANSPORT_MODE, and SAs and policies are in transport mode', () => {
  const both = established(options('none'));
  expect(notations(both).map((notation) => notation.includes('N(USE_TRANSPORT_MODE)'))).toEqual([true, true]);
  for (const party of [both.alice, both.gw]) {
    expect(sas(party).map(({ sa2 }) => sa2!.mode)).toEqual([1, 1]);
    expect(stackOf(party).refusals).toEqual([]);
  }
  expect(policies(both.alice).sort()).toEqual([`in ${gateway}[0/0] ${outside}[0] mode 1`, `out ${outside}[0/0] ${gateway}[0] mode 1`]);
});

describe('behind a NAT each end has the addresses that it sees in its policies, and the ones that the other end wrote for checksums', () => {
  test.each<[NonNullable<PairOptions['nat']>, readonly [string, string], readonly [string, string], readonly object[], readonly object[]]>([
    // what alice has: her policy; the gateway's: its policy; alice's SAs, the gateway's
    ['initiator', [hidden, gateway], [gateway, outside],
      [{ from: gateway, peer: gateway, own: outside }, { from: hidden, peer: gateway }],
      [{ from: outside, peer: hidden, own: gateway }, { from: gateway, peer: hidden }]],
    ['responder', [outside, gateway], [hiddenGw, outside],
      [{ from: gateway, peer: hiddenGw, own: outside }, { from: outside, peer: hiddenGw }],
      [{ from: outside, peer: outside, own: gateway }, { from: hiddenGw, peer: outside }]],
    ['both', [hidden, gateway], [hiddenGw, outside],
      [{ from: gateway, peer: hiddenGw, own: outside }, { from: hidden, peer: hiddenGw }],
      [{ from: outside, peer: hidden, own: gateway }, { from: hiddenGw, peer: hidden }]],
  ])('%s', (nat, ofAlice, ofGateway, sasOfAlice, sasOfGateway) => {
    const both = established(options(nat));
    expect(policies(both.alice)).toContain(`out ${ofAlice[0]}[0/0] ${ofAlice[1]}[0] mode 1`);
    expect(policies(both.gw)).toContain(`out ${ofGateway[0]}[0/0] ${ofGateway[1]}[0] mode 1`);
    expect(originals(both.alice)).toEqual(sasOfAlice);
    expect(originals(both.gw)).toEqual(sasOfGateway);
  });
});

test('only one protocol and port, as L2TP has it', () => {
  const both = established(options('initiator', l2tp, l2tp));
  expect(policies(both.gw).sort()).toEqual([`in ${outside}[17/1701] ${gateway}[1701] mode 1`, `out ${gateway}[17/1701] ${outside}[1701] mode 1`]);
});

test('a rekey stays in transport mode, whoever begins it, and the policies stay', () => {
  for (const who of ['alice', 'gw'] as const) {
    const both = established(options('initiator'));
    const before = policies(both.gw);
    both.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    for (const party of [both.alice, both.gw]) {
      expect(party.events('child-sa').filter(({ state }) => state === 'established')).toHaveLength(2);
      expect(sas(party).map(({ sa2 }) => sa2!.mode)).toEqual([1, 1]);
    }
    expect(policies(both.gw)).toEqual(before);
    expect(originals(both.gw)[0]).toEqual({ from: outside, peer: hidden, own: gateway });
  }
});

describe('who does not want the same', () => {
  test('a responder that wants tunnel mode declines, and the initiator does without: the child SA goes at both ends', () => {
    const both = established(options('none', { child }, { child: tunnel }));
    expect(notations(both)[1]).not.toContain('USE_TRANSPORT_MODE');
    expect(both.alice.events('child-sa')).toMatchObject([{ state: 'failed', story: 'gw answers with a child SA in tunnel mode, which alice does not want.' }]);
    expect([sas(both.alice), sas(both.gw), policies(both.gw)]).toEqual([[], [], []]);
    expect(both.alice.states()).toEqual(['connecting', 'established']);
  });

  test('a responder that would have transport mode makes a tunnel for who does not ask', () => {
    const both = established(options('none', { child: tunnel }, { child }));
    expect(sas(both.gw).map(({ sa2 }) => sa2!.mode)).toEqual([2, 2]);
  });
});

test('without NAT detection a NAT is not seen, and there is no traffic that both ends mean', () => {
  const both = established(options('initiator', { child, natTraversal: false }, { child, natTraversal: false }));
  expect(both.alice.events('child-sa')).toMatchObject([{ state: 'failed' }]);
  expect(sas(both.gw)).toEqual([]);
});

test('the end of the child SA takes its policies along', () => {
  const both = established(options('initiator'));
  both.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
  expect([policies(both.alice), policies(both.gw), sas(both.alice), sas(both.gw)]).toEqual([[], [], [], []]);
});

test('a peer whose address has changed has it in the policies too', () => {
  const both = pair(options('initiator')).initiate().settle();
  both.aliceBox!.outside = ip('203.0.113.99');
  both.aliceBox!.flush();
  both.command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
  expect(policies(both.gw).sort()).toEqual([`in 203.0.113.99[0/0] ${gateway}[0] mode 1`, `out ${gateway}[0/0] 203.0.113.99[0] mode 1`]);
  both.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle();
  expect(policies(both.gw)).toEqual([]);
});
