import { hours, milliseconds, minutes, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';

const units = { ms: milliseconds, s: seconds, min: minutes, h: hours } as const;

/** `30 s`, `1.5 s`, `250ms`, `2 min`, `24 h`; undefined when it is none of these. */
export function parseDuration(text: string): Duration | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h)$/.exec(text.trim());
  return found ? units[found[2] as keyof typeof units](Number(found[1])) : undefined;
}
