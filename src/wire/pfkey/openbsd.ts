/**
 * PF_KEYv2 as OpenBSD speaks it: sys/net/pfkeyv2.h. Policies are flows. Which flow takes which SA is decided by their identities there: the lab writes a
 * reqid as `reqid-17` into both. An SA in UDP names the peer's port alone, this host's is always 4500.
 */
import { addressBytes, addressFromBytes, isIpv4, type Endpoint, type IpAddress } from '../../core/address.ts';
import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { protocols } from '../protocols.ts';
import { malformed } from '../refusing.ts';
import { protocolCodec, type IsLocal, type PfkeyDialect } from './dialect.ts';
import { bareAddress, key, lifetime, nattPort, sa, spiRange, supported, type Extension, type RfcFields } from './extensions.ts';
import type { ExtensionTable } from './frame.ts';
import {
  authAlgorithms, encapsulationTypes, encryptionAlgorithms, ipsecModes, pfkeyErrors, policyDirections, policyLevels, policyTypes, saTypes,
  type PfkeyAddress, type PfkeyBody, type PfkeyLifetime, type PfkeyMessage, type PfkeyPolicy, type PfkeyPolicyRequest, type PfkeyType,
} from './message.ts';
import { hasKeys, sa2OfFlag, wantsTunnelFlag } from './mode-flag.ts';
import { numbering } from './numbering.ts';
import { sockaddrs } from './sockaddr.ts';

const sockaddr = sockaddrs({ inet6: 24, lengthOctet: true });

/** SADB_X_SAFLAGS_*; PFS and ESN have our numbers. */
const flags = { TUNNEL: 0x4, UDPENCAP: 0x200 } as const;

/** SADB_X_FLOW_TYPE_*; ACQUIRE 2 and DONTACQ 6 are neither said nor understood here. */
const flowTypes = { USE: 1, REQUIRE: 3, BYPASS: 4, DENY: 5 } as const;

/** sadb_protocol: also the flow's type stands in one. */
interface Protocol {
  readonly protocol: number;
  readonly direction: number;
}

interface Extensions extends RfcFields {
  readonly source?: Endpoint;
  readonly destination?: Endpoint;
  readonly proxy?: Endpoint;
  readonly sourceIdentity?: string;
  readonly destinationIdentity?: string;
  readonly sourceMask?: Endpoint;
  readonly destinationMask?: Endpoint;
  readonly protocol?: Protocol;
  readonly flowType?: Protocol;
  readonly sourceFlow?: Endpoint;
  readonly destinationFlow?: Endpoint;
  readonly udpEncapsulation?: number;
  readonly lastUse?: PfkeyLifetime;
}

/** sadb_ident of type FQDN: `u16 type | u16 reserved | u64 id`, then the name and a zero octet. One of another type is read as no name. */
const identity = (number: number): Extension<string> => ({
  number,
  read(body) {
    const type = body.u16();
    body.skip(10);
    const octets = body.bytes(body.remaining);
    const end = octets.indexOf(0);
    return type === identityTypes.FQDN ? fromUtf8(octets.subarray(0, end < 0 ? octets.length : end)) : '';
  },
  write: (out, name) => out.u16(identityTypes.FQDN).u16(0).u64(0n).bytes(utf8(name)).u8(0),
});
const identityTypes = { FQDN: 2 } as const;

/** sadb_protocol: `u8 protocol | u8 direction | u8 flags | u8 reserved`. */
const protocol = (number: number): Extension<Protocol> => ({
  number,
  read(body) {
    const said = { protocol: body.u8(), direction: body.u8() };
    body.skip(2);
    return said;
  },
  write: (out, { protocol: said, direction }) => out.u8(said).u8(direction).u16(0),
});

/** SADB_EXT_* and SADB_X_EXT_*. SA2 23 and DST2 24 belong to groups of SAs, POLICY 25 to questions about an ACQUIRE; both, tags, counters and the rest are passed over. */
const table: ExtensionTable<Extensions> = {
  sa: sa(1),
  lifetimeCurrent: lifetime(2),
  lifetimeHard: lifetime(3),
  lifetimeSoft: lifetime(4),
  source: bareAddress(5, sockaddr),
  destination: bareAddress(6, sockaddr),
  proxy: bareAddress(7, sockaddr),
  authKey: key(8),
  encryptionKey: key(9),
  sourceIdentity: identity(10),
  destinationIdentity: identity(11),
  supportedAuth: supported(14),
  supportedEncryption: supported(15),
  spiRange: spiRange(16),
  sourceMask: bareAddress(17, sockaddr),
  destinationMask: bareAddress(18, sockaddr),
  protocol: protocol(19),
  flowType: protocol(20),
  sourceFlow: bareAddress(21, sockaddr),
  destinationFlow: bareAddress(22, sockaddr),
  udpEncapsulation: nattPort(31),
  lastUse: lifetime(32),
};

