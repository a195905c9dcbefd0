/**
 * PF_KEYv2 as illumos speaks it: uts/common/net/pfkeyv2.h. Policies are no business of PF_KEY there but of PF_POLICY, a socket of its own with messages of
 * the same frame (pf-policy.ts); here both come by the same way and the version octet tells them apart.
 */
import { addressBytes, addressFromBytes, isIpv4, type Endpoint, type IpAddress } from '../../core/address.ts';
import { pfPolicy, pfPolicyVersion } from './pf-policy.ts';
import { protocolCodec, type IsLocal, type PfkeyDialect } from './dialect.ts';
import { address, key, lifetime, sa, spiRange, supported, type Extension, type RfcFields } from './extensions.ts';
import { versionOf, type ExtensionTable } from './frame.ts';
import { authAlgorithms, encapsulationTypes, encryptionAlgorithms, pfkeyErrors, saFlags, saTypes, type PfkeyAddress, type PfkeyBody, type PfkeyMessage } from './message.ts';
import { byDirection } from './original-addresses.ts';
import { hasKeys, sa2OfFlag, wantsTunnelFlag } from './mode-flag.ts';
import { numbering, onlyNumbers } from './numbering.ts';
import { sockaddrs } from './sockaddr.ts';

const sockaddr = sockaddrs({ inet6: 26, lengthOctet: false, sourceId: true });

/** SADB_SAFLAGS_* and SADB_X_SAFLAGS_* */
const flags = { NATT_LOC: 0x10_0000, NATT_REM: 0x8_0000, TUNNEL: 0x2_0000, OUTBOUND: 0x8000, INBOUND: 0x4000, NATTED: 0x1000 } as const;

/**
 * SADB_X_DIAGNOSTIC_*, as far as they are about extensions that are missing, there twice, or malformed. Nothing raises MISSING_RANGE here, nor
 * DUPLICATE_NATT_PORTS, which is in the header file and nowhere else in the source.
 */
export const diagnostics = {
  MISSING_SRC: 18, MISSING_DST: 19, MISSING_SA: 20, MISSING_EKEY: 21, MISSING_AKEY: 22, MISSING_RANGE: 23,
  DUPLICATE_SRC: 24, DUPLICATE_DST: 25, DUPLICATE_SA: 26, DUPLICATE_EKEY: 27, DUPLICATE_AKEY: 28, DUPLICATE_RANGE: 29,
  MALFORMED_SRC: 30, MALFORMED_DST: 31, MALFORMED_SA: 32, MALFORMED_EKEY: 33, MALFORMED_AKEY: 34, MALFORMED_RANGE: 35,
  MISSING_NATT_LOC: 51, MISSING_NATT_REM: 52, DUPLICATE_NATT_LOC: 53, DUPLICATE_NATT_REM: 54, MALFORMED_NATT_LOC: 55, MALFORMED_NATT_REM: 56, DUPLICATE_NATT_PORTS: 57,
} as const;

interface Extensions extends RfcFields, Pick<PfkeyBody, 'source' | 'destination' | 'proxy'> {
  /** What ties SAs to a key management daemon's business, and policies to SAs: the reqid. */
  readonly kmCookie?: { readonly protocol: number; readonly cookie: bigint };
  readonly nattLocal?: PfkeyAddress;
  readonly nattRemote?: PfkeyAddress;
}

/** sadb_x_kmc: `u32 protocol | u64 cookie`. */
const kmCookie = (number: number): Extension<NonNullable<Extensions['kmCookie']>> => ({
  number,
  read: (body) => ({ protocol: body.u32(), cookie: body.u64() }),
  write: (out, { protocol, cookie }) => out.u32(protocol).u64(cookie),
});

/** SADB_X_KMP_IKE */
export const kmpIke = 1;

/** SADB_EXT_* and SADB_X_EXT_*. 0 is any protocol. Extended registers and proposals, pairs, labels and idle times are passed over. */
const table: ExtensionTable<Extensions> = {
  sa: sa(1),
  lifetimeCurrent: lifetime(2),
  lifetimeHard: lifetime(3),
  lifetimeSoft: lifetime(4),
  source: address(5, sockaddr, 0),
  destination: address(6, sockaddr, 0),
  proxy: address(7, sockaddr, 0),
  authKey: key(8),
  encryptionKey: key(9),
  supportedAuth: supported(14),
  supportedEncryption: supported(15),
  spiRange: spiRange(16),
  kmCookie: kmCookie(19),
  nattLocal: address(20, sockaddr, 0),
  nattRemote: address(21, sockaddr, 0),
};

