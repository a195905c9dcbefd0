import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { addressBytes, ip } from '../../src/core/address.ts';
import { concat, fromHex, utf8 } from '../../src/core/bytes.ts';
import type { Decoded } from '../../src/core/decoded.ts';
import { seeded } from '../../src/core/random.ts';
import { Certificate } from '../../src/crypto/certificate.ts';
import { identificationTypes } from '../../src/wire/ike/message.ts';
import { encodeName, parseName } from '../../src/wire/x509/name.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';
import { needs } from '../support/needs.ts';
import { OpenSsl } from '../support/openssl.ts';

const { DER_ASN1_DN, FQDN, RFC822_ADDR, IPV4_ADDR, IPV6_ADDR, KEY_ID } = identificationTypes;

const read = (der: Uint8Array): Certificate => {
  const certificate = Certificate.read(der);
  if (!certificate.ok) throw new Error(certificate.detail);
  return certificate.value;
};

const why = (result: Decoded<unknown>): string => (result.ok ? 'trusted' : `${result.reason}: ${result.detail}`);

const subject = 'O=natt-lab, CN=client.example';
const fqdn = { idType: FQDN, data: utf8('client.example') };
const alternatives = 'subjectAltName=DNS:client.example,email:Client@example.org,IP:192.168.1.10,IP:2001:db8::10';
const now = Date.now();
const day = 86_400_000;

needs('openssl').describe("a certificate of OpenSSL's", () => {
  const openssl = new OpenSsl();
  afterAll(() => openssl[Symbol.dispose]());
  const authority = read(openssl.certificate('ca', { subject: '/O=natt-lab/CN=ca', days: 20 }));
  const stranger = read(openssl.certificate('stranger', { subject: '/O=natt-lab/CN=stranger' }));
  const namesake = read(openssl.certificate('namesake', { subject: '/O=natt-lab/CN=ca', extensions: ['subjectKeyIdentifier=none'] }));
  const made = (wish: Partial<Parameters<OpenSsl['certificate']>[1]> = {}): Certificate =>
    read(openssl.certificate('client', { subject: '/O=natt-lab/CN=client.example', ca: 'ca', extensions: ['basicConstraints=CA:FALSE', alternatives], ...wish }));
  const client = made();
  const ofClient = read(openssl.certificate('below', { subject: '/CN=below', ca: 'client', extensions: [alternatives] }));
  const anonymous = made({ extensions: ['authorityKeyIdentifier=none'] });
  const wildcard = made({ extensions: ['subjectAltName=DNS:*.example'] });
  const forSigning = made({ extensions: [alternatives, 'keyUsage=critical,digitalSignature'] });
  const forEncryption = made({ extensions: [alternatives, 'keyUsage=critical,keyEncipherment'] });
  const critical = made({ extensions: [alternatives, '1.2.3.4=critical,ASN1:NULL'] });
  const harmless = made({ extensions: [alternatives, '1.2.3.4=ASN1:NULL'] });
  const elliptic = openssl.certificate('elliptic', { subject: '/CN=client.example', ca: 'ca', algorithm: 'ec' });
  const nested = openssl.certificate('nested', { subject: '/CN=evil.example', ca: 'ca', extensions: [`nsComment=\\n${openssl.get('ca.pem').toString().replaceAll('\n', '\\n')}`] });
  const trust = (certificate: Certificate, change: Partial<Parameters<Certificate['certifiedKey']>[0]> = {}): string =>
    why(certificate.certifiedKey({ authorities: [authority], at: now + day, identity: fqdn, ...change }));

  test('is trusted when the authority has issued it, in its time, for the names in it', () => {
    expect(client.subjectText).toBe(subject);
    expect(trust(client)).toBe('trusted');
    expect(trust(client, { authorities: [stranger, authority] })).toBe('trusted');
    expect(trust(forSigning)).toBe('trusted');
    expect(trust(harmless)).toBe('trusted');
  });

  test.each<[string, () => string, string]>([
    ['another authority', () => trust(client, { authorities: [stranger] }), 'not issued by O=natt-lab, CN=stranger'],
    ['no authority at all', () => trust(client, { authorities: [] }), 'not issued by '],
    ['an authority of the same name with another key', () => trust(anonymous, { authorities: [namesake] }), "the signature is not O=natt-lab, CN=ca's"],
    ['an authority that is none', () => trust(ofClient, { authorities: [client] }), `${subject} is no certification authority`],
    ['before its time', () => trust(client, { at: now - day }), 'not valid yet'],
    ['after its time', () => trust(client, { at: now + 11 * day }), 'expired'],
    ["after the authority's time", () => trust(made({ days: 30 }), { at: now + 21 * day }), 'expired'],
    ['a key for encryption alone (RFC 4945 §5.1.3.2)', () => trust(forEncryption), 'its key usage is not for signatures'],
    ['a critical extension that nobody knows (RFC 5280 §4.2)', () => trust(critical), 'critical extension 1.2.3.4'],
  ])('is not trusted: %s', (_, result, doubt) => {
    expect(result()).toMatch(/^certificate-untrusted: /);
    expect(result().slice(-doubt.length - 2)).toBe(`: ${doubt}`);
  });

  test('expires with its last second, and not before', () => {
    const [notAfter] = /notAfter=(.*)/.exec(openssl.run('x509', '-in', 'ca.pem', '-noout', '-dates').toString())!.slice(1);
    const [at, identity] = [Date.parse(notAfter!), { idType: DER_ASN1_DN, data: encodeName(parseName('O=natt-lab, CN=ca')) }];
    expect(trust(authority, { at, identity })).toBe('trusted');
    expect(trust(authority, { at: at + 1000, identity })).toContain('expired');
  });

  test.each<[string, number, Uint8Array, boolean]>([
    ['its subject', DER_ASN1_DN, encodeName(parseName(subject)), true],
    ['its subject in PrintableString, as strongSwan writes it', DER_ASN1_DN, fromHex('302c 3111300f060355040a 1308 6e6174742d6c6162 31173015 0603550403 130e 636c69656e742e6578616d706c65'), true],
    ['another subject', DER_ASN1_DN, encodeName(parseName('O=natt-lab, CN=gateway.example')), false],
    ['a part of its subject', DER_ASN1_DN, encodeName(parseName('CN=client.example')), false],
    ['its domain name', FQDN, utf8('client.example'), true],
    ['its domain name in capitals', FQDN, utf8('CLIENT.example'), true],
    ['another domain name', FQDN, utf8('gateway.example'), false],
    ['the domain above, with the dot that OpenSSL takes for all below', FQDN, utf8('.example'), false],
    ['its domain name and an octet zero', FQDN, utf8('client.example\0'), false],
    ['nothing', FQDN, new Uint8Array(0), false],
    ['its mail address', RFC822_ADDR, utf8('Client@example.org'), true],
    ['another mail address', RFC822_ADDR, utf8('gateway@example.org'), false],
    ['its IPv4 address', IPV4_ADDR, addressBytes(ip('192.168.1.10')), true],
    ['another IPv4 address', IPV4_ADDR, addressBytes(ip('192.168.1.11')), false],
    ['its IPv6 address', IPV6_ADDR, addressBytes(ip('2001:db8::10')), true],
    ['its IPv6 address under the wrong type', IPV4_ADDR, addressBytes(ip('2001:db8::10')), false],
    ['its domain name as a key ID', KEY_ID, utf8('client.example'), false],
  ])('names %s: %s %s', (_, idType, data, expected) => {
    expect(client.names({ idType, data })).toBe(expected);
    expect(trust(client, { identity: { idType, data } })).toBe(expected ? 'trusted' : `certificate-identity: ${subject}: does not name the identity that is claimed`);
  });

  test('the common name in the subject is no domain name, and a wildcard names nobody', () => {
    expect(anonymous.names(fqdn)).toBe(false);
    expect(wildcard.names(fqdn)).toBe(false);
  });

  test('a key on an elliptic curve is refused', () => {
    expect(why(Certificate.read(elliptic))).toBe('certificate-untrusted: a key of type ec, not RSA');
  });

  test('one that hides another in its text form is refused: node would read the inner one', () => {
    expect(why(Certificate.read(nested))).toBe('certificate-malformed: holds another certificate in its text form');
  });

  test('the text form itself, octets behind the end and half a certificate are refused', () => {
    for (const bytes of [openssl.get('ca.pem'), concat(client.der, fromHex('00')), client.der.subarray(0, -1), new Uint8Array(0)]) {
      expect(why(Certificate.read(new Uint8Array(bytes)))).toMatch(/^certificate-malformed: /);
    }
  });
});

