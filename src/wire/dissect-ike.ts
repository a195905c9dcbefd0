/** An IKE message as a tree: its header, and payload by payload what stands in it (RFC 7296 §3; of IKEv1 RFC 2408 §3). What is in SK stays encrypted. */
import { toHex } from '../core/bytes.ts';
import { address, alone, attributeLength, attributeOf, cookie, fittingTrees, headerLength, openedTrees, payloadTrees, reserved, substructureLength, text, type Known } from './dissect-ike-parts.ts';
import { headerReference as headerReferenceOfV1, headerRows as headerRowsOfV1, payloadsOfV1 } from './dissect-ike-v1.ts';
import { decodePayloads } from './ike/codec.ts';
import { configurationAttributes, configurationTypes, exchangeTypes, identificationTypes, notifyTypes, payloadTypes, protocolIds } from './ike/message.ts';
import type { Payload } from './ike/message.ts';
import { notifyName } from './ike/notation.ts';
import type { Insight } from './insight.ts';
import { transformNames, transformTypeNames } from './ike-names.ts';
import { namesOf, protocolNames } from './names.ts';
import { startOfIke, summarizeIke } from './summarize.ts';
import { branch, content, decimal, fields, hex, leaf, named, number, octets, sequence, withName, type Row, type Tree } from './tree.ts';

const payloadNames = { ...namesOf(payloadTypes), 0: 'none' };
const protocolIdNames = namesOf(protocolIds);
const nameOf = (type: number): string => namesOf(payloadTypes)[type] ?? `Unknown ${type}`;

/** The message that begins at octet `base` of the packet, or as much of it as there is. Never throws. */
export function dissectIke(message: Uint8Array, base: number, insight?: Insight, isPart = false): Tree {
  const [reference, rows] = majorVersion(message) === 1 ? [headerReferenceOfV1, headerRowsOfV1] : ['RFC 7296 §3.1', headerRows];
  const header = branch('Header', isPart ? startOfIke(message) : summarizeIke(message), base, base + Math.min(message.length, headerLength), reference, fields(message, base, reference, rows));
  return branch('IKE', octets(message), base, base + message.length, majorVersion(message) === 1 ? 'RFC 2408 §3' : 'RFC 7296 §3', [header, ...payloads({ message, insight, isPart }, base)]);
}

const majorVersion = (message: Uint8Array): number | undefined => (message.length > 17 ? message[17]! >>> 4 : undefined);

const headerRows: readonly Row[] = [
  ['Initiator SPI', 0, 8, hex],
  ['Responder SPI', 8, 8, cookie],
  ['Next payload', 16, 1, named(payloadNames)],
  ['Version', 17, 1, ([octet]) => `${octet! >>> 4}.${octet! & 15}`],
  ['Exchange type', 18, 1, named(namesOf(exchangeTypes))],
  ['Flags', 19, 1, ([flags]) => [flags! & 0x08 ? 'from the original initiator' : 'from the original responder', flags! & 0x20 ? 'response' : 'request', flags! & 0x10 ? 'higher version' : ''].filter(Boolean).join(', ')],
  ['Message ID', 20, 4, decimal],
  ['Length', 24, 4, decimal],
];

/** RFC 7296 §3.2: SK and SKF are the last, and name what is inside them. */
function payloads(known: Known, base: number): Tree[] {
  const { message } = known;
  if (message.length <= headerLength) return [];
  if (majorVersion(message) === 1) return payloadsOfV1(known, base);
  if (majorVersion(message) !== 2) return [leaf('Payloads of another version', octets(message.subarray(headerLength)), base + headerLength, base + message.length)];
  return payloadTrees(known, base, (type) => type === payloadTypes.SK || type === payloadTypes.SKF, (type, payload, at) => payloadTree(known, type, payload, at));
}

function payloadTree(known: Known, type: number, payload: Uint8Array, base: number): Tree {
  const { reference, body } = bodies[type] ?? { reference: 'RFC 7296 §3.2', body: rows([['Body', 0, Infinity, content]]) };
  return branch(`${nameOf(type)} payload`, meaning(type, payload), base, base + payload.length, reference, [
    ...fields(payload, base, 'RFC 7296 §3.2', genericRows),
    ...body(payload.subarray(4), base + 4, reference),
    ...behind(known, type, payload, base),
  ]);
}

/** What is known of a payload beyond its octets. */
function behind(known: Known, type: number, payload: Uint8Array, base: number): Tree[] {
  if (type === payloadTypes.SK || type === payloadTypes.SKF) {
    return openedTrees(known, base, base + payload.length, 'RFC 7296 §3.14', nameOf, (inner, bytes, at) => payloadTree(known, inner, bytes, at));
  }
  const decoded = type === payloadTypes.Notify ? decodePayloads(type, alone(payload)) : undefined;
  const [notify] = decoded?.ok ? decoded.value : [];
  if (notify?.type !== 'Notify' || !detections.has(notify.notifyType)) return [];
  return fittingTrees(known, notify.data, base + payload.length - notify.data.length, 'RFC 7296 §2.23');
}

