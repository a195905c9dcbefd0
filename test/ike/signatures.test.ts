/** IKE_AUTH with certificates instead of a key (RFC 7296 §2.15, RFC 7427). */
import { describe, expect, test } from 'vitest';
import { seeded } from '../../src/core/random.ts';
import type { ConnectionConfig, RsaAuthentication } from '../../src/ike/config.ts';
import type { Payload } from '../../src/wire/ike/message.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';
import { opened } from '../support/insider.ts';
import { established, type Pair } from '../support/pair.ts';

const [lab, other] = [new CertificateAuthority(seeded(1)), new CertificateAuthority(seeded(2), 'CN=another')];
const signedBy = (authority: CertificateAuthority, host: string, notAfter?: Date): RsaAuthentication =>
  authority.issue({ subject: `O=natt-lab, CN=${host}`, alternativeNames: [{ type: 'fqdn', value: host }], ...(notAfter && { notAfter }) });
const [alice, gw] = [signedBy(lab, 'alice'), signedBy(lab, 'gw')];

const authenticating = (a: Partial<ConnectionConfig> | RsaAuthentication, g: Partial<ConnectionConfig> | RsaAuthentication = gw): Pair => {
  const connection = (it: Partial<ConnectionConfig> | RsaAuthentication): Partial<ConnectionConfig> => ('method' in it ? { authentication: it } : it);
  return established({ alice: connection(a), gw: connection(g) });
};
const dn = (host: string) => ({ type: 'dn', value: `O=natt-lab, CN=${host}` }) as const;
const methodIn = (payloads: readonly Payload[]): number | undefined => payloads.flatMap((payload) => (payload.type === 'AUTH' ? [payload.method] : []))[0];
const refusal = ({ alice: party, gw: gateway }: Pair): string => [...party.events('drop'), ...gateway.events('drop')].map(({ detail }) => detail).join();

describe('both have a certificate of one authority', () => {
  test('each proves itself with a signature of method 14, and the tunnel is up', () => {
    const two = authenticating(alice);
    expect([two.alice.states(), two.gw.states()]).toEqual([['connecting', 'established'], ['connecting', 'established']]);
    expect(two.alice.events('ike-message').slice(0, 3).map(({ notation }) => notation)).toEqual([
      expect.stringContaining('N(SIGNATURE_HASH_ALGORITHMS)'), expect.stringContaining('CERTREQ, N(SIGNATURE_HASH_ALGORITHMS)'), expect.stringMatching(/SK \{IDi, CERT, CERTREQ, IDr, AUTH, /),
    ]);
    expect([methodIn(opened(two.alice, two.wire[2]!, 'initiator')), methodIn(opened(two.alice, two.wire[3]!, 'responder'))]).toEqual([14, 14]);
  });

  test('the subject of the certificate is an identity too', () => {
    const two = authenticating({ authentication: alice, localIdentity: dn('alice'), remoteIdentity: dn('gw') }, { authentication: gw, localIdentity: dn('gw'), remoteIdentity: 'any' });
    expect(two.gw.states()).toEqual(['connecting', 'established']);
    expect(two.gw.events('ike-sa').at(-1)).toMatchObject({ peerIdentity: 'O=natt-lab, CN=alice' });
  });
});

test.each<[string, Parameters<typeof authenticating>, string]>([
  ['an authority that the gateway does not know', [signedBy(other, 'alice')], 'not issued by O=natt-lab, CN=natt-lab CA'],
  ['a certificate that has expired', [signedBy(lab, 'alice', new Date('2024-12-31T00:00:00Z'))], 'O=natt-lab, CN=alice: expired'],
  ['the certificate of another host', [{ ...alice, certificate: signedBy(lab, 'bob').certificate }], 'does not name the identity that is claimed'],
  ['a key that is not the one of its certificate', [{ ...alice, privateKey: signedBy(lab, 'bob').privateKey }], 'its signature was not made with the key of its certificate'],
  ['a pre-shared key', [{}], 'authentication method 2, where a signature is wanted'],
  ['a signature where a pre-shared key is wanted', [alice, {}], 'authentication method 1, where a pre-shared key is wanted'],
  ['a gateway of an authority that alice does not know', [alice, { ...signedBy(other, 'gw'), authorities: [lab.certificate] }], 'not issued by O=natt-lab, CN=natt-lab CA'],
])('not let in: %s', (_, [a, g], why) => {
  const two = authenticating(a, g);
  expect(refusal(two)).toContain(why);
  expect([two.alice.states(), two.gw.states()].flat()).toContain('failed');
  expect([two.alice.stack.size, two.gw.stack.size]).toEqual([0, 0]);
});
