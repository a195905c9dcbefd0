/** Our endpoint and strongSwan 5.9 speak IKEv1 through the kernel's NAT, each as the client behind it and as the gateway in front. */
import { describe, expect, test } from 'vitest';
import { milliseconds } from '../../src/core/time.ts';
import { connectionName } from '../support/endpoint-config.ts';
import type { StrongSwanSa } from '../support/strongswan.ts';
import { boxAddress, gatewayAddress, withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { Role } from './meeting.ts';
import { both, inUse, pings, v1 } from './v1.ts';

const ikeSpis = ({ initiatorSpi, responderSpi }: StrongSwanSa): string => `${initiatorSpi} ${responderSpi}`;
const spis = (sa: StrongSwanSa): number[] => inUse(sa).flatMap(({ spiIn, spiOut }) => [spiIn, spiOut]);

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test('main mode: the NAT is found, message 5 goes to port 4500, and pings pass both ways', async () => {
      await using meeting = await Meeting.tunnel(v1({ ours }));
      expect(meeting.ours.events('nat-detection')).toMatchObject([{ supported: true, ...(ours === 'client' ? { localBehindNat: true } : { localBehindNat: false, remoteBehindNat: true }) }]);
      const ports = meeting.ours.events('ike-message').filter(({ exchange }) => exchange === 'main').map(({ direction, local }) => [direction, local.port]);
      const [there, back] = ours === 'client' ? ['sent', 'received'] : ['received', 'sent'];
      expect(ports).toEqual([[there, 500], [back, 500], [there, 500], [back, 500], [there, 4500], [back, 4500]]);
      expect(await meeting.theirSa()).toMatchObject(
        ours === 'client' ? { natRemote: true, remote: { address: boxAddress, port: 4500 } } : { natLocal: true, remote: { address: gatewayAddress, port: 4500 } },
      );
      expect(await pings(meeting)).toEqual(both);
    });

    test('aggressive mode: the NAT is found, message 3 goes to port 4500, and pings pass both ways', async () => {
      await using meeting = await Meeting.tunnel(v1({ ours, exchange: 'aggressive' }));
      const ports = meeting.ours.events('ike-message').filter(({ exchange }) => exchange === 'aggressive').map(({ direction, local }) => [direction, local.port]);
      const [there, back] = ours === 'client' ? ['sent', 'received'] : ['received', 'sent'];
      expect(ports).toEqual([[there, 500], [back, 500], [there, 4500]]);
      expect(await pings(meeting)).toEqual(both);
    });

    describe('a child SA is replaced', () => {
      test.each<[string, (meeting: Meeting) => unknown]>([
        ['by us', (meeting) => meeting.rekey('child')],
        ['by strongSwan', ({ strongSwan }) => strongSwan.rekey('child')],
      ])('%s, and traffic goes on over the new one', async (__, rekey) => {
        await using meeting = await Meeting.tunnel(v1({ ours }));
        const before = spis(await meeting.theirSa());
        await rekey(meeting);
        await meeting.strongSwan.until('a new child SA', ([sa]) => sa !== undefined && spis(sa).some((spi) => !before.includes(spi)));
        expect(await pings(meeting)).toEqual(both);
        const carried = inUse(await meeting.theirSa()).filter((child) => !before.includes(child.spiIn));
        expect(carried).toMatchObject([{ packetsIn: 2 }]);
      });
    });

    describe('the ISAKMP SA is replaced', () => {
      test.each<[string, (meeting: Meeting) => unknown]>([
        ['by us', (meeting) => meeting.rekey('ike')],
        ['by strongSwan', ({ strongSwan }) => strongSwan.rekey('ike')],
      ])('%s, and takes the child SA along', async (__, rekey) => {
        await using meeting = await Meeting.tunnel(v1({ ours }));
        const before = await meeting.theirSa();
        await rekey(meeting);
        await meeting.strongSwan.until('a new ISAKMP SA', (sas) => sas.some((sa) => ikeSpis(sa) !== ikeSpis(before) && sa.state === 'ESTABLISHED' && inUse(sa).length > 0));
        expect(await pings(meeting)).toEqual(both);
        meeting.rekey('child');
        await meeting.strongSwan.until('a new child SA', (sas) => sas.some((sa) => spis(sa).some((spi) => !spis(before).includes(spi))));
        expect(await pings(meeting)).toEqual(both);
      });
    });

    describe('the end', () => {
      test('we delete the ISAKMP SA: strongSwan has nothing left, nor have we', async () => {
        await using meeting = await Meeting.tunnel(v1({ ours }));
        meeting.ours.command({ kind: 'terminate', connection: connectionName });
        await meeting.strongSwan.until('forgotten it', (sas) => sas.length === 0);
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
        expect(await meeting.home.ping('client', 1)).toBe('lost');
      });

      test('strongSwan deletes the ISAKMP SA: we have nothing left', async () => {
        await using meeting = await Meeting.tunnel(v1({ ours }));
        await meeting.strongSwan.terminate();
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
      });

      test('strongSwan deletes the child SA alone: the ISAKMP SA lives on', async () => {
        await using meeting = await Meeting.tunnel(v1({ ours }));
        await meeting.strongSwan.terminate('child');
        await meeting.ours.heard('child-sa', ({ state }) => state === 'deleted');
        expect(await meeting.theirSa()).toMatchObject({ state: 'ESTABLISHED', children: [] });
        expect(meeting.ours.events('ike-sa').map(({ state }) => state)).not.toContain('deleted');
      });
    });

    describe('is the peer alive? (RFC 3706)', () => {
      test('a silent strongSwan is asked, and answers', async () => {
        await using meeting = await Meeting.tunnel(v1({ ours, endpoint: { ike: { deadPeerDetection: milliseconds(300) } } }));
        await meeting.ours.heard('ike-message', ({ direction, notation }) => direction === 'received' && notation.includes('R_U_THERE_ACK'));
        expect(meeting.ours.events('peer-dead')).toEqual([]);
      });

      test('we answer when strongSwan asks', async () => {
        await using meeting = await Meeting.tunnel(v1({ ours, strongSwan: { deadPeerDetection: '1s' } }));
        await meeting.ours.heard('ike-message', ({ direction, notation }) => direction === 'sent' && notation.includes('R_U_THERE_ACK'));
        await meeting.strongSwan.says(/parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]/);
      });

      test('we find out when strongSwan is gone', async () => {
        await using meeting = await Meeting.tunnel(v1({
          ours, endpoint: { ike: { deadPeerDetection: milliseconds(300), retransmission: { first: milliseconds(200), factor: 1.5, tries: 2 } } },
        }));
        meeting.home.cut();
        await meeting.ours.heard('peer-dead');
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'failed' || state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
      });
    });
  });
});
