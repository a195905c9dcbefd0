/** PF_KEYv2 messages as values (RFC 2367), with what the systems added: what daemon and stack speak of, whatever dialect they speak. */
import type { IpAddress } from '../../core/address.ts';

export const pfkeyTypes = {
  SADB_GETSPI: 1, SADB_UPDATE: 2, SADB_ADD: 3, SADB_DELETE: 4, SADB_GET: 5, SADB_ACQUIRE: 6, SADB_REGISTER: 7, SADB_EXPIRE: 8, SADB_FLUSH: 9, SADB_DUMP: 10,
  SADB_X_SPDUPDATE: 13, SADB_X_SPDADD: 14, SADB_X_SPDDELETE: 15, SADB_X_SPDGET: 16, SADB_X_SPDACQUIRE: 17, SADB_X_SPDDUMP: 18, SADB_X_SPDFLUSH: 19,
  SADB_X_SPDSETIDX: 20, SADB_X_SPDEXPIRE: 21, SADB_X_SPDDELETE2: 22, SADB_X_NAT_T_NEW_MAPPING: 23,
} as const;
export type PfkeyType = keyof typeof pfkeyTypes;

export const saTypes = { UNSPEC: 0, AH: 2, ESP: 3 } as const;
export const saStates = { LARVAL: 0, MATURE: 1, DYING: 2, DEAD: 3 } as const;
export const saFlags = { PFS: 1, /** FreeBSD's number for extended sequence numbers; Linux's PF_KEY has none. */ ESN: 0x400 } as const;

/** SADB_AALG, SADB_EALG as Linux numbers them, whatever a dialect writes; ChaCha20-Poly1305 as FreeBSD does, Linux's PF_KEY has none. */
export const authAlgorithms = { NONE: 0, MD5HMAC: 2, SHA1HMAC: 3, SHA2_256HMAC: 5, SHA2_384HMAC: 6, SHA2_512HMAC: 7 } as const;
export const encryptionAlgorithms = { '3DESCBC': 3, NULL: 11, AESCBC: 12, AES_GCM_ICV16: 20, CHACHA20POLY1305: 31 } as const;

/** errno of an answer, as Linux numbers them. */
export const pfkeyErrors = { ENOENT: 2, ESRCH: 3, EEXIST: 17, EINVAL: 22, EOPNOTSUPP: 95 } as const;

/** UDP_ENCAP_*, of sockets and of SAs: behind a non-ESP marker for IKE, or behind a non-IKE marker for ESP (drafts 00 and 01 of NAT traversal). NONE: NAT traversal took place and found nothing. */
export const encapsulationTypes = { NONE: 0, ESPINUDP_NON_IKE: 1, ESPINUDP: 2 } as const;

export const policyTypes = { DISCARD: 0, NONE: 1, IPSEC: 2 } as const;
export const policyDirections = { INBOUND: 1, OUTBOUND: 2, FORWARD: 3 } as const;
export const ipsecModes = { ANY: 0, TRANSPORT: 1, TUNNEL: 2 } as const;
export const policyLevels = { DEFAULT: 0, USE: 1, REQUIRE: 2, UNIQUE: 3 } as const;

/** sadb_sa. `replay` is the window in packets divided by 8, as KAME reads it; `auth` and `encrypt` by the tables above. */
export interface PfkeySa {
  readonly spi: number;
  readonly replay: number;
  readonly state: number;
  readonly auth: number;
  readonly encrypt: number;
  readonly flags: number;
}

/** sadb_x_sa2. */
export interface PfkeySa2 {
  readonly mode: number;
  readonly sequence: number;
  readonly reqid: number;
}

/** sadb_lifetime. `allocations` counts packets (KAME, Linux). Times in whole seconds; in CURRENT they are instants, `usetime` the last use (KAME). */
export interface PfkeyLifetime {
  readonly allocations: number;
  readonly bytes: bigint;
  readonly addtime: bigint;
  readonly usetime: bigint;
}

