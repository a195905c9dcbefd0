/** SAs as PF_KEY says them. Every field is explained in the README of this folder. */
import { isIpv4, type IpAddress } from '../core/address.ts';
import type { Instant } from '../core/time.ts';
import { mac } from '../crypto/integrity.ts';
import { encapsulationTypes, ipsecModes, saFlags, saStates, saTypes, type PfkeyAddress, type PfkeyMessage, type PfkeySa } from '../wire/pfkey/message.ts';
import { integrityFor, suiteFor } from './algorithms.ts';
import type { Kernel, PfkeyBody } from './kernel.ts';
import { currentLifetime, unused } from './lifetime.ts';
import { ReplayWindow } from './replay-window.ts';
import type { EncapsulationRules } from './encapsulation-rules.ts';
import type { OriginalAddresses } from './checksum-repair.ts';
import type { Encapsulation, EstablishedSa, NatOa, Protocol, Sa } from './sad.ts';

/** SPIs below are reserved (RFC 4303 §2.1). */
export const lowestSpi = 256;

const replayUnit = 8; // packets, sadb_sa

const states = { larval: saStates.LARVAL, mature: saStates.MATURE, dying: saStates.DYING } as const;

/** A whole outer address, no port. */
export const addressInPfkey = (address: IpAddress): PfkeyAddress => ({ protocol: 0, prefixLength: isIpv4(address) ? 32 : 128, address, port: 0 });

export function saInPfkey(sa: Sa): PfkeySa {
  if (sa.state === 'larval') return { spi: sa.spi, replay: 0, state: saStates.LARVAL, auth: 0, encrypt: 0, flags: 0 };
  const { auth, encrypt } = sa.algorithms;
  return { spi: sa.spi, replay: sa.window.size / replayUnit, state: states[sa.state], auth, encrypt, flags: sa.keying.extended ? saFlags.ESN : 0 };
}

/** What says which SA is meant. */
export const nameInPfkey = (sa: Sa): PfkeyBody => ({
  sa: saInPfkey(sa),
  sa2: { mode: sa.mode, sequence: 0, reqid: sa.reqid },
  source: addressInPfkey(sa.source),
  destination: addressInPfkey(sa.destination),
});

/** All but the keys. */
export const associationInPfkey = (sa: Sa): PfkeyBody =>
  sa.state === 'larval'
    ? nameInPfkey(sa)
    : {
        lifetimeCurrent: currentLifetime(sa.usage),
        ...(sa.hard && { lifetimeHard: sa.hard }),
        ...(sa.soft && { lifetimeSoft: sa.soft }),
        ...encapsulationInPfkey(sa.encapsulation),
        ...sa.natOa,
        ...(sa.behindNat && { nattLocalBehindNat: true }),
        ...nameInPfkey(sa),
      };

/** Copies: what leaves in a message outlives the SA's own keys. */
export const keysInPfkey = (sa: Sa): PfkeyBody =>
  sa.state === 'larval' ? {} : { ...(sa.encryptionKey.length > 0 && { encryptionKey: sa.encryptionKey.slice() }), ...(sa.authKey.length > 0 && { authKey: sa.authKey.slice() }) };

function encapsulationInPfkey(encapsulation: Encapsulation): PfkeyBody {
  switch (encapsulation.kind) {
    case 'unknown':
      return {};
    case 'plain':
      return { nattType: encapsulationTypes.NONE };
    case 'udp':
      return { nattType: encapsulation.nonIke ? encapsulationTypes.ESPINUDP_NON_IKE : encapsulationTypes.ESPINUDP, nattSourcePort: encapsulation.sourcePort, nattDestinationPort: encapsulation.destinationPort };
  }
}

/** What a message says of NAT traversal; undefined when that makes no sense, or is something that the system has not. */
export function readEncapsulation({ nattType, nattSourcePort = 0, nattDestinationPort = 0 }: PfkeyBody, { nonIke }: Pick<EncapsulationRules, 'nonIke'>): Encapsulation | undefined {
  const noPorts = nattSourcePort === 0 && nattDestinationPort === 0;
  switch (nattType) {
    case undefined:
      return noPorts ? { kind: 'unknown' } : undefined;
    case encapsulationTypes.NONE:
      return noPorts ? { kind: 'plain' } : undefined;
    case encapsulationTypes.ESPINUDP:
    case encapsulationTypes.ESPINUDP_NON_IKE:
      return nattSourcePort === 0 || nattDestinationPort === 0 || (nattType !== encapsulationTypes.ESPINUDP && !nonIke)
        ? undefined
        : { kind: 'udp', sourcePort: nattSourcePort, destinationPort: nattDestinationPort, nonIke: nattType !== encapsulationTypes.ESPINUDP };
    default:
      return undefined;
  }
}

