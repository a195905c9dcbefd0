import { seeded } from '../../src/core/random.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { RsaAuthentication } from '../../src/ike/config.ts';
import { CertificateAuthority } from './authority.ts';

let authority: CertificateAuthority | undefined;
const issued = new Map<string, RsaAuthentication>();

/** The name under which a host's certificate goes: `O=natt-lab, CN=client.example`. */
export const subjectOf = (host: string): string => `O=natt-lab, CN=${host}.example`;

/**
 * What a host of a topology authenticates itself with: its certificate names `subjectOf(host)`, `HOST.example`, `HOST@example` and its own address.
 * The keys are the same in every run and on every machine. They are public: anybody can make them, and they protect nothing outside the lab.
 * A key takes 50 ms to make and a lesson plans its topology several times, so that each is made once in a process.
 */
export function hostCredentials(host: string, address: IpAddress): RsaAuthentication {
  const key = `${host} ${address}`;
  const known = issued.get(key);
  if (known) return known;
  authority ??= new CertificateAuthority(seeded(0, 'pki'));
  const credentials = authority.issue({
    subject: subjectOf(host),
    alternativeNames: [{ type: 'fqdn', value: `${host}.example` }, { type: 'user-fqdn', value: `${host}@example` }, { type: 'address', value: address }],
  });
  issued.set(key, credentials);
  return credentials;
}
