/** IKEv1 messages as values (RFC 2408 §3, RFC 2409, RFC 2407). `codec.ts` turns them into bytes and back; policy lives elsewhere. */
import type { IpAddress } from '../../../core/address.ts';
import type { DataAttribute } from '../attributes.ts';

export const ikeVersion1 = 0x10;

/** RFC 2408 §3.1. Both cookies are 8 octets; the responder's is zero in the first message. */
export interface IsakmpHeader {
  readonly initiatorCookie: Uint8Array;
  readonly responderCookie: Uint8Array;
  readonly version: number; // major in the high nibble
  readonly exchange: number;
  readonly flags: IsakmpFlags;
  /** Zero in phase 1; in phase 2 it names the exchange. */
  readonly messageId: number;
}

export interface IsakmpFlags {
  readonly encryption: boolean;
  readonly commit: boolean;
  readonly authenticationOnly: boolean;
}

/** RFC 2408 §3.1, RFC 2409 appendix A; TRANSACTION is Mode-Config's (draft-ietf-ipsec-isakmp-mode-cfg). Main mode is the Identity Protection Exchange. */
export const exchangeTypes = {
  BASE: 1, MAIN_MODE: 2, AUTHENTICATION_ONLY: 3, AGGRESSIVE_MODE: 4, INFORMATIONAL: 5, TRANSACTION: 6, QUICK_MODE: 32, NEW_GROUP_MODE: 33,
} as const;
export type ExchangeName = keyof typeof exchangeTypes;

/**
 * RFC 2408 §3.1; Attributes is Mode-Config's, Fragment a private one that Cisco, Windows and strongSwan share. NAT-D and NAT-OA have several numbers,
 * which are in `natDetectionTypes` and `natOriginalAddressTypes`.
 */
export const payloadTypes = {
  SA: 1, Proposal: 2, Transform: 3, KE: 4, ID: 5, CERT: 6, CERTREQ: 7, HASH: 8, SIG: 9, Nonce: 10, Notification: 11, Delete: 12, VID: 13, Attributes: 14, Fragment: 132,
} as const;

/** The numbers of NAT-D: of RFC 3947, of its drafts 04 to 08, and the private one of drafts 00 to 03. */
export const natDetectionTypes = [20, 15, 130] as const;
export type NatDetectionType = (typeof natDetectionTypes)[number];

/** The numbers of NAT-OA, in the same order. */
export const natOriginalAddressTypes = [21, 16, 131] as const;
export type NatOriginalAddressType = (typeof natOriginalAddressTypes)[number];

/** RFC 2407 §4.2. */
export const ipsecDoi = 1;
/** RFC 2407 §4.2.1. */
export const identityOnly = 1;

/** RFC 2407 §4.4.1. */
export const protocolIds = { ISAKMP: 1, AH: 2, ESP: 3, IPCOMP: 4 } as const;

export interface Proposal {
  /** Proposals of one number belong together: AH and ESP at once (RFC 2408 §4.2). */
  readonly number: number;
  readonly protocol: number;
  /** 4 octets for ESP and AH; none, or anything up to 16 octets, for ISAKMP (RFC 2408 §3.5). */
  readonly spi: Uint8Array;
  /** Alternatives, the preferred one first. */
  readonly transforms: readonly Transform[];
}

export interface Transform {
  readonly number: number;
  /** KEY_IKE in phase 1; for AH and ESP see `ahTransforms` and `espTransforms`. */
  readonly id: number;
  /** In the order of the wire: an answer must repeat what was offered, attribute by attribute (RFC 2408 §4.2). */
  readonly attributes: readonly DataAttribute[];
}

/** RFC 2407 §4.4.2: the one transform of protocol ISAKMP. */
export const keyIke = 1;

// ---- phase 1: the attributes of protocol ISAKMP (RFC 2409 appendix A; IANA) -----------------------------------------------

export const phaseOneAttributes = {
  ENCRYPTION: 1, HASH: 2, AUTHENTICATION_METHOD: 3, GROUP: 4, GROUP_TYPE: 5, PRIME: 6, GENERATOR_ONE: 7, GENERATOR_TWO: 8, CURVE_A: 9, CURVE_B: 10, LIFE_TYPE: 11, LIFE_DURATION: 12,
  PRF: 13, KEY_LENGTH: 14, FIELD_SIZE: 15, GROUP_ORDER: 16, GSS_IDENTITY: 16384,
} as const;

