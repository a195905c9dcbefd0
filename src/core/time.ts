/** Milliseconds since the lab started; never wall-clock time. Fractions are allowed (a link may add 0.1 ms). */
export type Instant = number & { readonly unit: 'instant' };

/** A length of time in milliseconds. */
export type Duration = number & { readonly unit: 'duration' };

export const start = 0 as Instant;

export const milliseconds = (n: number): Duration => n as Duration;
export const seconds = (n: number): Duration => (n * 1000) as Duration;
export const minutes = (n: number): Duration => (n * 60_000) as Duration;
export const hours = (n: number): Duration => (n * 3_600_000) as Duration;

export const after = (at: Instant, wait: Duration): Instant => (at + wait) as Instant;
export const between = (from: Instant, to: Instant): Duration => (to - from) as Duration;
export const scaled = (wait: Duration, factor: number): Duration => (wait * factor) as Duration;

/** `35 s`, `1 h`, `250 ms`, `1 min 30 s`: the shortest exact-looking form, for people. */
export function describeDuration(wait: Duration): string {
  if (Math.abs(wait) < 1000) return `${trimmed(wait)} ms`;
  const total = wait / 1000;
  const h = Math.floor(total / 3600);
  const min = Math.floor((total % 3600) / 60);
  const s = total % 60;
  const parts = [h > 0 ? `${h} h` : '', min > 0 ? `${min} min` : '', s > 0.0005 ? `${trimmed(s)} s` : ''];
  return parts.filter((part) => part !== '').join(' ');
}

const trimmed = (n: number): string => String(Number(n.toFixed(3)));
