/** struct sadb_x_policy and the sadb_x_ipsecrequests behind it (KAME's, as Linux and FreeBSD have it). */
import { isIpv4 } from '../../core/address.ts';
import type { Extension } from './extensions.ts';
import type { PfkeyPolicy, PfkeyPolicyRequest } from './message.ts';
import type { Sockaddr } from './sockaddr.ts';
import type { StructReader, StructWriter } from './struct.ts';

/** How a system writes what stands between a request's level and its addresses. */
export interface RequestLayout {
  /** Octets in front of the addresses. */
  readonly length: number;
  readReqid(request: StructReader): number;
  writeReqid(out: StructWriter, reqid: number): void;
}

/** `u16 reserved | u32 reqid | u32 reserved` */
export const linuxRequest: RequestLayout = {
  length: 16,
  readReqid(request) {
    request.skip(2);
    const reqid = request.u32();
    request.skip(4);
    return reqid;
  },
  writeReqid: (out, reqid) => out.u16(0).u32(reqid).u32(0),
};

/** `u16 reqid`, as KAME has it. */
export const freebsdRequest: RequestLayout = { length: 8, readReqid: (request) => request.u16(), writeReqid: (out, reqid) => out.u16(reqid) };

/** `u16 type | u8 direction | u8 reserved | u32 id | u32 priority`, then the requests. */
export const policy = (number: number, sockaddr: Sockaddr, layout: RequestLayout): Extension<PfkeyPolicy> => ({
  number,
  read(body) {
    const type = body.u16();
    const direction = body.u8();
    body.skip(1);
    const id = body.u32();
    const priority = body.u32();
    const requests: PfkeyPolicyRequest[] = [];
    while (body.remaining >= 8) requests.push(readRequest(body, requests.length + 1, sockaddr, layout));
    return { type, direction, id, priority, requests };
  },
  write(out, { type, direction, id, priority, requests }) {
    out.u16(type).u8(direction).u8(0).u32(id).u32(priority);
    for (const request of requests) writeRequest(out, request, sockaddr, layout);
  },
});

/**
 * `u16 length | u16 protocol | u8 mode | u8 level`, the reqid in the system's way, then for a tunnel its source and destination as two sockaddrs,
 * one right behind the other. Unlike every other length here this one is in octets.
 */
function readRequest(body: StructReader, number: number, sockaddr: Sockaddr, layout: RequestLayout): PfkeyPolicyRequest {
  const length = body.u16();
  if (length < layout.length) body.refuse(`request ${number} of ${length} octets`);
  const request = body.inner(`request ${number}`, length - 2);
  const protocol = request.u16();
  const mode = request.u8();
  const level = request.u8();
  const reqid = layout.readReqid(request);
  if (request.remaining === 0) return { protocol, mode, level, reqid };
  const source = sockaddr.read(request).address;
  const destination = sockaddr.read(request).address;
  if (isIpv4(source) !== isIpv4(destination)) request.refuse(`a tunnel from ${source} to ${destination}`);
  request.end();
  return { protocol, mode, level, reqid, tunnel: { source, destination } };
}

function writeRequest(out: StructWriter, { protocol, mode, level, reqid, tunnel }: PfkeyPolicyRequest, sockaddr: Sockaddr, layout: RequestLayout): void {
  const at = out.length;
  out.u16(0).u16(protocol).u8(mode).u8(level);
  layout.writeReqid(out, reqid);
  if (tunnel !== undefined) {
    sockaddr.write(out, { address: tunnel.source, port: 0 });
    sockaddr.write(out, { address: tunnel.destination, port: 0 });
  }
  out.u16At(at, out.length - at);
}
