/** The octets of one of node's Buffers as the plain Uint8Array the house speaks; the memory is shared, `slice` copies again. */
export const octets = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