const detections: ReadonlySet<number> = new Set([notifyTypes.NAT_DETECTION_SOURCE_IP, notifyTypes.NAT_DETECTION_DESTINATION_IP]);

const genericRows: readonly Row[] = [
  ['Next payload', 0, 1, named(payloadNames)],
  ['Critical', 1, 1, ([octet]) => (octet! & 0x80 ? 'yes' : 'no')],
  ['Payload length', 2, 2, decimal],
];

// ---- what a payload says, by the codec -----------------------------------------------------------------------------------

function meaning(type: number, payload: Uint8Array): string {
  if (type === payloadTypes.SK || type === payloadTypes.SKF) return `encrypted, the first inside is ${withName(payload[0]!, payloadNames)}`;
  const result = decodePayloads(type, alone(payload));
  return result.ok ? result.value.map(describePayload).join(', ') : `malformed: ${result.detail}`;
}

function describePayload(payload: Payload): string {
  switch (payload.type) {
    case 'SA':
      return payload.proposals.length === 1 ? '1 proposal' : `${payload.proposals.length} proposals`;
    case 'KE':
      return transform(4, payload.group);
    case 'IDi':
    case 'IDr':
      return identity(payload.idType, payload.data);
    case 'Notify':
      return notifyName(payload.notifyType);
    case 'Delete':
      return payload.spis.length === 0 ? 'the IKE SA' : payload.spis.map((spi) => `0x${toHex(spi)}`).join(', ');
    case 'TSi':
    case 'TSr':
      return payload.selectors.map(({ startAddress, endAddress }) => `${startAddress}–${endAddress}`).join(', ');
    case 'CP':
      return withName(payload.configuration, namesOf(configurationTypes));
    case 'CERT':
    case 'CERTREQ':
    case 'AUTH':
    case 'Nonce':
    case 'Vendor':
    case 'EAP':
    case 'Unknown':
      return octets(payload.data);
  }
}

const transform = (type: number, id: number): string => withName(id, transformNames[type] ?? {});

function identity(idType: number, identification: Uint8Array): string {
  switch (idType) {
    case identificationTypes.IPV4_ADDR:
    case identificationTypes.IPV6_ADDR:
      return address(identification);
    default:
      return text(identification);
  }
}

// ---- the bodies of the payloads, field by field --------------------------------------------------------------------------

type Body = (bytes: Uint8Array, base: number, reference: string) => Tree[];

const rows =
  (table: readonly Row[]): Body =>
  (bytes, base, reference) =>
    fields(bytes, base, reference, table);

const identification = rows([['ID type', 0, 1, named(namesOf(identificationTypes))], reserved(1, 3), ['Identification', 4, Infinity, text]]);
const certificate = rows([['Encoding', 0, 1, decimal], ['Certificate', 1, Infinity, content]]);

const selectors: Body = (bytes, base, reference) => [
  ...fields(bytes, base, reference, [['Number of selectors', 0, 1, decimal], reserved(1, 3)]),
  ...sequence(bytes.subarray(4), base + 4, (rest) => (rest.length < 8 ? NaN : Math.max(8, number(rest.subarray(2, 4)))), (selector, at) => {
    const length = (selector.length - 8) / 2; // of an address
    const table: readonly Row[] = [
      ['Type', 0, 1, named({ 7: 'IPv4 range', 8: 'IPv6 range' })],
      ['Protocol', 1, 1, (field) => (number(field) === 0 ? '0 (any)' : named(protocolNames)(field))],
      ['Selector length', 2, 2, decimal],
      ['Start port', 4, 2, decimal],
      ['End port', 6, 2, decimal],
      ...(Number.isInteger(length) ? [['Starting address', 8, length, address] satisfies Row, ['Ending address', 8 + length, length, address] satisfies Row] : []),
    ];
    return branch('Traffic selector', octets(selector), at, at + selector.length, 'RFC 7296 §3.13.1', fields(selector, at, 'RFC 7296 §3.13.1', table));
  }),
];

const proposals: Body = (bytes, base) =>
  sequence(bytes, base, substructureLength, (proposal, at, index) => {
    const spiSize = proposal[6]!;
    const trees = fields(proposal, at, 'RFC 7296 §3.3.1', [
      ['Last', 0, 1, named({ 0: 'yes', 2: 'more follow' })],
      ['Proposal length', 2, 2, decimal],
      ['Proposal number', 4, 1, decimal],
      ['Protocol', 5, 1, named(protocolIdNames)],
      ['SPI size', 6, 1, decimal],
      ['Number of transforms', 7, 1, decimal],
      ...(spiSize > 0 ? [['SPI', 8, spiSize, hex] satisfies Row] : []),
    ]);
    const transformsAt = 8 + spiSize;
    return branch(`Proposal ${index + 1}`, withName(proposal[5]!, protocolIdNames), at, at + proposal.length, 'RFC 7296 §3.3.1', [
      ...trees,
      ...sequence(proposal.subarray(transformsAt), at + transformsAt, substructureLength, transformTree),
    ]);
  });

