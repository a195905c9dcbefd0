/** PF_KEYv2 as FreeBSD speaks it: KAME's, sys/net/pfkeyv2.h. */
import { protocolCodec, type PfkeyDialect } from './dialect.ts';
import { address, key, lifetime, nattPort, nattType, sa, sa2, spiRange, supported, type Extension } from './extensions.ts';
import type { ExtensionTable } from './frame.ts';
import { authAlgorithms, encryptionAlgorithms, pfkeyErrors, pfkeyTypes, type PfkeyBody } from './message.ts';
import { numbering, onlyNumbers } from './numbering.ts';
import { byDirection } from './original-addresses.ts';
import { freebsdRequest, policy } from './policy.ts';
import { sockaddrs } from './sockaddr.ts';

type FreebsdBody = Omit<PfkeyBody, 'nattOriginalAddress' | 'nattLocalBehindNat'>;

const sockaddr = sockaddrs({ inet6: 28, lengthOctet: true });
const anyProtocol = 255; // IPSEC_ULPROTO_ANY

/** sadb_x_nat_t_frag: `u16 length | u16 reserved`. */
const fragmentLength = (number: number): Extension<number> => ({
  number,
  read(body) {
    const length = body.u16();
    body.skip(2);
    return length;
  },
  write: (out, length) => out.u16(length).u16(0),
});

/** SADB_EXT_* and SADB_X_EXT_*. KMPRIVATE 17 and SA_REPLAY 26 (windows above 2040 packets) are passed over. */
const table: ExtensionTable<FreebsdBody> = {
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
  policy: policy(18, sockaddr, freebsdRequest),
  sa2: sa2(19),
  nattType: nattType(20),
  nattSourcePort: nattPort(21),
  nattDestinationPort: nattPort(22),
  nattOriginalSource: address(23, sockaddr, anyProtocol), // OAI: "for src of SA"
  nattOriginalDestination: address(24, sockaddr, anyProtocol), // OAR: "for dst of SA"
  nattFragmentLength: fragmentLength(25),
  newSource: address(27, sockaddr, anyProtocol),
  newDestination: address(28, sockaddr, anyProtocol),
};

/** SADB_MAX: the kernel does not tell of a new mapping. */
const highestType = 22;
const types = Object.fromEntries(Object.entries(pfkeyTypes).filter(([, number]) => number <= highestType)) as Partial<typeof pfkeyTypes>;

const { ENOENT, ESRCH, EEXIST, EINVAL, EOPNOTSUPP } = pfkeyErrors;
const largestReqid = 0xffff;

export const freebsd: PfkeyDialect = {
  name: 'freebsd',
  ...protocolCodec<FreebsdBody>('freebsd', {
    version: 2,
    types,
    saTypes: onlyNumbers(0, 2, 3), // UNSPEC, AH, ESP
    errors: numbering([[0, 0], [ENOENT, 2], [ESRCH, 3], [EEXIST, 17], [EINVAL, 22], [EOPNOTSUPP, 45]]),
    encryption: onlyNumbers(0, ...Object.values(encryptionAlgorithms)),
    auth: onlyNumbers(...Object.values(authAlgorithms)),
    table,
    fields: [...(Object.keys(table) as (keyof FreebsdBody)[]), 'nattOriginalAddress'],
    unsaid: ['nattLocalBehindNat'],
    lacks: ({ policy: said }) => (said?.requests.some(({ reqid }) => reqid > largestReqid) === true ? 'a policy\'s reqid above 65535' : undefined),
    toExtensions: (body, _, isLocal) => saidOfNat(byDirection(body, isLocal)),
    fromExtensions: (extensions) => extensions,
  }),
};

/** Type 0, that NAT-T took place and found nothing, is no type there: such an SA is like any other. */
function saidOfNat({ nattType: type, ...body }: PfkeyBody): FreebsdBody {
  return type === undefined || type === 0 ? body : { ...body, nattType: type };
}