const { ENOENT, ESRCH, EEXIST, EINVAL, EOPNOTSUPP } = pfkeyErrors;
const { CHACHA20POLY1305, ...otherEncryptions } = encryptionAlgorithms;
const natTraversalPort = 4500; // net.inet.esp.udpencap_port
const replayUnit = 8; // ours is packets by eight, theirs packets
const largestReplay = 64;

export const openbsd: PfkeyDialect = {
  name: 'openbsd',
  ...protocolCodec<Extensions>('openbsd', {
    version: 2,
    types: {
      SADB_GETSPI: 1, SADB_UPDATE: 2, SADB_ADD: 3, SADB_DELETE: 4, SADB_GET: 5, SADB_ACQUIRE: 6, SADB_REGISTER: 7, SADB_EXPIRE: 8, SADB_FLUSH: 9, SADB_DUMP: 10,
      SADB_X_SPDADD: 12, SADB_X_SPDUPDATE: 12, SADB_X_SPDDELETE: 13, SADB_X_SPDDUMP: 16, // X_ADDFLOW, which replaces, X_DELFLOW, X_SPDDUMP
    },
    reads: { 12: 'SADB_X_SPDUPDATE' },
    saTypes: numbering([[0, 0], [2, 1], [3, 2]]), // UNSPEC, AH, ESP
    errors: numbering([[0, 0], [ENOENT, 2], [ESRCH, 3], [EEXIST, 17], [EINVAL, 22], [EOPNOTSUPP, 45]]),
    encryption: numbering([[0, 0], ...Object.values(otherEncryptions).map((number) => [number, number] as const), [CHACHA20POLY1305, 22]]),
    auth: numbering(Object.values(authAlgorithms).map((number) => [number, number])),
    table,
    fields: [
      'sa', 'sa2', 'lifetimeCurrent', 'lifetimeHard', 'lifetimeSoft', 'source', 'destination', 'newSource', 'newDestination', 'authKey', 'encryptionKey', 'spiRange', 'supportedAuth', 'supportedEncryption',
      'policy', 'nattType', 'nattSourcePort', 'nattDestinationPort',
    ],
    // the kernel makes the checksums of transport mode anew
    unsaid: ['nattLocalBehindNat', 'nattOriginalAddress', 'nattOriginalSource', 'nattOriginalDestination'],
    lacks: (message) => (isFlow(message.type) ? flowLacks(message) : saLacks(message)),
    reduced,
    toExtensions: (body, { type }, isLocal) => (isFlow(type) ? flowExtensions(body, type) : saExtensions(body, type, isLocal)),
    fromExtensions: (extensions, type, isLocal, _, saType) => (isFlow(type) ? readFlow(extensions, saType) : readSa(extensions, type, isLocal)),
  }),
};

const flowMessages: ReadonlySet<PfkeyType> = new Set<PfkeyType>(['SADB_X_SPDADD', 'SADB_X_SPDUPDATE', 'SADB_X_SPDDELETE', 'SADB_X_SPDDUMP']);
const isFlow = (type: PfkeyType): boolean => flowMessages.has(type);

/** sadb_exts_allowed_out: which answers have no identities. */
const anonymous: ReadonlySet<PfkeyType> = new Set<PfkeyType>(['SADB_GETSPI', 'SADB_DELETE', 'SADB_EXPIRE']);

function reduced({ sa2, policy, ...message }: PfkeyMessage): PfkeyMessage {
  const mode = sa2 === undefined || message.sa === undefined ? ipsecModes.ANY : sa2.mode;
  const said = sa2 && { sa2: { mode, sequence: 0, reqid: anonymous.has(message.type) ? 0 : sa2.reqid } };
  const [request] = policy?.requests ?? [];
  const saType = isFlow(message.type) && request !== undefined ? saTypeOfFlow(request) : message.saType;
  return { ...message, saType, ...said, ...(policy !== undefined && isFlow(message.type) && { policy: { ...policy, id: 0, priority: 0 } }) };
}

const identityOf = (reqid: number): Pick<Extensions, 'sourceIdentity' | 'destinationIdentity'> => (reqid === 0 ? {} : { sourceIdentity: `reqid-${reqid}`, destinationIdentity: `reqid-${reqid}` });

