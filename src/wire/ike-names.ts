/** How people call the transforms of IKEv2 (RFC 7296 §3.3.2 and IANA's registry), also those that the lab does not speak. */
import { transformTypes } from './ike/message.ts';

export const transformTypeNames: Readonly<Record<number, string>> = {
  [transformTypes.ENCR]: 'ENCR', [transformTypes.PRF]: 'PRF', [transformTypes.INTEG]: 'INTEG', [transformTypes.DH]: 'DH', [transformTypes.ESN]: 'ESN',
};

export const transformNames: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  [transformTypes.ENCR]: {
    3: '3DES', 11: 'NULL', 12: 'AES-CBC', 13: 'AES-CTR', 14: 'AES-CCM-8', 15: 'AES-CCM-12', 16: 'AES-CCM-16', 18: 'AES-GCM-8', 19: 'AES-GCM-12', 20: 'AES-GCM-16', 23: 'Camellia-CBC',
    28: 'ChaCha20-Poly1305',
  },
  [transformTypes.PRF]: { 1: 'HMAC-MD5', 2: 'HMAC-SHA1', 4: 'AES-XCBC', 5: 'HMAC-SHA2-256', 6: 'HMAC-SHA2-384', 7: 'HMAC-SHA2-512', 8: 'AES-CMAC' },
  [transformTypes.INTEG]: { 0: 'none', 1: 'HMAC-MD5-96', 2: 'HMAC-SHA1-96', 5: 'AES-XCBC-96', 8: 'AES-CMAC-96', 12: 'HMAC-SHA2-256-128', 13: 'HMAC-SHA2-384-192', 14: 'HMAC-SHA2-512-256' },
  [transformTypes.DH]: {
    0: 'none', 2: 'MODP-1024', 5: 'MODP-1536', 14: 'MODP-2048', 15: 'MODP-3072', 16: 'MODP-4096', 17: 'MODP-6144', 18: 'MODP-8192', 19: 'P-256', 20: 'P-384', 21: 'P-521', 31: 'Curve25519', 32: 'Curve448',
  },
  [transformTypes.ESN]: { 0: 'no', 1: 'yes' },
};
