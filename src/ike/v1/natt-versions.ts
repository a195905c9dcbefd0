/** The versions of NAT-T for IKEv1: RFC 3947 and the drafts before it, which are all still in the field. */
import { encapsulationModes, type NatDetectionType, type NatOriginalAddressType, type Payload } from '../../wire/ike/v1/message.ts';
import { vendorIdOf, vendorIds } from '../../wire/ike/v1/vendor-ids.ts';
import { nattVersions, type ConnectionConfig, type NattVersion } from '../config.ts';

export interface NattTraits {
  readonly version: NattVersion;
  /** The numbers of its payloads. */
  readonly natDetection: NatDetectionType;
  readonly natOriginalAddress: NatOriginalAddressType;
  /** The encapsulation modes of UDP-encapsulated ESP. */
  readonly modes: Record<'tunnel' | 'transport', number>;
  /** Whether IKE and ESP move to port 4500, where a marker stands in front of IKE; else both stay on 500, and one stands in front of ESP. */
  readonly moves: boolean;
  /** In transport mode each side says its own original address, or both say both (RFC 3947 §5.2). */
  readonly originalAddresses: 'own' | 'both';
}

const { UDP_TUNNEL, UDP_TRANSPORT, UDP_TUNNEL_DRAFT, UDP_TRANSPORT_DRAFT } = encapsulationModes;
type Numbers = Pick<NattTraits, 'natDetection' | 'natOriginalAddress' | 'modes' | 'originalAddresses'>;

const assigned: Numbers = { natDetection: 20, natOriginalAddress: 21, modes: { tunnel: UDP_TUNNEL, transport: UDP_TRANSPORT }, originalAddresses: 'both' };
const preliminary: Numbers = { ...assigned, natDetection: 15, natOriginalAddress: 16 };
const privateUse: Numbers = { natDetection: 130, natOriginalAddress: 131, modes: { tunnel: UDP_TUNNEL_DRAFT, transport: UDP_TRANSPORT_DRAFT }, originalAddresses: 'own' };

const row = (version: NattVersion, numbers: Numbers, moves: boolean): NattTraits => ({ version, ...numbers, moves });

const table: readonly NattTraits[] = [
  row('rfc-3947', assigned, true),
  row('draft-08', preliminary, true),
  row('draft-07', preliminary, true),
  row('draft-06', preliminary, true),
  row('draft-05', preliminary, true),
  row('draft-04', preliminary, true),
  row('draft-03', privateUse, true),
  row('draft-02n', privateUse, true),
  row('draft-02', privateUse, true),
  row('draft-01', privateUse, false),
  row('draft-00', privateUse, false),
];

export const nattTraits = (version: NattVersion): NattTraits => table.find((candidate) => candidate.version === version)!;

export const nattVendorId = (version: NattVersion): Payload => ({ type: 'VID', data: vendorIds[version].id });

/** The best version that the peer's vendor IDs announce and that is accepted here: the newest; undefined when there is none. */
export function bestNattVersion(payloads: readonly Payload[], accepted: readonly NattVersion[]): NattTraits | undefined {
  const announced = new Set(payloads.map((payload) => (payload.type === 'VID' ? vendorIdOf(payload.data) : undefined)));
  const best = nattVersions.find((version) => accepted.includes(version) && announced.has(version));
  return best && nattTraits(best);
}

/** The encapsulation modes for ESP in UDP: a version's own number first. Either is understood, as Windows understands both, though it says one (draft-04 §10). */
export const nattModes = ({ modes }: NattTraits, mode: 'tunnel' | 'transport'): readonly number[] => [...new Set([modes[mode], assigned.modes[mode], privateUse.modes[mode]])];

/** Drafts 00 and 01 have ESP on port 500, behind a marker that the socket there must know. */
export const staysOnIkePort = ({ ike, natTraversal }: ConnectionConfig): boolean =>
  ike.version === 'v1' && natTraversal && [...ike.natt.offers, ...ike.natt.accepts].some((version) => !nattTraits(version).moves);
