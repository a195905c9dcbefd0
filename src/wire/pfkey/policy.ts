/** struct sadb_x_policy and the sadb_x_ipsecrequests behind it (KAME, linux/pfkeyv2.h). */
import { isIpv4 } from '../../core/address.ts';
import type { PfkeyPolicy, PfkeyPolicyRequest } from './message.ts';
import { readSockaddr, writeSockaddr } from './sockaddr.ts';
import type { StructReader, StructWriter } from './struct.ts';

const requestLength = 16;

/** `u16 type | u8 direction | u8 reserved | u32 id | u32 priority`, then the requests. */
export function readPolicy(body: StructReader): PfkeyPolicy {
  const type = body.u16();
  const direction = body.u8();
  body.skip(1);
  const id = body.u32();
  const priority = body.u32();
  const requests: PfkeyPolicyRequest[] = [];
  while (body.remaining >= 8) requests.push(readRequest(body, requests.length + 1));
  return { type, direction, id, priority, requests };
}

export function writePolicy(out: StructWriter, { type, direction, id, priority, requests }: PfkeyPolicy): void {
  out.u16(type).u8(direction).u8(0).u32(id).u32(priority);
  for (const request of requests) writeRequest(out, request);
}

/**
 * `u16 length | u16 protocol | u8 mode | u8 level | u16 reserved | u32 reqid | u32 reserved`, then for a tunnel its source and destination as
 * two sockaddrs, one right behind the other. Unlike every other length here this one is in octets.
 */
function readRequest(body: StructReader, number: number): PfkeyPolicyRequest {
  const length = body.u16();
  if (length < requestLength) body.refuse(`request ${number} of ${length} octets`);
  const request = body.inner(`request ${number}`, length - 2);
  const protocol = request.u16();
  const mode = request.u8();
  const level = request.u8();
  request.skip(2);
  const reqid = request.u32();
  request.skip(4);
  if (request.remaining === 0) return { protocol, mode, level, reqid };
  const source = readSockaddr(request).address;
  const destination = readSockaddr(request).address;
  if (isIpv4(source) !== isIpv4(destination)) request.refuse(`a tunnel from ${source} to ${destination}`);
  request.end();
  return { protocol, mode, level, reqid, tunnel: { source, destination } };
}

function writeRequest(out: StructWriter, { protocol, mode, level, reqid, tunnel }: PfkeyPolicyRequest): void {
  const at = out.length;
  out.u16(0).u16(protocol).u8(mode).u8(level).u16(0).u32(reqid).u32(0);
  if (tunnel !== undefined) {
    writeSockaddr(out, { address: tunnel.source, port: 0 });
    writeSockaddr(out, { address: tunnel.destination, port: 0 });
  }
  out.u16At(at, out.length - at);
}
