/**
 * On port 500 a box may expect IKE, and tell clients apart by its cookies; on 4500 behind a marker (RFC 3948 §2.2). So the message goes as a vendor ID in the
 * first message of an IKE SA whose initiator SPI is the flow's tag, and beside it stands what a real first message says of NAT traversal.
 */
import { fromHex, u32At } from '../core/bytes.ts';
import { decodeMessage, encodeMessage } from '../wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, notifyTypes } from '../wire/ike/message.ts';
import { decodeMessage as decodeIsakmp, encodeMessage as encodeIsakmp } from '../wire/ike/v1/codec.ts';
import { exchangeTypes as exchangesV1, ikeVersion1 } from '../wire/ike/v1/message.ts';
import { vendorIdOf, vendorIds } from '../wire/ike/v1/vendor-ids.ts';
import { nonEspMarker, withMarker } from '../wire/natt.ts';
import { looksLikeStun } from '../wire/stun.ts';

export type IkeVersion = 'v1' | 'v2';

export interface Disguise {
  readonly version: IkeVersion;
  /** Whether NAT traversal was spoken of when it arrived: RFC 3947 §3.1's vendor ID, RFC 7296 §2.23's notify. */
  readonly natTraversal: boolean;
}

const ikePort = 500;
const nattPort = 4500;

interface Wearer {
  readonly from: { readonly port: number };
  readonly to: { readonly port: number };
  readonly version: IkeVersion;
  /** 8 octets as hex. */
  readonly initiatorSpi: string;
  readonly response: boolean;
}

/** The payload of a datagram, in IKE's clothes where one of its ports is IKE's. */
export function disguised({ from, to, ...wearer }: Wearer, stun: Uint8Array): Uint8Array {
  const has = (port: number): boolean => from.port === port || to.port === port;
  if (has(ikePort)) return asIke[wearer.version](wearer, stun);
  return has(nattPort) ? withMarker(asIke[wearer.version](wearer, stun)) : stun;
}

type Clothes = (wearer: Pick<Wearer, 'initiatorSpi' | 'response'>, stun: Uint8Array) => Uint8Array;

const spisOf = ({ initiatorSpi, response }: Parameters<Clothes>[0]): readonly [initiator: Uint8Array, responder: Uint8Array] => {
  const initiator = fromHex(initiatorSpi);
  return [initiator, response ? initiator.map((octet) => ~octet) : new Uint8Array(8)];
};

const asIke: Record<IkeVersion, Clothes> = {
  v1: (wearer, stun) => {
    const [initiatorCookie, responderCookie] = spisOf(wearer);
    return encodeIsakmp({
      header: { initiatorCookie, responderCookie, version: ikeVersion1, exchange: exchangesV1.MAIN_MODE, flags: { encryption: false, commit: false, authenticationOnly: false }, messageId: 0 },
      payloads: [{ type: 'VID', data: vendorIds['rfc-3947'].id }, { type: 'VID', data: stun }],
    });
  },
  v2: (wearer, stun) => {
    const [initiatorSpi, responderSpi] = spisOf(wearer);
    return encodeMessage({
      header: { initiatorSpi, responderSpi, version: ikeVersion2, exchange: exchangeTypes.IKE_SA_INIT, flags: { initiator: !wearer.response, higherVersion: false, response: wearer.response }, messageId: 0 },
      payloads: [{ type: 'Notify', protocol: 0, spi: new Uint8Array(0), notifyType: notifyTypes.NAT_DETECTION_SOURCE_IP, data: anyHash }, { type: 'Vendor', data: stun }],
    });
  },
};

const anyHash = new Uint8Array(20);

/** The STUN message, whatever it wears: a box may have changed the port that told. */
export function unveiled(payload: Uint8Array): { readonly stun: Uint8Array; readonly disguise?: Disguise } {
  if (looksLikeStun(payload)) return { stun: payload };
  const bare = payload.length > nonEspMarker.length && u32At(payload, 0) === 0 ? payload.subarray(nonEspMarker.length) : payload;
  const ike = decodeMessage(bare);
  if (ike.ok && 'payloads' in ike.value && ike.value.payloads.length > 0) {
    const { payloads } = ike.value;
    const stun = payloads.find((one) => one.type === 'Vendor');
    return stun ? { stun: stun.data, disguise: { version: 'v2', natTraversal: payloads.some((one) => one.type === 'Notify' && one.notifyType === notifyTypes.NAT_DETECTION_SOURCE_IP) } } : { stun: payload };
  }
  const isakmp = decodeIsakmp(bare);
  if (!isakmp.ok || 'ciphertext' in isakmp.value) return { stun: payload };
  const vendors = isakmp.value.payloads.filter((one) => one.type === 'VID');
  const stun = vendors.find(({ data }) => looksLikeStun(data));
  return stun ? { stun: stun.data, disguise: { version: 'v1', natTraversal: vendors.some(({ data }) => vendorIdOf(data) === 'rfc-3947') } } : { stun: payload };
}
