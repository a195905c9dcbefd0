/**
 * What cannot work, though each part of it is fine: what a client and its gateway would find out by failing. A lesson may want exactly that, so that nothing
 * of this is an error.
 */
import type { IpAddress } from '../../src/core/address.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { wrongIdentity } from '../../src/ike/address-identity.ts';
import { nattVersions } from '../../src/ike/config.ts';
import type { Authentication, ConnectionConfig, EspProposal, IkeProposal, NattVersion, V1Settings } from '../../src/ike/config.ts';
import { Connections } from '../../src/ike/connections.ts';
import type { DhGroupName } from '../../src/crypto/transforms.ts';
import { identityToWire } from '../../src/ike/identity.ts';
import { nattTraits } from '../../src/ike/v1/natt-versions.ts';
import type { NodePlan } from '../../src/sim/plan.ts';
import type { Locate } from '../yaml-file.ts';
import type { TopologyFile } from './schema.ts';
import { wayTo } from './way.ts';
import type { Way } from './way.ts';

/** A client as its gateway meets it. */
interface Meeting {
  readonly client: EndpointConfig;
  readonly connection: ConnectionConfig;
  readonly gateway: EndpointConfig;
  /** The address that the gateway sees the client's packets come from. */
  readonly seen: IpAddress;
  readonly way: Way;
  /** The gateway's connections for somebody at that address, by version and exchange, in the order in which it looks. */
  readonly candidates: readonly ConnectionConfig[];
  /** Keys that the gateway's file gives by peer. */
  readonly keysByPeer: boolean;
}

/** Under which key of the client's or the gateway's entry it is to be mended, and what is to be said. */
interface Rule {
  readonly where: readonly ['client' | 'gateway', ...string[]];
  readonly says: (meeting: Meeting) => string | undefined;
}

const isBehindNat = ({ way }: Meeting): boolean => way.crossed.length > 0 || way.forwarder !== undefined;
const boxNames = ({ way: { crossed, forwarder } }: Meeting): string => [...crossed, ...(forwarder === undefined ? [] : [forwarder])].map(({ name }) => name).join(' and ');
const boxes = ({ way: { crossed, forwarder } }: Meeting): readonly Way['crossed'][number][] => (forwarder === undefined ? crossed : [...crossed, forwarder]);

// ---- what they speak -----------------------------------------------------------------------------------------------------

const exchangeOf = ({ ike }: ConnectionConfig): string => (ike.version === 'v1' ? `IKEv1's ${ike.exchange} mode` : 'IKEv2');

const speaksOtherwise: Rule = {
  where: ['client', 'ike'],
  says: ({ client, connection, gateway, candidates }) => {
    const [theirs] = gateway.ike.connections;
    return candidates.length > 0 || theirs === undefined || exchangeOf(theirs) === exchangeOf(connection)
      ? undefined
      : `${client.name} begins with ${exchangeOf(connection)}, and ${gateway.name} answers to ${exchangeOf(theirs)} only; write the same ike.version and ike.v1.exchange for both`;
  },
};

const nothingInCommon: Rule = {
  where: ['client', 'ike', 'proposals'],
  says: ({ client, connection, gateway, candidates }) => {
    if (candidates.length === 0 || candidates.some(({ proposals }) => haveCommonIke(offered(connection), proposals))) return undefined;
    return `${client.name} and ${gateway.name} have no proposal for the IKE SA in common; give both a cipher, a hash and a group that the other has too`;
  },
};

/** In aggressive mode the public value goes along with the offer: of one group. */
const offered = ({ ike, proposals }: ConnectionConfig): readonly IkeProposal[] => {
  const group = proposals[0]?.groups[0];
  return ike.version === 'v1' && ike.exchange === 'aggressive' && group !== undefined ? proposals.map((proposal) => ({ ...proposal, groups: [group] })) : proposals;
};

const childrenDiffer: Rule = {
  where: ['client', 'esp'],
  says: ({ client, connection: { ike, child: ours }, gateway, candidates: [theirs] }) => {
    if (theirs === undefined) return undefined;
    if (kindOf(ours) !== kindOf(theirs.child)) return `${client.name} wants ${kindOf(ours)}, ${gateway.name} ${kindOf(theirs.child)}; write the same esp.mode and esp.protocol for both`;
    const [pfs, accepted] = [ours, theirs.child].map(({ proposals }) => proposals.flatMap(({ groups }) => groups)) as [DhGroupName[], DhGroupName[]];
    if (ike.version === 'v1' && !shareOrLack(pfs.slice(0, 1), accepted)) {
      return `${client.name} makes child SAs ${pfs[0] === undefined ? 'without a group of their own' : `with the group ${pfs[0]}`}, and ${gateway.name} ${accepted.length === 0 ? 'without' : `with ${accepted.join(', ')}`}; give both the same esp.proposals.groups`;
    }
    return haveCommonEsp(ours.proposals, theirs.child.proposals) ? undefined : `${client.name} and ${gateway.name} have no proposal for a child SA in common; give both a cipher and an integrity algorithm that the other has too`;
  },
};

