/** Debian's chromium, without a window: pages as a reader has them, with what went wrong in them. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly stillness?: true;
  /** The page is one of a folder, and may open what lies in it. */
  readonly folder?: string;
}

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** What the console complained of, and what was asked for beside the file itself. */
  readonly complaints: readonly string[];
}

export async function opened(browser: Browser, file: string, { width = 1400, height = 900, scheme = 'light', stillness, folder }: Look = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: stillness ? 'reduce' : 'no-preference' });
  const page = await context.newPage();
  const complaints: string[] = [];
  const own = `file://${file}`;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => void complaints.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (url !== own && !url.startsWith('data:') && !(folder !== undefined && url.startsWith(`file://${folder}/`))) complaints.push(`asked for ${url}`);
  });
  await page.goto(own);
  await page.waitForSelector('header, [role=alert]');
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds in the page as it is now; what is in its frames are pages of their own. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<AxeResults>('axe.run({ iframes: false })');
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary ?? ''}`));
}