export const encryptionAlgorithms = { 'DES-CBC': 1, 'IDEA-CBC': 2, 'BLOWFISH-CBC': 3, 'RC5-CBC': 4, '3DES-CBC': 5, 'CAST-CBC': 6, 'AES-CBC': 7, 'CAMELLIA-CBC': 8 } as const;
export const hashAlgorithms = { MD5: 1, SHA1: 2, TIGER: 3, 'SHA2-256': 4, 'SHA2-384': 5, 'SHA2-512': 6 } as const;

/**
 * The XAUTH methods say who is asked for a password: Init when the initiator is (draft-beaulieu-ike-xauth §7.2, draft-zegman-ike-hybrid-auth). 65001 is GSS-API's
 * as well (draft-ietf-ipsec-isakmp-gss-auth): it is that beside a vendor ID which says so.
 */
export const authenticationMethods = {
  PRE_SHARED_KEY: 1, DSS_SIGNATURE: 2, RSA_SIGNATURE: 3, RSA_ENCRYPTION: 4, REVISED_RSA_ENCRYPTION: 5, ECDSA_256: 9, ECDSA_384: 10, ECDSA_521: 11,
  HYBRID_INIT_RSA: 64221, HYBRID_RESP_RSA: 64222, HYBRID_INIT_DSS: 64223, HYBRID_RESP_DSS: 64224,
  XAUTH_INIT_PRE_SHARED: 65001, XAUTH_RESP_PRE_SHARED: 65002, XAUTH_INIT_DSS: 65003, XAUTH_RESP_DSS: 65004, XAUTH_INIT_RSA: 65005, XAUTH_RESP_RSA: 65006,
} as const;
export const gssApiMethod = 65001;

/** RFC 2409 §6, RFC 3526, RFC 5903. */
export const groups = { 'MODP-768': 1, 'MODP-1024': 2, 'MODP-1536': 5, 'MODP-2048': 14, 'MODP-3072': 15, 'MODP-4096': 16, 'P-256': 19, 'P-384': 20, 'P-521': 21 } as const;

/** In phase 1 and phase 2 alike. A duration follows the type that it is of. */
export const lifeTypes = { SECONDS: 1, KILOBYTES: 2 } as const;

// ---- phase 2: the transforms of AH and ESP and their attributes (RFC 2407 §4.4, §4.5; IANA) -------------------------------

export const ahTransforms = { MD5: 2, SHA: 3, DES: 4, 'SHA2-256': 5, 'SHA2-384': 6, 'SHA2-512': 7 } as const;
export const espTransforms = { DES: 2, '3DES': 3, NULL: 11, 'AES-CBC': 12, 'AES-CTR': 13, 'AES-GCM-8': 18, 'AES-GCM-12': 19, 'AES-GCM-16': 20, CAMELLIA: 22 } as const;

export const phaseTwoAttributes = {
  LIFE_TYPE: 1, LIFE_DURATION: 2, GROUP: 3, ENCAPSULATION_MODE: 4, AUTHENTICATION: 5, KEY_LENGTH: 6, KEY_ROUNDS: 7, COMPRESS_DICTIONARY_SIZE: 8, COMPRESS_PRIVATE: 9, ECN_TUNNEL: 10, EXTENDED_SEQUENCE_NUMBERS: 11,
} as const;

/** RFC 2407 §4.5; UDP-encapsulated as RFC 3947 §5.1 and its drafts from 04 on number them, and as drafts 00 to 03 do. */
export const encapsulationModes = { TUNNEL: 1, TRANSPORT: 2, UDP_TUNNEL: 3, UDP_TRANSPORT: 4, UDP_TUNNEL_DRAFT: 61443, UDP_TRANSPORT_DRAFT: 61444 } as const;

export const authenticationAlgorithms = { 'HMAC-MD5': 1, 'HMAC-SHA1': 2, 'DES-MAC': 3, KPDK: 4, 'HMAC-SHA2-256': 5, 'HMAC-SHA2-384': 6, 'HMAC-SHA2-512': 7 } as const;

// ---- identities, notifications, configuration -----------------------------------------------------------------------------

