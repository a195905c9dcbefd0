/** PF_KEYv2 as Linux speaks it: linux/pfkeyv2.h. */
import { protocolCodec, type PfkeyDialect } from './dialect.ts';
import { address, key, lifetime, nattPort, nattType, sa, sa2, spiRange, supported } from './extensions.ts';
import type { ExtensionTable } from './frame.ts';
import { pfkeyTypes, type PfkeyBody, type PfkeyMessage } from './message.ts';
import { sameNumbers } from './numbering.ts';
import { linuxRequest, policy } from './policy.ts';
import { sockaddrs } from './sockaddr.ts';

type LinuxBody = Omit<PfkeyBody, 'nattOriginalSource' | 'nattLocalBehindNat' | 'nattFragmentLength'>;

const sockaddr = sockaddrs({ inet6: 10, lengthOctet: false });
const anyProtocol = 255; // IPSEC_PROTO_ANY: 0 is a protocol of its own, hop-by-hop options

/**
 * SADB_EXT_* and SADB_X_EXT_*. Linux leaves the last three numbers free: two are FreeBSD's (message.ts says why), and 29 is the lab's own for what
 * FreeBSD calls OAR, whose number 24 is a security context there. Without it a host behind a NAT could not adjust checksums.
 */
const table: ExtensionTable<LinuxBody> = {
  sa: sa(1),
  lifetimeCurrent: lifetime(2),
  lifetimeHard: lifetime(3),
  lifetimeSoft: lifetime(4),
  source: address(5, sockaddr, anyProtocol),
  destination: address(6, sockaddr, anyProtocol),
  proxy: address(7, sockaddr, anyProtocol),
  authKey: key(8),
  encryptionKey: key(9),
  supportedAuth: supported(14),
  supportedEncryption: supported(15),
  spiRange: spiRange(16),
  policy: policy(18, sockaddr, linuxRequest),
  sa2: sa2(19),
  nattType: nattType(20),
  nattSourcePort: nattPort(21),
  nattDestinationPort: nattPort(22),
  nattOriginalAddress: address(23, sockaddr, anyProtocol),
  newSource: address(27, sockaddr, anyProtocol),
  newDestination: address(28, sockaddr, anyProtocol),
  nattOriginalDestination: address(29, sockaddr, anyProtocol),
};

export const linux: PfkeyDialect = {
  name: 'linux',
  ...protocolCodec<LinuxBody>('linux', {
    version: 2,
    types: pfkeyTypes,
    saTypes: sameNumbers,
    errors: sameNumbers,
    encryption: sameNumbers,
    auth: sameNumbers,
    table,
    fields: Object.keys(table) as (keyof LinuxBody)[],
    unsaid: ['nattLocalBehindNat'],
    toExtensions: (body) => body,
    fromExtensions: (extensions) => extensions,
  }),
};

const nowhere = (): boolean => false; // Linux speaks of source and destination

export const encodePfkey = (message: PfkeyMessage): Uint8Array => linux.encode(message, nowhere);
export const decodePfkey = (bytes: Uint8Array): ReturnType<PfkeyDialect['decode']> => linux.decode(bytes, nowhere);
