/** IKEv2 messages as values (RFC 7296 §3). `codec.ts` turns them into bytes and back; policy lives elsewhere. */
import type { IpAddress } from '../../core/address.ts';
import type { DataAttribute } from './attributes.ts';

export const ikeVersion2 = 0x20;

/** RFC 7296 §3.1. Both SPIs are 8 octets. */
export interface IkeHeader {
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
  readonly version: number; // major in the high nibble
  readonly exchange: number;
  readonly flags: IkeFlags;
  readonly messageId: number;
}

export interface IkeFlags {
  readonly initiator: boolean; // sent by the original initiator of the IKE SA
  readonly higherVersion: boolean;
  readonly response: boolean;
}

export const exchangeTypes = { IKE_SA_INIT: 34, IKE_AUTH: 35, CREATE_CHILD_SA: 36, INFORMATIONAL: 37 } as const;
export type ExchangeName = keyof typeof exchangeTypes;

export const payloadTypes = {
  SA: 33, KE: 34, IDi: 35, IDr: 36, CERT: 37, CERTREQ: 38, AUTH: 39, Nonce: 40, Notify: 41, Delete: 42, Vendor: 43, TSi: 44, TSr: 45, SK: 46, CP: 47, EAP: 48, SKF: 53,
} as const;
export type PayloadName = keyof typeof payloadTypes;

export const protocolIds = { IKE: 1, AH: 2, ESP: 3 } as const;

/** RFC 7296 §3.3.2. */
export const transformTypes = { ENCR: 1, PRF: 2, INTEG: 3, DH: 4, ESN: 5 } as const;

/** Key length (RFC 7296 §3.3.5, attribute 14) in bits, where the transform has one. */
export interface Transform {
  readonly type: number;
  readonly id: number;
  readonly keyLength?: number;
  /** Attributes that nobody here understands: RFC 7296 §3.3.6, such a transform must not be chosen. Absent when there are none. */
  readonly otherAttributes?: readonly DataAttribute[];
}

export interface Proposal {
  readonly number: number;
  readonly protocol: number;
  /** Empty in IKE_SA_INIT; 8 octets for IKE rekeys, 4 for ESP and AH. */
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
}

export const identificationTypes = { IPV4_ADDR: 1, FQDN: 2, RFC822_ADDR: 3, IPV6_ADDR: 5, DER_ASN1_DN: 9, DER_ASN1_GN: 10, KEY_ID: 11 } as const;

/** RFC 7296 §3.13.1: addresses and ports are inclusive ranges; protocol 0 is any. */
export interface TrafficSelector {
  readonly protocol: number;
  readonly startPort: number;
  readonly endPort: number;
  readonly startAddress: IpAddress;
  readonly endAddress: IpAddress;
}

/** RFC 7296 §3.15. */
export const configurationTypes = { REQUEST: 1, REPLY: 2, SET: 3, ACK: 4 } as const;
export const configurationAttributes = { INTERNAL_IP4_ADDRESS: 1, INTERNAL_IP4_NETMASK: 2, INTERNAL_IP4_DNS: 3, INTERNAL_IP6_ADDRESS: 8, INTERNAL_IP6_DNS: 10, INTERNAL_IP4_SUBNET: 13, INTERNAL_IP6_SUBNET: 15 } as const;

