/** When, in at most nine columns: `0.033 s`, `1:05.123`, `3:02:11`. */
export function clock(at: number): string {
  if (at < 60_000) return `${(at / 1000).toFixed(3)} s`;
  const [h, m, s, ms] = [Math.floor(at / 3_600_000), Math.floor(at / 60_000) % 60, Math.floor(at / 1000) % 60, Math.floor(at % 1000)].map(String) as [string, string, string, string];
  return h === '0' ? `${m}:${s.padStart(2, '0')}.${ms.padStart(3, '0')}` : `${h}:${m.padStart(2, '0')}:${s.padStart(2, '0')}`;
}

/** Of things that come evenly, how often: `, every 20 s`; of others nothing. */
export function everyOf(times: readonly number[]): string {
  const gaps = times.slice(1).map((at, i) => at - times[i]!).sort((one, other) => one - other);
  const middle = gaps[Math.floor(gaps.length / 2)] ?? 0;
  const even = gaps.filter((gap) => Math.abs(gap - middle) <= Math.max(100, middle / 20)).length;
  return middle >= 1000 && gaps.length > 1 && even > gaps.length / 2 ? `, ${even === gaps.length ? '' : 'mostly '}every ${Math.round(middle / 1000)} s` : '';
}
