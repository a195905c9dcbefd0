/** Our endpoint and strongSwan 5.9 through the kernel's NAT, each as the client behind it and as the gateway in front. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { milliseconds } from '../../src/core/time.ts';
import { connectionName } from '../support/endpoint-config.ts';
import type { StrongSwanSa } from '../support/strongswan.ts';
import { boxAddress, gatewayAddress, withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { Role } from './meeting.ts';

const both = ['answered', 'answered'];

/** An echo from either side through the tunnel. */
const pings = async ({ home }: Meeting): Promise<string[]> => [await home.ping('client'), await home.ping('gateway')];

const ikeSpis = ({ initiatorSpi, responderSpi }: StrongSwanSa): string => `${initiatorSpi} ${responderSpi}`;
const childSpis = ({ children }: StrongSwanSa): number[] => children.flatMap(({ spiIn, spiOut }) => [spiIn, spiOut]);

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test('the NAT is found, the tunnel comes up on port 4500, and pings pass both ways', async () => {
      await using meeting = await Meeting.tunnel({ ours });
      expect(meeting.ours.events('nat-detection')).toMatchObject([ours === 'client' ? { supported: true, localBehindNat: true } : { supported: true, localBehindNat: false, remoteBehindNat: true }]);
      expect(meeting.ours.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'udp' }]);
      expect(await meeting.theirSa()).toMatchObject(
        ours === 'client' ? { natRemote: true, remote: { address: boxAddress, port: 4500 } } : { natLocal: true, remote: { address: gatewayAddress, port: 4500 } },
      );
      expect(await pings(meeting)).toEqual(both);
    });

    describe('a child SA is replaced', () => {
      test.each<[string, (meeting: Meeting) => unknown]>([
        ['by us', (meeting) => meeting.rekey('child')],
        ['by strongSwan', ({ strongSwan }) => strongSwan.rekey('child')],
        ['by both at once', (meeting) => meeting.rekeyTogether('child')],
      ])('%s, and traffic goes on over the new one alone', async (__, rekey) => {
        await using meeting = await Meeting.tunnel({ ours });
        const before = childSpis(await meeting.theirSa());
        await rekey(meeting);
        const [after] = await meeting.strongSwan.until('one new child SA', ([sa]) => sa?.children.length === 1 && !childSpis(sa).some((spi) => before.includes(spi)));
        expect(await pings(meeting)).toEqual(both);
        expect((await meeting.theirSa()).children).toMatchObject([{ packetsIn: 2, packetsOut: 2 }]);
        const deleted: readonly number[] = meeting.ours.events('sa-deleted').map(({ spi }) => spi);
        expect(deleted).toEqual(expect.arrayContaining(before) as number[]);
        expect(childSpis(after!).filter((spi) => deleted.includes(spi))).toEqual([]);
      });
    });

    describe('the IKE SA is replaced', () => {
      test.each<[string, (meeting: Meeting) => unknown]>([
        ['by us', (meeting) => meeting.rekey('ike')],
        ['by strongSwan', ({ strongSwan }) => strongSwan.rekey('ike')],
        ['by both at once', (meeting) => meeting.rekeyTogether('ike')],
      ])('%s, takes the child SA along, and can replace that in turn', async (__, rekey) => {
        await using meeting = await Meeting.tunnel({ ours });
        const before = await meeting.theirSa();
        await rekey(meeting);
        const [after] = await meeting.strongSwan.until('one new IKE SA', (sas) => sas.length === 1 && ikeSpis(sas[0]!) !== ikeSpis(before) && sas[0]!.state === 'ESTABLISHED');
        expect(childSpis(after!)).toEqual(childSpis(before));
        expect(await pings(meeting)).toEqual(both);
        meeting.rekey('child');
        await meeting.strongSwan.until('a new child SA', ([sa]) => sa?.children.length === 1 && childSpis(sa)[0] !== childSpis(before)[0]);
        await meeting.strongSwan.rekey('child');
        expect(await pings(meeting)).toEqual(both);
      });
    });

    describe('the end', () => {
      test('we delete the IKE SA: strongSwan has nothing left, nor have we', async () => {
        await using meeting = await Meeting.tunnel({ ours });
        meeting.ours.command({ kind: 'terminate', connection: connectionName });
        await meeting.strongSwan.until('forgotten it', (sas) => sas.length === 0);
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
        expect(await meeting.home.ping('client', 1)).toBe('lost');
      });

      test('strongSwan deletes the IKE SA: we have nothing left, nor has it', async () => {
        await using meeting = await Meeting.tunnel({ ours });
        await meeting.strongSwan.terminate();
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
        expect(await meeting.strongSwan.sas()).toEqual([]);
      });

      test('strongSwan deletes the child SA alone: the IKE SA lives on', async () => {
        await using meeting = await Meeting.tunnel({ ours });
        await meeting.strongSwan.terminate('child');
        await meeting.ours.heard('child-sa', ({ state }) => state === 'deleted');
        expect(await meeting.theirSa()).toMatchObject({ state: 'ESTABLISHED', children: [] });
        expect(meeting.ours.events('ike-sa').map(({ state }) => state)).not.toContain('deleted');
      });

      test('the call can be made again afterwards', async () => {
        await using meeting = await Meeting.tunnel({ ours });
        await meeting.strongSwan.terminate();
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'deleted');
        await meeting.call();
        expect(await pings(meeting)).toEqual(both);
      });
    });

    describe('is the peer alive?', () => {
      test('a silent strongSwan is asked, and answers', async () => {
        await using meeting = await Meeting.tunnel({ ours, endpoint: { ike: { deadPeerDetection: milliseconds(300) } } });
        await meeting.ours.heard('ike-message', ({ exchange, direction, response }) => exchange === 'INFORMATIONAL' && direction === 'received' && response);
        expect(meeting.ours.events('peer-dead')).toEqual([]);
      });

      test('we answer when strongSwan asks', async () => {
        await using meeting = await Meeting.tunnel({ ours, strongSwan: { deadPeerDetection: '1s' } });
        await meeting.ours.heard('ike-message', ({ exchange, direction, messageId, response }) => exchange === 'INFORMATIONAL' && direction === 'received' && !response && messageId >= 1);
        await pause(300);
        expect(meeting.strongSwan.log()).toMatch(/parsed INFORMATIONAL response \d+ \[ \]/);
      });

      test('we find out when strongSwan is gone', async () => {
        await using meeting = await Meeting.tunnel({
          ours, endpoint: { ike: { deadPeerDetection: milliseconds(300), retransmission: { first: milliseconds(200), factor: 1.5, tries: 2 } } },
        });
        meeting.home.cut();
        await meeting.ours.heard('peer-dead');
        await meeting.ours.heard('ike-sa', ({ state }) => state === 'failed' || state === 'deleted');
        expect(meeting.ours.events('sa-deleted')).toHaveLength(2);
      });

      test('strongSwan finds out when we are gone', async () => {
        await using meeting = await Meeting.tunnel({ ours, strongSwan: { deadPeerDetection: '1s', retransmission: { timeout: 0.3, base: 1, tries: 2 } } });
        meeting.home.cut();
        await meeting.strongSwan.until('given us up', (sas) => sas.length === 0);
      });
    });

    test('the mapping is lost: the gateway follows the client to its new one, and traffic flows both ways again', async () => {
      await using meeting = await Meeting.tunnel({ ours });
      expect(await pings(meeting)).toEqual(both);
      meeting.home.loseMappings();
      // The gateway still knows the old mapping only, behind which nobody stands any more.
      expect(await meeting.home.ping('gateway', 1)).toBe('lost');
      if (ours === 'gateway') {
        // A packet of the client's opens the new mapping; being authentic it proves it, and we follow it at once (RFC 7296 §2.23).
        expect(await meeting.home.ping('client')).toBe('answered');
        expect(meeting.ours.events('peer-moved')).toMatchObject([{ from: { address: boxAddress, port: 4500 }, to: { address: boxAddress }, by: 'esp' }]);
      } else {
        // kernel-libipsec does not look where ESP comes from: strongSwan learns it from the IKE message with which we ask whether it lives.
        meeting.ours.command({ kind: 'probe', connection: connectionName });
        await meeting.strongSwan.until('followed us', ([sa]) => sa !== undefined && sa.remote.port >= 20000);
      }
      expect(await pings(meeting)).toEqual(both);
    });
  });
});
