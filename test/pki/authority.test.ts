import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';
import { hostCredentials } from '../../lab/pki/host-credentials.ts';
import { needs } from '../support/needs.ts';
import { OpenSsl } from '../support/openssl.ts';

const request = { subject: 'O=natt-lab, CN=client.example', alternativeNames: [{ type: 'fqdn', value: 'client.example' }, { type: 'user-fqdn', value: 'client@example' }, { type: 'address', value: '2001:db8::10' }] } as const;

describe('the certification authority', () => {
  test('makes the same octets of the same seed, in whatever order it issues', () => {
    const [one, two] = [new CertificateAuthority(seeded(3)), new CertificateAuthority(seeded(3))];
    const first = one.issue(request);
    two.issue({ subject: 'CN=other', alternativeNames: [] });
    expect(two.issue(request)).toEqual(first);
    expect(new CertificateAuthority(seeded(4)).issue(request).certificate).not.toEqual(first.certificate);
  });

  test('gives a host what it needs, once', () => {
    const credentials = hostCredentials('client', ip('192.168.1.10'));
    expect(hostCredentials('client', ip('192.168.1.10'))).toBe(credentials);
    expect(hostCredentials('gateway', ip('203.0.113.2')).authorities).toEqual(credentials.authorities);
  });

  needs('openssl').test('issues what OpenSSL accepts at its strictest, and reads as was asked for', () => {
    using openssl = new OpenSsl();
    const { certificate, privateKey, authorities } = new CertificateAuthority(seeded(3)).issue(request);
    openssl.put('ca.der', authorities[0]!);
    openssl.run('x509', '-in', 'ca.der', '-out', 'ca.pem');
    openssl.put('client.der', certificate);
    openssl.put('client.key', privateKey);
    expect(openssl.run('verify', '-x509_strict', '-CAfile', 'ca.pem', 'client.der').toString()).toBe('client.der: OK\n');
    expect(openssl.run('x509', '-in', 'client.der', '-noout', '-subject', '-issuer', '-dates', '-ext', 'subjectAltName,basicConstraints,keyUsage').toString().split('\n').map((line) => line.trim())).toEqual([
      'subject=O = natt-lab, CN = client.example', 'issuer=O = natt-lab, CN = natt-lab CA', 'notBefore=Jan  1 00:00:00 2020 GMT', 'notAfter=Dec 31 23:59:59 2049 GMT',
      'X509v3 Basic Constraints: critical', 'CA:FALSE', 'X509v3 Key Usage: critical', 'Digital Signature',
      'X509v3 Subject Alternative Name:', 'DNS:client.example, email:client@example, IP Address:2001:DB8:0:0:0:0:0:10', '',
    ]);
    expect(openssl.run('x509', '-in', 'client.der', '-noout', '-pubkey')).toEqual(openssl.run('pkey', '-in', 'client.key', '-pubout'));
  });
});
