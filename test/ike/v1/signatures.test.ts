/** Phase 1 with certificates instead of a key (RFC 2409 §5.1). */
import { describe, expect, test } from 'vitest';
import { CertificateAuthority } from '../../../lab/pki/authority.ts';
import { seeded } from '../../../src/core/random.ts';
import type { RsaAuthentication } from '../../../src/ike/config.ts';
import { established, minutes, pair, type Pair } from '../../support/pair.ts';

const [lab, other] = [new CertificateAuthority(seeded(1)), new CertificateAuthority(seeded(2), 'CN=another')];
const signedBy = (authority: CertificateAuthority, host: string): RsaAuthentication => authority.issue({ subject: `O=natt-lab, CN=${host}`, alternativeNames: [{ type: 'fqdn', value: host }] });
const [alice, gw] = [signedBy(lab, 'alice'), signedBy(lab, 'gw')];
const dn = (host: string) => ({ type: 'dn', value: `O=natt-lab, CN=${host}` }) as const;
const notations = ({ alice: party }: Pair): string[] => party.events('ike-message').filter(({ messageId }) => messageId === 0).map(({ notation }) => notation);

describe('RSA signatures', () => {
  test('main mode: certificates and signatures go encrypted', () => {
    const two = established({ nat: 'initiator', v1: {}, alice: { authentication: alice }, gw: { authentication: gw } });
    expect(notations(two).slice(2)).toEqual([
      'HDR, KE, Ni, CERTREQ, NAT-D, NAT-D',
      'HDR, KE, Nr, CERTREQ, NAT-D, NAT-D',
      'HDR*, IDii, CERT, SIG_I, N(INITIAL_CONTACT)',
      'HDR*, IDir, CERT, SIG_R',
    ]);
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established', encapsulation: 'udp' }]);
  });

  test('aggressive mode', () => {
    const two = established({ v1: { exchange: 'aggressive' }, alice: { authentication: alice }, gw: { authentication: gw } });
    expect(notations(two)[2]).toBe('HDR*, CERT, SIG_I, NAT-D, NAT-D, N(INITIAL_CONTACT)');
    expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  });

  test('the subject of the certificate is an identity too', () => {
    const two = established({ v1: {}, alice: { authentication: alice, localIdentity: dn('alice'), remoteIdentity: dn('gw') }, gw: { authentication: gw, localIdentity: dn('gw'), remoteIdentity: 'any' } });
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ state: 'established', peerIdentity: 'O=natt-lab, CN=alice' });
  });

  test.each([
    ['a certificate of an authority that is not believed', { ...signedBy(other, 'alice'), authorities: alice.authorities }, 'not issued by'],
    ['a certificate of somebody else', signedBy(lab, 'bob'), 'does not name the identity'],
    ['a certificate without its key', { ...alice, privateKey: signedBy(lab, 'mallory').privateKey }, 'its signature was not made'],
  ])('%s: not believed', (_name, authentication, why) => {
    const two = pair({ v1: {}, alice: { authentication }, gw: { authentication: gw } }).initiate();
    two.pass(minutes(3));
    expect(two.gw.events('drop')[0]!.detail).toContain(why);
    expect([two.alice.states(), two.gw.states()]).toEqual([['connecting', 'failed'], ['connecting', 'failed']]);
  });

  test('a key on one side and certificates on the other: no proposal in common', () => {
    const two = pair({ v1: {}, gw: { authentication: gw } }).initiate().settle();
    expect(two.gw.drops()).toEqual(['isakmp-proposal']);
  });
});