function reqidOf({ sourceIdentity, destinationIdentity }: Extensions): number {
  const [, digits] = /^reqid-([1-9]\d{0,9})$/.exec(sourceIdentity === destinationIdentity ? (sourceIdentity ?? '') : '') ?? [];
  const reqid = Number(digits ?? 0);
  return reqid <= 0xffff_ffff ? reqid : 0;
}

const whole = (address: IpAddress): PfkeyAddress => ({ protocol: 0, prefixLength: isIpv4(address) ? 32 : 128, address, port: 0 });
const bare = (said: PfkeyAddress | undefined): Endpoint | undefined => said && { address: said.address, port: 0 };

// ---- SAs

function saLacks({ type, sa: said, sa2, policy, source, destination, newSource, newDestination, nattType, nattSourcePort, nattDestinationPort }: PfkeyMessage): string | undefined {
  if (policy !== undefined) return 'a policy in a message about SAs';
  if ([source, destination, newSource, newDestination].some((end) => end !== undefined && (end.port !== 0 || end.protocol !== 0 || end.prefixLength !== whole(end.address).prefixLength))) return 'an SA for less, or more, than two hosts';
  if (said !== undefined && said.replay * replayUnit > largestReplay) return `a replay window of ${said.replay * replayUnit} packets`;
  if (sa2 !== undefined && sa2.sequence !== 0) return 'the sequence of an SA';
  if (sa2 !== undefined && sa2.reqid !== 0 && anonymous.has(type)) return `a reqid in ${type}`;
  if (sa2 !== undefined && said === undefined && sa2.mode !== ipsecModes.ANY) return 'a mode without an SA';
  if (type !== 'SADB_UPDATE' && (newSource ?? newDestination) !== undefined) return `a new address in ${type}`;
  if (nattType === encapsulationTypes.ESPINUDP_NON_IKE) return 'the non-IKE marker';
  if (nattType !== encapsulationTypes.ESPINUDP && (nattSourcePort ?? nattDestinationPort) !== undefined) return 'ports without NAT traversal';
  if (nattType === encapsulationTypes.ESPINUDP && nattSourcePort !== natTraversalPort && nattDestinationPort !== natTraversalPort) return 'a port of this host other than 4500';
  return undefined;
}

/** In UPDATE the source is where the SA's packets come from henceforth, and ADDRESS_PROXY its new destination. */
function saExtensions(body: PfkeyBody, type: PfkeyType, isLocal: IsLocal): Extensions {
  const { sa: said, sa2, nattType, nattSourcePort, nattDestinationPort, source, destination, newSource, newDestination, lifetimeCurrent, ...same } = body;
  const inUdp = nattType === encapsulationTypes.ESPINUDP;
  const [local, remote] = destination !== undefined && isLocal(destination.address) ? [nattDestinationPort, nattSourcePort] : [nattSourcePort, nattDestinationPort];
  if (inUdp && local !== natTraversalPort) throw new RangeError('openbsd has no words for a port of this host other than 4500');
  const [from, to, proxy] = [bare(newSource ?? source), bare(destination), type === 'SADB_UPDATE' ? bare(newDestination) : undefined];
  return {
    ...same,
    ...(said && { sa: { ...said, replay: said.replay * replayUnit, flags: said.flags | (wantsTunnelFlag(body) ? flags.TUNNEL : 0) | (inUdp ? flags.UDPENCAP : 0) } }),
    ...(from && { source: from }),
    ...(to && { destination: to }),
    ...(proxy && { proxy }),
    ...identityOf(sa2?.reqid ?? 0),
    ...(inUdp && { udpEncapsulation: remote! }),
    ...(lifetimeCurrent && { lifetimeCurrent }),
    ...(lifetimeCurrent && lifetimeCurrent.usetime !== 0n && { lastUse: { allocations: 0, bytes: 0n, addtime: 0n, usetime: lifetimeCurrent.usetime } }),
  };
}