const { ENOENT, ESRCH, EEXIST, EINVAL, EOPNOTSUPP } = pfkeyErrors;
export const illumosErrors = numbering([[0, 0], [ENOENT, 2], [ESRCH, 3], [EEXIST, 17], [EINVAL, 22], [EOPNOTSUPP, 122]]);

const natTraversalPort = 4500;
const replayUnit = 8; // ours is packets by eight, theirs packets

const pfKey = protocolCodec<Extensions>('illumos', {
  version: 2,
  types: {
    SADB_GETSPI: 1, SADB_UPDATE: 2, SADB_ADD: 3, SADB_DELETE: 4, SADB_GET: 5, SADB_ACQUIRE: 6, SADB_REGISTER: 7, SADB_EXPIRE: 8, SADB_FLUSH: 9, SADB_DUMP: 10,
  },
  saTypes: onlyNumbers(0, 2, 3), // UNSPEC, AH, ESP
  errors: illumosErrors,
  encryption: onlyNumbers(0, ...Object.values(encryptionAlgorithms).filter((number) => number !== encryptionAlgorithms.CHACHA20POLY1305)),
  auth: onlyNumbers(...Object.values(authAlgorithms)),
  table,
  fields: [
    'sa', 'sa2', 'lifetimeCurrent', 'lifetimeHard', 'lifetimeSoft', 'source', 'destination', 'proxy', 'authKey', 'encryptionKey', 'spiRange', 'supportedAuth', 'supportedEncryption',
    'nattType', 'nattSourcePort', 'nattDestinationPort', 'nattLocalBehindNat', 'nattOriginalAddress', 'nattOriginalSource', 'nattOriginalDestination',
  ],
  unsaid: [],
  lacks: wordsFor,
  reduced: (message) => (message.errno === 0 ? withoutOddities(message) : headerOf(message)),
  diagnosticOf: (name, fault) => bad[name]?.[fault],
  toExtensions(body, _, isLocal) {
    const { sa2 } = body;
    return {
      ...body,
      ...(body.sa && { sa: { ...body.sa, replay: body.sa.replay * replayUnit, flags: body.sa.flags | flagsOf(body, isLocal) } }),
      ...(sa2 !== undefined && sa2.reqid !== 0 && { kmCookie: { protocol: kmpIke, cookie: BigInt(sa2.reqid) } }),
      ...nattOf(byDirection(body, isLocal), isLocal),
    };
  },
  fromExtensions({ kmCookie: cookie, nattLocal, nattRemote, ...same }, _, isLocal, faults) {
    const said = same.sa?.flags ?? 0;
    const natt = readNatt(said, { local: nattLocal, remote: nattRemote }, same, isLocal, faults);
    const sa2 = sa2OfFlag((said & flags.TUNNEL) !== 0, hasKeys(same), Number((cookie?.cookie ?? 0n) & 0xffff_ffffn));
    return { ...same, ...(same.sa && { sa: { ...same.sa, replay: same.sa.replay / replayUnit, flags: said & ~notOurs } }), ...(sa2 && { sa2 }), ...natt };
  },
});

export const illumos: PfkeyDialect = {
  name: 'illumos',
  encode: (message, isLocal) => protocolOf(message).encode(message, isLocal),
  decode: (bytes, isLocal) => speaker(bytes).decode(bytes, isLocal),
  lacks: (message) => protocolOf(message).lacks(message),
  reduced: (message) => protocolOf(message).reduced(message),
  typeName: (bytes) => speaker(bytes).typeName(bytes),
  missing: (request) => missingIn[request.type]?.(request),
};

/** In the order in which esp_add_sa(), ah_add_sa(), esp_update_sa(), esp_del_sa() and sadb_delget_sa() look. */
const missingIn: Partial<Record<PfkeyMessage['type'], (request: PfkeyMessage) => number | undefined>> = {
  SADB_ADD: (request) => withoutEnds(request) ?? withoutSa(request) ?? withoutKey(request),
  SADB_UPDATE: (request) => withoutDestination(request),
  SADB_GET: (request) => withoutDestination(request) ?? withoutSa(request),
  SADB_DELETE: (request) => (request.sa === undefined ? (request.source ?? request.destination ? undefined : diagnostics.MISSING_SA) : withoutDestination(request)),
};

