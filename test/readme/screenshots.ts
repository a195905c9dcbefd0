/** Makes the pictures of the report and of the course that the READMEs show: `npm run screenshots`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { newFolder } from '../../lab/course/new-folder.ts';
import { writeSite } from '../../lab/course/site.ts';
import { syllabus } from '../../lab/course/syllabus.ts';
import { openBrowser, opened } from '../support/browser.ts';
import type { Look } from '../support/browser.ts';
import { folder, reported } from '../report/html/runs.ts';

const place = (name: string): string => fileURLToPath(new URL(`../../lab/${name}.png`, import.meta.url));

/** A picture: how the page is looked at, and what is done before. */
const pictures: Readonly<Record<string, { readonly look: Look; readonly compare?: readonly [string, string]; readonly done: (page: Page) => Promise<void> }>> = {
  report: {
    look: { width: 1280, height: 800 },
    done: async (page) => {
      for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
    },
  },
  'side-by-side': {
    look: { width: 1280, height: 800, scheme: 'dark' },
    compare: ['0/0', '0/1'],
    done: (page) => page.keyboard.press('Shift+ArrowRight'),
  },
  phone: { look: { width: 390, height: 780 }, done: (page) => page.keyboard.press('ArrowRight') },
};

await using browser = await openBrowser();
using files = folder();
const report = await reported('passthrough');
for (const [name, { look, compare, done }] of Object.entries(pictures)) {
  await using one = await opened(browser, await files.write(`${name}.html`, { ...report, ...(compare && { compare }) }), { ...look, stillness: true });
  await done(one.page);
  await taken(one.page, `report/html/${name}`);
}

const home = mkdtempSync(join(tmpdir(), 'natt-lab-course-'));
try {
  using folder = newFolder(join(home, 'site'));
  await writeSite(syllabus, folder, new AbortController().signal, () => undefined);
  await using course = await opened(browser, join(home, 'site', 'index.html'), { width: 1080, height: 760, stillness: true, folder: join(home, 'site') });
  await course.page.locator('.chapters a').first().click();
  await course.page.locator('.question input').nth(1).check();
  await taken(course.page, 'course/lesson');
} finally {
  rmSync(home, { recursive: true });
}

async function taken(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: place(name) });
  console.log(place(name));
}
