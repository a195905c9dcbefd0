import { addressBytes } from '../core/address.ts';
import type { IpAddress } from '../core/address.ts';
import { hash } from './hash.ts';
import type { Hash } from './types.ts';

/**
 * What NAT detection compares: HASH(SPIi | SPIr | IP | port), SPIs in the order of the header; in the first message SPIr is eight zeros. IKEv2's
 * notifies have SHA-1 (RFC 7296 §2.23), IKEv1's NAT-D payloads the hash that was negotiated, and cookies for SPIs (RFC 3947 §3.2).
 */
export const natDetectionHash = (spiI: Uint8Array, spiR: Uint8Array, address: IpAddress, port: number, negotiated: Hash = hash('sha1')): Uint8Array =>
  negotiated.digest(spiI, spiR, addressBytes(address), Uint8Array.of(port >> 8, port));
