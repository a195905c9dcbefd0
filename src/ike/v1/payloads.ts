/** Finding and making payloads. */
import { concat } from '../../core/bytes.ts';
import { ipsecDoi, protocolIds, type Payload, type PayloadChain } from '../../wire/ike/v1/message.ts';
import type { ChildProtocol } from '../config.ts';

type Named<Type, P = Payload> = P extends { readonly type: infer Types } ? (Type extends Types ? P : never) : never;
const empty = new Uint8Array(0);

/** Of child SAs. */
export const protocolIdOf: Readonly<Record<ChildProtocol, number>> = { esp: protocolIds.ESP, ah: protocolIds.AH };

export const all = <Type extends Payload['type']>({ payloads }: Pick<PayloadChain, 'payloads'>, type: Type): Named<Type>[] =>
  payloads.filter((payload) => payload.type === type) as Named<Type>[];

/** The one payload of a type; undefined when there is none, or more than one, which the message at hand does not allow. */
export function only<Type extends Payload['type']>(chain: Pick<PayloadChain, 'payloads'>, type: Type): Named<Type> | undefined {
  const found = all(chain, type);
  return found.length === 1 ? found[0] : undefined;
}

/** Of a payload of the peer's the octets behind its generic header, as they stood on the wire: `SAi_b`, `IDii_b` (RFC 2409 §3.2). */
export const receivedBody = ({ payloads, bodies }: PayloadChain, payload: Payload): Uint8Array => bodies[payloads.indexOf(payload)]!;

/** A notification about the ISAKMP SA itself, or about none; the SPI is the pair of cookies where it matters. */
export const notification = (notifyType: number, { data = empty, spi = empty }: { readonly data?: Uint8Array; readonly spi?: Uint8Array } = {}): Payload => ({
  type: 'Notification', doi: ipsecDoi, protocol: protocolIds.ISAKMP, spi, notifyType, data,
});

export const notificationOf = (chain: Pick<PayloadChain, 'payloads'>, notifyType: number): Named<'Notification'> | undefined =>
  all(chain, 'Notification').find((payload) => payload.notifyType === notifyType);

/** RFC 2408 §3.14.1: types below 16384 report errors. */
export const errorOf = (chain: Pick<PayloadChain, 'payloads'>): Named<'Notification'> | undefined =>
  all(chain, 'Notification').find(({ notifyType }) => notifyType < 16384);

/** The SPI of an ISAKMP SA (RFC 2408 §3.14, §3.15). */
export const cookiesOf = ({ initiatorSpi, responderSpi }: { readonly initiatorSpi: Uint8Array; readonly responderSpi: Uint8Array }): Uint8Array => concat(initiatorSpi, responderSpi);

/** 4 octets, network order. */
export const spiOctets = (spi: number): Uint8Array => Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
export const spiFrom = (bytes: Uint8Array): number | undefined =>
  bytes.length === 4 ? ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0 : undefined;
