/** Algorithms, addresses and first messages that our endpoint and strongSwan must agree on, in either role. */
import { describe, expect, test } from 'vitest';
import { prefix } from '../../src/core/address.ts';
import type { EspProposal, IkeProposal } from '../../src/ike/config.ts';
import { connectionName, endpointConfig } from '../support/endpoint-config.ts';
import { RunningEndpoint } from '../support/running-endpoint.ts';
import { boxAddress, clientNetwork, gatewayAddress, gatewayNetwork, withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { MeetingOptions, Role } from './meeting.ts';

const gcm = (bits: 128 | 256) => ({ encryption: [{ name: 'aes-gcm-16', bits }], integrity: [] }) as const;
const cbc = (bits: 128 | 256, integrity: IkeProposal['integrity'][number]) => ({ encryption: [{ name: 'aes-cbc', bits }], integrity: [integrity] }) as const;
const chacha = { encryption: [{ name: 'chacha20-poly1305' }], integrity: [] } as const;

/** strongSwan's words for a suite, and ours. With a group for ESP the replacement of the child SA has a Diffie-Hellman exchange of its own. */
const suites: readonly (readonly [ike: string, esp: string, ours: { readonly ike: IkeProposal; readonly esp: EspProposal }])[] = [
  ['aes128gcm16-prfsha256-ecp256', 'aes128gcm16', { ike: { ...gcm(128), prf: ['hmac-sha2-256'], groups: ['ecp-256'] }, esp: { ...gcm(128), groups: [], extendedSequenceNumbers: false } }],
  ['aes256gcm16-prfsha384-ecp384', 'aes256gcm16-ecp384', { ike: { ...gcm(256), prf: ['hmac-sha2-384'], groups: ['ecp-384'] }, esp: { ...gcm(256), groups: ['ecp-384'], extendedSequenceNumbers: false } }],
  ['chacha20poly1305-prfsha512-curve25519', 'chacha20poly1305-curve25519', { ike: { ...chacha, prf: ['hmac-sha2-512'], groups: ['curve25519'] }, esp: { ...chacha, groups: ['curve25519'], extendedSequenceNumbers: false } }],
  ['aes128-sha1-prfsha1-modp2048', 'aes128-sha1-modp2048', { ike: { ...cbc(128, 'hmac-sha1-96'), prf: ['hmac-sha1'], groups: ['modp-2048'] }, esp: { ...cbc(128, 'hmac-sha1-96'), groups: ['modp-2048'], extendedSequenceNumbers: false } }],
  ['aes256-sha256-prfsha256-ecp256', 'aes256-sha256', { ike: { ...cbc(256, 'hmac-sha2-256-128'), prf: ['hmac-sha2-256'], groups: ['ecp-256'] }, esp: { ...cbc(256, 'hmac-sha2-256-128'), groups: [], extendedSequenceNumbers: false } }],
  ['aes128-sha384-prfsha384-ecp256', 'aes128-sha384', { ike: { ...cbc(128, 'hmac-sha2-384-192'), prf: ['hmac-sha2-384'], groups: ['ecp-256'] }, esp: { ...cbc(128, 'hmac-sha2-384-192'), groups: [], extendedSequenceNumbers: false } }],
  ['aes256-sha512-prfsha512-ecp256', 'aes256-sha512', { ike: { ...cbc(256, 'hmac-sha2-512-256'), prf: ['hmac-sha2-512'], groups: ['ecp-256'] }, esp: { ...cbc(256, 'hmac-sha2-512-256'), groups: [], extendedSequenceNumbers: false } }],
];

const bothPings = async ({ home }: Meeting): Promise<string[]> => [await home.ping('client'), await home.ping('gateway')];
const both = ['answered', 'answered'];

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test.each(suites)('with %s and %s for ESP, replaced once', async (ike, esp, suite) => {
      await using meeting = await Meeting.tunnel({ ours, endpoint: { suite }, strongSwan: { proposals: [ike], espProposals: [esp] } });
      expect(await bothPings(meeting)).toEqual(both);
      const [before] = (await meeting.theirSa()).children;
      await meeting.strongSwan.rekey('child');
      await meeting.strongSwan.until('one new child SA', ([sa]) => sa?.children.length === 1 && sa.children[0]!.spiIn !== before!.spiIn);
      meeting.rekey('ike');
      await meeting.ours.heard('ike-sa', ({ state }) => state === 'rekeyed');
      expect(await bothPings(meeting)).toEqual(both);
    });

    test('the initiator guesses another group than the responder has: it is told which, and tries again', async () => {
      // The client proposes P-256 and P-384 with a value for P-256, the gateway takes P-384 only (RFC 7296 §1.2, INVALID_KE_PAYLOAD).
      const guessing: MeetingOptions =
        ours === 'client'
          ? { ours, endpoint: { suite: { ...suites[0]![2], ike: { ...suites[0]![2].ike, groups: ['ecp-256', 'ecp-384'] } } }, strongSwan: { proposals: ['aes128gcm16-prfsha256-ecp384'] } }
          : { ours, endpoint: { suite: { ...suites[0]![2], ike: { ...suites[0]![2].ike, groups: ['ecp-384'] } } }, strongSwan: { proposals: ['aes128gcm16-prfsha256-ecp256-ecp384'] } };
      await using meeting = await Meeting.tunnel(guessing);
      const firsts = meeting.ours.events('ike-message').filter(({ exchange, response }) => exchange === 'IKE_SA_INIT' && response);
      expect(firsts).toMatchObject([{ notation: 'HDR, N(INVALID_KE_PAYLOAD)' }, { notation: expect.stringMatching(/^HDR, SAr1, KEr, Nr/) as string }]);
      expect(await bothPings(meeting)).toEqual(both);
    });

    test('no suite in common: the responder says so, and keeps nothing', async () => {
      await using meeting = await Meeting.arrange({ ours, strongSwan: { proposals: ['aes256-sha512-prfsha512-curve25519'] } });
      if (ours === 'client') {
        // In the clear anybody could say that: we make a note of it and go on asking until our patience ends (RFC 7296 §2.21.1).
        meeting.ours.command({ kind: 'initiate', connection: connectionName });
        await meeting.ours.heard('drop', ({ detail }) => detail.includes('NO_PROPOSAL_CHOSEN'));
        expect(await meeting.strongSwan.sas()).toEqual([]);
      } else {
        await expect(meeting.strongSwan.initiate()).rejects.toThrow("establishing CHILD_SA 'net' failed");
        expect(meeting.strongSwan.log()).toContain('received NO_PROPOSAL_CHOSEN notify error');
        expect(meeting.ours.events('ike-keys')).toEqual([]);
      }
    });

    test('another key: the responder refuses the initiator, and nothing is left', async () => {
      await using meeting = await Meeting.arrange({ ours, strongSwan: { preSharedKey: 'another' } });
      if (ours === 'client') meeting.ours.command({ kind: 'initiate', connection: connectionName });
      else await expect(meeting.strongSwan.initiate()).rejects.toThrow("establishing CHILD_SA 'net' failed");
      await meeting.ours.heard('ike-sa', ({ state }) => state === 'failed');
      expect(meeting.ours.events('ike-message').at(-1)!.notation).toBe('HDR, SK {N(AUTHENTICATION_FAILED)}');
      expect(meeting.ours.events('sa-added')).toEqual([]);
      expect(await meeting.strongSwan.sas()).toEqual([]);
    });

    test('the client is given an inner address by the gateway', async () => {
      const pool = '10.3.0.0/24';
      await using meeting = await Meeting.tunnel(
        ours === 'client'
          ? { ours, endpoint: { local: 'dynamic', connection: { virtualAddress: 'request' } }, strongSwan: { pool: '10.3.0.5', remoteSelectors: ['dynamic'] } }
          : { ours, endpoint: { remote: 'dynamic', far: pool, connection: { virtualAddress: { pool: prefix(pool) } } }, strongSwan: { requestsVirtualAddress: true, localSelectors: ['dynamic'] } },
      );
      const [given] = (await meeting.theirSa()).virtualAddresses;
      if (ours === 'client') expect(meeting.ours.events('virtual-address')).toMatchObject([{ address: '10.3.0.5' }]);
      expect(given).toMatch(/^10\.3\.0\.\d+$/);
      expect(await meeting.home.ping('client', 3, given)).toBe('answered');
      expect(await meeting.home.ping('gateway', 3, given)).toBe('answered');
    });
  });

  /** IKE_SA_INIT as it goes when a COOKIE is asked for (RFC 7296 §2.6). A refused first request is a drop to the responder. */
  const brought = ({ ours }: Meeting): string[] => ours.events('ike-message').filter(({ exchange }) => exchange === 'IKE_SA_INIT').map(({ notation }) => notation.replace(/, N\(NAT_.*/, ''));

  test('strongSwan asks for a COOKIE while another exchange is half-open, and our client brings it', async () => {
    await using meeting = await Meeting.arrange({ ours: 'client', strongSwan: { asksForCookies: true } });
    const { home, strongSwan } = meeting;
    const other = new RunningEndpoint(home.box, home.poller, endpointConfig({ name: 'other', peer: 'gateway', address: boxAddress, peerAddress: gatewayAddress, local: clientNetwork, remote: gatewayNetwork }), []);
    other.command({ kind: 'initiate', connection: connectionName });
    other.close();
    await strongSwan.until('a half-open IKE SA', ([sa]) => sa?.state === 'CONNECTING');
    meeting.ours.command({ kind: 'initiate', connection: connectionName });
    await meeting.ours.heard('child-sa', ({ state }) => state === 'established');
    expect(brought(meeting)).toEqual(['HDR, SAi1, KEi, Ni', 'HDR, N(COOKIE)', 'HDR, N(COOKIE), SAi1, KEi, Ni', 'HDR, SAr1, KEr, Nr']);
  });

  test('our gateway asks for a COOKIE, and strongSwan brings it', async () => {
    await using meeting = await Meeting.tunnel({ ours: 'gateway', endpoint: { ike: { cookieThreshold: 0 } } });
    expect(brought(meeting)).toEqual(['HDR, N(COOKIE)', 'HDR, N(COOKIE), SAi1, KEi, Ni', 'HDR, SAr1, KEr, Nr']);
  });
});
