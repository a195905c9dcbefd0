/**
 * The few system calls that Node lacks, by koffi (an optional dependency that ships prebuilt). 64-bit little-endian Linux only: the structures
 * that callers lay out by hand have that shape.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type * as Koffi from 'koffi';

/** A buffer for the kernel to read or fill; it is passed in place. */
export type Memory = Uint8Array | null;

/** C's view of the calls. What is called `try…` by its use (receive, send, read, write) gives -errno; everything else throws a SystemError. */
export interface Syscalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  fcntl(fd: number, command: number, argument: number): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  mount(source: string, target: string, type: string, flags: number, options: string | null): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: Memory): number;
  eventfd(initial: number, flags: number): number;
  clock_gettime(clock: number, timespec: Uint8Array): number;
  /** Ends the process at once: no exit handlers, no flushing. */
  _exit(status: number): never;

  // These give -errno instead of throwing: they are called until they say EAGAIN.
  read(fd: number, buffer: Uint8Array, length: number): number;
  write(fd: number, buffer: Uint8Array, length: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  sendto(fd: number, buffer: Uint8Array, length: number, flags: number, address: Memory, addressLength: number): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
}

const signatures: Readonly<Record<keyof Syscalls, readonly [result: string, ...parameters: string[]]>> = {
  socket: ['int', 'int', 'int', 'int'],
  bind: ['int', 'int', 'void *', 'uint32_t'],
  getsockname: ['int', 'int', 'void *', 'void *'],
  setsockopt: ['int', 'int', 'int', 'int', 'void *', 'uint32_t'],
  getsockopt: ['int', 'int', 'int', 'int', 'void *', 'void *'],
  setns: ['int', 'int', 'int'],
  unshare: ['int', 'int'],
  open: ['int', 'str', 'int'],
  close: ['int', 'int'],
  ioctl: ['int', 'int', 'uint64_t', 'void *'],
  fcntl: ['int', 'int', 'int', 'int64_t'],
  prctl: ['int', 'int', 'uint64_t', 'uint64_t', 'uint64_t', 'uint64_t'],
  mount: ['int', 'str', 'str', 'str', 'uint64_t', 'str'],
  epoll_create1: ['int', 'int'],
  epoll_ctl: ['int', 'int', 'int', 'int', 'void *'],
  eventfd: ['int', 'uint32_t', 'int'],
  clock_gettime: ['int', 'int', 'void *'],
  _exit: ['void', 'int'],
  read: ['int64_t', 'int', 'void *', 'size_t'],
  write: ['int64_t', 'int', 'void *', 'size_t'],
  recv: ['int64_t', 'int', 'void *', 'size_t', 'int'],
  recvmsg: ['int64_t', 'int', 'void *', 'int'],
  sendto: ['int64_t', 'int', 'void *', 'size_t', 'int', 'void *', 'uint32_t'],
  sendmsg: ['int64_t', 'int', 'void *', 'int'],
};

const givesErrno: ReadonlySet<string> = new Set<keyof Syscalls>(['read', 'write', 'recv', 'recvmsg', 'sendto', 'sendmsg']);

/** A system call that failed, with the errno's name as `code`, like Node's own. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, doing = '') {
    const code = errorName(errno);
    super(`${syscall}: ${code}${doing === '' ? '' : ` (${doing})`}`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** This machine cannot do it; the message is a plain sentence for the user and says what to do. */
export class NotPossibleHere extends Error {
  override readonly name = 'NotPossibleHere';
}

interface Loaded {
  readonly koffi: typeof Koffi;
  readonly calls: Syscalls;
  readonly epollWait: (epoll: number, events: Uint8Array, most: number, milliseconds: number, done: (ready: number) => void) => void;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    throw new NotPossibleHere(`network namespaces need 64-bit Linux; this is ${process.platform} on ${process.arch}`);
  }
  let koffi: typeof Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch {
    throw new NotPossibleHere('the npm package koffi (an optional dependency, for a few system calls) is not installed: npm install --include=optional');
  }
  const libc = koffi.load('libc.so.6');
  const bind = (name: string, [result, ...parameters]: readonly [string, ...string[]]): ((...args: unknown[]) => number) =>
    libc.func(name, result, parameters);
  const calls: Record<string, (...args: never[]) => number> = {};
  for (const [name, signature] of Object.entries(signatures)) {
    const native = bind(name, signature);
    calls[name] = givesErrno.has(name)
      ? (...args: unknown[]) => {
          const result = native(...args);
          return result < 0 ? -koffi.errno() : result;
        }
      : (...args: unknown[]) => {
          const result = native(...args);
          if (result < 0) throw new SystemError(name, koffi.errno(), typeof args[0] === 'string' ? args[0] : '');
          return result;
        };
  }
  const wait = libc.func('epoll_wait', 'int', ['int', 'void *', 'int', 'int']);
  return {
    koffi,
    calls: calls as unknown as Syscalls,
    epollWait: (epoll, events, most, milliseconds, done) => {
      wait.async(epoll, events, most, milliseconds, (error: unknown, ready: number) => done(error === null ? ready : -1));
    },
  };
}

/** The bindings, loaded at the first use. Throws NotPossibleHere, in a sentence, where they cannot be had. */
export const syscalls = (): Syscalls => (loaded ??= load()).calls;

/** epoll_wait on a thread of koffi's pool; `done` is called on the main thread with the number of ready descriptors, -1 after an error. */
export const epollWait: Loaded['epollWait'] = (...args) => (loaded ??= load()).epollWait(...args);

/** Where a buffer of more than 64 octets lies, for structures that hold pointers. The buffer must be kept alive. */
export const addressOf = (memory: Uint8Array): bigint => (loaded ??= load()).koffi.address(memory);

export function errorName(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}

export const EAGAIN = constants.errno.EAGAIN;
export const EINTR = constants.errno.EINTR;

/** From the kernel's headers, for every architecture that is let in above. */
export const CLONE_NEWNET = 0x4000_0000;
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const PR_SET_PDEATHSIG = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = O_NONBLOCK;
export const SOCK_CLOEXEC = O_CLOEXEC;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const SO_NO_CHECK = 11;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;

/** A C `int` in memory. */
export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

export const setOption = (fd: number, level: number, option: number, value: number): void => {
  syscalls().setsockopt(fd, level, option, int32(value), 4);
};
