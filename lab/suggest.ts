import { closest, distance } from 'fastest-levenshtein';

/** `, did you mean "keepalive"?` when one of the names is near enough to be a slip of the finger; else the names there are. */
export function suggestion(wrong: string, names: readonly string[]): string {
  const near = names.length > 0 ? closest(wrong, names) : undefined;
  if (near !== undefined && distance(wrong, near) <= Math.max(2, Math.floor(wrong.length / 3))) return `did you mean "${near}"?`;
  return `there are: ${names.join(', ')}`;
}
