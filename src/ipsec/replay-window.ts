/** Sequence numbers stay below 2⁵³: a lab sends no more packets by one SA, and a number holds them without loss. */
export const sequenceLimit = { plain: 2 ** 32 - 1, extended: Number.MAX_SAFE_INTEGER } as const;

/**
 * Which packets of an SA have come already (RFC 4303 §3.4.3, appendix A2). The window is the `size` sequence numbers up to the highest one accepted.
 * Each of them has one place in a ring, where the number itself is kept: moving the window on, however far, clears nothing.
 */
export class ReplayWindow {
  readonly #ring: Float64Array;
  readonly #extended: boolean;
  #highest = 0;

  /** `size` in packets; 0 lets everything pass. `extended`: the wire carries the low 32 bits of 64. */
  constructor(size: number, extended: boolean) {
    this.#ring = new Float64Array(size); // zeros: no packet bears the number 0
    this.#extended = extended;
  }

  get size(): number {
    return this.#ring.length;
  }

  /** The highest sequence number accepted; 0 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * The whole sequence number behind the low 32 bits that came. Appendix A2.2, both of its cases in one: the only number with these low bits that is
   * not below the window and less than 2³² above its bottom. Negative when that would be before the SA began.
   */
  sequenceOf(low: number): number {
    if (!this.#extended) return low;
    const bottom = this.#highest - this.size + 1;
    return bottom + modulo(low - bottom, 2 ** 32);
  }

  /** False for what is below the window or was accepted before. Ask before the ICV is computed, and accept only after. */
  isFresh(sequence: number): boolean {
    if (this.size === 0) return true;
    return sequence > 0 && sequence > this.#highest - this.size && this.#ring[sequence % this.size] !== sequence;
  }

  /** Marks a packet that was fresh and has proven authentic. */
  accept(sequence: number): void {
    if (this.size > 0) this.#ring[sequence % this.size] = sequence;
    if (sequence > this.#highest) this.#highest = sequence;
  }
}

const modulo = (n: number, divisor: number): number => ((n % divisor) + divisor) % divisor;
