/** IKE fragments between our endpoint and strongSwan, in either role, in both versions of IKE: certificates make messages long (RFC 7383; of IKEv1 MS-IKEE §2.2.3.1). */
import { describe, expect, test } from 'vitest';
import type { StrongSwanConfig } from '../support/strongswan.ts';
import { certificates } from './certificates.ts';
import { withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { Role } from './meeting.ts';
import { v1 } from './v1.ts';
import type { V1Meeting } from './v1.ts';

const theirs = { client: 'gateway', gateway: 'client' } as const;
const pings = async ({ home }: Meeting): Promise<string[]> => [await home.ping('client'), await home.ping('gateway')];

const signing = (ours: Role, fragmentation: boolean | number, strongSwan: Partial<StrongSwanConfig>): Promise<Meeting> =>
  Meeting.tunnel({ ours, endpoint: { connection: { authentication: certificates[ours], fragmentation } }, strongSwan: { certificate: certificates[theirs[ours]], ...strongSwan } });

/** In how many pieces the last message of the exchange went, and in how many it came. */
const pieces = ({ ours }: Meeting, of = 'IKE_AUTH'): (number | undefined)[] =>
  (['sent', 'received'] as const).map((way) => ours.events('ike-message').findLast(({ exchange, direction }) => exchange === of && direction === way)!.fragments);

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test.each<StrongSwanConfig['fragmentation']>(['yes', 'force'])('fragmentation = %s: each sends fragments as long as it likes, and puts the other’s together; a rekeyed IKE SA still has them', async (fragmentation) => {
      await using meeting = await signing(ours, true, { fragmentation: fragmentation!, fragmentSize: 400 });
      const [sent, received] = pieces(meeting);
      expect(sent).toBeGreaterThan(1);
      expect(received).toBeGreaterThan(sent!);
      expect(meeting.strongSwan.log()).toMatch(new RegExp(`received fragment #${sent} of ${sent}`));
      expect(await pings(meeting)).toEqual(['answered', 'answered']);
      meeting.rekey('ike');
      await meeting.ours.heard('ike-sa', ({ state }) => state === 'rekeyed');
      await meeting.strongSwan.rekey('child');
      await meeting.ours.heard('child-sa', ({ state }) => state === 'rekeyed');
      expect(await pings(meeting)).toEqual(['answered', 'answered']);
      expect(meeting.ours.events('drop')).toEqual([]);
    });

    test.each<[NonNullable<V1Meeting['exchange']>, boolean, NonNullable<StrongSwanConfig['fragmentation']>]>([
      ['main', true, 'yes'], ['main', true, 'force'], ['main', true, 'no'], ['main', false, 'yes'], ['aggressive', true, 'yes'],
    ])('IKEv1, %s mode, we %s, strongSwan %s: as long as both like, in pieces', async (exchange, fragmentation, they) => {
      await using meeting = await Meeting.tunnel(v1({ ours, exchange, by: 'certificates', connection: { fragmentation }, strongSwan: { fragmentation: they, fragmentSize: 400 } }));
      const [sent, received] = pieces(meeting, exchange);
      const inPieces = fragmentation && they !== 'no';
      const longest = exchange === 'main' || ours === 'gateway' ? [sent, ...(exchange === 'main' ? [received] : [])] : [received]; // in aggressive mode the first message carries no certificate
      expect(longest.every((count) => (count === undefined) !== inPieces)).toBe(true);
      if (inPieces) expect(meeting.strongSwan.log()).toMatch(/(received|splitting|created) .*fragment/);
      expect(await pings(meeting)).toEqual(['answered', 'answered']);
      expect(meeting.ours.events('drop')).toEqual([]);
    });

    // not `force`: with that strongSwan sends them to those who have not said that they take them, too
    test.each<[string, boolean, StrongSwanConfig['fragmentation']]>([['strongSwan does not', true, 'no'], ['we do not', false, 'yes']])('%s want them, and there are none', async (__, we, they) => {
      await using meeting = await signing(ours, we, { fragmentation: they!, fragmentSize: 400 });
      expect(pieces(meeting)).toEqual([undefined, undefined]);
      expect(await pings(meeting)).toEqual(['answered', 'answered']);
    });
  });
});
