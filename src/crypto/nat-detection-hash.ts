import { createHash } from 'node:crypto';
import { addressBytes } from '../core/address.ts';
import type { IpAddress } from '../core/address.ts';
import { octets } from './octets.ts';

/**
 * What NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP carry: SHA-1(SPIi | SPIr | IP | port), 20 octets (RFC 7296 §2.23). SPIs in
 * the order of the header; in the first message SPIr is eight zeros.
 */
export const natDetectionHash = (spiI: Uint8Array, spiR: Uint8Array, address: IpAddress, port: number): Uint8Array =>
  octets(createHash('sha1').update(spiI).update(spiR).update(addressBytes(address)).update(Uint8Array.of(port >> 8, port)).digest());
