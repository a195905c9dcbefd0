/** Any IKEv2 message that RFC 7296 allows, for property tests. */
import fc from 'fast-check';
import { addressFromBytes } from '../../../src/core/address.ts';
import { identificationTypes } from '../../../src/wire/ike/message.ts';
import type { IkeHeader, IkeMessage, Payload, Proposal, TrafficSelector, Transform } from '../../../src/wire/ike/message.ts';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
export const octets = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength });

const transform: fc.Arbitrary<Transform> = fc.record(
  {
    type: u8,
    id: u16,
    keyLength: u16,
    otherAttributes: fc.array(
      // 14 in the short form is the key length itself
      fc.record({ type: fc.nat(0x7fff).filter((type) => type !== 14), value: fc.oneof(u16, octets(0, 20)) }),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: ['type', 'id'] },
);

const protocolWithSpi = fc.oneof(
  fc.record({ protocol: fc.constant(1), spi: fc.oneof(octets(0), octets(8)) }),
  fc.record({ protocol: fc.constantFrom(2, 3), spi: octets(4) }),
  fc.record({ protocol: fc.integer({ min: 4, max: 255 }), spi: octets(0, 16) }),
);
const proposal: fc.Arbitrary<Proposal> = fc
  .record({ number: u8, named: protocolWithSpi, transforms: fc.array(transform, { minLength: 1, maxLength: 6 }) })
  .map(({ number, named, transforms }) => ({ number, ...named, transforms }));

const selector: fc.Arbitrary<TrafficSelector> = fc.constantFrom(4, 16).chain((length) => {
  const address = octets(length).map(addressFromBytes);
  return fc.record({ protocol: u8, startPort: u16, endPort: u16, startAddress: address, endAddress: address });
});

const { IPV4_ADDR, IPV6_ADDR } = identificationTypes;
const identity = fc.oneof(
  fc.record({ idType: fc.constant(IPV4_ADDR), data: octets(4) }),
  fc.record({ idType: fc.constant(IPV6_ADDR), data: octets(16) }),
  fc.record({ idType: u8.filter((type) => type !== IPV4_ADDR && type !== IPV6_ADDR), data: octets(0, 40) }),
);

const deleted = fc.oneof(
  fc.record({ protocol: fc.constant(1), spis: fc.constant([]) }),
  fc.record({ protocol: fc.constantFrom(2, 3), spis: fc.array(octets(4), { maxLength: 5 }) }),
);

const eap = fc.record({ head: octets(2), body: octets(0, 30) }).map(({ head, body }) => Uint8Array.of(...head, 0, 4 + body.length, ...body));

const unknownType = u8.filter((type) => type !== 0 && type !== 46 && (type < 33 || type > 48) && type !== 53);

export const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ type: fc.constant('SA' as const), proposals: fc.array(proposal, { minLength: 1, maxLength: 4 }) }),
  fc.record({ type: fc.constant('KE' as const), group: u16, data: octets(0, 260) }),
  fc.record({ type: fc.constantFrom('IDi' as const, 'IDr' as const), identity }).map(({ type, identity }) => ({ type, ...identity })),
  fc.record({ type: fc.constantFrom('CERT' as const, 'CERTREQ' as const), encoding: u8, data: octets(0, 60) }),
  fc.record({ type: fc.constant('AUTH' as const), method: u8, data: octets(0, 64) }),
  fc.record({ type: fc.constant('Nonce' as const), data: octets(16, 256) }),
  fc.record({ type: fc.constant('Notify' as const), protocol: u8, spi: octets(0, 16), notifyType: u16, data: octets(0, 40) }),
  deleted.map((what) => ({ type: 'Delete' as const, ...what })),
  fc.record({ type: fc.constant('Vendor' as const), data: octets(0, 40) }),
  fc.record({ type: fc.constantFrom('TSi' as const, 'TSr' as const), selectors: fc.array(selector, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    type: fc.constant('CP' as const),
    configuration: u8,
    attributes: fc.array(fc.record({ type: fc.nat(0x7fff), value: octets(0, 20) }), { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('EAP' as const), data: eap }),
  fc.record({ type: fc.constant('Unknown' as const), payloadType: unknownType, critical: fc.boolean(), data: octets(0, 40) }),
);

export const header: fc.Arbitrary<IkeHeader> = fc.record({
  initiatorSpi: octets(8),
  responderSpi: octets(8),
  version: fc.integer({ min: 0x20, max: 0x2f }),
  exchange: u8,
  flags: fc.record({ initiator: fc.boolean(), higherVersion: fc.boolean(), response: fc.boolean() }),
  messageId: u32,
});

export const message: fc.Arbitrary<IkeMessage> = fc.record({ header, payloads: fc.array(payload, { maxLength: 8 }) });
