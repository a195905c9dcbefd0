/** `npm run readme`: writes the generated parts of the pages anew. */
import { writeFileSync } from 'node:fs';
import { pageText, pages, partOf, withPart, withoutWallTime } from './parts.ts';

for (const [page, parts] of Object.entries(pages)) {
  let text = pageText(page);
  for (const [name, make] of Object.entries(parts)) {
    const content = await make();
    const before = partOf(text, name);
    if (before !== undefined && withoutWallTime(before) === withoutWallTime(content)) continue;
    text = withPart(text, name, content);
    console.log(`${page}: ${name}`);
  }
  writeFileSync(new URL(`../../${page}`, import.meta.url), text);
}
