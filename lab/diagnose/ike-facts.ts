/** What an IKE message of either version says that matters on the way through a NAT, as far as it can be read. */
import type { Endpoint } from '../../src/core/address.ts';
import { toHex, u32At } from '../../src/core/bytes.ts';
import type { Decoded } from '../../src/core/decoded.ts';
import { fragmentIn } from '../../src/ike/v1/fragmentation.ts';
import { decodeHeader, decodeMessage, decodePayloads } from '../../src/wire/ike/codec.ts';
import { notifyTypes } from '../../src/wire/ike/message.ts';
import type { Payload } from '../../src/wire/ike/message.ts';
import { exchangeName, notifyName } from '../../src/wire/ike/notation.ts';
import { decodeMessage as decodeMessageV1, decodePayloads as decodePayloadsV1 } from '../../src/wire/ike/v1/codec.ts';
import { configurationAttributes, configurationTypes, encapsulationModes, notifyTypes as notifyTypesV1, phaseTwoAttributes, xauthStatus } from '../../src/wire/ike/v1/message.ts';
import type { Payload as PayloadV1 } from '../../src/wire/ike/v1/message.ts';
import { exchangeName as exchangeNameV1, notifyName as notifyNameV1 } from '../../src/wire/ike/v1/notation.ts';
import { vendorIdOf, vendorIds } from '../../src/wire/ike/v1/vendor-ids.ts';
import type { Onlooker } from '../capture/onlooker.ts';
import type { Moment } from './moment.ts';

export interface Detection extends Moment {
  readonly place: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly source: boolean;
  readonly destination: boolean;
}

export interface IkeFacts {
  readonly version: 1 | 2;
  /** The initiator's SPI, which stays the same from the first message on. */
  readonly sa: string;
  readonly responderSpi: string;
  /** `IKE_AUTH`, `main mode`. */
  readonly exchange: string;
  readonly messageId: number;
  /** Of IKEv2: an answer; from the original initiator. IKEv1 has no such flags. */
  readonly response: boolean;
  readonly byInitiator: boolean;
  readonly marker: boolean;
  readonly encrypted: boolean;
  /** Of a message that IKE itself has cut up; IKEv1 tells how many there are with the last one only. */
  readonly fragment?: { readonly number: number; readonly total: number | undefined };
  readonly length: number;
  /** Whether what is encrypted could be read. */
  readonly opened: boolean;
  readonly vendorIds: readonly string[];
  readonly offersNatTraversal: boolean;
  readonly notifies: readonly string[];
  readonly sourceHashes: readonly Uint8Array[];
  readonly destinationHashes: readonly Uint8Array[];
  readonly detections: Detection[];
  readonly transportMode: boolean;
  readonly authenticates: boolean;
  readonly originalAddresses: number;
  /** SPIs that the sender wants to be sent to. */
  readonly childSpis: readonly number[];
  readonly password: 'refused' | 'accepted' | undefined;
  readonly deletes: boolean;
  /** Says no to an identity or to its proof. */
  readonly refuses: boolean;
}

const nothing = {
  opened: false, vendorIds: [], offersNatTraversal: false, notifies: [], sourceHashes: [], destinationHashes: [], transportMode: false, authenticates: false,
  originalAddresses: 0, childSpis: [], password: undefined, deletes: false, refuses: false,
} as const;

export function readIke(message: Uint8Array, marker: boolean, onlooker: Onlooker): IkeFacts {
  const header = decodeHeader(message);
  if (!header.ok) throw new TypeError(header.detail); // it was told apart by its header
  const { version: octet, initiatorSpi, responderSpi, exchange, flags, messageId } = header.value;
  const version: 1 | 2 = octet >>> 4 === 1 ? 1 : 2;
  const common = { version, sa: toHex(initiatorSpi), responderSpi: toHex(responderSpi), messageId, marker, length: message.length, detections: [] as Detection[] };
  if (version === 1) {
    const together = onlooker.together(message);
    const whole = together instanceof Uint8Array ? together : message;
    const read = decodeMessageV1(whole);
    const encrypted = (whole[19]! & 1) !== 0;
    const chain = encrypted ? insideOf(onlooker, whole, decodePayloadsV1) : undefined;
    const payloads = chain?.payloads ?? (read.ok && 'payloads' in read.value ? read.value.payloads : []);
    return { ...nothing, ...common, exchange: exchangeNameV1(exchange), response: false, byInitiator: false, encrypted, opened: chain !== undefined, ...fragmentOfV1(message), ...ofVersion1(payloads) };
  }
  const read = decodeMessage(message);
  const encrypted = read.ok && 'bodyAt' in read.value;
  const chain = encrypted ? insideOf(onlooker, message, decodePayloads) : undefined;
  const fragment = read.ok && 'bodyAt' in read.value ? read.value.fragment : undefined;
  const outer = read.ok ? ('payloads' in read.value ? read.value.payloads : 'outer' in read.value ? read.value.outer : []) : [];
  const payloads = [...outer, ...(chain ?? [])];
  return { ...nothing, ...common, exchange: exchangeName(exchange), response: flags.response, byInitiator: flags.initiator, encrypted, opened: chain !== undefined, ...(fragment !== undefined && { fragment }), ...ofVersion2(payloads) };
}

