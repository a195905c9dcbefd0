/** The bodies of IKEv1's payloads, each with its layout from RFC 2408 §3, RFC 2407 §4.6 and RFC 3947; the generic payload header is `codec.ts`'s. */
import { addressBytes, addressFromBytes, isIpv4 } from '../../../core/address.ts';
import type { Writer } from '../../../core/bytes.ts';
import { readAttributes, writeAttribute } from '../attributes.ts';
import type { Fields } from '../fields.ts';
import type { Layout as LayoutOf } from '../layout.ts';
import { readSubstructures, writeSubstructures } from '../substructures.ts';
import { identificationTypes, ipsecDoi, natDetectionTypes, natOriginalAddressTypes, payloadTypes, protocolIds } from './message.ts';
import type { Payload, Proposal, Transform } from './message.ts';

export type KnownName = Exclude<Payload['type'], 'Unknown'>;
type PayloadNamed<Name, P extends Payload = Payload> = P extends Payload ? (Name extends P['type'] ? P : never) : never;

/** NAT-D and NAT-OA have their numbers from what stood in front of them, not from their bodies. */
export type Layout<P extends Payload> = LayoutOf<P, P extends { type: 'NAT-D' | 'NAT-OA' } ? 'type' | 'number' : 'type'>;

const opaque = {
  read: (body: Fields) => ({ data: body.rest() }),
  write: (out: Writer, { data }: { readonly data: Uint8Array }) => out.bytes(data),
};

/** RFC 2408 §3.9, §3.10: `Cert Encoding (8) | Certificate Data`, or `Certificate Authority`. */
const certificate: Layout<PayloadNamed<'CERT'>> = {
  read: (body) => ({ encoding: body.u8('Cert Encoding'), data: body.rest() }),
  write: (out, { encoding, data }) => out.u8(encoding).bytes(data),
};

