/** An IKEv1 message as a tree: its header, and payload by payload what stands in it (RFC 2408 §3). What is encrypted stays so. */
import { toHex } from '../core/bytes.ts';
import { address, alone, attributeLength, attributeOf, cookie, fittingTrees, headerLength, openedTrees, payloadTrees, reserved, substructureLength, text, type Known } from './dissect-ike-parts.ts';
import { decodePayloads } from './ike/v1/codec.ts';
import {
  certificateEncodings, configurationTypes, exchangeTypes, identificationTypes, natDetectionTypes, natOriginalAddressTypes, notifyTypes, payloadTypes, protocolIds,
} from './ike/v1/message.ts';
import type { Payload } from './ike/v1/message.ts';
import { notifyName } from './ike/v1/notation.ts';
import { vendorName } from './ike/v1/vendor-ids.ts';
import { attributeNames, configurationAttributeNames, payloadNames, transformNames } from './ike-v1-names.ts';
import { elsewhere } from './insight.ts';
import { namesOf, protocolNames } from './names.ts';
import { summarizeIke } from './summarize.ts';
import { branch, content, decimal, fields, hex, leaf, named, number, octets, sequence, withName, type Row, type Tree } from './tree.ts';

const protocolIdNames = namesOf(protocolIds);
const encrypted = 0x01;

export const headerReference = 'RFC 2408 §3.1';

export const headerRows: readonly Row[] = [
  ['Initiator cookie', 0, 8, hex],
  ['Responder cookie', 8, 8, cookie],
  ['Next payload', 16, 1, named(payloadNames)],
  ['Version', 17, 1, ([octet]) => `${octet! >>> 4}.${octet! & 15}`],
  ['Exchange type', 18, 1, named(namesOf(exchangeTypes))],
  ['Flags', 19, 1, ([flags]) => [flags! & encrypted ? 'encrypted' : 'in the clear', flags! & 0x02 ? 'commit' : '', flags! & 0x04 ? 'authentication only' : ''].filter(Boolean).join(', ')],
  ['Message ID', 20, 4, decimal],
  ['Length', 24, 4, decimal],
];

/** What stands behind the header of a message of major version 1. Never throws. */
export function payloadsOfV1(known: Known, base: number): Tree[] {
  const { message } = known;
  if (message.length <= headerLength) return [];
  if ((message[19]! & encrypted) === 0) return payloadTrees(known, base, () => false, (type, payload, at) => payloadTree(known, type, payload, at));
  const value = `${octets(message.subarray(headerLength))}, the first payload inside is ${withName(message[16]!, payloadNames)}`;
  return [
    leaf('Encrypted payloads', value, base + headerLength, base + message.length, 'RFC 2409 appendix B'),
    ...openedTrees(known, base + headerLength, base + message.length, 'RFC 2409 appendix B', (type) => payloadNames[type] ?? `Unknown ${type}`, (type, payload, at) => payloadTree(known, type, payload, at)),
  ];
}

function payloadTree(known: Known, type: number, payload: Uint8Array, base: number): Tree {
  const { reference, body } = bodies[type] ?? { reference: 'RFC 2408 §3.2', body: rows([['Body', 0, Infinity, content]]) };
  return branch(`${payloadNames[type] ?? `Unknown ${type}`} payload`, meaning(type, payload), base, base + payload.length, reference, [
    ...fields(payload, base, 'RFC 2408 §3.2', genericRows),
    ...body(payload.subarray(4), base + 4, reference),
    ...((natDetectionTypes as readonly number[]).includes(type) ? fittingTrees(known, payload.subarray(4), base + 4, reference) : []),
    ...(type === payloadTypes.Fragment ? togetherTrees(known, base, base + payload.length) : []),
  ]);
}

/** The whole message behind the last of its pieces, or how many of them are there. */
function togetherTrees({ message, insight }: Known, at: number, to: number): Tree[] {
  const whole = insight?.together(message);
  if (whole === undefined) return [];
  if (typeof whole === 'string') return [leaf('Not yet whole', whole, at, to)];
  const header = branch('Header', summarizeIke(whole), 0, headerLength, headerReference, fields(whole, 0, headerReference, headerRows));
  return [elsewhere('Put together', 'the whole message', whole, 'RFC 2408 §3', [header, ...payloadsOfV1({ message: whole, insight }, 0)])];
}

const genericRows: readonly Row[] = [
  ['Next payload', 0, 1, named(payloadNames)],
  reserved(1, 1),
  ['Payload length', 2, 2, decimal],
];

// ---- what a payload says, by the codec -----------------------------------------------------------------------------------

function meaning(type: number, payload: Uint8Array): string {
  const result = decodePayloads(type, alone(payload));
  return result.ok ? result.value.payloads.map(describePayload).join(', ') : `malformed: ${result.detail}`;
}

