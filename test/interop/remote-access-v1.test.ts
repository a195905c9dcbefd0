/** XAUTH and Mode-Config between our endpoint and strongSwan, in either role. */
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { vendorIds } from '../../src/wire/ike/v1/vendor-ids.ts';
import { connectionName } from '../support/endpoint-config.ts';
import type { StrongSwanSa } from '../support/strongswan.ts';
import { gatewayNetwork, withStrongSwan } from './home.ts';
import { Meeting } from './meeting.ts';
import type { MeetingOptions, Role } from './meeting.ts';
import { both, inUse, pings, v1 } from './v1.ts';
import type { V1Meeting } from './v1.ts';

const user = 'carol';
const dns = '10.2.0.53';
const cellar = '10.4.0.0/24';

interface Access {
  readonly exchange: 'main' | 'aggressive';
  readonly by?: V1Meeting['by'];
  /** What the client says; the gateway knows the right one. */
  readonly password?: string;
  readonly modeConfig?: 'pull' | 'push';
}

/** A road warrior with a name and a password, who is given an inner address and a DNS server. */
function remoteAccess(ours: Role, { exchange, by = 'pre-shared key', password = 'secret', modeConfig = 'pull' }: Access): MeetingOptions {
  return ours === 'client'
    ? v1({
        ours, exchange, by, settings: { xauth: { user, password }, modeConfig }, connection: { virtualAddress: 'request' }, endpoint: { local: 'dynamic' },
        strongSwan: { xauth: { ask: { [user]: 'secret' } }, pool: '10.3.0.5', dns: [dns], modeConfig, remoteSelectors: ['dynamic'] },
      })
    : v1({
        ours, exchange, by, settings: { xauth: { users: { [user]: 'secret' } }, modeConfig, gifts: { dns: [ip(dns)] } }, connection: { virtualAddress: { pool: prefix('10.3.0.0/24') } }, endpoint: { remote: 'dynamic', far: '10.3.0.0/24' },
        strongSwan: { xauth: { user, password }, requestsVirtualAddress: true, modeConfig, localSelectors: ['dynamic'] },
      });
}

/** Everything is wanted on either side but for what strongSwan's gateway has, which is what it names. */
function splitAccess(ours: Role): MeetingOptions {
  const vendorId = { vendorIds: [vendorIds.unity.id] };
  return ours === 'client'
    ? v1({
        ours, settings: { xauth: { user, password: 'secret' }, ...vendorId }, connection: { virtualAddress: 'request' }, endpoint: { local: 'dynamic', remote: '0.0.0.0/0', far: gatewayNetwork },
        strongSwan: { xauth: { ask: { [user]: 'secret' } }, pool: '10.3.0.5', remoteSelectors: ['dynamic'], splitNetworks: true },
      })
    : v1({
        ours, settings: { xauth: { users: { [user]: 'secret' } }, gifts: { networks: [prefix(gatewayNetwork), prefix(cellar)] }, ...vendorId },
        connection: { virtualAddress: { pool: prefix('10.3.0.0/24') } }, endpoint: { local: '0.0.0.0/0', remote: 'dynamic', far: '10.3.0.0/24' },
        strongSwan: { xauth: { user, password: 'secret' }, requestsVirtualAddress: true, localSelectors: ['dynamic'], remoteSelectors: ['0.0.0.0/0'], splitNetworks: true },
      });
}

const isNew = (sa: StrongSwanSa, before: StrongSwanSa): boolean => sa.initiatorSpi !== before.initiatorSpi && sa.state === 'ESTABLISHED';

/** How often strongSwan has seen XAUTH succeed, its own or ours. */
const asked = ({ strongSwan }: Meeting): number => strongSwan.log().match(/XAuth authentication of 'carol' (\(myself\) )?successful/g)?.length ?? 0;

