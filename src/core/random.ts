/** A source of chance that was handed in: seeded in the simulator, the operating system's for keys on real backends. */
export interface Random {
  /** Uniform in 0 … 2³²−1. */
  uint32(): number;
  bytes(length: number): Uint8Array;
  /** An independent source for the one who bears the label: one more host does not change the others' bytes. */
  fork(label: string): Random;
}

/** Uniform in 0 … limit−1, without modulo bias. */
export function below(random: Random, limit: number): number {
  const fair = 0x1_0000_0000 - (0x1_0000_0000 % limit);
  for (;;) {
    const drawn = random.uint32();
    if (drawn < fair) return drawn % limit;
  }
}

/** Uniform in [0, 1). */
export const fraction = (random: Random): number => random.uint32() / 0x1_0000_0000;

/** The same seed gives the same bytes, everywhere and for ever (sfc32, seeded by cyrb128 of the label path). Not for secrets. */
export function seeded(seed: number, label = ''): Random {
  let [a, b, c, d] = hash128(`${seed}/${label}`);
  const uint32 = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let warmUp = 0; warmUp < 15; warmUp++) uint32();
  return {
    uint32,
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i += 4) {
        const word = uint32();
        for (let k = i; k < Math.min(i + 4, length); k++) bytes[k] = word >>> (8 * (k - i));
      }
      return bytes;
    },
    fork: (child) => seeded(seed, `${label}/${child}`),
  };
}

function hash128(text: string): [number, number, number, number] {
  let [h1, h2, h3, h4] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (const character of text) {
    const k = character.codePointAt(0)!;
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1];
}
