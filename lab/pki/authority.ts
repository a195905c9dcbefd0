import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier, AuthorityKeyIdentifier, BasicConstraints, Certificate, Extension, Extensions, GeneralName, KeyIdentifier, KeyUsage, KeyUsageFlags, Name,
  SubjectAlternativeName, SubjectKeyIdentifier, SubjectPublicKeyInfo, TBSCertificate, Validity, Version,
  id_ce_authorityKeyIdentifier, id_ce_basicConstraints, id_ce_keyUsage, id_ce_subjectAltName, id_ce_subjectKeyIdentifier,
} from '@peculiar/asn1-x509';
import type { Random } from '../../src/core/random.ts';
import type { RsaAuthentication } from '../../src/ike/config.ts';
import { encodeName, parseName } from '../../src/wire/x509/name.ts';
import { rsaKeyPair } from './rsa-key.ts';
import type { RsaKeyPair } from './rsa-key.ts';

export interface Request {
  /** `O=natt-lab, CN=client.example` */
  readonly subject: string;
  /** The identities that the host may claim besides its subject (RFC 4945 §5.1.3.6). */
  readonly alternativeNames: readonly AlternativeName[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface AlternativeName {
  readonly type: 'address' | 'fqdn' | 'user-fqdn';
  readonly value: string;
}

/** Longer than the lab will live, and within what UTCTime can say (RFC 5280 §4.1.2.5). */
const begins = new Date('2020-01-01T00:00:00Z');
const ends = new Date('2049-12-31T23:59:59Z');

/** When the lab plays, whenever it runs: the same seed gives the same trace. */
const wallClock = Date.UTC(2025, 0, 1);

/** RFC 8017 §A.2.4, with the NULL parameters that stand in signatures. */
const sha256WithRsa = new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: Uint8Array.of(5, 0).buffer });

/**
 * The lab's own certification authority: RSA 2048 with SHA-256, one level. Keys and serial numbers come out of the chance handed in, validity is
 * fixed: the same request gives the same octets, whatever was issued before.
 */
export class CertificateAuthority {
  readonly certificate: Uint8Array;
  readonly #random: Random;
  readonly #name: Uint8Array;
  readonly #keys: RsaKeyPair;

  constructor(random: Random, name = 'O=natt-lab, CN=natt-lab CA') {
    this.#random = random;
    this.#name = encodeName(parseName(name));
    this.#keys = rsaKeyPair(random.fork('authority'));
    const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
    this.certificate = this.#certificate({ subject: name, alternativeNames: [] }, this.#keys.publicKey, new BasicConstraints({ cA: true }), usage);
  }

  /** A key for the subject of the request with a certificate: what a daemon is told to authenticate itself with. */
  issue(request: Request): RsaAuthentication {
    const { publicKey, privateKey } = rsaKeyPair(this.#random.fork(`key of ${request.subject}`));
    return {
      method: 'rsa-signature',
      certificate: this.#certificate(request, publicKey, new BasicConstraints(), KeyUsageFlags.digitalSignature),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      authorities: [this.certificate],
      wallClock,
    };
  }

  #certificate({ subject, alternativeNames, notBefore = begins, notAfter = ends }: Request, publicKey: KeyObject, constraints: BasicConstraints, usage: number): Uint8Array {
    const serialNumber = this.#random.fork(`serial number of ${subject}`).bytes(8);
    serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40; // positive, and no zeros in front (RFC 5280 §4.1.2.2)
    const alternatives = new SubjectAlternativeName(alternativeNames.map(generalName));
    const tbsCertificate = new TBSCertificate({
      version: Version.v3,
      serialNumber: serialNumber.slice().buffer,
      signature: sha256WithRsa,
      issuer: AsnConvert.parse(this.#name, Name),
      validity: new Validity({ notBefore, notAfter }),
      subject: AsnConvert.parse(encodeName(parseName(subject)), Name),
      subjectPublicKeyInfo: publicKeyInfo(publicKey),
      extensions: new Extensions([
        extension(id_ce_basicConstraints, constraints, true),
        extension(id_ce_keyUsage, new KeyUsage(usage), true),
        extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
        extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(this.#keys.publicKey)) })),
        ...(alternativeNames.length === 0 ? [] : [extension(id_ce_subjectAltName, alternatives)]),
      ]),
    });
    const signature = sign('sha256', new Uint8Array(AsnConvert.serialize(tbsCertificate)), this.#keys.privateKey);
    return new Uint8Array(AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm: sha256WithRsa, signatureValue: new Uint8Array(signature).buffer })));
  }
}

const extension = (extnID: string, value: object, critical = false): Extension => new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const publicKeyInfo = (key: KeyObject): SubjectPublicKeyInfo => AsnConvert.parse(key.export({ format: 'der', type: 'spki' }), SubjectPublicKeyInfo);

/** SHA-1 over the key's BIT STRING (RFC 5280 §4.2.1.2). */
const keyIdentifier = (key: KeyObject): ArrayBuffer => new Uint8Array(createHash('sha1').update(new Uint8Array(publicKeyInfo(key).subjectPublicKey)).digest()).buffer;

function generalName({ type, value }: AlternativeName): GeneralName {
  switch (type) {
    case 'address':
      return new GeneralName({ iPAddress: value });
    case 'fqdn':
      return new GeneralName({ dNSName: value });
    case 'user-fqdn':
      return new GeneralName({ rfc822Name: value });
  }
}
