/** Lines up cells in columns: the first to the left, the others, figures as a rule, to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], others: 'left' | 'right' = 'right'): string[] {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const aligned = (cell: string, i: number): string => (i === 0 || others === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!));
  return [head, ...rows].map((row) => row.map(aligned).join('  ').trimEnd());
}
