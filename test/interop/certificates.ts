/** Certificates for the two who meet at home, by the names that they have there. */
import { seeded } from '../../src/core/random.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';

const authority = new CertificateAuthority(seeded(1, 'interop'));

export const subjects = { client: 'O=natt-lab, CN=client', gateway: 'O=natt-lab, CN=gateway' } as const;

const of = (host: 'client' | 'gateway') => authority.issue({ subject: subjects[host], alternativeNames: [{ type: 'fqdn', value: host }] });

export const certificates = { client: of('client'), gateway: of('gateway') } as const;