const withoutDestination = ({ destination }: PfkeyMessage): number | undefined => (destination === undefined ? diagnostics.MISSING_DST : undefined);
const withoutEnds = (request: PfkeyMessage): number | undefined => (request.source === undefined ? diagnostics.MISSING_SRC : withoutDestination(request));
const withoutSa = ({ sa: said }: PfkeyMessage): number | undefined => (said === undefined ? diagnostics.MISSING_SA : undefined);

/** ESP needs no authentication key, and NULL no key at all. */
function withoutKey({ saType, sa: said, encryptionKey, authKey }: PfkeyMessage): number | undefined {
  if (saType === saTypes.AH) return authKey === undefined ? diagnostics.MISSING_AKEY : undefined;
  return encryptionKey === undefined && said?.encrypt !== encryptionAlgorithms.NULL ? diagnostics.MISSING_EKEY : undefined;
}

const policies = pfPolicy(illumosErrors);
const protocolOf = ({ type }: PfkeyMessage): typeof pfKey => (policies.has(type) ? policies : pfKey);
const speaker = (bytes: Uint8Array): typeof pfKey => (versionOf(bytes) === pfPolicyVersion ? policies : pfKey);

// ---- what has no words

function wordsFor({ sa: said, sa2, nattType, nattSourcePort, source }: PfkeyMessage): string | undefined {
  if (said !== undefined && (said.flags & saFlags.ESN) !== 0) return 'extended sequence numbers';
  if (said !== undefined && said.replay * replayUnit > 0xff) return `a replay window of ${said.replay * replayUnit} packets`;
  if (sa2 !== undefined && sa2.sequence !== 0) return 'the sequence of an SA';
  if (nattType !== undefined && nattType !== 0 && nattType !== encapsulationTypes.ESPINUDP) return 'the non-IKE marker';
  if (nattType !== encapsulationTypes.ESPINUDP && nattSourcePort !== undefined) return 'ports without NAT traversal';
  if (nattType === encapsulationTypes.ESPINUDP && source !== undefined && !isIpv4(source.address)) return 'ESP in UDP over IPv6';
  return undefined;
}

/** On an error the kernel sends the header alone. */
const headerOf = ({ type, saType, errno, sequence, pid, diagnostic }: PfkeyMessage): PfkeyMessage => ({ type, saType, errno, sequence, pid, ...(diagnostic === undefined ? {} : { diagnostic }) });

const withoutOddities = ({ sa2, ...message }: PfkeyMessage): PfkeyMessage => (sa2 === undefined ? message : { ...message, sa2: { ...sa2, sequence: 0 } });

// ---- flags and addresses of NAT traversal

/** Those that other fields of ours say, and the number of extended sequence numbers, which are not to be had there. */
const notOurs = Object.values(flags).reduce<number>((sum, flag) => sum | flag, saFlags.ESN);

function flagsOf(body: PfkeyBody, isLocal: IsLocal): number {
  const { nattType, nattLocalBehindNat, destination } = body;
  const direction = !hasKeys(body) || destination === undefined ? 0 : isLocal(destination.address) ? flags.INBOUND : flags.OUTBOUND;
  return (wantsTunnelFlag(body) ? flags.TUNNEL : 0) | direction | (nattType === encapsulationTypes.ESPINUDP ? flags.NATT_LOC | flags.NATT_REM : 0) | (nattLocalBehindNat === true ? flags.NATTED : 0);
}

/**
 * Plain sadb_addresses with the ports in their sockaddrs. The address of the remote one is what the peer wrote into its packets, that of the local one what
 * it wrote them to: the kernel makes the correction of checksums out of their difference from the SA's own; 0.0.0.0 says that there is none.
 */
function nattOf({ nattType, nattSourcePort = 0, nattDestinationPort = 0, nattOriginalSource, nattOriginalDestination, source, destination }: PfkeyBody, isLocal: IsLocal): Extensions {
  if (nattType !== encapsulationTypes.ESPINUDP || source === undefined || destination === undefined) return {};
  const from = { port: nattSourcePort, original: nattOriginalSource?.address, now: source.address };
  const to = { port: nattDestinationPort, original: nattOriginalDestination?.address, now: destination.address };
  const [local, remote] = isLocal(destination.address) ? [to, from] : [from, to];
  return { nattLocal: whole({ address: local.original ?? unspecified, port: local.port }), nattRemote: whole({ address: remote.original ?? remote.now, port: remote.port }) };
}

