/** The extensions that all systems took from RFC 2367 §2.3, to be put into a dialect's table under its number; the u16 length and u16 type in front are `frame.ts`'s. */
import { isIpv4 } from '../../core/address.ts';
import type { Endpoint } from '../../core/address.ts';
import type { PfkeyAddress, PfkeyAlgorithm, PfkeyBody, PfkeyLifetime, PfkeySa, PfkeySa2 } from './message.ts';
import type { Sockaddr } from './sockaddr.ts';
import type { StructReader, StructWriter } from './struct.ts';

export interface Extension<Value> {
  readonly number: number;
  read(body: StructReader): Value;
  write(out: StructWriter, value: Value): void;
}

/** The fields of ours that are one extension each of RFC 2367's own, addresses apart. */
export type RfcFields = Pick<PfkeyBody, 'sa' | 'lifetimeCurrent' | 'lifetimeHard' | 'lifetimeSoft' | 'authKey' | 'encryptionKey' | 'supportedAuth' | 'supportedEncryption' | 'spiRange'>;

/** sadb_sa: `be32 spi | u8 replay | u8 state | u8 auth | u8 encrypt | u32 flags`. */
export const sa = (number: number): Extension<PfkeySa> => ({
  number,
  read: (body) => ({ spi: body.net32(), replay: body.u8(), state: body.u8(), auth: body.u8(), encrypt: body.u8(), flags: body.u32() }),
  write: (out, { spi, replay, state, auth, encrypt, flags }) => out.net32(spi).u8(replay).u8(state).u8(auth).u8(encrypt).u32(flags),
});

/** sadb_lifetime: `u32 allocations | u64 bytes | u64 addtime | u64 usetime`. */
export const lifetime = (number: number): Extension<PfkeyLifetime> => ({
  number,
  read: (body) => ({ allocations: body.u32(), bytes: body.u64(), addtime: body.u64(), usetime: body.u64() }),
  write: (out, { allocations, bytes, addtime, usetime }) => out.u32(allocations).u64(bytes).u64(addtime).u64(usetime),
});

/** sadb_address: `u8 protocol | u8 prefix length | u16 reserved`, then a sockaddr. `any` is how the system writes any protocol; 0 is read so everywhere. */
export const address = (number: number, sockaddr: Sockaddr, any: 0 | 255): Extension<PfkeyAddress> => ({
  number,
  read(body) {
    const protocol = body.u8();
    const prefixLength = body.u8();
    body.skip(2);
    const endpoint = sockaddr.read(body);
    if (prefixLength > (isIpv4(endpoint.address) ? 32 : 128)) body.refuse(`prefix length ${prefixLength} of ${endpoint.address}`);
    return { protocol: protocol === any ? 0 : protocol, prefixLength, ...endpoint };
  },
  write(out, { protocol, prefixLength, address, port }) {
    out.u8(protocol === 0 ? any : protocol).u8(prefixLength).u16(0);
    sockaddr.write(out, { address, port });
  },
});

/** sadb_address where it has `u32 reserved` in place of protocol and prefix length (OpenBSD). */
export const bareAddress = (number: number, sockaddr: Sockaddr): Extension<Endpoint> => ({
  number,
  read(body) {
    if (body.u32() !== 0) body.refuse('its reserved field is not zero');
    return sockaddr.read(body);
  },
  write: (out, endpoint) => sockaddr.write(out.u32(0), endpoint),
});

/** sadb_key: `u16 bits | u16 reserved`, then the key. RFC 2367 §2.3.4: zero bits is an error. */
export const key = (number: number): Extension<Uint8Array> => ({
  number,
  read(body) {
    const bits = body.u16();
    body.skip(2);
    if (bits === 0 || bits % 8 !== 0) body.refuse(`a key of ${bits} bits`);
    return body.bytes(bits / 8);
  },
  write(out, octets) {
    if (octets.length === 0 || octets.length > 0xffff / 8) throw new RangeError(`a key of ${octets.length} octets`);
    out.u16(octets.length * 8).u16(0).bytes(octets);
  },
});

/** sadb_supported: `u32 reserved`, then sadb_algs: `u8 id | u8 IV length | u16 min bits | u16 max bits | u16 reserved`. */
export const supported = (number: number): Extension<readonly PfkeyAlgorithm[]> => ({
  number,
  read(body) {
    body.skip(4);
    const algorithms: PfkeyAlgorithm[] = [];
    while (body.remaining > 0) {
      algorithms.push({ id: body.u8(), ivLength: body.u8(), minBits: body.u16(), maxBits: body.u16() });
      body.skip(2);
    }
    return algorithms;
  },
  write(out, algorithms) {
    out.u32(0);
    for (const { id, ivLength, minBits, maxBits } of algorithms) out.u8(id).u8(ivLength).u16(minBits).u16(maxBits).u16(0);
  },
});

/** sadb_spirange: `u32 min | u32 max | u32 reserved`, in host order although an SPI is not. */
export const spiRange = (number: number): Extension<{ readonly min: number; readonly max: number }> => ({
  number,
  read(body) {
    const range = { min: body.u32(), max: body.u32() };
    body.skip(4);
    return range;
  },
  write: (out, { min, max }) => out.u32(min).u32(max).u32(0),
});

// ---- KAME's, which Linux and FreeBSD share

/** sadb_x_sa2: `u8 mode | u8, u16 reserved | u32 sequence | u32 reqid`. */
export const sa2 = (number: number): Extension<PfkeySa2> => ({
  number,
  read(body) {
    const mode = body.u8();
    body.skip(3);
    return { mode, sequence: body.u32(), reqid: body.u32() };
  },
  write: (out, { mode, sequence, reqid }) => out.u8(mode).zeros(3).u32(sequence).u32(reqid),
});

/** sadb_x_nat_t_type: `u8 type | u8[3] reserved`. */
export const nattType = (number: number): Extension<number> => ({
  number,
  read(body) {
    const type = body.u8();
    body.skip(3);
    return type;
  },
  write: (out, type) => out.u8(type).zeros(3),
});

/** sadb_x_nat_t_port, and OpenBSD's sadb_x_udpencap: `be16 port | u16 reserved`. */
export const nattPort = (number: number): Extension<number> => ({
  number,
  read(body) {
    const port = body.net16();
    body.skip(2);
    return port;
  },
  write: (out, port) => out.net16(port).u16(0),
});