withStrongSwan.describe('strongSwan', () => {
  describe.concurrent.each<[string, Role]>([
    ['our client calls a strongSwan gateway', 'client'],
    ['strongSwan as client calls our gateway', 'gateway'],
  ])('%s', (_, ours) => {
    test.each<Access>([{ exchange: 'main' }, { exchange: 'aggressive' }, { exchange: 'main', by: 'certificates' }, { exchange: 'main', modeConfig: 'push' }])('the client is let in, given an inner address and a DNS server: %o', async (access) => {
      await using meeting = await Meeting.tunnel(remoteAccess(ours, access));
      const [given] = (await meeting.theirSa()).virtualAddresses;
      expect(given).toMatch(/^10\.3\.0\.\d+$/);
      expect(meeting.strongSwan.log()).toMatch(access.modeConfig === 'push' ? /TRANSACTION request \d+ \[ HASH CPS\(ADDR/ : /TRANSACTION request \d+ \[ HASH CPRQ\(ADDR/);
      if (ours === 'client') {
        expect(meeting.ours.events('virtual-address')).toMatchObject([{ address: '10.3.0.5', story: expect.stringContaining(`DNS ${dns}`) as string }]);
        expect((await meeting.theirSa()).xauthUser).toBe(user);
      } else {
        expect(meeting.strongSwan.log()).toContain(`installing DNS server ${dns} to`);
      }
      expect(await pings(meeting, given)).toEqual(both);
    });

    test('the client wants everything, and is told what networks are behind the gateway', async () => {
      await using meeting = await Meeting.tunnel(splitAccess(ours));
      const [given] = (await meeting.theirSa()).virtualAddresses;
      if (ours === 'client') {
        expect(meeting.strongSwan.log()).toContain(`sending UNITY_SPLIT_INCLUDE: ${gatewayNetwork}\n`);
        expect(meeting.ours.events('virtual-address')[0]!.networks).toEqual([prefix(gatewayNetwork)]);
      } else {
        expect(meeting.strongSwan.log()).toContain(`narrowed CHILD_SA to UNITY_SPLIT_INCLUDE ${gatewayNetwork} ${cellar}\n`);
      }
      expect(await pings(meeting, given)).toEqual(both);
    });

    test('the wrong password: the client is not let in, and nothing is left', async () => {
      await using meeting = await Meeting.arrange(remoteAccess(ours, { exchange: 'main', password: 'guess' }));
      if (ours === 'client') meeting.ours.command({ kind: 'initiate', connection: connectionName });
      else await expect(meeting.strongSwan.initiate()).rejects.toThrow("establishing CHILD_SA 'net' failed");
      await meeting.ours.heard('ike-sa', ({ state }) => state === 'failed' || state === 'deleted');
      expect(meeting.ours.events('sa-added')).toEqual([]);
      await meeting.strongSwan.until('nothing left', (sas) => sas.length === 0);
    });

    test('the client makes a new ISAKMP SA: it is asked for its password again, and keeps its address', async () => {
      await using meeting = await Meeting.tunnel(remoteAccess(ours, { exchange: 'aggressive' }));
      const before = await meeting.theirSa();
      if (ours === 'client') meeting.rekey('ike');
      else await meeting.strongSwan.rekey('ike');
      await meeting.strongSwan.until('a new ISAKMP SA', (sas) => sas.some((sa) => isNew(sa, before) && inUse(sa).length > 0));
      expect(asked(meeting)).toBe(2);
      expect(await pings(meeting, before.virtualAddresses[0])).toEqual(both);
    });
  });

  test('our gateway makes a new ISAKMP SA: strongSwan, which answers phase 1 now, is still the one that is asked', async () => {
    await using meeting = await Meeting.tunnel(remoteAccess('gateway', { exchange: 'aggressive' }));
    const before = await meeting.theirSa();
    meeting.rekey('ike');
    // It leaves its child SAs with the old one where somebody else has begun with the new one and XAUTH was in it.
    const [, after] = await meeting.strongSwan.until('a new ISAKMP SA', (sas) => sas.some((sa) => isNew(sa, before)));
    expect(after!.virtualAddresses).toEqual(before.virtualAddresses);
    expect(meeting.strongSwan.log()).toContain('looking for XAuthRespPSK peer configs');
    expect(asked(meeting)).toBe(2);
  });
});
