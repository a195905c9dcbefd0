/** All versions of NAT-T in the field: which wins, which numbers it has, whether it moves, and the marker (RFC 3947 and its drafts). */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { seconds } from '../../../src/core/time.ts';
import { nattVersions, type NattVersion } from '../../../src/ike/config.ts';
import { opened } from './insider.ts';
import { decodeMessage } from '../../../src/wire/ike/v1/codec.ts';
import { established, pair, type Datagram, type Pair, type PairOptions } from '../../support/pair.ts';

const only = (...versions: NattVersion[]) => ({ natt: { offers: versions, accepts: versions } });
const payloadsOf = ({ payload }: Datagram) => {
  const message = decodeMessage(payload);
  if (!message.ok || !('payloads' in message.value)) throw new Error('not in the clear');
  return message.value.payloads;
};
const natDetectionNumbers = (two: Pair): number[] => payloadsOf(two.wire[2]!).flatMap((payload) => (payload.type === 'NAT-D' ? [payload.number] : []));
/** Attribute 4 of the quick mode's transform. */
function encapsulationMode(two: Pair): unknown {
  const message = two.wire.find(({ from, payload }, i) => i > 4 && from === 'alice' && payload.length > 60)!;
  const sa = opened(two, message, two.wire).payloads.find(({ type }) => type === 'SA');
  return sa?.type === 'SA' ? sa.proposals[0]!.transforms[0]!.attributes.find(({ type }) => type === 4)?.value : undefined;
}

test.each([
  // version, NAT-D, encapsulation mode of a tunnel in UDP, port from message 5 on, marker in front of ESP
  ['rfc-3947', 20, 3, 4500, 'udp'],
  ['draft-08', 15, 3, 4500, 'udp'],
  ['draft-07', 15, 3, 4500, 'udp'],
  ['draft-06', 15, 3, 4500, 'udp'],
  ['draft-05', 15, 3, 4500, 'udp'],
  ['draft-04', 15, 3, 4500, 'udp'],
  ['draft-03', 130, 61443, 4500, 'udp'],
  ['draft-02n', 130, 61443, 4500, 'udp'],
  ['draft-02', 130, 61443, 4500, 'udp'],
  ['draft-01', 130, 61443, 500, 'udp-non-ike'],
  ['draft-00', 130, 61443, 500, 'udp-non-ike'],
] as const)('%s: NAT-D %i, mode %i, on port %i, encapsulation %s', (version, natDetection, mode, port, encapsulation) => {
  const two = established({ nat: 'initiator', v1: only(version) });
  expect(two.gw.events('nat-detection')).toMatchObject([{ supported: true, remoteBehindNat: true, nattVersion: version }]);
  expect(natDetectionNumbers(two)).toEqual([natDetection, natDetection]);
  expect(two.wire.slice(4).filter(({ from }) => from === 'alice').map(({ source, destination }) => [source.port, destination.port])).toEqual([[port, port], [port, port], [port, port]]);
  expect(encapsulationMode(two)).toBe(mode);
  for (const party of [two.alice, two.gw]) expect(party.events('child-sa')).toMatchObject([{ state: 'established', encapsulation }]);
  const [added] = two.alice.stack.of('SADB_ADD');
  expect(added).toMatchObject({ nattType: port === 500 ? 1 : 2, nattSourcePort: port, nattDestinationPort: port });
});

describe('which version wins', () => {
  test.each(nattVersions.flatMap((offered) => nattVersions.map((accepted) => [offered, accepted] as const)))('%s offered, %s accepted', (offered, accepted) => {
    const two = pair({ nat: 'initiator', v1: { only: { alice: only(offered), gw: only(accepted) } } }).initiate().settle();
    expect(two.gw.events('nat-detection')[0]).toMatchObject(offered === accepted ? { supported: true, nattVersion: offered } : { supported: false });
  });

  test('the newest of those that both know, in whatever order they are offered', () => {
    const two = established({ nat: 'initiator', v1: { only: { alice: only('draft-02', 'draft-00', 'draft-05', 'draft-03'), gw: only('draft-00', 'draft-03', 'draft-02', 'rfc-3947') } } });
    expect(two.alice.events('nat-detection')[0]).toMatchObject({ nattVersion: 'draft-03' });
    // the responder answers with that one alone
    const announced = payloadsOf(two.wire[1]!).flatMap((payload) => (payload.type === 'VID' ? [Buffer.from(payload.data).toString('hex')] : []));
    expect(announced).toEqual(['7d9419a65310ca6f2c179d9215529d56', 'afcad71368a1f1c96b8696fc77570100']);
  });
});

