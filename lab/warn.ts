/** Tells people what may be well meant and cannot work. On standard error: standard output may be for a program. */
export function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}
