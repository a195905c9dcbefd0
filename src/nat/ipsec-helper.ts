/** What "IPsec helpers" do to IKE messages so that NAT traversal is never spoken of, in the belief that they handle plain ESP better themselves. */
import { concat, setU16, setU32, u16At } from '../core/bytes.ts';
import { complement, wordSum } from '../wire/checksum.ts';
import { readChain, type Link } from '../wire/ike/chain.ts';
import { Fields } from '../wire/ike/fields.ts';
import { headerLength as ikeHeaderLength, lengthAt, readHeader, type RawHeader } from '../wire/ike/header.ts';
import { exchangeTypes as exchangesV2, notifyTypes, payloadTypes as payloadsV2 } from '../wire/ike/message.ts';
import { exchangeTypes as exchangesV1, payloadTypes as payloadsV1 } from '../wire/ike/v1/message.ts';
import { vendorIdOf, vendorIds } from '../wire/ike/v1/vendor-ids.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { refusing } from '../wire/refusing.ts';
import { udpAt, udpHeaderLength } from '../wire/udp.ts';
import type { IpsecHelp } from './behaviour.ts';
import type { Flow } from './flow.ts';
import { ikeMessageIn } from './ike-on-the-wire.ts';
import { computeUdpChecksum } from './rewrite.ts';

/** Where each kind of help finds what it takes out, and what that is. */
const helps: Record<IpsecHelp, { readonly isIn: (header: RawHeader) => boolean; readonly takes: (link: Link) => boolean }> = {
  'strip-vendor-ids': {
    isIn: ({ version, exchange, flags }) => version >>> 4 === 1 && (flags & encrypted) === 0 && (exchange === exchangesV1.MAIN_MODE || exchange === exchangesV1.AGGRESSIVE_MODE),
    takes: ({ type, body }) => type === payloadsV1.VID && isNatTraversal(body),
  },
  // RFC 7296 §2.15: the octets of IKE_SA_INIT are what both sides sign, so that these two find out in IKE_AUTH
  'strip-nat-detection': {
    isIn: ({ version, exchange }) => version >>> 4 === 2 && exchange === exchangesV2.IKE_SA_INIT,
    takes: ({ type, body }) => type === payloadsV2.Notify && body.length >= 4 && natDetection.includes(u16At(body, 2)),
  },
};

const encrypted = 0x01;
const natDetection: readonly number[] = [notifyTypes.NAT_DETECTION_SOURCE_IP, notifyTypes.NAT_DETECTION_DESTINATION_IP];

function isNatTraversal(vendorId: Uint8Array): boolean {
  const key = vendorIdOf(vendorId);
  return key !== undefined && vendorIds[key].name.startsWith('NAT-T');
}

/** The packet as it goes on: another one, with its lengths and checksums mended, where the helpers took something out of its IKE message. */
export function helped(helpers: readonly IpsecHelp[], flow: Flow, packet: Uint8Array): Uint8Array {
  const message = ikeMessageIn(flow, packet);
  const shorter = message && helpers.reduce<Uint8Array>(without, message);
  if (shorter === undefined || shorter === message) return packet;
  const headers = ipv4HeaderLengthOf(packet) + udpHeaderLength;
  const mended = concat(packet.subarray(0, headers), shorter);
  setU16(mended, ipv4At.totalLength, mended.length);
  setU16(mended, ipv4At.checksum, 0);
  setU16(mended, ipv4At.checksum, complement(wordSum(mended, 0, headers - udpHeaderLength)));
  const udp = headers - udpHeaderLength;
  const hadChecksum = u16At(mended, udp + udpAt.checksum) !== 0;
  setU16(mended, udp + udpAt.length, udpHeaderLength + shorter.length);
  setU16(mended, udp + udpAt.checksum, 0);
  if (hadChecksum) computeUdpChecksum(mended);
  return mended;
}

/** The message without what the helper takes; itself where there is nothing, or where it is malformed, which is for its receiver to say. */
function without(message: Uint8Array, help: IpsecHelp): Uint8Array {
  const read = refusing(() => {
    const fields = new Fields(message, 'header', 'ike-malformed');
    const header = readHeader(fields);
    return helps[help].isIn(header) ? { header, links: readChain(fields, header.nextPayload, String) } : undefined;
  });
  if (!read.ok || read.value === undefined) return message;
  const kept = read.value.links.filter((link) => !helps[help].takes(link));
  if (kept.length === read.value.links.length) return message;
  const shorter = concat(message.subarray(0, ikeHeaderLength), ...kept.flatMap((link, i) => [genericHeader(kept[i + 1]?.type ?? 0, link), link.body]));
  shorter[nextPayloadAt] = kept[0]?.type ?? 0;
  setU32(shorter, lengthAt, shorter.length);
  return shorter;
}

const nextPayloadAt = 16;
const genericHeader = (next: number, { flags, body }: Link): Uint8Array => Uint8Array.of(next, flags, (body.length + 4) >>> 8, body.length + 4);