export const layouts: { readonly [Name in KnownName]: Layout<PayloadNamed<Name>> } = {
  /** RFC 2408 §3.4, RFC 2407 §4.6.1: `DOI (32) | Situation (32) | Proposals`. Labels would make a situation longer. */
  SA: {
    read(body) {
      const doi = body.u32('DOI');
      if (doi !== ipsecDoi) body.refuse(`DOI ${doi}`);
      const situation = body.u32('Situation');
      if ((situation & labelled) !== 0) body.refuse(`Situation ${situation} has labels`);
      return { doi, situation, proposals: readProposals(body) };
    },
    write(out, { doi, situation, proposals }) {
      out.u32(doi).u32(situation);
      writeProposals(out, proposals);
    },
  },

  /** RFC 2408 §3.7. The group is known from the SA payload. */
  KE: opaque,

  /** RFC 2407 §4.6.2: `ID Type (8) | Protocol ID (8) | Port (16) | Identification Data`. */
  ID: {
    read(body) {
      const [idType, protocol, port] = [body.u8('ID Type'), body.u8('Protocol ID'), body.u16('Port')];
      const wanted = identificationLengths[idType];
      if (wanted !== undefined && body.remaining !== wanted) body.refuse(`ID Type ${idType} with ${body.remaining} octets of addresses`);
      return { idType, protocol, port, data: body.rest() };
    },
    write: (out, { idType, protocol, port, data }) => out.u8(idType).u8(protocol).u16(port).bytes(data),
  },

  CERT: certificate,
  CERTREQ: certificate,
  /** RFC 2408 §3.11. */
  HASH: opaque,
  /** RFC 2408 §3.12. */
  SIG: opaque,

  /** RFC 2408 §3.13, RFC 2409 §5: 8 to 256 octets. */
  Nonce: {
    read(body) {
      if (body.remaining < 8 || body.remaining > 256) body.refuse(`Nonce Data of ${body.remaining} octets`);
      return { data: body.rest() };
    },
    write: opaque.write,
  },

  /** RFC 2408 §3.14: `DOI (32) | Protocol ID (8) | SPI Size (8) | Notify Message Type (16) | SPI | Notification Data`. */
  Notification: {
    read(body) {
      const [doi, protocol, spiSize, notifyType] = [body.u32('DOI'), body.u8('Protocol ID'), body.u8('SPI Size'), body.u16('Notify Message Type')];
      return { doi, protocol, spi: body.bytes('SPI', spiSize), notifyType, data: body.rest() };
    },
    write: (out, { doi, protocol, spi, notifyType, data }) => out.u32(doi).u8(protocol).u8(spi.length).u16(notifyType).bytes(spi).bytes(data),
  },

  /** RFC 2408 §3.15: `DOI (32) | Protocol ID (8) | SPI Size (8) | # of SPIs (16) | SPIs`. */
  Delete: {
    read(body) {
      const [doi, protocol, spiSize, count] = [body.u32('DOI'), body.u8('Protocol ID'), body.u8('SPI Size'), body.u16('# of SPIs')];
      const wanted = deletedSpiSizes[protocol];
      if (wanted === undefined ? spiSize === 0 : spiSize !== wanted) body.refuse(`SPI Size ${spiSize} for protocol ${protocol}`);
      if (body.remaining !== count * spiSize) body.refuse(`# of SPIs is ${count} of ${spiSize} octets, ${body.remaining} octets there`);
      return { doi, protocol, spis: Array.from({ length: count }, () => body.bytes('SPI', spiSize)) };
    },
    write(out, { doi, protocol, spis }) {
      out.u32(doi).u8(protocol).u8(spis[0]?.length ?? deletedSpiSizes[protocol] ?? 4).u16(spis.length);
      for (const spi of spis) out.bytes(spi);
    },
  },

  /** RFC 2408 §3.16. */
  VID: opaque,

  /** draft-ietf-ipsec-isakmp-mode-cfg §3.2: `Type (8) | RESERVED (8) | Identifier (16) | Attributes`. */
  Attributes: {
    read(body) {
      const configuration = body.u8('Type');
      body.u8('RESERVED');
      return { configuration, identifier: body.u16('Identifier'), attributes: readAttributes(body) };
    },
    write(out, { configuration, identifier, attributes }) {
      out.u8(configuration).u8(0).u16(identifier);
      for (const attribute of attributes) writeAttribute(out, attribute);
    },
  },

  /** RFC 3947 §3.2. */
  'NAT-D': opaque,

  /** RFC 3947 §5.2: `ID Type (8) | RESERVED (24) | Address`. */
  'NAT-OA': {
    read(body) {
      const idType = body.u8('ID Type');
      body.bytes('RESERVED', 3);
      const length = originalAddressLengths[idType] ?? body.refuse(`ID Type ${idType} is no address`);
      return { address: addressFromBytes(body.bytes('Address', length)) };
    },
    write: (out, { address }) => out.u8(isIpv4(address) ? identificationTypes.IPV4_ADDR : identificationTypes.IPV6_ADDR).zeros(3).bytes(addressBytes(address)),
  },

  /** `Fragment ID (16) | Number (8) | Flags (8) | data`, the lowest flag in the last piece; as Wireshark and strongSwan know it. */
  Fragment: {
    read: (body) => ({ identifier: body.u16('Fragment ID'), number: body.u8('Fragment Number'), last: (body.u8('Flags') & lastFragment) !== 0, data: body.rest() }),
    write: (out, { identifier, number, last, data }) => out.u16(identifier).u8(number).u8(last ? lastFragment : 0).bytes(data),
  },
};

/** RFC 2407 §4.2.2, §4.2.3: SIT_SECRECY and SIT_INTEGRITY. */
const labelled = 0x02 | 0x04;
const lastFragment = 0x01;

