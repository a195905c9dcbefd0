import stringWidth from 'string-width';

/** Breaks text at blanks so that no line is wider than `width` columns; following lines are indented by `indent`. A longer word stays whole. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}

/** Pads on the right to a width in terminal columns. */
export const column = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)));
