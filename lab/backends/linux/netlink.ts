/**
 * A netlink socket of one namespace: requests with their acknowledgements, dumps, and multicast events. What the messages mean stands in
 * rtnetlink.ts and conntrack.ts. Headers and most integers are in the machine's byte order (here: little-endian).
 */
import { concat } from '../../../src/core/bytes.ts';
import type { NetworkNamespace } from './namespace.ts';
import {
  AF_NETLINK, EAGAIN, EINTR, MSG_DONTWAIT, SO_RCVBUF, SO_RCVBUFFORCE, SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET, SystemError, setOption, syscalls,
} from './syscalls.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
const NLM_F_DUMP_INTR = 0x10;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_OVERRUN = 4;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_CAP_ACK = 10;
const ENOBUFS = 105;
const NLA_TYPE = 0x3fff;
const NLMSGERR_ATTR_MSG = 1;

/** One thing asked of the kernel; `doing` is what the error says when it refuses. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
  readonly doing: string;
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A struct of integers in the machine's order: `packed([1, value], [4, value])` gives an octet and a 32-bit number. */
export function packed(...fields: readonly (readonly [size: 1 | 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of fields) for (let i = 0; i < size; i++) bytes[at++] = value >>> (8 * i);
  return bytes;
}

/** `struct nlattr`: length, type, payload, padding to four octets. A number is 32 bits, a string ends in NUL. */
export function attribute(type: number, payload: Uint8Array | number | string): Uint8Array {
  const value = typeof payload === 'number' ? packed([4, payload]) : typeof payload === 'string' ? new TextEncoder().encode(`${payload}\0`) : payload;
  const bytes = new Uint8Array((value.length + 7) & ~3);
  bytes.set(packed([2, value.length + 4], [2, type]));
  bytes.set(value, 4);
  return bytes;
}

export const nested = (type: number, ...parts: readonly Uint8Array[]): Uint8Array => attribute(type, concat(...parts));

/** The attributes of a message or of a nested attribute, by type; of two with the same type the last. */
export function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = u16(bytes, at);
    if (length < 4) break;
    found.set(u16(bytes, at + 2) & NLA_TYPE, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;

function encode(request: Request, sequence: number): Uint8Array {
  const length = 16 + request.body.length;
  const bytes = new Uint8Array((length + 3) & ~3);
  bytes.set(packed([4, length], [2, request.type], [2, request.flags | NLM_F_REQUEST], [4, sequence], [4, 0]));
  bytes.set(request.body, 16);
  return bytes;
}

// One for all sockets: every read is finished, and what is kept of it copied, before the next one begins.
const receiveBuffer = new Uint8Array(1 << 18);

export class NetlinkSocket {
  readonly fd: number;
  #sequence = 0;

  /** A socket of the namespace given, or of the one that the thread is in. It stays there. */
  constructor(protocol: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER, namespace?: NetworkNamespace) {
    const open = (): number => syscalls().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    this.fd = namespace === undefined ? open() : namespace.inside(open);
    // Bound, and so with a port number of its own: without one it would count as the kernel, which does not hear its own multicasts.
    const anyPort = packed([2, AF_NETLINK], [2, 0], [4, 0], [4, 0]);
    syscalls().bind(this.fd, anyPort, anyPort.length);
    setOption(this.fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setOption(this.fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    growReceiveBuffer(this.fd, 1 << 22);
  }

  /**
   * Has all requests carried out, in order, with a single system call for many of them. The kernel goes on after one that fails; the first
   * failure is thrown when all are done.
   */
  commit(requests: readonly Request[]): void {
    let failure: Error | undefined;
    for (let from = 0; from < requests.length;) {
      const batch: Uint8Array[] = [];
      const first = this.#sequence + 1;
      // 200 requests: their acknowledgements, about 36 octets each, fit the receive buffer many times over
      for (let size = 0; from + batch.length < requests.length && batch.length < 200 && size < 60_000;) {
        const request = requests[from + batch.length]!;
        const bytes = encode({ ...request, flags: request.flags | NLM_F_ACK }, ++this.#sequence);
        batch.push(bytes);
        size += bytes.length;
      }
      this.#send(concat(...batch));
      for (let acknowledged = 0; acknowledged < batch.length;) {
        for (const { type, sequence, body } of this.#receive(0) ?? []) {
          if (type !== NLMSG_ERROR || sequence < first) continue;
          acknowledged++;
          failure ??= refusal(body, requests[from + sequence - first]!.doing);
        }
      }
      from += batch.length;
    }
    if (failure !== undefined) throw failure;
  }

  /** Asks for a listing and reads it to its end. A listing that changed under the kernel's hands is asked for again. */
  dump(request: Request): Message[] {
    for (let attempt = 0; ; attempt++) {
      const { messages, interrupted } = this.#dumpOnce(request);
      if (!interrupted || attempt === 5) return messages;
    }
  }

  #dumpOnce(request: Request): { messages: Message[]; interrupted: boolean } {
    const mine = ++this.#sequence;
    this.#send(encode({ ...request, flags: request.flags | NLM_F_DUMP }, mine));
    const messages: Message[] = [];
    let interrupted = false;
    for (;;) {
      for (const { type, flags, sequence, body } of this.#receive(0) ?? []) {
        if (sequence !== mine) continue;
        interrupted ||= (flags & NLM_F_DUMP_INTR) !== 0;
        if (type === NLMSG_DONE) return { messages, interrupted };
        if (type === NLMSG_ERROR) throw refusal(body, request.doing) ?? new Error(`${request.doing}: an acknowledgement where a listing was due`);
        messages.push({ type, flags, body: body.slice() });
      }
    }
  }

  /** From now on the kernel's messages for this group arrive here. */
  subscribe(group: number): void {
    setOption(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** What has arrived for the groups, without waiting; `lost` when the kernel had to throw messages away. */
  events(): { readonly messages: readonly Message[]; readonly lost: boolean } {
    const messages: Message[] = [];
    let lost = false;
    for (;;) {
      const received = this.#receive(MSG_DONTWAIT);
      if (received === undefined) return { messages, lost };
      if (received === 'lost') lost = true;
      else for (const { type, flags, body } of received) if (type > NLMSG_OVERRUN) messages.push({ type, flags, body: body.slice() });
    }
  }

  close(): void {
    syscalls().close(this.fd);
  }

  #send(bytes: Uint8Array): void {
    const sent = syscalls().sendto(this.fd, bytes, bytes.length, 0, null, 0);
    if (sent < 0) throw new SystemError('sendto', -sent, 'netlink');
  }

  /** The messages of one datagram, as views of the shared buffer; undefined when there is none and the call does not wait. */
  #receive(flags: typeof MSG_DONTWAIT): 'lost' | readonly (Message & { sequence: number })[] | undefined;
  #receive(flags: 0): readonly (Message & { sequence: number })[] | undefined;
  #receive(flags: number): 'lost' | readonly (Message & { sequence: number })[] | undefined {
    const length = syscalls().recv(this.fd, receiveBuffer, receiveBuffer.length, flags);
    if (length === -EAGAIN) return undefined;
    if (length === -EINTR) return [];
    if (length === -ENOBUFS && flags === MSG_DONTWAIT) return 'lost';
    if (length < 0) throw new SystemError('recv', -length, 'netlink');
    const messages: (Message & { sequence: number })[] = [];
    for (let at = 0; at + 16 <= length;) {
      const size = u32(receiveBuffer, at);
      if (size < 16) break;
      messages.push({
        type: u16(receiveBuffer, at + 4),
        flags: u16(receiveBuffer, at + 6),
        sequence: u32(receiveBuffer, at + 8),
        body: receiveBuffer.subarray(at + 16, at + size),
      });
      at += (size + 3) & ~3;
    }
    return messages;
  }
}

/** Root of the machine may have what it asks for; root of a user namespace gets as much as net.core.rmem_max allows. */
export function growReceiveBuffer(fd: number, octets: number): void {
  try {
    setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, octets);
  } catch {
    setOption(fd, SOL_SOCKET, SO_RCVBUF, octets);
  }
}

/** `struct nlmsgerr`: an error number, the header of the request, and (extended) a sentence of the kernel's. Error 0 is an acknowledgement. */
function refusal(body: Uint8Array, doing: string): SystemError | undefined {
  const errno = -(u32(body, 0) | 0);
  if (errno === 0) return undefined;
  const sentence = attributes(body.subarray(20)).get(NLMSGERR_ATTR_MSG);
  const said = sentence === undefined ? '' : `: ${new TextDecoder().decode(sentence.subarray(0, -1))}`;
  return new SystemError('netlink', errno, doing + said);
}