/** RFC 2407 §4.6.2.1. */
export const identificationTypes = {
  IPV4_ADDR: 1, FQDN: 2, USER_FQDN: 3, IPV4_ADDR_SUBNET: 4, IPV6_ADDR: 5, IPV6_ADDR_SUBNET: 6, IPV4_ADDR_RANGE: 7, IPV6_ADDR_RANGE: 8, DER_ASN1_DN: 9, DER_ASN1_GN: 10, KEY_ID: 11,
} as const;

/** RFC 2408 §3.14.1, errors below 16384; RFC 2407 §4.6.3; RFC 3706 §5.3. The last ones are Cisco's. */
export const notifyTypes = {
  INVALID_PAYLOAD_TYPE: 1, DOI_NOT_SUPPORTED: 2, SITUATION_NOT_SUPPORTED: 3, INVALID_COOKIE: 4, INVALID_MAJOR_VERSION: 5, INVALID_MINOR_VERSION: 6, INVALID_EXCHANGE_TYPE: 7, INVALID_FLAGS: 8,
  INVALID_MESSAGE_ID: 9, INVALID_PROTOCOL_ID: 10, INVALID_SPI: 11, INVALID_TRANSFORM_ID: 12, ATTRIBUTES_NOT_SUPPORTED: 13, NO_PROPOSAL_CHOSEN: 14, BAD_PROPOSAL_SYNTAX: 15,
  PAYLOAD_MALFORMED: 16, INVALID_KEY_INFORMATION: 17, INVALID_ID_INFORMATION: 18, INVALID_CERT_ENCODING: 19, INVALID_CERTIFICATE: 20, CERT_TYPE_UNSUPPORTED: 21, INVALID_CERT_AUTHORITY: 22,
  INVALID_HASH_INFORMATION: 23, AUTHENTICATION_FAILED: 24, INVALID_SIGNATURE: 25, ADDRESS_NOTIFICATION: 26, NOTIFY_SA_LIFETIME: 27, CERTIFICATE_UNAVAILABLE: 28, UNSUPPORTED_EXCHANGE_TYPE: 29,
  UNEQUAL_PAYLOAD_LENGTHS: 30,
  CONNECTED: 16384, RESPONDER_LIFETIME: 24576, REPLAY_STATUS: 24577, INITIAL_CONTACT: 24578,
  R_U_THERE: 36136, R_U_THERE_ACK: 36137, UNITY_LOAD_BALANCE: 40501, UNITY_GROUP_HASH: 40503,
} as const;

/** draft-ietf-ipsec-isakmp-mode-cfg §3.2. */
export const configurationTypes = { REQUEST: 1, REPLY: 2, SET: 3, ACK: 4 } as const;

/** draft-ietf-ipsec-isakmp-mode-cfg §3.3; draft-beaulieu-ike-xauth §4.1; from 28672 on Cisco's (Unity). */
export const configurationAttributes = {
  INTERNAL_IP4_ADDRESS: 1, INTERNAL_IP4_NETMASK: 2, INTERNAL_IP4_DNS: 3, INTERNAL_IP4_NBNS: 4, INTERNAL_ADDRESS_EXPIRY: 5, INTERNAL_IP4_DHCP: 6, APPLICATION_VERSION: 7,
  INTERNAL_IP6_ADDRESS: 8, INTERNAL_IP6_NETMASK: 9, INTERNAL_IP6_DNS: 10, INTERNAL_IP6_NBNS: 11, INTERNAL_IP6_DHCP: 12, INTERNAL_IP4_SUBNET: 13, SUPPORTED_ATTRIBUTES: 14, INTERNAL_IP6_SUBNET: 15,
  XAUTH_TYPE: 16520, XAUTH_USER_NAME: 16521, XAUTH_USER_PASSWORD: 16522, XAUTH_PASSCODE: 16523, XAUTH_MESSAGE: 16524, XAUTH_CHALLENGE: 16525, XAUTH_DOMAIN: 16526, XAUTH_STATUS: 16527,
  XAUTH_NEXT_PIN: 16528, XAUTH_ANSWER: 16529,
  UNITY_BANNER: 28672, UNITY_SAVE_PASSWORD: 28673, UNITY_DEF_DOMAIN: 28674, UNITY_SPLITDNS_NAME: 28675, UNITY_SPLIT_INCLUDE: 28676, UNITY_NATT_PORT: 28677, UNITY_LOCAL_LAN: 28678,
  UNITY_PFS: 28679, UNITY_FW_TYPE: 28680, UNITY_BACKUP_SERVERS: 28681, UNITY_DDNS_HOSTNAME: 28682,
} as const;