const unspecified = '0.0.0.0' as IpAddress;
const whole = ({ address: at, port }: Endpoint): PfkeyAddress => ({ protocol: 0, prefixLength: 32, address: at, port });

/** keysock_duplicate(), keysock_malformed(): the others have no diagnostic. */
const bad: Partial<Record<keyof Extensions, Record<'duplicate' | 'malformed', number>>> = {
  sa: { duplicate: diagnostics.DUPLICATE_SA, malformed: diagnostics.MALFORMED_SA },
  source: { duplicate: diagnostics.DUPLICATE_SRC, malformed: diagnostics.MALFORMED_SRC },
  destination: { duplicate: diagnostics.DUPLICATE_DST, malformed: diagnostics.MALFORMED_DST },
  authKey: { duplicate: diagnostics.DUPLICATE_AKEY, malformed: diagnostics.MALFORMED_AKEY },
  encryptionKey: { duplicate: diagnostics.DUPLICATE_EKEY, malformed: diagnostics.MALFORMED_EKEY },
  spiRange: { duplicate: diagnostics.DUPLICATE_RANGE, malformed: diagnostics.MALFORMED_RANGE },
  nattLocal: { duplicate: diagnostics.DUPLICATE_NATT_LOC, malformed: diagnostics.MALFORMED_NATT_LOC },
  nattRemote: { duplicate: diagnostics.DUPLICATE_NATT_REM, malformed: diagnostics.MALFORMED_NATT_REM },
};

/** sadb_common_add() and esp_add_sa(): a flag without its address is an error, and an IPv6 address that is no mapped IPv4 one. Port 0 is 4500. */
function readNatt(said: number, natt: { readonly local: PfkeyAddress | undefined; readonly remote: PfkeyAddress | undefined }, { source, destination }: PfkeyBody, isLocal: IsLocal, faults: number[]): PfkeyBody {
  const behind: PfkeyBody = (said & flags.NATTED) === 0 ? {} : { nattLocalBehindNat: true };
  if ((said & (flags.NATT_LOC | flags.NATT_REM)) === 0) return behind;
  const local = read((said & flags.NATT_LOC) !== 0, natt.local, diagnostics.MISSING_NATT_LOC, diagnostics.MALFORMED_NATT_LOC, faults);
  const remote = read((said & flags.NATT_REM) !== 0, natt.remote, diagnostics.MISSING_NATT_REM, diagnostics.MALFORMED_NATT_REM, faults);
  if (source === undefined || destination === undefined) return behind;
  const inbound = isLocal(destination.address);
  const [from, to] = inbound ? [remote, local] : [local, remote];
  return {
    ...behind,
    nattType: encapsulationTypes.ESPINUDP,
    nattSourcePort: from?.port ?? natTraversalPort,
    nattDestinationPort: to?.port ?? natTraversalPort,
    ...original('nattOriginalSource', from, source),
    ...original('nattOriginalDestination', to, destination),
  };
}

function read(flagged: boolean, said: PfkeyAddress | undefined, missing: number, malformed: number, faults: number[]): Endpoint | undefined {
  if (!flagged) return undefined;
  if (said === undefined) {
    faults.push(missing);
    return undefined;
  }
  const at = unmapped(said.address);
  if (!isIpv4(at)) faults.push(malformed);
  return { address: at, port: said.port === 0 ? natTraversalPort : said.port };
}

const original = (field: 'nattOriginalSource' | 'nattOriginalDestination', said: Endpoint | undefined, now: PfkeyAddress): PfkeyBody =>
  said === undefined || said.address === unspecified || said.address === now.address ? {} : { [field]: whole({ address: said.address, port: 0 }) };

/** ::ffff:192.0.2.1 as 192.0.2.1. */
function unmapped(at: IpAddress): IpAddress {
  const bytes = addressBytes(at);
  const isMapped = bytes.length === 16 && bytes.subarray(0, 10).every((octet) => octet === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? addressFromBytes(bytes.subarray(12)) : at;
}