const kindOf = ({ mode = 'tunnel', protocol = 'esp' }: ConnectionConfig['child']): string => `${protocol === 'ah' ? 'AH' : 'ESP'} in ${mode} mode`;

type Encryption = IkeProposal['encryption'][number];
const share = <Value>(ours: readonly Value[], theirs: readonly Value[]): boolean => ours.some((value) => theirs.includes(value));
const shareOrLack = <Value>(ours: readonly Value[], theirs: readonly Value[]): boolean => share(ours, theirs) || (ours.length === 0 && theirs.length === 0);
const ciphers = (encryption: readonly Encryption[]): string[] => encryption.map(({ name, bits = 128 }) => (name.startsWith('aes') ? `${name} ${bits}` : name));
const haveCommonIke = (ours: readonly IkeProposal[], theirs: readonly IkeProposal[]): boolean =>
  ours.some((mine) => theirs.some((other) => share(ciphers(mine.encryption), ciphers(other.encryption)) && share(mine.prf, other.prf) && share(mine.groups, other.groups) && shareOrLack(mine.integrity, other.integrity)));
const haveCommonEsp = (ours: readonly EspProposal[], theirs: readonly EspProposal[]): boolean =>
  ours.some((mine) => theirs.some((other) => shareOrLack(ciphers(mine.encryption), ciphers(other.encryption)) && shareOrLack(mine.integrity, other.integrity)));

// ---- who they are --------------------------------------------------------------------------------------------------------

const keyOf = (authentication: Authentication | undefined): string | undefined => (authentication?.method === 'pre-shared-key' ? authentication.key : undefined);

const provesOtherwise: Rule = {
  where: ['client', 'ike', 'authentication'],
  says: ({ client, connection: { authentication }, gateway, candidates }) =>
    candidates.length === 0 || candidates.some((candidate) => candidate.authentication.method === authentication.method)
      ? undefined
      : `${client.name} proves who it is by ${proofs[authentication.method]}, ${gateway.name} by ${proofs[candidates[0]!.authentication.method]}; write the same ike.authentication for both`,
};
const proofs: Readonly<Record<Authentication['method'], string>> = { 'pre-shared-key': 'a pre-shared key', 'rsa-signature': 'a certificate' };

/** RFC 2409 §5.4: in main mode the key is needed before the identity is seen, and is found by the address alone. Elsewhere by the identity. */
const keyIsAnother: Rule = {
  where: ['client', 'ike', 'preSharedKey'],
  says: (meeting) => {
    const { client, connection, gateway, seen, candidates, way, keysByPeer } = meeting;
    const [key, own] = [keyOf(connection.authentication), client.ike.address];
    const candidatesForIt = candidates.filter((candidate) => isFor(candidate, connection, seen));
    const tried = connection.ike.version === 'v1' && connection.ike.exchange === 'main' ? candidates.slice(0, 1) : candidatesForIt;
    if (key === undefined || tried.some(({ authentication }) => keyOf(authentication) === key || authentication.method !== 'pre-shared-key')) return undefined;
    if (seen !== own && gateway.ike.connections.some(({ remote, authentication }) => remote === own && keyOf(authentication) === key)) {
      return `${gateway.name} has the key of ${client.name} for ${own}, and behind ${way.crossed.map(({ name }) => name).join(' and ')} it comes from ${seen}; give the key for that address, for a name (with aggressive mode or IKEv2), or for any`;
    }
    if (candidatesForIt.some(({ authentication }) => keyOf(authentication) === key)) {
      return `main mode finds a pre-shared key by the address that packets come from, before any name is seen (RFC 2409 §5.4), and ${gateway.name} has the key of ${client.name} for its name; use aggressive mode, certificates, or one key for any`;
    }
    if (tried.length > 0) return `${gateway.name} has another pre-shared key for ${client.name}; write the same for both`;
    return candidates.length === 0 && keysByPeer ? `${gateway.name} has no key for ${seen}, where ${client.name} comes from; add one for it, or for any` : undefined;
  },
};

const nobodyKnowsIt: Rule = {
  where: ['client', 'ike', 'identity'],
  says: ({ client, connection, gateway, seen, candidates }) =>
    candidates.length > 0 && candidates.every((candidate) => !isFor({ ...candidate, addressIdentity: 'any' }, connection, seen))
      ? `${client.name} says that it is ${connection.localIdentity.value}, and ${gateway.name} knows nobody of that identity; add it to preSharedKeys, or any`
      : undefined,
};

