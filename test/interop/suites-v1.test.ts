/** Algorithms, versions of NAT-T and modes of IKEv1 that our endpoint and strongSwan must agree on, in either role. */
import { describe, expect, test } from 'vitest';
import type { EspProposal, IkeProposal, NattVersion } from '../../src/ike/config.ts';
import { installedSas } from '../../lab/checks/pfkey.ts';
import { connectionName } from '../support/endpoint-config.ts';
import { subjects } from './certificates.ts';
import { boxAddress, clientAddress, gatewayAddress, gatewayNetwork, withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { Role } from './meeting.ts';
import { both, inUse, pings, theirRole, v1 } from './v1.ts';

const aes = (bits: 128 | 256) => ({ name: 'aes-cbc', bits }) as const;
const tripleDes = { name: '3des-cbc' } as const;
const ike = (encryption: IkeProposal['encryption'][number], prf: IkeProposal['prf'][number], group: IkeProposal['groups'][number]): IkeProposal => ({ encryption: [encryption], integrity: [], prf: [prf], groups: [group] });
const esp = (encryption: EspProposal['encryption'][number], integrity: EspProposal['integrity'][number], ...groups: EspProposal['groups']): EspProposal => ({ encryption: [encryption], integrity: [integrity], groups, extendedSequenceNumbers: false });

/** strongSwan's words for a suite, and ours. With a group for ESP quick mode has a Diffie-Hellman exchange of its own, the first one too. */
const suites: readonly (readonly [ike: string, esp: string, ours: { readonly ike: IkeProposal; readonly esp: EspProposal }])[] = [
  ['3des-md5-modp1024', '3des-md5-modp1024', { ike: ike(tripleDes, 'hmac-md5', 'modp-1024'), esp: esp(tripleDes, 'hmac-md5-96', 'modp-1024') }],
  ['aes128-sha1-modp1536', 'aes128-sha1-modp1536', { ike: ike(aes(128), 'hmac-sha1', 'modp-1536'), esp: esp(aes(128), 'hmac-sha1-96', 'modp-1536') }],
  ['aes256-sha256-modp2048', 'aes256-sha256', { ike: ike(aes(256), 'hmac-sha2-256', 'modp-2048'), esp: esp(aes(256), 'hmac-sha2-256-128') }],
  ['aes128-sha384-ecp256', 'aes128-sha384-ecp256', { ike: ike(aes(128), 'hmac-sha2-384', 'ecp-256'), esp: esp(aes(128), 'hmac-sha2-384-192', 'ecp-256') }],
  ['aes256-sha512-ecp384', 'aes256-sha512-ecp384', { ike: ike(aes(256), 'hmac-sha2-512', 'ecp-384'), esp: esp(aes(256), 'hmac-sha2-512-256', 'ecp-384') }],
];

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test.each(suites)('with %s, and %s for ESP, replaced once', async (ikeWords, espWords, suite) => {
      await using meeting = await Meeting.tunnel(v1({ ours, endpoint: { suite }, strongSwan: { proposals: [ikeWords], espProposals: [espWords] } }));
      expect(await pings(meeting)).toEqual(both);
      const [before] = (await meeting.theirSa()).children;
      await meeting.strongSwan.rekey('child');
      await meeting.strongSwan.until('a new child SA', ([sa]) => sa !== undefined && inUse(sa).some(({ spiIn }) => spiIn !== before!.spiIn));
      expect(await pings(meeting)).toEqual(both);
    });

    // strongSwan announces RFC 3947 and draft 02 with the newline, and knows 03 and 02 without one when it answers.
    test.each<[NattVersion, RegExp]>([
      ['rfc-3947', /received NAT-T \(RFC 3947\) vendor ID/],
      ['draft-02n', /received draft-ietf-ipsec-nat-t-ike-02\\n vendor ID/],
      ...(ours === 'client' ? [['draft-03', /received draft-ietf-ipsec-nat-t-ike-03 vendor ID/], ['draft-02', /received draft-ietf-ipsec-nat-t-ike-02 vendor ID/]] satisfies [NattVersion, RegExp][] : []),
    ])('NAT-T by %s alone', async (version, said) => {
      await using meeting = await Meeting.tunnel(v1({ ours, settings: { natt: { offers: [version], accepts: [version] } } }));
      expect(meeting.strongSwan.log()).toMatch(said);
      expect(meeting.ours.events('port-float')).toHaveLength(1);
      expect(await meeting.theirSa()).toMatchObject(ours === 'client' ? { natRemote: true } : { natLocal: true });
      expect(await pings(meeting)).toEqual(both);
      await meeting.strongSwan.rekey('child');
      expect(await pings(meeting)).toEqual(both);
    });

    test.each(['main', 'aggressive'] as const)('each signs with the key of its certificate, in %s mode', async (exchange) => {
      await using meeting = await Meeting.tunnel(v1({ ours, exchange, by: 'certificates' }));
      expect(meeting.strongSwan.log()).toMatch(/authentication of '(client|gateway)' with RSA_EMSA_PKCS1_NULL successful/);
      expect(await pings(meeting)).toEqual(both);
    });

    test('each goes by the subject of its certificate', async () => {
      const [mine, its] = [subjects[ours], subjects[theirRole[ours]]];
      await using meeting = await Meeting.tunnel(v1({
        ours, by: 'certificates', connection: { localIdentity: { type: 'dn', value: mine }, remoteIdentity: { type: 'dn', value: its } }, strongSwan: { id: its, peerId: mine },
      }));
      expect(meeting.ours.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: its });
    });
  });

  // Its ESP in userland has tunnel mode only, so no traffic passes: what is shown is what the two agree on.
  describe.concurrent.each<[NattVersion, string]>([
    ['rfc-3947', 'NAT-OA NAT-OA'],
    ['draft-02n', 'NAT-OA'], // strongSwan says both ends here too
  ])('transport mode behind the NAT, with the original addresses as %s has them', (version, ourAddresses) => {
    const transport = (ours: Role) => v1({
      ours, settings: { natt: { offers: [version], accepts: [version] } }, endpoint: { mode: 'transport', local: 'dynamic', remote: 'dynamic', far: gatewayNetwork },
      strongSwan: { mode: 'transport', localSelectors: ['dynamic'], remoteSelectors: ['dynamic'] },
    });

    test('our client calls a strongSwan gateway', async () => {
      await using meeting = await Meeting.arrange(transport('client'));
      meeting.ours.command({ kind: 'initiate', connection: connectionName });
      expect(await meeting.ours.heard('child-sa')).toMatchObject({ state: 'established', encapsulation: 'udp', selectors: `${clientAddress}/32 === ${gatewayAddress}/32` });
      const [inbound] = installedSas(meeting.ours.trace, 'client');
      expect(inbound).toMatchObject({ mode: 'transport', originalAddresses: [gatewayAddress, boxAddress] });
      await meeting.strongSwan.says(/IPsec SA: unsupported mode/);
      expect(quickMode(meeting)).toEqual([`parsed [ HASH SA No ID ID ${ourAddresses} ]`, 'generating [ HASH SA No ID ID NAT-OA NAT-OA ]', 'parsed [ HASH ]']);
    });

    test('strongSwan as client calls our gateway', async () => {
      await using meeting = await Meeting.arrange(transport('gateway'));
      await expect(meeting.strongSwan.initiate()).rejects.toThrow("establishing CHILD_SA 'net' failed");
      await meeting.strongSwan.says(/IPsec SA: unsupported mode/);
      expect(quickMode(meeting)).toEqual(['generating [ HASH SA No ID ID NAT-OA NAT-OA ]', `parsed [ HASH SA No ID ID ${ourAddresses} ]`]);
    });
  });
});

/** The messages of quick mode as strongSwan has logged them. */
const quickMode = ({ strongSwan }: Meeting): string[] => [...strongSwan.log().matchAll(/(parsed|generating) QUICK_MODE \w+ \d+ (\[.*\])/g)].map(([, what, payloads]) => `${what!} ${payloads!}`);
