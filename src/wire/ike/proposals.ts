/** The substructures of the SA payload (RFC 7296 §3.3). */
import type { Writer } from '../../core/bytes.ts';
import { readAttributes, writeAttribute } from './attributes.ts';
import type { DataAttribute } from './attributes.ts';
import type { Fields } from './fields.ts';
import { protocolIds } from './message.ts';
import type { Proposal, Transform } from './message.ts';
import { readSubstructures, writeSubstructures } from './substructures.ts';

const keyLengthAttribute = 14;

/** RFC 7296 §3.3.1: which sizes of SPI a protocol has; IKE's own first negotiation sends none. */
const spiSizes: Readonly<Record<number, readonly number[]>> = { [protocolIds.IKE]: [0, 8], [protocolIds.AH]: [4], [protocolIds.ESP]: [4] };

/**
 * RFC 7296 §3.3.1, one proposal after the other.
 * ```
 *   Last Substruc (8) | RESERVED (8)  | Proposal Length (16)
 *   Proposal Num (8)  | Protocol (8)  | SPI Size (8) | Num Transforms (8)
 *   SPI, Transforms
 * ```
 */
export const readProposals = (body: Fields): readonly Proposal[] => readSubstructures(body, 'proposal', readProposal);

function readProposal(body: Fields): Proposal {
  const number = body.u8('Proposal Num');
  const protocol = body.u8('Protocol ID');
  const spiSize = body.u8('SPI Size');
  const count = body.u8('Num Transforms');
  if (spiSizes[protocol]?.includes(spiSize) === false) body.refuse(`SPI Size ${spiSize} for protocol ${protocol}`);
  const spi = body.bytes('SPI', spiSize);
  const transforms = readSubstructures(body, 'transform', readTransform);
  if (transforms.length !== count) body.refuse(`Num Transforms is ${count}, ${transforms.length} there`);
  return { number, protocol, spi, transforms };
}

/**
 * RFC 7296 §3.3.2
 * ```
 *   Last Substruc (8)  | RESERVED (8) | Transform Length (16)
 *   Transform Type (8) | RESERVED (8) | Transform ID (16)
 *   Transform Attributes
 * ```
 */
function readTransform(body: Fields): Transform {
  const type = body.u8('Transform Type');
  body.u8('RESERVED');
  const id = body.u16('Transform ID');
  let keyLength: number | undefined;
  const otherAttributes: DataAttribute[] = [];
  for (const attribute of readAttributes(body)) {
    // RFC 7296 §3.3.5: Key Length has the short form only, and once is enough; anything else is not understood
    if (attribute.type === keyLengthAttribute && typeof attribute.value === 'number' && keyLength === undefined) keyLength = attribute.value;
    else otherAttributes.push(attribute);
  }
  return { type, id, ...(keyLength !== undefined && { keyLength }), ...(otherAttributes.length > 0 && { otherAttributes }) };
}

export function writeProposals(out: Writer, proposals: readonly Proposal[]): void {
  writeSubstructures(out, 'proposal', proposals, ({ number, protocol, spi, transforms }) => {
    out.u8(number).u8(protocol).u8(spi.length).u8(transforms.length).bytes(spi);
    writeSubstructures(out, 'transform', transforms, ({ type, id, keyLength, otherAttributes = [] }) => {
      out.u8(type).u8(0).u16(id);
      if (keyLength !== undefined) writeAttribute(out, { type: keyLengthAttribute, value: keyLength });
      for (const attribute of otherAttributes) writeAttribute(out, attribute);
    });
  });
}
