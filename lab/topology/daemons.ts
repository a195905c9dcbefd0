/** Daemons of the field by what they offer and how they behave: what `daemon: NAME` puts under a host's own `ike` and `esp`. */
import { espSchema, ikeSchema } from './schema.ts';
import type { HostFile, TopologySource } from './schema.ts';

export interface DaemonPreset {
  readonly name: string;
  readonly title: string;
  /** What of it is known from where, and what is modelled. */
  readonly observation: string;
  /** As a topology file would say it. */
  readonly ike: Ike;
  readonly esp: Esp;
}

type Ike = NonNullable<TopologySource['hosts'][string]['ike']>;
type Esp = NonNullable<TopologySource['hosts'][string]['esp']>;
type Proposals = NonNullable<Ike['proposals']>;
type EspProposals = NonNullable<Esp['proposals']>;

const l2tp = { protocol: 'udp', localPort: 1701, remotePort: 1701 } as const;

const phaseOne = (ciphers: readonly (128 | 256 | '3des')[], prf: Proposals[number]['prf'], groups: Proposals[number]['groups']): Proposals => [
  { encryption: ciphers.map((cipher) => (cipher === '3des' ? { name: '3des-cbc' } : { name: 'aes-cbc', bits: cipher })), integrity: [], prf, groups },
];
const phaseTwo = (ciphers: readonly (128 | 256 | '3des')[], integrity: EspProposals[number]['integrity'], groups: EspProposals[number]['groups'] = []): EspProposals => [
  { encryption: ciphers.map((cipher) => (cipher === '3des' ? { name: '3des-cbc' } : { name: 'aes-cbc', bits: cipher })), integrity, groups, extendedSequenceNumbers: false },
];

