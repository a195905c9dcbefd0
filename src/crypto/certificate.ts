/** Whether a certificate may be believed, and whom it names (RFC 5280 §6.1, RFC 4945). */
import { X509Certificate } from 'node:crypto';
import { addressFromBytes } from '../core/address.ts';
import { fromUtf8, sameBytes } from '../core/bytes.ts';
import { decoded, refused } from '../core/decoded.ts';
import type { Decoded } from '../core/decoded.ts';
import { identificationTypes } from '../wire/ike/message.ts';
import { decodeCertificate } from '../wire/x509/certificate.ts';
import type { CertificateFields } from '../wire/x509/certificate.ts';
import { decodeName, nameText } from '../wire/x509/name.ts';
import { hash } from './hash.ts';
import type { RsaPublicKey } from './rsa.ts';

/** What is asked of a peer's certificate. */
export interface Trust {
  /** Those who are believed. */
  readonly authorities: readonly Certificate[];
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  /** What the peer says it is: its identification payload. */
  readonly identity: { readonly idType: number; readonly data: Uint8Array };
}

/** A certificate of X.509 with an RSA key. Having one says nothing about whether it is true: `certifiedKey` does. */
export class Certificate {
  readonly der: Uint8Array;
  /** `O=natt-lab, CN=client.example`, for people. */
  readonly subjectText: string;
  readonly #fields: CertificateFields;
  readonly #x509: X509Certificate;
  readonly #key: RsaPublicKey;

  private constructor(der: Uint8Array, subjectText: string, fields: CertificateFields, x509: X509Certificate) {
    this.der = der;
    this.subjectText = subjectText;
    this.#fields = fields;
    this.#x509 = x509;
    this.#key = x509.publicKey;
  }

  /** Reads DER. Refuses what is malformed, what two readers would read differently, and keys other than RSA. Never throws. */
  static read(der: Uint8Array): Decoded<Certificate> {
    const fields = decodeCertificate(der);
    if (!fields.ok) return fields;
    const subject = decodeName(fields.value.subject);
    if (!subject.ok) return subject;
    try {
      const x509 = new X509Certificate(der);
      // node looks for the text form first, wherever in the octets it begins: another certificate could hide inside this one.
      if (!sameBytes(x509.raw, der)) return refused('certificate-malformed', 'holds another certificate in its text form');
      const certificate = new Certificate(der, nameText(subject.value), fields.value, x509);
      const { asymmetricKeyType = 'unknown' } = certificate.#key;
      return asymmetricKeyType === 'rsa' ? decoded(certificate) : refused('certificate-untrusted', `a key of type ${asymmetricKeyType}, not RSA`);
    } catch (error) {
      return refused('certificate-malformed', error instanceof Error ? error.message : 'not a certificate');
    }
  }

  /** DER of the subject's name, as an identification payload of type ID_DER_ASN1_DN carries it. */
  get subject(): Uint8Array {
    return this.#fields.subject;
  }

  /** SHA-1 over the key with its algorithm (SubjectPublicKeyInfo): by this IKEv2 asks for certificates of an authority (RFC 7296 §3.7). */
  get keyHash(): Uint8Array {
    return hash('sha1').digest(this.#key.export({ format: 'der', type: 'spki' }));
  }

  /**
   * The key with which a peer must have signed, once its certificate is found to come from an authority, valid at that time, meant for
   * signatures, and to name the identity that the peer claims. An authority has signed it itself: there are no chains of several in the lab.
   */
  certifiedKey({ authorities, at, identity }: Trust): Decoded<RsaPublicKey> {
    const authority = authorities.find((one) => this.#x509.checkIssued(one.#x509));
    const doubt = authority === undefined ? `not issued by ${authorities.map(({ subjectText }) => subjectText).join(' or ')}` : this.#doubt(authority, at);
    if (doubt !== undefined) return refused('certificate-untrusted', `${this.subjectText}: ${doubt}`);
    return this.names(identity) ? decoded(this.#key) : refused('certificate-identity', `${this.subjectText}: does not name the identity that is claimed`);
  }

  /** Whether it names an identity: its subject, in whatever kind of string (RFC 5280 §7.1), or one of its alternative names (RFC 4945 §3.1). A key ID is in none. */
  names({ idType, data }: Trust['identity']): boolean {
    try {
      switch (idType) {
        case identificationTypes.DER_ASN1_DN:
          return isName(data, this.subjectText);
        // OpenSSL takes a name that begins with a dot for all below it: what it found must be what was asked for.
        case identificationTypes.FQDN:
          return sameText(this.#x509.checkHost(fromUtf8(data), { subject: 'never', wildcards: false }), fromUtf8(data));
        case identificationTypes.RFC822_ADDR:
          return sameText(this.#x509.checkEmail(fromUtf8(data), { subject: 'never' }), fromUtf8(data));
        case identificationTypes.IPV4_ADDR:
        case identificationTypes.IPV6_ADDR:
          return data.length === (idType === identificationTypes.IPV4_ADDR ? 4 : 16) && this.#x509.checkIP(addressFromBytes(data)) !== undefined;
        default:
          return false;
      }
    } catch {
      return false; // characters that no name has
    }
  }

  /** Why it is not to be believed; undefined when it is. */
  #doubt(authority: Certificate, at: number): string | undefined {
    const both = [this.#fields, authority.#fields];
    const strange = this.#fields.extensions.find(({ oid, critical }) => critical && !(oid in understood));
    if (!authority.#x509.ca) return `${authority.subjectText} is no certification authority`;
    if (!this.#isSignedWith(authority.#key)) return `the signature is not ${authority.subjectText}'s`;
    if (both.some(({ notBefore }) => at < notBefore)) return 'not valid yet';
    if (both.some(({ notAfter }) => at > notAfter)) return 'expired';
    if (strange) return `critical extension ${strange.oid}`;
    if (!maySign(this.#fields)) return 'its key usage is not for signatures';
    return undefined;
  }

  #isSignedWith(key: RsaPublicKey): boolean {
    try {
      return this.#x509.verify(key);
    } catch {
      return false; // an algorithm of a signature that OpenSSL has not
    }
  }
}

const sameText = (found: string | undefined, wanted: string): boolean => found?.toLowerCase() === wanted.toLowerCase();

function isName(der: Uint8Array, text: string): boolean {
  const name = decodeName(der);
  return name.ok && nameText(name.value) === text;
}

/** The extensions that are looked at, here or by OpenSSL's check of the issuer (RFC 5280 §4.2.1). */
const understood = { '2.5.29.15': 'keyUsage', '2.5.29.17': 'subjectAltName', '2.5.29.19': 'basicConstraints', '2.5.29.37': 'extKeyUsage' } as const;

/** KeyUsage, where there is one, has digitalSignature or nonRepudiation: the first two bits of a BIT STRING (RFC 4945 §5.1.3.2). */
function maySign({ extensions }: CertificateFields): boolean {
  const usage = extensions.find(({ oid }) => understood[oid as keyof typeof understood] === 'keyUsage');
  return usage === undefined || ((usage.value[3] ?? 0) & 0b1100_0000) !== 0;
}