const { IPV4_ADDR, IPV4_ADDR_SUBNET, IPV4_ADDR_RANGE, IPV6_ADDR, IPV6_ADDR_SUBNET, IPV6_ADDR_RANGE } = identificationTypes;
/** RFC 2407 §4.6.2: an address, or two. */
const identificationLengths: Readonly<Record<number, number>> = {
  [IPV4_ADDR]: 4, [IPV4_ADDR_SUBNET]: 8, [IPV4_ADDR_RANGE]: 8, [IPV6_ADDR]: 16, [IPV6_ADDR_SUBNET]: 32, [IPV6_ADDR_RANGE]: 32,
};
const originalAddressLengths: Readonly<Record<number, number>> = { [IPV4_ADDR]: 4, [IPV6_ADDR]: 16 };

/** RFC 2408 §3.15: of an ISAKMP SA the two cookies; RFC 2407 §4.4.1 for the others. */
const deletedSpiSizes: Readonly<Record<number, number>> = { [protocolIds.ISAKMP]: 16, [protocolIds.AH]: 4, [protocolIds.ESP]: 4 };

/** RFC 2408 §3.5: for ISAKMP the SPI says nothing, and may have up to 16 octets. */
function spiFits(protocol: number, size: number): boolean {
  if (protocol === protocolIds.ISAKMP) return size <= 16;
  return protocol !== protocolIds.AH && protocol !== protocolIds.ESP ? true : size === 4;
}

/**
 * RFC 2408 §3.5
 * ```
 *   Next Payload (8) | RESERVED (8)    | Payload Length (16)
 *   Proposal # (8)   | Protocol-ID (8) | SPI Size (8) | # of Transforms (8)
 *   SPI, Transforms
 * ```
 */
const readProposals = (body: Fields): readonly Proposal[] => readSubstructures(body, 'proposal', readProposal);

function readProposal(body: Fields): Proposal {
  const [number, protocol, spiSize, count] = [body.u8('Proposal #'), body.u8('Protocol-ID'), body.u8('SPI Size'), body.u8('# of Transforms')];
  if (!spiFits(protocol, spiSize)) body.refuse(`SPI Size ${spiSize} for protocol ${protocol}`);
  const spi = body.bytes('SPI', spiSize);
  const transforms = readSubstructures(body, 'transform', readTransform);
  if (transforms.length !== count) body.refuse(`# of Transforms is ${count}, ${transforms.length} there`);
  return { number, protocol, spi, transforms };
}

/**
 * RFC 2408 §3.6
 * ```
 *   Next Payload (8) | RESERVED (8)     | Payload Length (16)
 *   Transform # (8)  | Transform-ID (8) | RESERVED2 (16)
 *   SA Attributes
 * ```
 */
function readTransform(body: Fields): Transform {
  const [number, id] = [body.u8('Transform #'), body.u8('Transform-ID')];
  body.u16('RESERVED2');
  return { number, id, attributes: readAttributes(body) };
}

function writeProposals(out: Writer, proposals: readonly Proposal[]): void {
  writeSubstructures(out, 'proposal', proposals, ({ number, protocol, spi, transforms }) => {
    out.u8(number).u8(protocol).u8(spi.length).u8(transforms.length).bytes(spi);
    writeSubstructures(out, 'transform', transforms, ({ number, id, attributes }) => {
      out.u8(number).u8(id).u16(0);
      for (const attribute of attributes) writeAttribute(out, attribute);
    });
  });
}

/** The names of payloads by their numbers, those of NAT-T's versions among them. Proposals and transforms stand inside SA only. */
const names: ReadonlyMap<number, KnownName> = new Map<number, KnownName>([
  ...(Object.keys(layouts) as KnownName[]).flatMap((name) => (name === 'NAT-D' || name === 'NAT-OA' ? [] : [[payloadTypes[name], name] as const])),
  ...natDetectionTypes.map((number) => [number, 'NAT-D'] as const),
  ...natOriginalAddressTypes.map((number) => [number, 'NAT-OA'] as const),
]);

export const nameOfType = (type: number): KnownName | undefined => names.get(type);

/** The number that a payload has on the wire. */
export function typeOf(payload: Payload): number {
  switch (payload.type) {
    case 'Unknown':
      return payload.payloadType;
    case 'NAT-D':
    case 'NAT-OA':
      return payload.number;
    default:
      return payloadTypes[payload.type];
  }
}
