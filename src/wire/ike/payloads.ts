/** The bodies of the payloads, each with its layout from RFC 7296 §3; the generic payload header is `codec.ts`'s. */
import type { Layout } from './layout.ts';
import { identificationTypes, protocolIds } from './message.ts';
import type { ConfigurationAttribute, Payload } from './message.ts';
import { readProposals, writeProposals } from './proposals.ts';
import { readSelectors, writeSelectors } from './selectors.ts';

export type KnownName = Exclude<Payload['type'], 'Unknown'>;
type PayloadNamed<Name, P extends Payload = Payload> = P extends Payload ? (Name extends P['type'] ? P : never) : never;

/** RFC 7296 §3.5: `ID Type (8) | RESERVED (24) | Identification Data`. */
const identification: Layout<PayloadNamed<'IDi'>> = {
  read(body) {
    const idType = body.u8('ID Type');
    body.bytes('RESERVED', 3);
    const wanted = identificationLengths[idType];
    if (wanted !== undefined && body.remaining !== wanted) body.refuse(`ID Type ${idType} with ${body.remaining} octets of address`);
    return { idType, data: body.rest() };
  },
  write: (out, { idType, data }) => out.u8(idType).zeros(3).bytes(data),
};
const identificationLengths: Readonly<Record<number, number>> = { [identificationTypes.IPV4_ADDR]: 4, [identificationTypes.IPV6_ADDR]: 16 };

/** RFC 7296 §3.6, §3.7: `Cert Encoding (8) | Certificate Data`, or `Certification Authority`. */
const certificate: Layout<PayloadNamed<'CERT'>> = {
  read: (body) => ({ encoding: body.u8('Cert Encoding'), data: body.rest() }),
  write: (out, { encoding, data }) => out.u8(encoding).bytes(data),
};

/** RFC 7296 §3.13: `Number of TSs (8) | RESERVED (24) | Traffic Selectors`. */
const trafficSelectors: Layout<PayloadNamed<'TSi'>> = {
  read(body) {
    const count = body.u8('Number of TSs');
    body.bytes('RESERVED', 3);
    if (count === 0) body.refuse('no Traffic Selector');
    return { selectors: readSelectors(body, count) };
  },
  write(out, { selectors }) {
    out.u8(selectors.length).zeros(3);
    writeSelectors(out, selectors);
  },
};

export const layouts: { readonly [Name in KnownName]: Layout<PayloadNamed<Name>> } = {
  /** §3.3: proposals, one after the other. */
  SA: {
    read: (body) => ({ proposals: readProposals(body) }),
    write: (out, { proposals }) => writeProposals(out, proposals),
  },

  /** §3.4: `Diffie-Hellman Group Num (16) | RESERVED (16) | Key Exchange Data`. */
  KE: {
    read(body) {
      const group = body.u16('Diffie-Hellman Group Num');
      body.u16('RESERVED');
      return { group, data: body.rest() };
    },
    write: (out, { group, data }) => out.u16(group).u16(0).bytes(data),
  },

  IDi: identification,
  IDr: identification,
  CERT: certificate,
  CERTREQ: certificate,

  /** §3.8: `Auth Method (8) | RESERVED (24) | Authentication Data`. */
  AUTH: {
    read(body) {
      const method = body.u8('Auth Method');
      body.bytes('RESERVED', 3);
      return { method, data: body.rest() };
    },
    write: (out, { method, data }) => out.u8(method).zeros(3).bytes(data),
  },

  /** §3.9: 16 to 256 octets. */
  Nonce: {
    read(body) {
      if (body.remaining < 16 || body.remaining > 256) body.refuse(`Nonce Data of ${body.remaining} octets`);
      return { data: body.rest() };
    },
    write: (out, { data }) => out.bytes(data),
  },

  /** §3.10: `Protocol ID (8) | SPI Size (8) | Notify Message Type (16) | SPI | Notification Data`. */
  Notify: {
    read(body) {
      const protocol = body.u8('Protocol ID');
      const spiSize = body.u8('SPI Size');
      const notifyType = body.u16('Notify Message Type');
      return { protocol, spi: body.bytes('SPI', spiSize), notifyType, data: body.rest() };
    },
    write: (out, { protocol, spi, notifyType, data }) => out.u8(protocol).u8(spi.length).u16(notifyType).bytes(spi).bytes(data),
  },

  /** §3.11: `Protocol ID (8) | SPI Size (8) | Num of SPIs (16) | SPIs`. The IKE SA is deleted without naming its SPIs. */
  Delete: {
    read(body) {
      const protocol = body.u8('Protocol ID');
      const spiSize = body.u8('SPI Size');
      const count = body.u16('Num of SPIs');
      const wanted = deletedSpiSize(protocol);
      if (wanted !== undefined && spiSize !== wanted) body.refuse(`SPI Size ${spiSize} for protocol ${protocol}`);
      if (body.remaining !== count * spiSize) body.refuse(`Num of SPIs is ${count} of ${spiSize} octets, ${body.remaining} octets there`);
      if (spiSize === 0 && count > 0) body.refuse(`Num of SPIs is ${count} where SPIs have no octets`);
      return { protocol, spis: Array.from({ length: count }, () => body.bytes('SPI', spiSize)) };
    },
    write(out, { protocol, spis }) {
      out.u8(protocol).u8(spis[0]?.length ?? deletedSpiSize(protocol) ?? 0).u16(spis.length);
      for (const spi of spis) out.bytes(spi);
    },
  },

  /** §3.12: whatever the vendor likes. */
  Vendor: {
    read: (body) => ({ data: body.rest() }),
    write: (out, { data }) => out.bytes(data),
  },

  TSi: trafficSelectors,
  TSr: trafficSelectors,

  /** §3.15: `CFG Type (8) | RESERVED (24) | Configuration Attributes`, each `R (1) | Type (15) | Length (16) | Value`. */
  CP: {
    read(body) {
      const configuration = body.u8('CFG Type');
      body.bytes('RESERVED', 3);
      const attributes: ConfigurationAttribute[] = [];
      while (body.remaining > 0) {
        const type = body.u16('Attribute Type') & 0x7fff;
        attributes.push({ type, value: body.bytes('Attribute Value', body.u16('Attribute Length')) });
      }
      return { configuration, attributes };
    },
    write(out, { configuration, attributes }) {
      out.u8(configuration).zeros(3);
      for (const { type, value } of attributes) out.u16(type).u16(value.length).bytes(value);
    },
  },

  /** §3.16: `Code (8) | Identifier (8) | Length (16) | …`, an EAP message whose Length is that of the payload without its header. */
  EAP: {
    read(body) {
      const data = body.rest();
      const length = data.length < 4 ? undefined : (data[2]! << 8) | data[3]!;
      if (length !== data.length) body.refuse(`EAP Length is ${length ?? 'cut off'}, ${data.length} octets there`);
      return { data };
    },
    write: (out, { data }) => out.bytes(data),
  },
};

/** RFC 7296 §3.11; undefined for protocols that it does not know. */
function deletedSpiSize(protocol: number): number | undefined {
  if (protocol === protocolIds.IKE) return 0;
  return protocol === protocolIds.AH || protocol === protocolIds.ESP ? 4 : undefined;
}