const isFor = (candidate: ConnectionConfig, { localIdentity }: ConnectionConfig, seen: IpAddress): boolean => wrongIdentity(candidate, identityToWire(localIdentity), seen) === undefined;

const noAddressForIt: Rule = {
  where: ['client', 'ike', 'virtualAddress'],
  says: ({ client, connection: { virtualAddress, child }, gateway, candidates: [theirs] }) => {
    if (theirs === undefined || kindOf(child) !== kindOf(theirs.child) || (virtualAddress === 'request') === (theirs.virtualAddress !== 'none')) return undefined;
    return virtualAddress === 'request'
      ? `${client.name} asks for an inner address, and ${gateway.name} has none to give; write the same ike.virtualAddress for both`
      : `${client.name} asks for no inner address, and ${gateway.name} lets nobody in without one; write the same ike.virtualAddress for both`;
  },
};

const passwordIsWrong: Rule = {
  where: ['client', 'ike', 'v1', 'xauth'],
  says: ({ client, connection, gateway, candidates: [theirs] }) => {
    const [ours, users] = [passwordOf(connection), theirs && usersOf(theirs)];
    if (users === undefined || (ours !== undefined && users[ours.user] === ours.password)) return undefined;
    return ours === undefined ? `${gateway.name} asks for a password, and ${client.name} has none; write ike.v1.xauth` : `${gateway.name} knows no user ${ours.user} with the password that ${client.name} has`;
  },
};
const xauthOf = ({ ike }: ConnectionConfig): Exclude<V1Settings['xauth'], 'none' | undefined> | undefined => (ike.version === 'v1' && ike.xauth !== 'none' ? ike.xauth : undefined);
const passwordOf = (connection: ConnectionConfig): { readonly user: string; readonly password: string } | undefined => {
  const xauth = xauthOf(connection);
  return xauth !== undefined && 'user' in xauth ? xauth : undefined;
};
const usersOf = (connection: ConnectionConfig): Readonly<Record<string, string>> | undefined => {
  const xauth = xauthOf(connection);
  return xauth !== undefined && 'users' in xauth ? xauth.users : undefined;
};

const strictAboutAddresses: Rule = {
  where: ['gateway', 'ike', 'addressIdentity'],
  says: ({ client, connection: { localIdentity }, gateway, seen, candidates }) =>
    localIdentity.type === 'address' && localIdentity.value !== seen && candidates.length > 0 && candidates.every(({ addressIdentity }) => addressIdentity === 'strict')
      ? `${client.name} says that it is ${localIdentity.value} and comes from ${seen}, which ${gateway.name} is strict about; give it a name as identity, or write addressIdentity: any`
      : undefined,
};

const nobodyIsToldApart: Rule = {
  where: ['gateway', 'ike'],
  says: ({ gateway, candidates, keysByPeer }) => {
    const [only, ...more] = candidates;
    return keysByPeer && only?.ike.version === 'v1' && only.ike.exchange === 'aggressive' && more.length === 0 && only.remote === 'any' && only.remoteIdentity === 'any' && keyOf(only.authentication) !== undefined
      ? `aggressive mode with one key for everybody and no identity that ${gateway.name} knows: who has the key can be anybody, ${gateway.name} too, and who asks gets a hash to guess it from; give each client a key by its name`
      : undefined;
  },
};

// ---- what a NAT box makes of it ------------------------------------------------------------------------------------------

const authenticatesHeaders: Rule = {
  where: ['client', 'esp', 'protocol'],
  says: (meeting) => (isBehindNat(meeting) && meeting.connection.child.protocol === 'ah' ? `AH covers the addresses, and ${boxNames(meeting)} changes them: no packet will fit its ICV (RFC 3715 §2.1); use ESP` : undefined),
};

const checksumsBreak: Rule = {
  where: ['client', 'esp', 'mode'],
  says: (meeting) => {
    const { connection, candidates: [theirs], client, gateway } = meeting;
    if (!isBehindNat(meeting) || connection.child.mode !== 'transport' || connection.child.protocol === 'ah' || theirs === undefined) return undefined;
    const why = whyNotMended(connection, theirs, client, gateway);
    return why && `transport mode behind ${boxNames(meeting)}: the checksums of TCP and UDP inside are over addresses that change on the way (RFC 3948 §3.1.2), and ${why}`;
  },
};

