/** `1 packet`, `3 packets`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** A word as a shell takes it. */
export const forShell = (word: string): string => (/^[\w./=+:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
