/** Any IKEv1 message that RFC 2408 and RFC 2407 allow, for property tests. */
import fc from 'fast-check';
import { addressFromBytes } from '../../../../src/core/address.ts';
import type { DataAttribute } from '../../../../src/wire/ike/attributes.ts';
import { natDetectionTypes, natOriginalAddressTypes } from '../../../../src/wire/ike/v1/message.ts';
import type { IsakmpHeader, IsakmpMessage, Payload, Proposal, Transform } from '../../../../src/wire/ike/v1/message.ts';
import { octets } from '../arbitrary.ts';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);

const attribute: fc.Arbitrary<DataAttribute> = fc.record({ type: fc.nat(0x7fff), value: fc.oneof(u16, octets(0, 20)) });
const attributes = fc.array(attribute, { maxLength: 6 });

const transform: fc.Arbitrary<Transform> = fc.record({ number: u8, id: u8, attributes });
const protocolWithSpi = fc.oneof(
  fc.record({ protocol: fc.constant(1), spi: octets(0, 16) }),
  fc.record({ protocol: fc.constantFrom(2, 3), spi: octets(4) }),
  fc.record({ protocol: fc.integer({ min: 4, max: 255 }), spi: octets(0, 16) }),
);
const proposal: fc.Arbitrary<Proposal> = fc
  .record({ number: u8, named: protocolWithSpi, transforms: fc.array(transform, { minLength: 1, maxLength: 6 }) })
  .map(({ number, named, transforms }) => ({ number, ...named, transforms }));

/** ID types with the length of their data; the others are free. */
const addressLengths = { 1: 4, 4: 8, 5: 16, 6: 32, 7: 8, 8: 32 } as const;
const identity = fc.oneof(
  ...Object.entries(addressLengths).map(([type, length]) => fc.record({ idType: fc.constant(Number(type)), data: octets(length) })),
  fc.record({ idType: u8.filter((type) => !(type in addressLengths)), data: octets(0, 40) }),
);

const deleted = fc.oneof(
  fc.record({ protocol: fc.constant(1), spis: fc.array(octets(16), { maxLength: 2 }) }),
  fc.record({ protocol: fc.constantFrom(2, 3), spis: fc.array(octets(4), { maxLength: 5 }) }),
);

const known = new Set<number>([...Array.from({ length: 15 }, (_, i) => i), 132, ...natDetectionTypes, ...natOriginalAddressTypes]);

export const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ type: fc.constant('SA' as const), doi: fc.constant(1), situation: u32.map((flags) => (flags & ~6) >>> 0), proposals: fc.array(proposal, { minLength: 1, maxLength: 4 }) }),
  fc.record({ type: fc.constantFrom('KE' as const, 'HASH' as const, 'SIG' as const, 'VID' as const), data: octets(0, 260) }),
  fc.record({ type: fc.constant('ID' as const), protocol: u8, port: u16, identity }).map(({ identity, ...rest }) => ({ ...rest, ...identity })),
  fc.record({ type: fc.constantFrom('CERT' as const, 'CERTREQ' as const), encoding: u8, data: octets(0, 60) }),
  fc.record({ type: fc.constant('Nonce' as const), data: octets(8, 256) }),
  fc.record({ type: fc.constant('Notification' as const), doi: u32, protocol: u8, spi: octets(0, 16), notifyType: u16, data: octets(0, 40) }),
  fc.record({ doi: u32, what: deleted }).map(({ doi, what }) => ({ type: 'Delete' as const, doi, ...what })),
  fc.record({ type: fc.constant('Attributes' as const), configuration: u8, identifier: u16, attributes }),
  fc.record({ type: fc.constant('NAT-D' as const), number: fc.constantFrom(...natDetectionTypes), data: octets(0, 64) }),
  fc.record({ type: fc.constant('NAT-OA' as const), number: fc.constantFrom(...natOriginalAddressTypes), address: fc.oneof(octets(4), octets(16)).map(addressFromBytes) }),
  fc.record({ type: fc.constant('Fragment' as const), identifier: u16, number: u8, last: fc.boolean(), data: octets(0, 100) }),
  fc.record({ type: fc.constant('Unknown' as const), payloadType: u8.filter((type) => !known.has(type)), data: octets(0, 40) }),
);

export const header: fc.Arbitrary<IsakmpHeader> = fc.record({
  initiatorCookie: octets(8),
  responderCookie: octets(8),
  version: fc.integer({ min: 0x10, max: 0x1f }),
  exchange: u8,
  flags: fc.record({ encryption: fc.constant(false), commit: fc.boolean(), authenticationOnly: fc.boolean() }),
  messageId: u32,
});

export const message: fc.Arbitrary<IsakmpMessage> = fc.record({ header, payloads: fc.array(payload, { maxLength: 8 }) });