function describePayload(payload: Payload): string {
  switch (payload.type) {
    case 'SA':
      return payload.proposals.map(({ protocol, transforms }) => `${protocolIdNames[protocol] ?? protocol} with ${transforms.length === 1 ? '1 transform' : `${transforms.length} transforms`}`).join(', ');
    case 'ID':
      return identity(payload.idType, payload.data);
    case 'Notification':
      return notifyName(payload.notifyType);
    case 'Delete':
      return payload.spis.map((spi) => `0x${toHex(spi)}`).join(', ');
    case 'VID':
      return vendorName(payload.data);
    case 'Attributes':
      return withName(payload.configuration, namesOf(configurationTypes));
    case 'NAT-D':
      return `payload ${payload.number}, ${octets(payload.data)}`;
    case 'NAT-OA':
      return `payload ${payload.number}, ${payload.address}`;
    case 'Fragment':
      return `${payload.number} of message ${payload.identifier}${payload.last ? ', the last' : ''}`;
    case 'KE':
    case 'CERT':
    case 'CERTREQ':
    case 'HASH':
    case 'SIG':
    case 'Nonce':
    case 'Unknown':
      return octets(payload.data);
  }
}

/** Two addresses are told as the one and the other: `10.1.0.0, 255.255.255.0`. */
function identity(idType: number, data: Uint8Array): string {
  switch (idType) {
    case identificationTypes.IPV4_ADDR:
    case identificationTypes.IPV6_ADDR:
      return address(data);
    case identificationTypes.IPV4_ADDR_SUBNET:
    case identificationTypes.IPV4_ADDR_RANGE:
    case identificationTypes.IPV6_ADDR_SUBNET:
    case identificationTypes.IPV6_ADDR_RANGE:
      return `${address(data.subarray(0, data.length / 2))}, ${address(data.subarray(data.length / 2))}`;
    default:
      return text(data);
  }
}

// ---- the bodies of the payloads, field by field --------------------------------------------------------------------------

type Body = (bytes: Uint8Array, base: number, reference: string) => Tree[];

const rows =
  (table: readonly Row[]): Body =>
  (bytes, base, reference) =>
    fields(bytes, base, reference, table);

const anyProtocol = (names: Readonly<Record<number, string>>) => (field: Uint8Array): string => (number(field) === 0 ? '0 (any)' : named(names)(field));

const securityAssociation: Body = (bytes, base, reference) => [
  ...fields(bytes, base, reference, [['DOI', 0, 4, named({ 0: 'ISAKMP', 1: 'IPsec' })], ['Situation', 4, 4, named({ 1: 'identity only' })]]),
  ...sequence(bytes.subarray(8), base + 8, substructureLength, proposalTree),
];

function proposalTree(proposal: Uint8Array, at: number, index: number): Tree {
  const [protocol, spiSize] = [proposal[5]!, proposal[6]!];
  const transformsAt = 8 + spiSize;
  return branch(`Proposal ${index + 1}`, withName(protocol, protocolIdNames), at, at + proposal.length, 'RFC 2408 §3.5', [
    ...fields(proposal, at, 'RFC 2408 §3.5', [
      ['Next payload', 0, 1, named({ 0: 'none', 2: 'Proposal' })],
      ['Proposal length', 2, 2, decimal],
      ['Proposal number', 4, 1, decimal],
      ['Protocol', 5, 1, named(protocolIdNames)],
      ['SPI size', 6, 1, decimal],
      ['Number of transforms', 7, 1, decimal],
      ...(spiSize > 0 ? [['SPI', 8, spiSize, hex] satisfies Row] : []),
    ]),
    ...sequence(proposal.subarray(transformsAt), at + transformsAt, substructureLength, (transform, place, which) => transformTree(protocol, transform, place, which)),
  ]);
}

function transformTree(protocol: number, bytes: Uint8Array, base: number, index: number): Tree {
  const names = transformNames[protocol] ?? {};
  return branch(`Transform ${index + 1}`, withName(bytes[5]!, names), base, base + bytes.length, 'RFC 2408 §3.6', [
    ...fields(bytes, base, 'RFC 2408 §3.6', [
      ['Next payload', 0, 1, named({ 0: 'none', 3: 'Transform' })],
      ['Transform length', 2, 2, decimal],
      ['Transform number', 4, 1, decimal],
      ['Transform ID', 5, 1, named(names)],
      reserved(6, 2),
    ]),
    ...sequence(bytes.subarray(8), base + 8, attributeLength, (attribute, at) => attributeTree(protocol, attribute, at)),
  ]);
}

