/** IKEv2 transform IDs (RFC 7296 §3.3.2, IANA) of the algorithms the lab has, by the names that configurations use. */
export const encryptionIds = { '3des-cbc': 3, 'aes-cbc': 12, 'aes-gcm-16': 20, 'chacha20-poly1305': 28 } as const;
export const prfIds = { 'hmac-md5': 1, 'hmac-sha1': 2, 'hmac-sha2-256': 5, 'hmac-sha2-384': 6, 'hmac-sha2-512': 7 } as const;
export const integrityIds = { none: 0, 'hmac-md5-96': 1, 'hmac-sha1-96': 2, 'hmac-sha2-256-128': 12, 'hmac-sha2-384-192': 13, 'hmac-sha2-512-256': 14 } as const;
export const dhGroupIds = { 'modp-1024': 2, 'modp-1536': 5, 'modp-2048': 14, 'ecp-256': 19, 'ecp-384': 20, 'curve25519': 31 } as const;

export type EncryptionName = keyof typeof encryptionIds;
export type PrfName = keyof typeof prfIds;
export type IntegrityName = keyof typeof integrityIds;
export type DhGroupName = keyof typeof dhGroupIds;
