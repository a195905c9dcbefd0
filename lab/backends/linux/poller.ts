/** Waits for many descriptors with one thread: `epoll_wait` runs on a thread of koffi's, everything else on the main thread. */
import { F_SETFD, FD_CLOEXEC, O_CLOEXEC, O_NONBLOCK, epollWait, syscalls } from './syscalls.ts';

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const most = 256;

/** `struct epoll_event` is packed on x86-64 alone: 32 bits of events, then 64 of what we like; here the descriptor. */
const eventSize = process.arch === 'x64' ? 12 : 16;
const dataAt = eventSize - 8;

export class Poller {
  readonly #epoll: number;
  /** Written to at the end, so that the waiting thread comes back. */
  readonly #alarm: number;
  readonly #ready = new Uint8Array(Math.max(128, most * eventSize));
  readonly #readers = new Map<number, () => void>();
  #closing: { readonly done: Promise<void>; readonly finish: () => void } | undefined;

  /** Keeps the process alive until it is closed. */
  constructor() {
    const { epoll_create1, eventfd, fcntl } = syscalls();
    this.#epoll = epoll_create1(O_CLOEXEC);
    this.#alarm = eventfd(0, O_CLOEXEC | O_NONBLOCK);
    fcntl(this.#alarm, F_SETFD, FD_CLOEXEC);
    this.#control(EPOLL_CTL_ADD, this.#alarm);
    this.#wait();
  }

  /**
   * Calls `read` whenever the descriptor has something to read. It must not wait, and may stop before everything is read: it is called
   * again. An exception from it is a bug and ends the process like one in any other callback.
   */
  add(fd: number, read: () => void): void {
    this.#readers.set(fd, read);
    this.#control(EPOLL_CTL_ADD, fd);
  }

  /** Before the descriptor is closed. Its `read` is not called any more, not even for what is ready at this moment. */
  remove(fd: number): void {
    if (!this.#readers.delete(fd)) return;
    this.#control(EPOLL_CTL_DEL, fd);
  }

  /** Calls nobody any more and lets the process end; resolves when the thread is back. The descriptors are their owners' to close. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      let finish = (): void => undefined;
      const done = new Promise<void>((resolve) => (finish = resolve));
      this.#closing = { done, finish };
      this.#readers.clear();
      syscalls().write(this.#alarm, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
    }
    return this.#closing.done;
  }

  #wait(): void {
    epollWait(this.#epoll, this.#ready, most, -1, (ready) => {
      try {
        // -1: a signal interrupted the wait
        for (let i = 0; i < ready && this.#closing === undefined; i++) this.#readers.get(this.#descriptor(i))?.();
      } finally {
        if (this.#closing === undefined) {
          this.#wait();
        } else {
          syscalls().close(this.#epoll);
          syscalls().close(this.#alarm);
          this.#closing.finish();
        }
      }
    });
  }

  #descriptor(i: number): number {
    const at = i * eventSize + dataAt;
    return this.#ready[at]! | (this.#ready[at + 1]! << 8) | (this.#ready[at + 2]! << 16) | (this.#ready[at + 3]! << 24);
  }

  #control(operation: number, fd: number): void {
    const event = new DataView(new ArrayBuffer(16));
    event.setUint32(0, EPOLLIN, true);
    event.setInt32(dataAt, fd, true);
    syscalls().epoll_ctl(this.#epoll, operation, fd, new Uint8Array(event.buffer));
  }
}
