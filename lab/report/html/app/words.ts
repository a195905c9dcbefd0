/** How the page says times, verdicts and packets. */
import type { Verdict } from '../../../checks/check.ts';
import type { Family } from '../../../ladder/journey.ts';

export function clock(at: number): string {
  if (at < 60_000) return `${(at / 1000).toFixed(3)} s`;
  const total = Math.floor(at / 1000);
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const rest = `${String(m).padStart(h > 0 ? 2 : 1, '0')}:${String(s).padStart(2, '0')}.${String(Math.floor(at % 1000)).padStart(3, '0')}`;
  return h > 0 ? `${h}:${rest}` : rest;
}

/** Roughly, for what is read at a glance. */
export const ago = (time: number): string => (time < 1000 ? `${Math.round(time)} ms` : time < 120_000 ? `${(time / 1000).toFixed(1)} s` : time < 7_200_000 ? `${Math.round(time / 60_000)} min` : `${Math.round(time / 3_600_000)} h`);

export const signs: Readonly<Record<Verdict, string>> = { pass: '✓', fail: '✗', inconclusive: '?', unsupported: '–' };
export const verdicts: Readonly<Record<Verdict, string>> = { pass: 'passed', fail: 'failed', inconclusive: 'inconclusive', unsupported: 'unsupported here' };

export const families: Readonly<Record<Family, string>> = { ike: 'IKE', esp: 'ESP', keepalive: 'Keepalives', other: 'Other' };