/** sadb_address with its sockaddr. `protocol` 0 (255 on the wire) is any. */
export interface PfkeyAddress {
  readonly protocol: number;
  readonly prefixLength: number;
  readonly address: IpAddress;
  readonly port: number;
}

/** sadb_x_policy with its sadb_x_ipsecrequests. */
export interface PfkeyPolicy {
  readonly type: number;
  readonly direction: number;
  readonly id: number;
  readonly priority: number;
  readonly requests: readonly PfkeyPolicyRequest[];
}

export interface PfkeyPolicyRequest {
  readonly protocol: number; // 50 ESP
  readonly mode: number;
  readonly level: number;
  readonly reqid: number;
  /** The tunnel's ends; absent in transport mode. */
  readonly tunnel?: { readonly source: IpAddress; readonly destination: IpAddress };
}

export interface PfkeyAlgorithm {
  readonly id: number;
  readonly ivLength: number; // bits, as in sadb_alg
  readonly minBits: number;
  readonly maxBits: number;
}

export interface PfkeyMessage {
  readonly type: PfkeyType;
  readonly saType: number;
  readonly errno: number;
  readonly sequence: number;
  readonly pid: number;
  /** illumos: why the errno, by `diagnostics` of illumos.ts. In a request that was read: what is wrong with it. */
  readonly diagnostic?: number;
  readonly sa?: PfkeySa;
  readonly sa2?: PfkeySa2;
  readonly lifetimeCurrent?: PfkeyLifetime;
  readonly lifetimeHard?: PfkeyLifetime;
  readonly lifetimeSoft?: PfkeyLifetime;
  readonly source?: PfkeyAddress;
  readonly destination?: PfkeyAddress;
  readonly proxy?: PfkeyAddress;
  /**
   * SADB_X_EXT_NEW_ADDRESS_SRC 27 and _DST 28 of FreeBSD, numbers that Linux leaves free; encoded like `source`. They let UPDATE move an SA to
   * another address with its counters. DELETE and ADD would start them again under the same key: replays in, AEAD nonces used twice out.
   */
  readonly newSource?: PfkeyAddress;
  readonly newDestination?: PfkeyAddress;
  /** Octets; AEAD keys with their salt behind. Authentication keys only beside ciphers that are not AEAD. */
  readonly authKey?: Uint8Array;
  readonly encryptionKey?: Uint8Array;
  readonly spiRange?: { readonly min: number; readonly max: number };
  readonly supportedAuth?: readonly PfkeyAlgorithm[];
  readonly supportedEncryption?: readonly PfkeyAlgorithm[];
  readonly policy?: PfkeyPolicy;
  /** One of `encapsulationTypes` (src/ipsec/README.md). */
  readonly nattType?: number;
  readonly nattSourcePort?: number;
  readonly nattDestinationPort?: number;
  /** A NAT stands in front of this host: where the stack sends the keepalives, it does so for this SA (illumos). Others leave it unsaid. */
  readonly nattLocalBehindNat?: true;
  /** FreeBSD: fragments of ESP in UDP are to be no longer than this many octets. Nobody looks at it. */
  readonly nattFragmentLength?: number;
  /** The peer's address before the NAT, port 0 (RFC 3947 §5.2): for the checksums of transport mode. Linux has room for this one only. */
  readonly nattOriginalAddress?: PfkeyAddress;
  /** The same for both ends, by the direction of the SA: what the sender wrote as its source and as its destination (FreeBSD's OAI and OAR). */
  readonly nattOriginalSource?: PfkeyAddress;
  readonly nattOriginalDestination?: PfkeyAddress;
}

/** Everything of a message that is not in its header. */
export type PfkeyBody = Omit<PfkeyMessage, 'type' | 'saType' | 'errno' | 'sequence' | 'pid' | 'diagnostic'>;
