/** AH as the daemons negotiate it, in either version of IKE, with our stack behind either daemon (RFC 4302, RFC 7296 §3.3, RFC 2407 §4.4.3). */
import { describe, expect, test } from 'vitest';
import type { IpAddress } from '../../src/core/address.ts';
import { minutes } from '../../src/core/time.ts';
import type { IntegrityName } from '../../src/crypto/transforms.ts';
import type { ChildConfig, ConnectionConfig } from '../../src/ike/config.ts';
import { choosePhaseTwo, phaseTwoOffer } from '../../src/ike/v1/phase2-proposals.ts';
import { authAlgorithms, saTypes, type PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { established, pair, type Pair, type PairOptions, type Party } from '../support/pair.ts';
import { RealStack } from '../support/real-stack.ts';

const child: ChildConfig = {
  local: ['dynamic'],
  remote: ['dynamic'],
  mode: 'transport',
  protocol: 'ah',
  proposals: [{ encryption: [], integrity: ['hmac-sha2-256-128'], groups: [], extendedSequenceNumbers: false }],
  lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
};
const stack = (address: IpAddress): RealStack => new RealStack(address, 1);
const [hidden, outside, gateway] = ['192.168.1.10', '203.0.113.7', '198.51.100.1'];

function stackOf({ stack: found }: Party): RealStack {
  if (!(found instanceof RealStack)) throw new Error('a real stack expected');
  return found;
}
const sasOf = (party: Party): PfkeyMessage[] => stackOf(party).dump('SADB_DUMP');
/** By SPI: both ends must have the same. */
const keysOf = (party: Party): Record<number, string> => Object.fromEntries(sasOf(party).map(({ sa, authKey }) => [sa!.spi, Buffer.from(authKey!).toString('hex')]));

describe.each(['v2', 'v1'] as const)('IKE%s', (version) => {
  const options = (changes: Partial<ChildConfig> = {}, more: PairOptions = {}): PairOptions => {
    const side: Partial<ConnectionConfig> = { child: { ...child, ...changes } };
    return { alice: side, gw: side, stack, ...(version === 'v1' ? { v1: {} } : {}), ...more };
  };

  test('gives both stacks SAs of type AH with one key each, and policies of protocol 51', () => {
    const two = established(options());
    expect(keysOf(two.alice)).toEqual(keysOf(two.gw));
    for (const party of [two.alice, two.gw]) {
      expect(stackOf(party).refusals).toEqual([]);
      expect(sasOf(party).map(({ saType, sa, sa2, authKey, encryptionKey }) => [saType, sa!.auth, sa!.encrypt, sa2!.mode, authKey!.length, encryptionKey])).toEqual(Array(2).fill([saTypes.AH, authAlgorithms.SHA2_256HMAC, 0, 1, 32, undefined]));
      expect(stackOf(party).dump('SADB_X_SPDDUMP').map(({ policy }) => policy!.requests[0]!.protocol)).toEqual([51, 51]);
      expect(party.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'none', selectors: party.name === 'gw' ? `${gateway}/32 === ${outside}/32` : `${outside}/32 === ${gateway}/32` }]);
      expect(party.events('child-sa')[0]!.story).toMatch(/can send AH.*as IP protocol 51/);
    }
  });

  test('in tunnel mode too, with extended sequence numbers and perfect forward secrecy where both want them', () => {
    const two = established(options({ mode: 'tunnel', proposals: [{ encryption: [], integrity: ['hmac-sha2-512-256', 'hmac-sha1-96'], groups: ['ecp-256'], extendedSequenceNumbers: true }] }));
    expect(sasOf(two.gw).map(({ sa, sa2, authKey }) => [sa!.auth, sa!.flags, sa2!.mode, authKey!.length])).toEqual(Array(2).fill([authAlgorithms.SHA2_512HMAC, 0x400, 2, 64]));
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle().pass(minutes(1));
    expect(keysOf(two.alice)).toEqual(keysOf(two.gw));
    expect(sasOf(two.gw)).toHaveLength(2);
  });

  test('behind a NAT it is not encapsulated: there is no AH in UDP; the original addresses are told', () => {
    const two = established(options({}, { nat: 'initiator' }));
    for (const party of [two.alice, two.gw]) {
      expect(party.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'none' }]);
      expect(sasOf(party).map(({ nattType }) => nattType)).toEqual([undefined, undefined]);
    }
    const [inbound] = sasOf(two.gw).filter(({ destination }) => destination!.address === gateway);
    expect([inbound!.source!.address, inbound!.nattOriginalAddress?.address]).toEqual([outside, hidden]);
  });

  test.each(['alice', 'gw'] as const)('%s makes fresh keys, and the old SAs go', (who) => {
    const two = established(options());
    const before = Object.keys(keysOf(two.alice));
    two.command(who, { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle().pass(minutes(1));
    for (const party of [two.alice, two.gw]) {
      expect(sasOf(party)).toHaveLength(2);
      expect(Object.keys(keysOf(party)).filter((spi) => before.includes(spi))).toEqual([]);
      expect(stackOf(party).refusals).toEqual([]);
    }
    expect(keysOf(two.alice)).toEqual(keysOf(two.gw));
  });

  test('an end leaves nothing behind on either side', () => {
    const two = established(options());
    two.command('alice', { kind: 'terminate', connection: 'tunnel' }).settle().pass(minutes(1));
    for (const party of [two.alice, two.gw]) {
      expect(sasOf(party)).toEqual([]);
      expect(stackOf(party).dump('SADB_X_SPDDUMP')).toEqual([]);
    }
  });

  test('who wants ESP does not take AH, nor the other way round', () => {
    const esp = { ...child, protocol: 'esp', proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128'], groups: [], extendedSequenceNumbers: false }] } as const;
    for (const two of [established(options({}, { gw: { child: esp } })), established(options({}, { alice: { child: esp } }))]) {
      expect(childStates(two)).toEqual([['failed'], ['failed']]);
      expect(two.alice.events('child-sa')[0]!.story).toContain('NO_PROPOSAL_CHOSEN');
    }
  });

  test('a policy that waits for traffic is one of AH, and the daemon wants to hear of it (SADB_REGISTER)', () => {
    const two = pair(options({}, { alice: { child, onDemand: true } }));
    expect(stackOf(two.alice).dump('SADB_X_SPDDUMP').map(({ policy }) => policy!.requests[0]!.protocol)).toEqual([51, 51]);
    expect(two.alice.stack.of('SADB_REGISTER').map(({ saType }) => saType)).toEqual([saTypes.ESP, saTypes.AH]);
  });
});

describe('a transform of AH in IKEv1 says its algorithm twice (RFC 2407 §4.4.3, §4.5; IANA)', () => {
  const [ENCAPSULATION_MODE, AUTHENTICATION] = [4, 5];
  const sa = (integrity: IntegrityName) => ({
    connection: { ...pair({ v1: {} }).alice.config.connections[0]!, child: { ...child, proposals: [{ encryption: [], integrity: [integrity], groups: [], extendedSequenceNumbers: false }] } },
    natt: undefined, encapsulation: 'none',
  }) as const;
  test.each([
    ['hmac-md5-96', 2, 1],
    ['hmac-sha1-96', 3, 2],
    ['hmac-sha2-256-128', 5, 5],
    ['hmac-sha2-384-192', 6, 6],
    ['hmac-sha2-512-256', 7, 7],
  ] as const)('%s: transform %i, authentication %i', (integrity, transform, authentication) => {
    const offer = phaseTwoOffer(sa(integrity), 0x1000);
    expect(offer).toMatchObject({ protocol: 2, spi: Uint8Array.of(0, 0, 16, 0), transforms: [{ id: transform, attributes: [{ type: AUTHENTICATION, value: authentication }, { type: ENCAPSULATION_MODE, value: 2 }] }] });
    expect(choosePhaseTwo(sa(integrity), [offer], 'responder')?.algorithms).toMatchObject({ encryption: 'none', integrity });
    const [said] = offer.transforms;
    expect(choosePhaseTwo(sa(integrity), [{ ...offer, transforms: [{ ...said!, id: transform === 2 ? 3 : 2 }] }], 'responder')).toBeUndefined();
    expect(choosePhaseTwo(sa(integrity), [{ ...offer, transforms: [{ ...said!, attributes: said!.attributes.filter(({ type }) => type !== AUTHENTICATION) }] }], 'responder')).toBeUndefined();
    expect(choosePhaseTwo(sa(integrity), [{ ...offer, protocol: 3 }], 'responder')).toBeUndefined();
  });
});

const childStates = ({ alice, gw }: Pair): string[][] => [alice, gw].map((party) => party.events('child-sa').map(({ state }) => state));
