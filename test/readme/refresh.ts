/** `npm run readme`: writes the generated parts of the pages anew. With `--bench FILE` also the figures of `npm run bench -- --json > FILE`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchTable, pageText, pages, partOf, withPart, withoutWallTime } from './parts.ts';
import type { Figures } from './parts.ts';

const { bench } = parseArgs({ options: { bench: { type: 'string' } } }).values;

for (const [page, parts] of Object.entries(pages)) {
  let text = pageText(page);
  for (const [name, make] of Object.entries(parts)) {
    const content = await make();
    const before = partOf(text, name);
    if (before !== undefined && withoutWallTime(before) === withoutWallTime(content)) continue;
    text = withPart(text, name, content);
    console.log(`${page}: ${name}`);
  }
  if (bench !== undefined && page === 'README.md') text = withPart(text, 'bench', benchTable(JSON.parse(readFileSync(bench, 'utf8')) as Figures));
  writeFileSync(new URL(`../../${page}`, import.meta.url), text);
}
