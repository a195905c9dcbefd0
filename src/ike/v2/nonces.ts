/** Which of two simultaneous rekeys survives (RFC 7296 §2.8.1): nonces compared octet by octet. */
export function lower(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]!;
  }
  return a.length < b.length;
}

export const lowest = (a: Uint8Array, b: Uint8Array): Uint8Array => (lower(a, b) ? a : b);