function transformTree(bytes: Uint8Array, base: number): Tree {
  const type = bytes[4]!;
  const id = number(bytes.subarray(6, 8));
  return branch(`Transform ${transformTypeNames[type] ?? type}`, transform(type, id), base, base + bytes.length, 'RFC 7296 §3.3.2', [
    ...fields(bytes, base, 'RFC 7296 §3.3.2', [
      ['Last', 0, 1, named({ 0: 'yes', 3: 'more follow' })],
      ['Transform length', 2, 2, decimal],
      ['Transform type', 4, 1, named(transformTypeNames)],
      ['Transform ID', 6, 2, () => transform(type, id)],
    ]),
    ...sequence(bytes.subarray(8), base + 8, attributeLength, attributeTree),
  ]);
}

function attributeTree(bytes: Uint8Array, base: number): Tree {
  const { type, value } = attributeOf(bytes);
  const shown = typeof value === 'number' ? String(value) : content(value);
  return leaf('Attribute', type === 14 ? `key length ${shown} bits` : `${type}: ${shown}`, base, base + bytes.length, 'RFC 7296 §3.3.5');
}

const notify: Body = (bytes, base, reference) => {
  const spiSize = bytes[1] ?? 0;
  return fields(bytes, base, reference, [
    ['Protocol', 0, 1, (field) => (number(field) === 0 ? '0 (none)' : named(protocolIdNames)(field))],
    ['SPI size', 1, 1, decimal],
    ['Notify type', 2, 2, named(namesOf(notifyTypes))],
    ...(spiSize > 0 ? [['SPI', 4, spiSize, hex] satisfies Row] : []),
    ['Notification data', 4 + spiSize, Infinity, content],
  ]);
};

const deletion: Body = (bytes, base, reference) => {
  const spiSize = bytes[1] ?? 0;
  return [
    ...fields(bytes, base, reference, [['Protocol', 0, 1, named(protocolIdNames)], ['SPI size', 1, 1, decimal], ['Number of SPIs', 2, 2, decimal]]),
    ...sequence(bytes.subarray(4), base + 4, () => spiSize, (spi, at) => leaf('SPI', hex(spi), at, at + spi.length, reference)),
  ];
};

const configuration: Body = (bytes, base, reference) => [
  ...fields(bytes, base, reference, [['Type', 0, 1, named(namesOf(configurationTypes))], reserved(1, 3)]),
  ...sequence(bytes.subarray(4), base + 4, (rest) => (rest.length < 4 ? NaN : 4 + number(rest.subarray(2, 4))), (attribute, at) => {
    const type = number(attribute.subarray(0, 2)) & 0x7fff;
    return leaf(withName(type, namesOf(configurationAttributes)), address(attribute.subarray(4)), at, at + attribute.length, 'RFC 7296 §3.15.1');
  }),
];

const bodies: Readonly<Record<number, { readonly reference: string; readonly body: Body }>> = {
  [payloadTypes.SA]: { reference: 'RFC 7296 §3.3', body: proposals },
  [payloadTypes.KE]: { reference: 'RFC 7296 §3.4', body: rows([['Diffie-Hellman group', 0, 2, (field) => transform(4, number(field))], reserved(2, 2), ['Key exchange data', 4, Infinity, content]]) },
  [payloadTypes.IDi]: { reference: 'RFC 7296 §3.5', body: identification },
  [payloadTypes.IDr]: { reference: 'RFC 7296 §3.5', body: identification },
  [payloadTypes.CERT]: { reference: 'RFC 7296 §3.6', body: certificate },
  [payloadTypes.CERTREQ]: { reference: 'RFC 7296 §3.7', body: certificate },
  [payloadTypes.AUTH]: { reference: 'RFC 7296 §3.8', body: rows([['Method', 0, 1, named({ 1: 'RSA signature', 2: 'shared key', 14: 'digital signature' })], reserved(1, 3), ['Authentication data', 4, Infinity, content]]) },
  [payloadTypes.Nonce]: { reference: 'RFC 7296 §3.9', body: rows([['Nonce', 0, Infinity, content]]) },
  [payloadTypes.Notify]: { reference: 'RFC 7296 §3.10', body: notify },
  [payloadTypes.Delete]: { reference: 'RFC 7296 §3.11', body: deletion },
  [payloadTypes.Vendor]: { reference: 'RFC 7296 §3.12', body: rows([['Vendor ID', 0, Infinity, text]]) },
  [payloadTypes.TSi]: { reference: 'RFC 7296 §3.13', body: selectors },
  [payloadTypes.TSr]: { reference: 'RFC 7296 §3.13', body: selectors },
  [payloadTypes.SK]: { reference: 'RFC 7296 §3.14', body: rows([['IV, ciphertext and integrity check', 0, Infinity, octets]]) },
  [payloadTypes.CP]: { reference: 'RFC 7296 §3.15', body: configuration },
  [payloadTypes.EAP]: { reference: 'RFC 7296 §3.16', body: rows([['EAP message', 0, Infinity, content]]) },
  [payloadTypes.SKF]: { reference: 'RFC 7383 §2.5', body: rows([['Fragment number', 0, 2, decimal], ['Total fragments', 2, 2, decimal], ['IV, ciphertext and integrity check', 4, Infinity, octets]]) },
};
