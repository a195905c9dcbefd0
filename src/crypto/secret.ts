import { timingSafeEqual } from 'node:crypto';

/** Compares secrets, ICVs and hashes in a time that depends on their length alone. */
export const sameSecret = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Zeroes the octets of secrets: for keys when the SA that held them goes. Whoever shares the memory sees the zeros too. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