/** What was encrypted; of a message in fragments at the last of them that came. */
function insideOf<Chain>(onlooker: Onlooker, message: Uint8Array, decode: (first: number, bytes: Uint8Array) => Decoded<Chain>): Chain | undefined {
  const inside = onlooker.ike(message);
  const chain = typeof inside === 'object' && 'first' in inside ? decode(inside.first, inside.payloads) : undefined;
  return chain?.ok ? chain.value : undefined;
}

function fragmentOfV1(message: Uint8Array): Pick<IkeFacts, 'fragment'> {
  const read = decodeMessageV1(message);
  const fragment = read.ok ? fragmentIn(read.value) : undefined;
  return fragment === undefined ? {} : { fragment: { number: fragment.number, total: fragment.last ? fragment.number : undefined } };
}

function ofVersion2(payloads: readonly Payload[]): Partial<IkeFacts> {
  const notifies = payloads.flatMap((payload) => (payload.type === 'Notify' ? [payload] : []));
  const hashes = (type: number): Uint8Array[] => notifies.flatMap((notify) => (notify.notifyType === type ? [notify.data.slice()] : []));
  const [sourceHashes, destinationHashes] = [hashes(notifyTypes.NAT_DETECTION_SOURCE_IP), hashes(notifyTypes.NAT_DETECTION_DESTINATION_IP)];
  return {
    notifies: notifies.map(({ notifyType }) => notifyName(notifyType)),
    sourceHashes,
    destinationHashes,
    offersNatTraversal: sourceHashes.length + destinationHashes.length > 0,
    transportMode: notifies.some(({ notifyType }) => notifyType === notifyTypes.USE_TRANSPORT_MODE),
    authenticates: payloads.some(({ type }) => type === 'AUTH'),
    childSpis: payloads.flatMap((payload) => (payload.type === 'SA' ? payload.proposals.flatMap(({ spi }) => (spi.length === 4 ? [u32At(spi, 0)] : [])) : [])),
    deletes: payloads.some(({ type }) => type === 'Delete'),
    refuses: notifies.some(({ notifyType }) => notifyType === notifyTypes.AUTHENTICATION_FAILED),
  };
}

/** RFC 2408 §3.14.1: which of them daemons send for it differs. */
const refusals: readonly number[] = [notifyTypesV1.INVALID_ID_INFORMATION, notifyTypesV1.AUTHENTICATION_FAILED];

function ofVersion1(payloads: readonly PayloadV1[]): Partial<IkeFacts> {
  const names = payloads.flatMap((payload) => (payload.type === 'VID' ? [vendorIdOf(payload.data)] : [])).flatMap((key) => (key === undefined ? [] : [key]));
  const [destination, ...sources] = payloads.flatMap((payload) => (payload.type === 'NAT-D' ? [payload.data.slice()] : []));
  const proposals = payloads.flatMap((payload) => (payload.type === 'SA' ? payload.proposals : []));
  const modes = proposals.flatMap(({ transforms }) => transforms.flatMap(({ attributes }) => attributes.flatMap(({ type, value }) => (type === phaseTwoAttributes.ENCAPSULATION_MODE && typeof value === 'number' ? [value] : []))));
  const statuses = payloads.flatMap((payload) => (payload.type === 'Attributes' && payload.configuration === configurationTypes.SET ? payload.attributes.flatMap(({ type, value }) => (type === configurationAttributes.XAUTH_STATUS ? [value] : [])) : []));
  const transport: readonly number[] = [encapsulationModes.TRANSPORT, encapsulationModes.UDP_TRANSPORT, encapsulationModes.UDP_TRANSPORT_DRAFT];
  return {
    vendorIds: names.map((key) => vendorIds[key].name),
    offersNatTraversal: names.some((key) => key === 'rfc-3947' || key.startsWith('draft-')),
    notifies: payloads.flatMap((payload) => (payload.type === 'Notification' ? [notifyNameV1(payload.notifyType)] : [])),
    sourceHashes: sources,
    destinationHashes: destination === undefined ? [] : [destination],
    transportMode: proposals.some(({ protocol }) => protocol !== 1) && modes.some((mode) => transport.includes(mode)),
    originalAddresses: payloads.filter(({ type }) => type === 'NAT-OA').length,
    childSpis: proposals.flatMap(({ spi }) => (spi.length === 4 ? [u32At(spi, 0)] : [])),
    password: statuses.length === 0 ? undefined : statuses.includes(xauthStatus.OK) ? 'accepted' : 'refused',
    deletes: payloads.some(({ type }) => type === 'Delete'),
    refuses: payloads.some((payload) => payload.type === 'Notification' && refusals.includes(payload.notifyType)),
  };
}