export const daemonPresets: readonly DaemonPreset[] = [
  {
    name: 'windows-xp-nat-t-update',
    title: 'Windows XP and 2000 with the NAT-T update: L2TP over transport mode, draft -02 with the newline',
    observation: "The vendor IDs, the commit bit and the private encapsulation modes are those of Windows captures (draft -02\\n, MS NT5 ISAKMPOAKLEY). L2TP's one port, UDP 1701 on both sides, makes the selectors of all clients equal. That quick mode says a name where the address is a private one is known from the logs of its peers. Draft -02 does not tell a client what the box has made of its address, so checksums are made anew. That, and the algorithms and their order, are modelled.",
    ike: {
      version: 'v1',
      virtualAddress: 'none',
      proposals: phaseOne(['3des'], ['hmac-sha1', 'hmac-md5'], ['modp-2048', 'modp-1024']),
      v1: { exchange: 'main', commitBit: true, quickModeIdentity: 'name', natt: { offers: ['draft-02n'], accepts: ['draft-02n'] }, vendorIds: ['msNt5', 'fragmentation', 'msInitialContact'] },
    },
    esp: { mode: 'transport', upperLayer: l2tp, checksumRepair: 'recompute', proposals: phaseTwo(['3des'], ['hmac-md5-96', 'hmac-sha1-96']) },
  },
  {
    name: 'windows-modern',
    title: 'Windows since Vista: L2TP over transport mode, RFC 3947 and draft -02 with the newline',
    observation: "Its first message, vendor ID by vendor ID, and the groups 20, 19, 14 and 2 are those of a Windows capture; it takes the RFC's encapsulation modes and the draft's. Checksums are made anew, as in its predecessor. Algorithms besides are modelled.",
    ike: {
      version: 'v1',
      virtualAddress: 'none',
      proposals: phaseOne([256, 128, '3des'], ['hmac-sha1'], ['ecp-384', 'ecp-256', 'modp-2048', 'modp-1024']),
      v1: {
        exchange: 'main',
        commitBit: true,
        natt: { offers: ['rfc-3947', 'draft-02n'], accepts: ['rfc-3947', 'draft-02n'] },
        vendorIds: ['msNt5', 'fragmentation', 'msNegotiationDiscovery', 'msInitialContact', 'cga'],
      },
    },
    esp: { mode: 'transport', upperLayer: l2tp, checksumRepair: 'recompute', proposals: phaseTwo([256, 128, '3des'], ['hmac-sha1-96']) },
  },
  {
    name: 'racoon',
    title: 'racoon of ipsec-tools: takes the newest version of NAT-T that both know',
    observation: 'That it takes the highest version is sourced; which ones are announced depends on how it was built: here the RFC, draft -02 in both spellings, and draft -00. IKE fragments are off in it unless ike_frag says otherwise. Algorithms as its manual\'s examples have them.',
    ike: {
      version: 'v1',
      fragmentation: false,
      proposals: phaseOne([128, '3des'], ['hmac-sha1', 'hmac-md5'], ['modp-1024']),
      v1: { exchange: 'main', natt: { offers: ['rfc-3947', 'draft-02n', 'draft-02', 'draft-00'], accepts: ['rfc-3947', 'draft-02n', 'draft-02', 'draft-00'] }, vendorIds: ['racoon'] },
    },
    esp: { proposals: phaseTwo([128, '3des'], ['hmac-sha1-96', 'hmac-md5-96'], ['modp-1024']) },
  },
  {
    name: 'strongswan',
    title: 'strongSwan: announces RFC 3947 and draft -02 with the newline, ignores draft -00 and -04 to -08',
    observation: 'Measured with strongSwan 5.9.8, which the tests meet in both roles; IKE fragments are on in it by default since 5.5.1.',
    ike: {
      version: 'v1',
      proposals: phaseOne([128, 256], ['hmac-sha2-256', 'hmac-sha1'], ['ecp-256', 'ecp-384', 'modp-2048']),
      v1: { exchange: 'main', natt: { offers: ['rfc-3947', 'draft-02n'], accepts: ['rfc-3947', 'draft-03', 'draft-02', 'draft-02n'] }, vendorIds: ['strongswan'] },
    },
    esp: { proposals: phaseTwo([128, 256], ['hmac-sha2-256-128', 'hmac-sha1-96']) },
  },
  {
    name: 'shrew',
    title: "Shrew Soft's VPN client: aggressive mode, XAUTH, Mode Config",
    observation: 'The client of many road warriors before IKEv2: drafts -00 to -03 and the RFC, and Cisco\'s vendor IDs, as its log says; forced to main mode it works as well. Name and password are yours: ike.v1.xauth. Algorithms are modelled.',
    ike: {
      version: 'v1',
      virtualAddress: 'request',
      proposals: phaseOne([256, 128, '3des'], ['hmac-sha1', 'hmac-md5'], ['modp-2048', 'modp-1536', 'modp-1024']),
      v1: {
        exchange: 'aggressive',
        natt: { offers: ['rfc-3947', 'draft-03', 'draft-02n', 'draft-01', 'draft-00'], accepts: ['rfc-3947', 'draft-03', 'draft-02n', 'draft-01', 'draft-00'] },
        vendorIds: ['xauth', 'unity', 'shrew'],
      },
    },
    esp: { proposals: phaseTwo([256, 128, '3des'], ['hmac-sha1-96', 'hmac-md5-96']) },
  },
  {
    name: 'illumos',
    title: 'in.iked of illumos and Solaris: RFC 3947 and the last two drafts with private numbers',
    observation: 'The system whose UDP_NAT_T_ENDPOINT socket puts in and takes out the marker, and sends the keepalives (every 20 s). Which drafts it announces is modelled, and that it knows no IKE fragments.',
    ike: {
      version: 'v1',
      fragmentation: false,
      proposals: phaseOne([256, 128, '3des'], ['hmac-sha1', 'hmac-md5'], ['modp-2048', 'modp-1536', 'modp-1024']),
      v1: { exchange: 'main', natt: { offers: ['rfc-3947', 'draft-03', 'draft-02'], accepts: ['rfc-3947', 'draft-03', 'draft-02'] } },
    },
    esp: { proposals: phaseTwo([256, 128, '3des'], ['hmac-sha1-96', 'hmac-md5-96']) },
  },
  {
    name: 'freebsd-kame',
    title: "KAME's racoon on a BSD without the NAT-T patch: no NAT traversal at all",
    observation: 'The daemon that everything after it descends from. It announces nothing, stays on port 500 and sends plain ESP; NAT-T came to FreeBSD as a patch first. Algorithms as the manual\'s examples have them.',
    ike: {
      version: 'v1',
      natTraversal: false,
      fragmentation: false,
      proposals: phaseOne(['3des'], ['hmac-sha1', 'hmac-md5'], ['modp-1024']),
      v1: { exchange: 'main', natt: { offers: [], accepts: [] }, vendorIds: ['racoon'] },
    },
    esp: { proposals: phaseTwo(['3des'], ['hmac-sha1-96', 'hmac-md5-96'], ['modp-1024']) },
  },
];

export const daemonNamed = (name: string): DaemonPreset | undefined => daemonPresets.find((preset) => preset.name === name);

/** A host with what its daemon's preset says, where it says nothing itself. */
export function asDaemon(host: HostFile): HostFile {
  const preset = host.daemon === undefined ? undefined : daemonNamed(host.daemon);
  if (preset === undefined) return host;
  return { ...host, ike: under(ikeSchema.parse(preset.ike), host.ike), esp: under(espSchema.parse(preset.esp), host.esp) };
}

/** What is given goes on top; lists are taken whole. */
function under(base: object, top: object | undefined): object {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(top ?? {})) {
    if (value === undefined) continue;
    const below = merged[key];
    merged[key] = isGroup(below) && isGroup(value) ? under(below, value) : value;
  }
  return merged;
}

const isGroup = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