export interface ConfigurationAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** RFC 7296 §3.10.1. Below 16384 errors, from there on status. */
export const notifyTypes = {
  UNSUPPORTED_CRITICAL_PAYLOAD: 1, INVALID_IKE_SPI: 4, INVALID_MAJOR_VERSION: 5, INVALID_SYNTAX: 7, INVALID_MESSAGE_ID: 9, INVALID_SPI: 11,
  NO_PROPOSAL_CHOSEN: 14, INVALID_KE_PAYLOAD: 17, AUTHENTICATION_FAILED: 24, SINGLE_PAIR_REQUIRED: 34, NO_ADDITIONAL_SAS: 35,
  INTERNAL_ADDRESS_FAILURE: 36, FAILED_CP_REQUIRED: 37, TS_UNACCEPTABLE: 38, INVALID_SELECTORS: 39, UNACCEPTABLE_ADDRESSES: 40, UNEXPECTED_NAT_DETECTED: 41,
  TEMPORARY_FAILURE: 43, CHILD_SA_NOT_FOUND: 44,
  INITIAL_CONTACT: 16384, SET_WINDOW_SIZE: 16385, ADDITIONAL_TS_POSSIBLE: 16386, IPCOMP_SUPPORTED: 16387,
  NAT_DETECTION_SOURCE_IP: 16388, NAT_DETECTION_DESTINATION_IP: 16389, COOKIE: 16390, USE_TRANSPORT_MODE: 16391,
  HTTP_CERT_LOOKUP_SUPPORTED: 16392, REKEY_SA: 16393, ESP_TFC_PADDING_NOT_SUPPORTED: 16394, NON_FIRST_FRAGMENTS_ALSO: 16395,
  MOBIKE_SUPPORTED: 16396, ADDITIONAL_IP4_ADDRESS: 16397, ADDITIONAL_IP6_ADDRESS: 16398, NO_ADDITIONAL_ADDRESSES: 16399,
  UPDATE_SA_ADDRESSES: 16400, COOKIE2: 16401, NO_NATS_ALLOWED: 16402,
  MULTIPLE_AUTH_SUPPORTED: 16404, REDIRECT_SUPPORTED: 16406, EAP_ONLY_AUTHENTICATION: 16417, CHILDLESS_IKEV2_SUPPORTED: 16418, IKEV2_MESSAGE_ID_SYNC_SUPPORTED: 16420,
  IKEV2_FRAGMENTATION_SUPPORTED: 16430, SIGNATURE_HASH_ALGORITHMS: 16431,
} as const;

export type Payload =
  | { readonly type: 'SA'; readonly proposals: readonly Proposal[] }
  | { readonly type: 'KE'; readonly group: number; readonly data: Uint8Array }
  | { readonly type: 'IDi' | 'IDr'; readonly idType: number; readonly data: Uint8Array }
  | { readonly type: 'CERT' | 'CERTREQ'; readonly encoding: number; readonly data: Uint8Array }
  | { readonly type: 'AUTH'; readonly method: number; readonly data: Uint8Array }
  | { readonly type: 'Nonce'; readonly data: Uint8Array }
  | { readonly type: 'Notify'; readonly protocol: number; readonly spi: Uint8Array; readonly notifyType: number; readonly data: Uint8Array }
  | { readonly type: 'Delete'; readonly protocol: number; readonly spis: readonly Uint8Array[] }
  | { readonly type: 'Vendor'; readonly data: Uint8Array }
  | { readonly type: 'TSi' | 'TSr'; readonly selectors: readonly TrafficSelector[] }
  | { readonly type: 'CP'; readonly configuration: number; readonly attributes: readonly ConfigurationAttribute[] }
  | { readonly type: 'EAP'; readonly data: Uint8Array }
  /** RFC 7296 §2.5: skipped when not critical, refused with UNSUPPORTED_CRITICAL_PAYLOAD when it is. */
  | { readonly type: 'Unknown'; readonly payloadType: number; readonly critical: boolean; readonly data: Uint8Array };

/** A message in the clear: IKE_SA_INIT, or what stood inside SK. */
export interface IkeMessage {
  readonly header: IkeHeader;
  readonly payloads: readonly Payload[];
}

/** RFC 7296 §3.14, RFC 7383 §2.5: a message whose last payload is SK or SKF, as it stands on the wire. */
export interface ProtectedIkeMessage {
  readonly header: IkeHeader;
  /** Payloads in front of SK; seldom any. */
  readonly outer: readonly Payload[];
  /** The type of the first payload inside SK; of a fragment that is not the first one 0. */
  readonly firstInner: number;
  /** Of SKF. */
  readonly fragment?: FragmentNumber;
  /** The whole message, and where SK's body (IV, ciphertext, ICV) begins in it. */
  readonly bytes: Uint8Array;
  readonly bodyAt: number;
}

/** RFC 7383 §2.5: which fragment of how many, counted from 1; on the wire it may say anything. */
export interface FragmentNumber {
  readonly number: number;
  readonly total: number;
}
