/** A TUN device in a namespace: the IP packets that its routing sends there come here, and what is written here arrives there. */
import type { Interfaces } from './links.ts';
import type { Poller } from './poller.ts';
import { batch } from './message-buffer.ts';
import { EINTR, NotPossibleHere, O_CLOEXEC, O_NONBLOCK, O_RDWR, SystemError, int32, syscalls } from './syscalls.ts';

const TUNSETIFF = 0x4004_54ca;
const TUNSETPERSIST = 0x4004_54cb;
const TUNSETIFINDEX = 0x4004_54da;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;

const readBuffer = new Uint8Array(1 << 16);

export interface TunOptions {
  readonly name: string;
  readonly mtu: number;
  /** How many packets may wait to be read; Linux lets 500. */
  readonly queue?: number;
  /** Called in front of every batch of packets: what holds for them all need not be asked for each. */
  readonly batchBegins?: () => void;
}

export class TunDevice {
  readonly name: string;
  readonly #at: Interfaces;
  readonly #fd: number;
  readonly #poller: Poller;
  #closed = false;

  /** Makes the device and sets it up; addresses and routes are given to it by its name, through `at`. Closed, nothing comes or goes by it; it is gone when its namespace is. */
  constructor(at: Interfaces, poller: Poller, { name, mtu, queue, batchBegins }: TunOptions, receive: (packet: Uint8Array) => void) {
    const { open, ioctl, close } = syscalls();
    this.name = name;
    this.#at = at;
    this.#poller = poller;
    try {
      // The device belongs to the namespace in which the file was opened.
      this.#fd = at.namespace.inside(() => open('/dev/net/tun', O_RDWR | O_CLOEXEC | O_NONBLOCK));
    } catch (error) {
      throw error instanceof SystemError ? new NotPossibleHere(`the device /dev/net/tun cannot be opened (${error.code}): modprobe tun, or in a container --device /dev/net/tun`) : error;
    }
    try {
      ioctl(this.#fd, TUNSETIFINDEX, int32(at.reserve(name)));
      // struct ifreq { char name[16]; short flags; … }
      const request = new DataView(new ArrayBuffer(40));
      const bytes = new Uint8Array(request.buffer);
      bytes.set(new TextEncoder().encode(name));
      request.setUint16(16, IFF_TUN | IFF_NO_PI, true);
      ioctl(this.#fd, TUNSETIFF, bytes);
      // Without this its close would take the device down, some 17 ms each; with it, all devices of a namespace go at once.
      ioctl(this.#fd, TUNSETPERSIST, int32(1)); // the kernel looks only at whether the argument is zero, and an address never is
      at.setMtu(name, mtu);
      if (queue !== undefined) at.setQueue(name, queue);
      at.setUp(name, true);
    } catch (error) {
      at.forget(name);
      close(this.#fd);
      throw error;
    }
    poller.add(this.#fd, () => {
      batchBegins?.();
      this.#read(receive);
    });
  }

  /** A whole IP packet, for the namespace to deliver or forward. One that the kernel does not take (the device is down) is lost. */
  write(packet: Uint8Array): void {
    if (!this.#closed) syscalls().write(this.#fd, packet, packet.length);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.remove(this.#fd);
    syscalls().close(this.#fd);
    this.#at.forget(this.name);
  }

  #read(receive: (packet: Uint8Array) => void): void {
    for (let count = 0; count < batch && !this.#closed; count++) {
      const length = syscalls().read(this.#fd, readBuffer, readBuffer.length);
      if (length === -EINTR) continue;
      if (length < 0) return;
      receive(readBuffer.slice(0, length));
    }
  }
}
