/** `struct msghdr` for recvmsg and sendmsg: one piece of memory each for the peer's address, the bytes and the control messages. */
import { addressOf, syscalls } from './syscalls.ts';

const headerSize = 56;

/** A control message: `struct cmsghdr` is a 64-bit length, a level, a type; what follows is padded to 8 octets. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * Memory that the kernel fills with one packet. What `receive` leaves in it is overwritten by the next call: copy what is to be kept.
 * One is enough for all sockets that are read on the main thread.
 */
export class MessageBuffer {
  readonly address = new Uint8Array(128);
  readonly bytes: Uint8Array;
  readonly #control = new Uint8Array(256);
  readonly #header = new Uint8Array(headerSize);
  readonly #vector = new Uint8Array(128);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #vectorView = new DataView(this.#vector.buffer);
  readonly #controlView = new DataView(this.#control.buffer);

  constructor(size = 1 << 16) {
    this.bytes = new Uint8Array(size);
    this.#headerView.setBigUint64(0, addressOf(this.address), true);
    this.#headerView.setBigUint64(16, addressOf(this.#vector), true);
    this.#headerView.setBigUint64(24, 1n, true);
    this.#headerView.setBigUint64(32, addressOf(this.#control), true);
    this.#vectorView.setBigUint64(0, addressOf(this.bytes), true);
  }

  /** Reads one packet: its length, or -errno. */
  receive(fd: number, flags: number): number {
    this.#headerView.setUint32(8, this.address.length, true);
    this.#headerView.setBigUint64(40, BigInt(this.#control.length), true);
    this.#vectorView.setBigUint64(8, BigInt(this.bytes.length), true);
    return syscalls().recvmsg(fd, this.#header, flags);
  }

  /** The flags that recvmsg gave back: MSG_TRUNC and such. */
  get flags(): number {
    return this.#headerView.getUint32(48, true);
  }

  /** The control message of the last receive with this level and type. */
  control(level: number, type: number): Uint8Array | undefined {
    const end = Number(this.#headerView.getBigUint64(40, true));
    for (let at = 0; at + 16 <= end;) {
      const length = Number(this.#controlView.getBigUint64(at, true));
      if (length < 16) return undefined;
      if (this.#controlView.getInt32(at + 8, true) === level && this.#controlView.getInt32(at + 12, true) === type) {
        return this.#control.subarray(at + 16, at + length);
      }
      at += (length + 7) & ~7;
    }
    return undefined;
  }

  /** Sends one packet with one control message: the number of octets, or -errno. */
  send(fd: number, to: Uint8Array, payload: Uint8Array, { level, type, value }: ControlMessage): number {
    if (payload.length > this.bytes.length) return -90; // EMSGSIZE
    this.address.set(to);
    this.bytes.set(payload);
    this.#controlView.setBigUint64(0, BigInt(16 + value.length), true);
    this.#controlView.setInt32(8, level, true);
    this.#controlView.setInt32(12, type, true);
    this.#control.set(value, 16);
    this.#headerView.setUint32(8, to.length, true);
    this.#headerView.setBigUint64(40, BigInt((16 + value.length + 7) & ~7), true);
    this.#vectorView.setBigUint64(8, BigInt(payload.length), true);
    return syscalls().sendmsg(fd, this.#header, 0);
  }
}

let shared: MessageBuffer | undefined;

/** The one for everybody on this thread. */
export const messageBuffer = (): MessageBuffer => (shared ??= new MessageBuffer());

/** How many packets one socket hands on before the others get their turn. */
export const batch = 64;