function readSa(extensions: Extensions, type: PfkeyType, isLocal: IsLocal): PfkeyBody {
  const { sa: said, source, destination, proxy, udpEncapsulation = 0, lastUse, lifetimeCurrent, authKey, encryptionKey, lifetimeHard, lifetimeSoft, spiRange: range, supportedAuth, supportedEncryption } = extensions;
  const same: PfkeyBody = {
    ...(authKey && { authKey }), ...(encryptionKey && { encryptionKey }), ...(lifetimeHard && { lifetimeHard }), ...(lifetimeSoft && { lifetimeSoft }),
    ...(range && { spiRange: range }), ...(supportedAuth && { supportedAuth }), ...(supportedEncryption && { supportedEncryption }),
  };
  if (said !== undefined && said.replay > largestReplay) malformed('pfkey-malformed', `sa: a replay window of ${said.replay} packets`); // pfkeyv2_parsemessage()
  const saFlags = said?.flags ?? 0;
  const sa2 = sa2OfFlag((saFlags & flags.TUNNEL) !== 0, hasKeys(same), reqidOf(extensions));
  const moves = type === 'SADB_UPDATE' && !hasKeys(same) && source !== undefined;
  return {
    ...same,
    ...(said && { sa: { ...said, replay: said.replay / replayUnit, flags: saFlags & ~(flags.TUNNEL | flags.UDPENCAP) } }),
    ...(sa2 && { sa2 }),
    ...(source && { source: whole(source.address) }),
    ...(destination && { destination: whole(destination.address) }),
    ...(moves && { newSource: whole(source.address) }),
    ...(proxy && { newDestination: whole(proxy.address) }),
    ...(lifetimeCurrent && { lifetimeCurrent: { ...lifetimeCurrent, usetime: lastUse?.usetime ?? lifetimeCurrent.usetime } }),
    ...((saFlags & flags.UDPENCAP) !== 0 && destination !== undefined && nattOf(udpEncapsulation === 0 ? natTraversalPort : udpEncapsulation, isLocal(destination.address))),
  };
}

const nattOf = (remote: number, inbound: boolean): PfkeyBody => {
  const [nattSourcePort, nattDestinationPort] = inbound ? [remote, natTraversalPort] : [natTraversalPort, remote];
  return { nattType: encapsulationTypes.ESPINUDP, nattSourcePort, nattDestinationPort };
};

// ---- flows

/** Which protocol a flow wants stands in the header of its message. */
const protocolOfFlow = (saType: number): number => (saType === saTypes.AH ? protocols.ah : protocols.esp);

const saTypeOfFlow = ({ protocol }: PfkeyPolicyRequest): number => (protocol === protocols.ah ? saTypes.AH : saTypes.ESP);

function flowLacks({ source, destination, policy, ...message }: PfkeyMessage): string | undefined {
  if (message.sa !== undefined || message.sa2 !== undefined || message.nattType !== undefined) return 'an SA in a message about flows';
  if (policy === undefined) return source === undefined && destination === undefined ? undefined : 'selectors without a direction';
  if (source === undefined || destination === undefined) return 'a flow without its ends';
  if (source.protocol !== destination.protocol) return 'a protocol for each end';
  if (policy.direction !== policyDirections.INBOUND && policy.direction !== policyDirections.OUTBOUND) return `direction ${policy.direction}`;
  if (policy.id !== 0) return 'the id of a policy';
  if (policy.priority !== 0) return 'the priority of a policy';
  if (policy.requests.length > 1) return 'more than one request';
  const [request] = policy.requests;
  if (request === undefined) return policy.type === policyTypes.IPSEC ? 'IPsec of no kind' : undefined;
  if (policy.type !== policyTypes.IPSEC) return 'a request of a policy that wants no IPsec';
  if (request.protocol !== protocolOfFlow(message.saType)) return `protocol ${request.protocol} under SA type ${message.saType}`;
  if (!(request.level in flowTypeOf)) return `level ${request.level}`;
  if ((request.level === policyLevels.UNIQUE) !== (request.reqid !== 0)) return 'a reqid without level UNIQUE, or the other way round';
  return (request.mode === ipsecModes.TUNNEL) === (request.tunnel !== undefined) ? undefined : 'a mode without its ends';
}

const flowTypeOf: Readonly<Record<number, number>> = { [policyLevels.USE]: flowTypes.USE, [policyLevels.REQUIRE]: flowTypes.REQUIRE, [policyLevels.UNIQUE]: flowTypes.REQUIRE };

