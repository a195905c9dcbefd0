/** The octets of one of node's Buffers as the plain Uint8Array the house speaks; the memory is shared, `slice` copies again. */
export const octets = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

/** Cuts key material into keys, one after the other. Each gets octets of its own, so that wiping one leaves the others. */
export function cutter(material: Uint8Array): (length: number) => Uint8Array {
  let at = 0;
  return (length) => material.slice(at, (at += length));
}