describe('whatever octets come as a certificate, nobody throws', () => {
  const authority = new CertificateAuthority(seeded(1));
  const root = read(authority.certificate);
  const { certificate } = authority.issue({ subject, alternativeNames: [{ type: 'fqdn', value: 'client.example' }] });
  const at = Date.UTC(2025, 0, 1);

  test('a change anywhere is refused or not trusted', () => {
    expect(why(read(certificate).certifiedKey({ authorities: [root], at, identity: fqdn }))).toBe('trusted');
    fc.assert(
      fc.property(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Certificate.read(certificate.map((octet, i) => (i === place ? octet ^ change : octet)));
        if (changed.ok) expect(why(changed.value.certifiedKey({ authorities: [root], at, identity: fqdn }))).toMatch(/^certificate-(untrusted|identity)/);
        else expect(changed.reason).toMatch(/^certificate-/);
      }),
      { numRuns: 250 },
    );
  });

  test('any octets are refused', () => {
    const refused = { ok: false, reason: 'certificate-malformed' };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { expect(Certificate.read(bytes)).toMatchObject(refused); }), { numRuns: 150 });
  });

  test('any identity is named or not', () => {
    fc.assert(fc.property(fc.nat(255), fc.uint8Array({ maxLength: 40 }), (idType, data) => { expect(read(certificate).names({ idType, data })).toBe(false); }), { numRuns: 150 });
  });
});
