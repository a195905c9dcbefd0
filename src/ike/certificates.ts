/** Certificates as both versions of IKE exchange them: one's own, the authorities that are asked for, the peer's and its key (RFC 7296 §3.6, §3.7). */
import { refused, type Decoded } from '../core/decoded.ts';
import type { Instant } from '../core/time.ts';
import { Certificate } from '../crypto/certificate.ts';
import type { RsaPublicKey } from '../crypto/rsa.ts';
import type { RsaAuthentication } from './config.ts';
import type { WireIdentity } from './identity.ts';

/** RFC 7296 §3.6, RFC 2408 §3.9: X.509 Certificate - Signature. */
export const x509Signature = 4;

/** What CERT and CERTREQ carry in either version. */
export interface CertificateData {
  readonly encoding: number;
  readonly data: Uint8Array;
}

export const ownCertificate = ({ certificate }: RsaAuthentication): CertificateData => ({ encoding: x509Signature, data: certificate });

/** The authorities of a configuration. One that cannot be read is a mistake of ours: throws. */
export const authoritiesOf = ({ authorities }: RsaAuthentication): Certificate[] =>
  authorities.map((der) => {
    const authority = Certificate.read(der);
    if (!authority.ok) throw new TypeError(`the certificate of an authority: ${authority.detail}`);
    return authority.value;
  });

/** The key that the peer must have signed with. Of several certificates the first is the one that belongs to its signature (RFC 7296 §3.6). */
export function peerKey(authentication: RsaAuthentication, received: readonly CertificateData[], identity: WireIdentity, now: Instant): Decoded<RsaPublicKey> {
  const first = received.find(({ encoding }) => encoding === x509Signature);
  if (first === undefined) return refused('certificate-untrusted', 'there is none');
  const certificate = Certificate.read(first.data);
  if (!certificate.ok) return certificate;
  return certificate.value.certifiedKey({ authorities: authoritiesOf(authentication), at: authentication.wallClock + now, identity });
}