function attributeTree(protocol: number, bytes: Uint8Array, base: number): Tree {
  const { type, value } = attributeOf(bytes);
  const { types, values } = attributeNames(protocol);
  // RFC 2409 appendix A: durations in octets are numbers too
  const shown = typeof value === 'number' ? withName(value, values[type] ?? {}) : value.length <= 4 ? decimal(value) : content(value);
  return leaf(withName(type, types), shown, base, base + bytes.length, 'RFC 2408 §3.3');
}

const notification: Body = (bytes, base, reference) => {
  const spiSize = bytes[5] ?? 0;
  return fields(bytes, base, reference, [
    ['DOI', 0, 4, decimal],
    ['Protocol', 4, 1, named(protocolIdNames)],
    ['SPI size', 5, 1, decimal],
    ['Notify type', 6, 2, named(namesOf(notifyTypes))],
    ...(spiSize > 0 ? [['SPI', 8, spiSize, hex] satisfies Row] : []),
    ['Notification data', 8 + spiSize, Infinity, content],
  ]);
};

const deletion: Body = (bytes, base, reference) => {
  const spiSize = bytes[5] ?? 0;
  return [
    ...fields(bytes, base, reference, [['DOI', 0, 4, decimal], ['Protocol', 4, 1, named(protocolIdNames)], ['SPI size', 5, 1, decimal], ['Number of SPIs', 6, 2, decimal]]),
    ...sequence(bytes.subarray(8), base + 8, () => spiSize, (spi, at) => leaf('SPI', hex(spi), at, at + spi.length, reference)),
  ];
};

const configuration: Body = (bytes, base, reference) => [
  ...fields(bytes, base, reference, [['Type', 0, 1, named(namesOf(configurationTypes))], reserved(1, 1), ['Identifier', 2, 2, decimal]]),
  ...sequence(bytes.subarray(4), base + 4, attributeLength, (attribute, at) => {
    const { type, value } = attributeOf(attribute);
    return leaf(withName(type, configurationAttributeNames), typeof value === 'number' ? String(value) : address(value), at, at + attribute.length, 'RFC 2408 §3.3');
  }),
];

const identification = rows([
  ['ID type', 0, 1, named(namesOf(identificationTypes))],
  ['Protocol', 1, 1, anyProtocol(protocolNames)],
  ['Port', 2, 2, anyProtocol({})],
  ['Identification', 4, Infinity, text],
]);
const certificate = rows([['Encoding', 0, 1, named(namesOf(certificateEncodings))], ['Certificate', 1, Infinity, content]]);
const natDetection = { reference: 'RFC 3947 §3.2', body: rows([['Hash of cookies, address and port', 0, Infinity, content]]) };
const natOriginalAddress = { reference: 'RFC 3947 §5.2', body: rows([['ID type', 0, 1, named(namesOf(identificationTypes))], reserved(1, 3), ['Address', 4, Infinity, address]]) };

const bodies: Readonly<Record<number, { readonly reference: string; readonly body: Body }>> = {
  [payloadTypes.SA]: { reference: 'RFC 2408 §3.4', body: securityAssociation },
  [payloadTypes.KE]: { reference: 'RFC 2408 §3.7', body: rows([['Key exchange data', 0, Infinity, content]]) },
  [payloadTypes.ID]: { reference: 'RFC 2407 §4.6.2', body: identification },
  [payloadTypes.CERT]: { reference: 'RFC 2408 §3.9', body: certificate },
  [payloadTypes.CERTREQ]: { reference: 'RFC 2408 §3.10', body: certificate },
  [payloadTypes.HASH]: { reference: 'RFC 2408 §3.11', body: rows([['Hash', 0, Infinity, content]]) },
  [payloadTypes.SIG]: { reference: 'RFC 2408 §3.12', body: rows([['Signature', 0, Infinity, content]]) },
  [payloadTypes.Nonce]: { reference: 'RFC 2408 §3.13', body: rows([['Nonce', 0, Infinity, content]]) },
  [payloadTypes.Notification]: { reference: 'RFC 2408 §3.14', body: notification },
  [payloadTypes.Delete]: { reference: 'RFC 2408 §3.15', body: deletion },
  [payloadTypes.VID]: { reference: 'RFC 2408 §3.16', body: rows([['Vendor ID', 0, Infinity, content]]) },
  [payloadTypes.Attributes]: { reference: 'draft-ietf-ipsec-isakmp-mode-cfg §3.2', body: configuration },
  [payloadTypes.Fragment]: {
    reference: 'IKE fragmentation',
    body: rows([['Message', 0, 2, decimal], ['Fragment number', 2, 1, decimal], ['Flags', 3, 1, ([flags]) => (flags! & 1 ? 'the last' : 'more follow')], ['A piece of the message', 4, Infinity, octets]]),
  },
  ...Object.fromEntries(natDetectionTypes.map((type) => [type, natDetection])),
  ...Object.fromEntries(natOriginalAddressTypes.map((type) => [type, natOriginalAddress])),
};