describe('port 500 for everything, as drafts 00 and 01 have it', () => {
  test('keepalives go from 500 to 500, and are swallowed there', () => {
    const two = established({ nat: 'initiator', v1: only('draft-00') });
    two.pass(seconds(21));
    expect(two.alice.events('keepalive-sent')).toMatchObject([{ local: { port: 500 }, peer: { port: 500 } }]);
    expect(two.gw.drops()).toEqual(['natt-keepalive']);
  });
});

describe('a host with several addresses', () => {
  test.each(['v1', 'v2'] as const)('%s: it says them all, and whichever its packets have, no NAT is found', (version) => {
    const several = { otherAddresses: [ip('203.0.113.7')] };
    const options: PairOptions = { ...(version === 'v1' ? { v1: {} } : {}), aliceDaemon: { ...several, address: ip('203.0.113.99') } };
    const two = pair(options);
    // the host's routing has chosen the other one
    two.link = (datagram) => [datagram.from === 'alice' ? { ...datagram, source: { ...datagram.source, address: ip('203.0.113.7') } } : { ...datagram, destination: { ...datagram.destination, address: ip('203.0.113.99') } }];
    two.initiate().settle();
    expect(two.gw.events('nat-detection')).toMatchObject([{ supported: true, remoteBehindNat: false }]);
  });
});

describe('forced encapsulation', () => {
  test.each(['v1', 'v2'] as const)('%s: without any NAT both sides find one, and ESP goes in UDP', (version) => {
    for (const who of ['alice', 'gw'] as const) {
      const two = established({ ...(version === 'v1' ? { v1: {} } : {}), [who]: { encapsulation: 'forced' } });
      const other = who === 'alice' ? two.gw : two.alice;
      expect(other.events('nat-detection')).toMatchObject([{ remoteBehindNat: true, localBehindNat: false }]);
      for (const party of [two.alice, two.gw]) expect(party.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'udp' }]);
    }
  });
});

describe('a responder that insists on source port 500', () => {
  test.each(['v1', 'v2'] as const)('%s: who comes through a NAT is not answered, and the drop says why', (version) => {
    const insisting: PairOptions = { ...(version === 'v1' ? { v1: {} } : {}), gw: { peerPort: 500 } };
    const through = pair({ ...insisting, nat: 'initiator' }).initiate().settle();
    expect(through.gw.drops()).toEqual(['ike-source-port']);
    expect(through.gw.sent).toEqual([]);
    expect(established(insisting).gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });
});

describe('strict about identities that are addresses', () => {
  const identity = { type: 'address', value: '192.168.1.10' } as const;
  test.each([['v1', 'main'], ['v1', 'aggressive'], ['v2', 'main']] as const)('%s, %s: the private address is not where the packets come from', (version, exchange) => {
    const v1 = version === 'v1' ? { v1: { exchange } } : {};
    const sides = (addressIdentity: 'any' | 'strict'): PairOptions => ({ ...v1, nat: 'initiator', alice: { localIdentity: identity }, gw: { remoteIdentity: 'any', addressIdentity } });
    expect(established(sides('any')).gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: '192.168.1.10' });
    const strict = pair(sides('strict')).initiate();
    strict.pass(seconds(200));
    expect(strict.gw.drops().filter((reason) => reason === 'isakmp-identity' || reason === 'ike-authentication')).not.toEqual([]);
    expect(strict.alice.states().at(-1)).toBe('failed');
    const named = established({ ...v1, nat: 'initiator', gw: { remoteIdentity: 'any', addressIdentity: 'strict' } });
    expect(named.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: 'alice' });
  });
});