/** draft-beaulieu-ike-xauth §4.1: what XAUTH_TYPE asks for, what XAUTH_STATUS says. */
export const xauthTypes = { GENERIC: 0, RADIUS_CHAP: 1, OTP: 2, 'S/KEY': 3 } as const;
export const xauthStatus = { FAIL: 0, OK: 1 } as const;

/** RFC 2408 §3.9. */
export const certificateEncodings = { NONE: 0, PKCS7: 1, PGP: 2, DNS_SIGNED_KEY: 3, X509_SIGNATURE: 4, X509_KEY_EXCHANGE: 5, KERBEROS_TOKENS: 6, CRL: 7, ARL: 8, SPKI: 9, X509_ATTRIBUTE: 10 } as const;

export type Payload =
  /** RFC 2408 §3.4. The situation is RFC 2407's: 4 octets of flags; those with labels are refused. */
  | { readonly type: 'SA'; readonly doi: number; readonly situation: number; readonly proposals: readonly Proposal[] }
  | { readonly type: 'KE'; readonly data: Uint8Array }
  /** RFC 2407 §4.6.2: IDii, IDir, and in quick mode IDci, IDcr. Protocol and port zero are any. */
  | { readonly type: 'ID'; readonly idType: number; readonly protocol: number; readonly port: number; readonly data: Uint8Array }
  | { readonly type: 'CERT' | 'CERTREQ'; readonly encoding: number; readonly data: Uint8Array }
  | { readonly type: 'HASH' | 'SIG'; readonly data: Uint8Array }
  /** 8 to 256 octets (RFC 2409 §5). */
  | { readonly type: 'Nonce'; readonly data: Uint8Array }
  /** RFC 2408 §3.14. The SPI of protocol ISAKMP is the pair of cookies, or left out. */
  | { readonly type: 'Notification'; readonly doi: number; readonly protocol: number; readonly spi: Uint8Array; readonly notifyType: number; readonly data: Uint8Array }
  /** RFC 2408 §3.15. SPIs of 4 octets; of protocol ISAKMP 16, the pair of cookies. */
  | { readonly type: 'Delete'; readonly doi: number; readonly protocol: number; readonly spis: readonly Uint8Array[] }
  | { readonly type: 'VID'; readonly data: Uint8Array }
  /** draft-ietf-ipsec-isakmp-mode-cfg §3.2; an attribute that asks is empty. */
  | { readonly type: 'Attributes'; readonly configuration: number; readonly identifier: number; readonly attributes: readonly DataAttribute[] }
  /** RFC 3947 §3.2: HASH(CKY-I | CKY-R | IP | port). The number says whose rules it follows. */
  | { readonly type: 'NAT-D'; readonly number: NatDetectionType; readonly data: Uint8Array }
  /** RFC 3947 §5.2. */
  | { readonly type: 'NAT-OA'; readonly number: NatOriginalAddressType; readonly address: IpAddress }
  /** A piece of a whole message, header and all. `number` counts from 1; no RFC has it. */
  | { readonly type: 'Fragment'; readonly identifier: number; readonly number: number; readonly last: boolean; readonly data: Uint8Array }
  | { readonly type: 'Unknown'; readonly payloadType: number; readonly data: Uint8Array };

export interface IsakmpMessage {
  readonly header: IsakmpHeader;
  readonly payloads: readonly Payload[];
}

/** Payloads as they stood on the wire, for the hashes that are made over octets and not over what they mean. */
export interface PayloadChain {
  readonly payloads: readonly Payload[];
  /** Of each payload the octets behind its generic header: `SAi_b`, `IDii_b`, `Ni_b` of RFC 2409 §3.2. */
  readonly bodies: readonly Uint8Array[];
  /** The chain from the first generic header to the end of the last payload, without the padding of the encryption. */
  readonly bytes: Uint8Array;
}

/** What the decoder makes of a message in the clear. */
export interface ClearMessage extends PayloadChain {
  readonly header: IsakmpHeader;
}

/** RFC 2408 §3.1: with the encryption bit all behind the header is ciphertext. */
export interface EncryptedMessage {
  readonly header: IsakmpHeader;
  /** The type of the first payload inside: the header's Next Payload. */
  readonly first: number;
  readonly ciphertext: Uint8Array;
}