/** The ends of the SA in a request, when they are two addresses of one family. */
export function readEnds({ source, destination }: PfkeyBody): { readonly source: IpAddress; readonly destination: IpAddress } | undefined {
  if (source === undefined || destination === undefined || isIpv4(source.address) !== isIpv4(destination.address)) return undefined;
  return { source: source.address, destination: destination.address };
}

/** What the request says of the addresses that were there before a NAT: as it came, for those who ask. */
export const readNatOa = ({ nattOriginalAddress, nattOriginalSource, nattOriginalDestination }: PfkeyBody): NatOa => ({
  ...(nattOriginalAddress && { nattOriginalAddress }),
  ...(nattOriginalSource && { nattOriginalSource }),
  ...(nattOriginalDestination && { nattOriginalDestination }),
});

/** The addresses that the packets of an inbound SA were made with. Linux's one is the peer's, which there is the source. */
export const originalAddresses = ({ natOa }: Pick<EstablishedSa, 'natOa'>): OriginalAddresses => ({
  source: (natOa.nattOriginalSource ?? natOa.nattOriginalAddress)?.address,
  destination: natOa.nattOriginalDestination?.address,
});

/** The mode of an SA, tunnel where nothing is said; undefined for what is none. */
export function readMode({ sa2 }: PfkeyBody): number | undefined {
  switch (sa2?.mode) {
    case undefined:
    case ipsecModes.ANY:
    case ipsecModes.TUNNEL:
      return ipsecModes.TUNNEL;
    case ipsecModes.TRANSPORT:
      return ipsecModes.TRANSPORT;
    default:
      return undefined;
  }
}

/** sadb_msg_satype, undefined for one that no SA here has. */
export const protocolOf = (saType: number): Protocol | undefined => (saType === saTypes.ESP ? 'esp' : saType === saTypes.AH ? 'ah' : undefined);

/** The mature SA that an ADD, or the UPDATE of a larval one, describes; undefined for EINVAL. Its keys are copies. */
export function readAssociation(request: PfkeyMessage, now: Instant, { isLocal, rules }: Pick<Kernel, 'isLocal' | 'rules'>): EstablishedSa | undefined {
  const { sa, lifetimeHard, lifetimeSoft } = request;
  const ends = readEnds(request);
  const mode = readMode(request);
  const encapsulation = readEncapsulation(request, rules);
  if (sa === undefined || ends === undefined || mode === undefined || encapsulation === undefined || sa.spi < lowestSpi) return undefined;
  const direction = isLocal(ends.destination) ? 'in' : 'out';
  const extended = (sa.flags & saFlags.ESN) !== 0;
  if (extended && direction === 'in' && sa.replay === 0) return undefined; // RFC 4303 §3.3.3: the high bits are known from the window
  const keyed = protocolOf(request.saType) === 'ah' ? keyedAh(request, sa, encapsulation, extended) : keyedEsp(request, sa, extended);
  return keyed && {
    state: 'mature', direction, spi: sa.spi, ...ends, mode, reqid: request.sa2?.reqid ?? 0, encapsulation, natOa: readNatOa(request), behindNat: request.nattLocalBehindNat === true, ...keyed,
    usage: unused(now), hard: lifetimeHard, soft: lifetimeSoft,
    window: new ReplayWindow(sa.replay * replayUnit, extended), sequence: 0, reportedPeer: undefined,
  };
}

type Keyed = Pick<EstablishedSa, 'protocol' | 'algorithms' | 'encryptionKey' | 'authKey' | 'keying'>;

function keyedEsp({ encryptionKey, authKey = new Uint8Array() }: PfkeyMessage, { spi, encrypt, auth }: PfkeySa, extended: boolean): Keyed | undefined {
  const named = encryptionKey && suiteFor({ encrypt, auth }, encryptionKey.length, authKey.length);
  if (named === undefined) return undefined;
  const { suite, ...names } = named;
  const keys = { encryptionKey: encryptionKey!.slice(), authKey: authKey.slice() };
  return { protocol: 'esp', algorithms: { ...names, encrypt, auth }, ...keys, keying: { protocol: 'esp', spi, cipher: suite.create(keys.encryptionKey, keys.authKey), aead: suite.aead, extended } };
}

/** AH encrypts nothing, and there is no AH in UDP: an SA that would need it cannot be made. */
function keyedAh({ encryptionKey, authKey }: PfkeyMessage, { spi, encrypt, auth }: PfkeySa, { kind }: Encapsulation, extended: boolean): Keyed | undefined {
  const integrity = authKey && integrityFor(auth, authKey.length);
  if (integrity === undefined || encryptionKey !== undefined || encrypt !== 0 || kind === 'udp') return undefined;
  const keys = { encryptionKey: new Uint8Array(), authKey: authKey!.slice() };
  return { protocol: 'ah', algorithms: { name: `AH with ${integrity}`, encryption: 'none', integrity, encrypt, auth }, ...keys, keying: { protocol: 'ah', spi, mac: mac(integrity, keys.authKey), extended } };
}
