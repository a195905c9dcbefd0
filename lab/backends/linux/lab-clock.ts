/**
 * The lab's time on a real backend: the machine's monotonic clock since the lab started, and the kernel's packet timestamps on the same scale. It may
 * pass faster than the clock on the wall, so that nobody waits half a minute for a mapping to expire.
 */
import type { Instant } from '../../../src/core/time.ts';
import { syscalls } from './syscalls.ts';

/** How many times faster than the clock on the wall a lab's time passes: a mapping's 30 s are 3 s to wait. */
export const rate = 10;

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

const timespec = new Uint8Array(16);
const timespecView = new DataView(timespec.buffer);

/** Milliseconds of one of the kernel's clocks. */
function read(clock: number): number {
  syscalls().clock_gettime(clock, timespec);
  return milliseconds(timespecView, 0);
}

/** `struct timespec`: seconds and nanoseconds, 64 bits each. */
const milliseconds = (view: DataView, at: number): number => Number(view.getBigInt64(at, true)) * 1000 + Number(view.getBigInt64(at + 8, true)) / 1e6;

/** Milliseconds of the machine's monotonic clock, which all its processes share, those in containers too. */
export const monotonic = (): number => read(CLOCK_MONOTONIC);

export class LabClock {
  readonly #start: number;
  #realtimeStart = 0;
  #checked = -Infinity;

  /** Milliseconds of the lab's time in one of the wall's. */
  readonly rate: number;

  /** `start`: the lab's zero on the monotonic clock; now when not given. */
  constructor(rate = 1, start = monotonic()) {
    this.rate = rate;
    this.#start = start;
  }

  now(): Instant {
    return (this.#elapsed() * this.rate) as Instant;
  }

  /** How long to wait for an instant, in milliseconds of the wall's time: what `setTimeout` wants. */
  untilMs(at: Instant): number {
    return Math.max(0, (at - this.now()) / this.rate);
  }

  /** The lab time of a kernel timestamp (SO_TIMESTAMPNS: a `struct timespec` of wall-clock time). */
  ofTimestamp(timestamp: Uint8Array): Instant {
    // Somebody may set the wall clock while the lab runs: where its zero lies is looked up anew every second.
    const now = this.#elapsed();
    if (now - this.#checked > 1000) {
      this.#checked = now;
      this.#realtimeStart = this.#whereRealtimeStarted();
    }
    const at = milliseconds(new DataView(timestamp.buffer, timestamp.byteOffset, 16), 0) - this.#realtimeStart;
    return (Math.min(Math.max(at, 0), now) * this.rate) as Instant;
  }

  /** Both clocks cannot be read at once: of three tries the one that was interrupted least. */
  #whereRealtimeStarted(): number {
    let best = { took: Infinity, start: 0 };
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = this.#elapsed();
      const realtime = read(CLOCK_REALTIME);
      const took = this.#elapsed() - before;
      if (took < best.took) best = { took, start: realtime - before - took / 2 };
    }
    return best.start;
  }

  #elapsed(): number {
    return monotonic() - this.#start;
  }
}