/** ADDRESS_SRC is this host's end of the tunnel and ADDRESS_DST the peer's, whichever way the flow goes; who deletes a flow names its ends alone. */
function flowExtensions({ source, destination, policy }: PfkeyBody, type: PfkeyType): Extensions {
  if (policy === undefined || source === undefined || destination === undefined) return {};
  const [request] = policy.requests;
  const selectors: Extensions = {
    sourceMask: maskOf(source), destinationMask: maskOf(destination), protocol: { protocol: source.protocol, direction: 0 },
    flowType: { protocol: flowType(policy, request), direction: policy.direction },
    sourceFlow: { address: source.address, port: source.port }, destinationFlow: { address: destination.address, port: destination.port },
  };
  if (type === 'SADB_X_SPDDELETE' || request === undefined) return selectors;
  const { tunnel, reqid } = request;
  const [local, remote] = policy.direction === policyDirections.INBOUND ? [tunnel?.destination, tunnel?.source] : [tunnel?.source, tunnel?.destination];
  return { ...selectors, ...identityOf(reqid), ...(local !== undefined && { source: { address: local, port: 0 } }), ...(remote !== undefined && { destination: { address: remote, port: 0 } }) };
}

const flowType = ({ type }: PfkeyPolicy, request: PfkeyPolicyRequest | undefined): number =>
  type === policyTypes.DISCARD ? flowTypes.DENY : type === policyTypes.NONE ? flowTypes.BYPASS : flowTypeOf[request!.level]!;

function readFlow(extensions: Extensions, saType: number): PfkeyBody {
  const { sourceFlow, destinationFlow, sourceMask, destinationMask, protocol: said, flowType: type } = extensions;
  if (type === undefined) return {};
  const { direction } = type;
  if (direction !== policyDirections.INBOUND && direction !== policyDirections.OUTBOUND) malformed('pfkey-malformed', `flowType: direction ${direction}`);
  if (sourceFlow === undefined || destinationFlow === undefined || sourceMask === undefined || destinationMask === undefined) malformed('pfkey-malformed', 'a flow without its ends and masks');
  return {
    source: masked('sourceMask', sourceFlow, sourceMask, said?.protocol ?? 0),
    destination: masked('destinationMask', destinationFlow, destinationMask, said?.protocol ?? 0),
    policy: { ...actionOf(type.protocol, extensions, direction, saType), direction, id: 0, priority: 0 },
  };
}

function actionOf(type: number, extensions: Extensions, direction: number, saType: number): Pick<PfkeyPolicy, 'type' | 'requests'> {
  switch (type) {
    case flowTypes.DENY:
      return { type: policyTypes.DISCARD, requests: [] };
    case flowTypes.BYPASS:
      return { type: policyTypes.NONE, requests: [] };
    case flowTypes.USE:
    case flowTypes.REQUIRE: {
      const reqid = reqidOf(extensions);
      const level = type === flowTypes.USE ? policyLevels.USE : reqid === 0 ? policyLevels.REQUIRE : policyLevels.UNIQUE;
      const tunnel = readTunnel(extensions, direction);
      const request = { protocol: protocolOfFlow(saType), mode: tunnel === undefined ? ipsecModes.TRANSPORT : ipsecModes.TUNNEL, level, reqid };
      return { type: policyTypes.IPSEC, requests: [tunnel === undefined ? request : { ...request, tunnel }] };
    }
    default:
      return malformed('pfkey-malformed', `flowType: ${type}`);
  }
}

function readTunnel({ source, destination }: Extensions, direction: number): PfkeyPolicyRequest['tunnel'] {
  if (source === undefined || destination === undefined) return undefined;
  if (isIpv4(source.address) !== isIpv4(destination.address)) malformed('pfkey-malformed', `a tunnel from ${source.address} to ${destination.address}`);
  return direction === policyDirections.INBOUND ? { source: destination.address, destination: source.address } : { source: source.address, destination: destination.address };
}

/** A mask is a sockaddr with ones where the flow's own counts, in the port too. */
function maskOf({ address, prefixLength, port }: PfkeyAddress): Endpoint {
  const octets = addressBytes(address).map((_, i) => (0xff00 >> Math.min(8, Math.max(0, prefixLength - 8 * i))) & 0xff);
  return { address: addressFromBytes(octets), port: port === 0 ? 0 : 0xffff };
}

function masked(name: string, { address, port }: Endpoint, mask: Endpoint, protocolNumber: number): PfkeyAddress {
  const bits = [...addressBytes(mask.address)].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  const prefixLength = bits.indexOf('0') < 0 ? bits.length : bits.indexOf('0');
  if (bits.slice(prefixLength).includes('1') || isIpv4(mask.address) !== isIpv4(address)) malformed('pfkey-malformed', `${name}: ${mask.address} is no mask of ${address}`);
  if (mask.port !== 0 && mask.port !== 0xffff) malformed('pfkey-malformed', `${name}: port ${mask.port.toString(16)}`);
  return { protocol: protocolNumber, prefixLength, address, port: mask.port === 0 ? 0 : port };
}