function whyNotMended(ours: ConnectionConfig, theirs: ConnectionConfig, client: EndpointConfig, gateway: EndpointConfig): string | undefined {
  if (!ours.natTraversal || !theirs.natTraversal) return 'without NAT traversal nobody mends them; write natTraversal: true for both, or use tunnel mode';
  const careless = [client, gateway].find(({ checksumRepair }) => checksumRepair === 'none');
  if (careless) return `${careless.name} does not mend them; leave checksumRepair out, or use tunnel mode`;
  const adjusting = [client, gateway].some(({ checksumRepair = 'adjust' }) => checksumRepair === 'adjust');
  if (!adjusting || ours.ike.version === 'v2' || theirs.ike.version === 'v2') return undefined;
  const version = agreedVersion(ours.ike, theirs.ike);
  if (version === undefined) return `the two have no version of NAT-T in common that would tell them; let v1.natt of both share one`;
  if (ours.ike.natOriginalAddress === 'withheld' || theirs.ike.natOriginalAddress === 'withheld') return 'to adjust them one must be told the addresses, which are withheld; write natOriginalAddress: sent, or checksumRepair: recompute';
  return nattTraits(version).originalAddresses === 'own' ? `${version} tells each side too little to adjust them; write checksumRepair: recompute, or let v1.natt share a newer version` : undefined;
}

const agreedVersion = (ours: V1Settings, theirs: V1Settings): NattVersion | undefined => nattVersions.find((version) => ours.natt.offers.includes(version) && theirs.natt.accepts.includes(version) && theirs.natt.offers.includes(version) && ours.natt.accepts.includes(version));

const blockedOnTheWay: Rule = {
  where: ['client', 'ike'],
  says: (meeting) => {
    const { connection, candidates: [theirs] } = meeting;
    if (!isBehindNat(meeting) || theirs === undefined) return undefined;
    const float = encapsulates(connection, theirs);
    const blocking = boxes(meeting).find(({ box: { behaviour } }) => (float === undefined ? behaviour.esp === 'blocked' : behaviour.blockedUdpPorts.includes(float)));
    if (blocking === undefined) return undefined;
    return float === undefined
      ? `without NAT traversal on both sides ESP goes as protocol 50, which ${blocking.name} blocks; write natTraversal: true for both${connection.ike.version === 'v1' ? ', with a version of NAT-T in common' : ''}`
      : `${blocking.name} blocks UDP port ${float}, where IKE and ESP go once it is detected`;
  },
};

/** The port that ESP in UDP goes to when a NAT is found; undefined where it stays plain. */
function encapsulates(ours: ConnectionConfig, theirs: ConnectionConfig): 500 | 4500 | undefined {
  if (!ours.natTraversal || !theirs.natTraversal) return undefined;
  if (ours.ike.version === 'v2' || theirs.ike.version === 'v2') return 4500;
  const version = agreedVersion(ours.ike, theirs.ike);
  return version === undefined ? undefined : nattTraits(version).moves ? 4500 : 500;
}

const rules: readonly Rule[] = [speaksOtherwise, nothingInCommon, childrenDiffer, provesOtherwise, keyIsAnother, nobodyKnowsIt, passwordIsWrong, noAddressForIt, strictAboutAddresses, nobodyIsToldApart, authenticatesHeaders, checksumsBreak, blockedOnTheWay];

/** How a daemon of somebody's own is configured nobody knows, but for the version that it speaks. */
const ofImages: readonly Rule[] = [speaksOtherwise];

/** Each with its place, what is wrong, and what to do; of a host with a count once. */
export function warningsOf(file: TopologyFile, nodes: readonly NodePlan[], firstOf: (entry: string) => string, locate: Locate): readonly string[] {
  const endpoint = (name: string): readonly [NodePlan, EndpointConfig] | undefined => nodes.flatMap((node) => (node.kind === 'host' && node.name === name && node.endpoint ? [[node, node.endpoint] as const] : []))[0];
  const warnings = Object.entries(file.hosts).flatMap(([entry, { connectsTo }]) => {
    const [client, gateway] = connectsTo === undefined ? [] : [endpoint(firstOf(entry)), endpoint(firstOf(connectsTo))];
    const connection = client?.[1].ike.connections[0];
    if (connectsTo === undefined || client === undefined || gateway === undefined || connection === undefined || connection.remote === 'any') return [];
    const way = wayTo(nodes, client[0], connection.remote);
    const seen = way.crossed.at(-1)?.box.outsideAddresses[0] ?? client[1].ike.address;
    const candidates = new Connections(gateway[1].ike.connections).with({ address: seen, port: 500 }, connection.ike.version).filter((candidate) => exchangeOf(candidate) === exchangeOf(connection));
    const meeting: Meeting = { client: client[1], connection, gateway: gateway[1], seen, way, candidates, keysByPeer: file.hosts[connectsTo]?.ike?.preSharedKeys !== undefined };
    const isImage = [entry, connectsTo].some((name) => file.hosts[name]?.image !== undefined);
    return (isImage ? ofImages : rules).flatMap(({ where: [whose, ...path], says }) => {
      const said = says(meeting);
      return said === undefined ? [] : [`${locate(['hosts', whose === 'client' ? entry : connectsTo, ...path])}: ${said}`];
    });
  });
  return [...new Set(warnings)];
}
