/** The grid of a matrix as its reader has it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { CellResult } from '../../lab/matrix/play.ts';
import { playCell } from '../../lab/matrix/play.ts';
import { matrixHtml } from '../../lab/report/matrix-html.ts';
import { cell } from '../matrix/cells.ts';
import { openBrowser, opened, violations } from '../support/browser.ts';
import { needs } from '../support/needs.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const unforeseen: CellResult = {
  cell: cell({ nat: 'symmetric', ike: 'v1' }),
  kind: 'unforeseen',
  acts: [{ act: 'float', kind: 'unforeseen', expected: 'works', observed: 'fails: <b>a claim</b> & "more"' }],
  trace: 'traces/one.jsonl',
  wallMs: 30,
};

test('nothing that was observed is markup', () => {
  const page = matrixHtml([unforeseen.cell], [unforeseen], []);
  expect(page).toContain('fails: &lt;b&gt;a claim&lt;/b&gt; &amp; &quot;more&quot;');
  expect(page).not.toContain('<b>');
});

needs('chromium').describe('in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-grid-'));
  const file = join(folder, 'grid.html');
  let browser: Browser;
  beforeAll(async () => {
    const played = await Promise.all([cell(), cell({ nat: 'udp-4500-blocked' }), cell({ scenario: 'multi-client', acts: ['together'], nat: 'nat64' })].map((one) => playCell({ cell: one, folders: [] })));
    const results = [...played, unforeseen];
    writeFileSync(file, matrixHtml(results.map((one) => one.cell), results, []));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  test('has a row a lesson and version of IKE, a column a box, a sign for each cell', async () => {
    await using grid = await opened(browser, file);
    const rows = await grid.page.locator('tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split('\t'))).toEqual([['port-float own IKE', '✓', '≈', '', ''], ['multi-client own IKE', '', '', '–', ''], ['port-float v1', '', '', '', '✗']]);
    expect(await grid.page.locator('h1 + p').innerText()).toBe('4 cells: 1 works, 1 fails as foreseen, 1 came out otherwise than foreseen, 1 is unsupported here');
  });

  test('a cell opens by keyboard what it claimed and saw, and closes by Escape', async () => {
    await using grid = await opened(browser, file);
    const { page } = grid;
    const dialog = page.locator('article').nth(1);
    expect(await dialog.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'port-float behind udp-4500-blocked, on sim: fails as foreseen' }).focus();
    await page.keyboard.press('Enter');
    expect(await dialog.isVisible()).toBe(true);
    expect(await dialog.innerText()).toMatch(/ESP travels in UDP between ports 4500 \(RFC 3948 §2\.1\)\s*expected: .*\s*no ESP at all/);
    expect(await dialog.innerText()).toContain('Again: npm run lab -- port-float --act float --nat udp-4500-blocked --seed 1');
    await page.keyboard.press('Escape');
    expect(await dialog.isVisible()).toBe(false);
    expect(grid.complaints).toEqual([]);
  });

  test.each([['light', 1400], ['dark', 390]] as const)('is accessible: %s, %d pixels wide', async (scheme, width) => {
    await using grid = await opened(browser, file, { scheme, width });
    expect(await violations(grid.page)).toEqual([]);
    await grid.page.locator('button.unforeseen').click();
    expect(await violations(grid.page)).toEqual([]);
    expect(grid.complaints).toEqual([]);
  });
});
