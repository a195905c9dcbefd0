import stringWidth from 'string-width';

/** How wide lines may be: the terminal's width, else what COLUMNS says, and never so wide that reading gets hard. */
export function lineWidth({ columns }: { readonly columns?: number }, most = 100): number {
  const width = columns ?? Number(process.env['COLUMNS']);
  return width > 0 ? Math.max(20, Math.min(width, most)) : most;
}

/**
 * Breaks text at blanks so that no line is wider than `width` columns, a longer word excepted. The text stands `indent` in from the left: its
 * first line is put there by the caller, the others by this.
 */
export function wrap(text: string, width: number, indent = ''): string {
  const room = width - stringWidth(indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(longer) > room) {
      lines.push(line.trimEnd());
      line = word;
    } else line = longer;
  }
  return [...lines, line].join(`\n${indent}`);
}

/** Lines none of which is wider than `width` columns: broken at blanks, and within words that are longer. */
export const lines = (text: string, width: number): readonly string[] =>
  wrap(text, width).split('\n').flatMap((line) => (stringWidth(line) <= width ? [line] : (line.match(new RegExp(`.{1,${Math.max(1, width)}}`, 'gu')) ?? [])));

/** Pads on the right to a width in terminal columns. */
export const column = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)));

/** a, b, … z, aa, ab, … */
export const letter = (n: number): string => (n < 26 ? String.fromCharCode(97 + n) : letter(Math.floor(n / 26) - 1) + letter(n % 26));
