/** Finding and making payloads. */
import { notifyTypes, protocolIds, type Payload } from '../../wire/ike/message.ts';
import type { ChildProtocol } from '../config.ts';

/** Of child SAs. */
export const protocolIdOf: Readonly<Record<ChildProtocol, number>> = { esp: protocolIds.ESP, ah: protocolIds.AH };

export type NotifyPayload = Extract<Payload, { type: 'Notify' }>;
type Named<Type, P = Payload> = P extends { readonly type: infer Types } ? (Type extends Types ? P : never) : never;
const empty = new Uint8Array(0);

/** The one payload of a type; undefined when there is none, or more than one, which no exchange of ours allows. */
export function only<Type extends Payload['type']>(payloads: readonly Payload[], type: Type): Named<Type> | undefined {
  const found = payloads.filter((payload) => payload.type === type);
  return found.length === 1 ? (found[0] as Named<Type>) : undefined;
}

export const has = (payloads: readonly Payload[], type: Payload['type']): boolean => payloads.some((payload) => payload.type === type);

/** A notify that concerns the IKE SA, or no SA in particular: protocol 0, no SPI (RFC 7296 §3.10). */
export const notify = (notifyType: number, data: Uint8Array = empty): NotifyPayload => ({ type: 'Notify', protocol: 0, spi: empty, notifyType, data });

/** A notify that names a child SA by the SPI under which its sender receives. */
export const childNotify = (notifyType: number, protocol: ChildProtocol, spi: Uint8Array): NotifyPayload => ({ type: 'Notify', protocol: protocolIdOf[protocol], spi, notifyType, data: empty });

export const notifiesOf = (payloads: readonly Payload[], notifyType: number): NotifyPayload[] =>
  payloads.filter((payload): payload is NotifyPayload => payload.type === 'Notify' && payload.notifyType === notifyType);

export const notifyOf = (payloads: readonly Payload[], notifyType: number): NotifyPayload | undefined => notifiesOf(payloads, notifyType)[0];

/** RFC 7296 §3.10.1: types below 16384 report errors. */
export const errorOf = (payloads: readonly Payload[]): NotifyPayload | undefined =>
  payloads.find((payload): payload is NotifyPayload => payload.type === 'Notify' && payload.notifyType < 16384);

/** RFC 7296 §1.2: one nonce of 16 to 256 octets (§3.9). */
export function nonceOf(payloads: readonly Payload[]): Uint8Array | undefined {
  const nonce = only(payloads, 'Nonce')?.data;
  return nonce !== undefined && nonce.length >= 16 && nonce.length <= 256 ? nonce : undefined;
}

export const invalidKe = (group: number): NotifyPayload => notify(notifyTypes.INVALID_KE_PAYLOAD, Uint8Array.of(group >> 8, group & 255));

/** The group that INVALID_KE_PAYLOAD asks for (RFC 7296 §1.3): two octets, network order. */
export const wantedGroup = ({ data }: NotifyPayload): number | undefined => (data.length === 2 ? (data[0]! << 8) | data[1]! : undefined);

/** 4 octets, network order. */
export const childSpi = (spi: number): Uint8Array => Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
export const childSpiFrom = (bytes: Uint8Array): number | undefined =>
  bytes.length === 4 ? ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0 : undefined;
