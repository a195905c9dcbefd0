/** Our endpoint and strongSwan prove themselves with certificates of the lab's authority, in either role. */
import { describe, expect, test } from 'vitest';
import type { StrongSwanConfig } from '../support/strongswan.ts';
import { certificates, subjects } from './certificates.ts';
import { withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { MeetingOptions, Role } from './meeting.ts';

const theirs = { client: 'gateway', gateway: 'client' } as const;

const signing = (ours: Role, strongSwan: Partial<StrongSwanConfig> = {}): MeetingOptions => ({
  ours, endpoint: { connection: { authentication: certificates[ours] } }, strongSwan: { certificate: certificates[theirs[ours]], ...strongSwan },
});

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test.each([
      ['by method 14 with SHA-256 (RFC 7427)', false, /RSA_EMSA_PKCS1_SHA2_256/g],
      ['by method 1 with SHA-1 (RFC 7296)', true, /RSA signature/g],
    ])('each signs %s', async (__, signsAsRfc7296, method) => {
      await using meeting = await Meeting.tunnel(signing(ours, { signsAsRfc7296 }));
      expect([await meeting.home.ping('client'), await meeting.home.ping('gateway')]).toEqual(['answered', 'answered']);
      expect(meeting.strongSwan.log().match(method)).toHaveLength(2);
    });

    test('each goes by the subject of its certificate', async () => {
      const [mine, its] = [subjects[ours], subjects[theirs[ours]]];
      const { endpoint, ...options } = signing(ours, { id: its, peerId: mine });
      await using meeting = await Meeting.tunnel({ ...options, endpoint: { connection: { ...endpoint!.connection, localIdentity: { type: 'dn', value: mine }, remoteIdentity: { type: 'dn', value: its } } } });
      expect(meeting.ours.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: its });
    });
  });
});
