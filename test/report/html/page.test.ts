/** The report as its reader has it: in a browser, from a file. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { needs } from '../../support/needs.ts';
import { openBrowser, opened, violations } from '../../support/browser.ts';
import { actOf, folder, repeated, reported } from './runs.ts';
import type { Folder } from './runs.ts';

// a browser on a busy machine
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

needs('chromium').describe('a report in a browser', () => {
  let browser: Browser;
  let files: Folder;
  let good: string;
  let failed: string;
  beforeAll(async () => {
    files = folder();
    [good, failed] = [await files.write('good.html', await reported('keepalive')), await files.write('failed.html', await reported('passthrough', { preset: 'udp-4500-blocked' }))];
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    files[Symbol.dispose]();
  });

  const table = (page: Page): Promise<string> => page.locator('.always').innerText();
  const said = (page: Page): Promise<string> => page.locator('.saying').innerText();
  const setSlider = async (page: Page, share: number): Promise<void> => {
    const slider = page.locator('input[type=range]');
    await slider.fill(String(Math.round(Number(await slider.getAttribute('max')) * share)));
  };

  test('loads, says nothing wrong, asks the network for nothing', async () => {
    await using report = await opened(browser, good);
    expect(await report.page.locator('h1').innerText()).toBe('One octet against forgetting');
    expect(await report.page.locator('nav .act').allInnerTexts()).toEqual(['✓ control', '✓ cure', '✓ just-in-time', '✓ just-too-late', '✓ lost', '✓ as-configured']);
    for (const act of await report.page.locator('nav .act').all()) await act.click();
    expect(report.complaints).toEqual([]);
  });

  test('the slider moves the NAT table', async () => {
    await using report = await opened(browser, good);
    await expect.poll(() => table(report.page)).toContain('No mapping');
    await setSlider(report.page, 0.5);
    await expect.poll(() => table(report.page)).toMatch(/192\.168\.1\.10:4500\s+203\.0\.113\.1:4500\s+203\.0\.113\.2:4500/);
    await setSlider(report.page, 1);
    await expect.poll(() => table(report.page)).toContain('No mapping');
    expect(report.complaints).toEqual([]);
  });

  test('opens at the failure, and a failed check leads to its packet', async () => {
    await using report = await opened(browser, failed);
    expect(await report.page.locator('[role=tab][aria-selected=true]').innerText()).toBe('Checks');
    const [check] = await report.page.locator('.checks .fail').all();
    expect(await check!.innerText()).toContain('Nothing of the second client comes out of the box');
    await check!.locator('button', { hasText: 'IKE_AUTH request 1 at box' }).click();
    expect(await report.page.locator('.packet-panel h2').innerText()).toBe('IKE_AUTH request 1');
    expect(await report.page.locator('.sightings .chosen').innerText()).toMatch(/leaving box.*eth1/);
    expect(await report.page.locator('[role=option][aria-selected=true]').innerText()).toContain('IKE_AUTH request 1');
    expect(await report.page.locator('.tree').innerText()).toMatch(/UDP\s+good\s+RFC 768/);
    await report.page.locator('.field', { hasText: 'UDP' }).click();
    expect(await report.page.locator('.octets mark').allInnerTexts()).toHaveLength(8);
    const inside = report.page.locator('.field', { hasText: 'IDi payload' });
    expect(await inside.innerText()).toMatch(/"client\d\.example"\s+RFC 7296 §3\.5/);
    await inside.click();
    expect(await report.page.locator('.octets').innerText()).toMatch(/^Decrypted\s+0000 {2}[^]*63 6c 69 65 6e 74/);
  });

  test('is played and read by keyboard alone', async () => {
    await using report = await opened(browser, good, { stillness: true });
    const { page } = report;
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => said(page)).toMatch(/^alice: IKE_SA_INIT request 0/);
    await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(() => said(page)).toBe('Nobody speaks. The box forgets after 30 s');
    await page.keyboard.press('End');
    await expect.poll(() => said(page)).toContain('no answer from 10.98.0.1');
    await page.keyboard.press('Space'); // from the end on it begins again
    await page.locator('.saying', { hasText: 'IKE_SA_INIT' }).waitFor();
    await page.keyboard.press('Space');
    await page.keyboard.press('k');
    expect(await page.locator('.chip.keepalive').getAttribute('aria-pressed')).toBe('false');
    expect(report.complaints).toEqual([]);
  });

  test('a packet moves through the drawing while it is played', async () => {
    await using report = await opened(browser, good);
    await report.page.keyboard.press('ArrowRight');
    await report.page.locator('.play').click();
    const places = new Set<string | null>();
    for (let i = 0; i < 40 && places.size < 4; i++) places.add(await report.page.locator('g.packet').getAttribute('transform'));
    expect(places.size).toBeGreaterThanOrEqual(4);
  });

  test('filters, folds, security associations and PF_KEY', async () => {
    await using report = await opened(browser, good);
    const { page } = report;
    await page.locator('nav .act', { hasText: 'cure' }).click();
    await page.keyboard.press('End');
    const folded = page.locator('.row.fold');
    expect(await folded.first().innerText()).toMatch(/\d+ keepalives/);
    const before = await page.locator('.count').innerText();
    await page.locator('.chip.keepalive').click();
    await expect.poll(() => page.locator('.row.fold').count()).toBe(0);
    await page.locator('.chip.keepalive').click();
    await expect.poll(() => page.locator('.count').innerText()).toBe(before);
    await page.locator('[role=tab]', { hasText: 'SAs' }).click();
    await expect.poll(() => page.locator('.endpoints-panel tbody tr').count()).toBe(2);
    await expect.poll(() => page.locator('.policies').innerText()).toMatch(/out\s+10\.98\.0\.1 → 10\.99\.0\.0\/24/);
    await expect.poll(() => page.locator('.messages').innerText()).toMatch(/SADB_GET esp spi 0x\w{8}/);
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('.messages').innerText()).toContain('SADB_X_SPDADD');
    await expect.poll(() => page.locator('.endpoints-panel tbody tr').count()).toBe(0);
    expect(report.complaints).toEqual([]);
  });

  test.each([
    ['light', 1400, 'all'], ['dark', 1400, 'the first'], ['light', 390, 'the first'], ['dark', 390, 'all'],
  ] as const)('is accessible: %s, %d pixels wide, %s panel', async (scheme, width, panels) => {
    await using report = await opened(browser, failed, { scheme, width, height: 844 });
    const { page } = report;
    expect(await violations(page)).toEqual([]);
    for (const tab of panels === 'all' ? await page.locator('[role=tab]').all() : []) {
      await tab.click();
      await page.keyboard.press('End');
      expect(await violations(page)).toEqual([]);
    }
  });

  test('two acts stand side by side, the same step of the story at the same height', async () => {
    await using report = await opened(browser, await files.write('compared.html', { ...(await reported('keepalive')), compare: ['0/0', '0/1'] }));
    const { page } = report;
    expect(await page.locator('.sides h2').allInnerTexts()).toEqual([expect.stringMatching(/^control/), expect.stringMatching(/^cure/)]);
    const stories = page.locator('.pair').first().locator('.story');
    const [left, right] = [await stories.nth(0).boundingBox(), await stories.nth(1).boundingBox()];
    expect(left!.y).toBe(right!.y);
    expect(left!.x + left!.width).toBeLessThan(right!.x);
    await page.locator('.pair .half.row.message').nth(1).click();
    expect(await page.locator('nav [aria-current]').innerText()).toContain('cure');
    expect(await violations(page)).toEqual([]);
    await page.locator('.beside select').selectOption('');
    expect(await page.locator('.comparison').count()).toBe(0);
    expect(report.complaints).toEqual([]);
  });

  test('an address leads to an act, or to a check and its evidence', async () => {
    const lessons = [...(await reported('port-float')).lessons, ...(await reported('keepalive')).lessons];
    const file = await files.write('both.html', { ...(await reported('keepalive')), lessons });
    await using report = await opened(browser, file);
    const { page } = report;
    const goTo = (place: string): Promise<unknown> => page.evaluate(`location.hash = ${JSON.stringify(place)}`);
    const act = page.locator('nav [aria-current]');
    await goTo('keepalive/cure');
    await expect.poll(() => act.innerText()).toContain('cure');
    expect(await page.locator('.pointed').count()).toBe(0);
    await goTo('keepalive/control/cut-off');
    await expect.poll(() => act.innerText()).toContain('control');
    await expect.poll(() => page.locator('.pointed .claim').innerText()).toContain(lessons[1]!.acts[0]!.checks.find(({ id }) => id === 'control/cut-off')!.claim);
    expect(await page.locator('.clock').innerText()).not.toBe('0.000 s');
    await goTo('no/such/place');
    expect(await act.innerText()).toContain('control');
  });

  test('a phone needs no sideways scrolling', async () => {
    await using report = await opened(browser, good, { width: 390, height: 844 });
    expect(await report.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });

  test('100,000 events: what is in the page does not grow with them', async () => {
    const once = actOf(await reported('passthrough'), 'with-nat-t');
    const report = await reported('passthrough');
    const [lesson] = report.lessons;
    const sizes: number[] = [];
    for (const events of [500, 100_000]) {
      const file = await files.write(`${events}.html`, { ...report, lessons: [{ ...lesson!, acts: [repeated(once, events)] }] });
      await using one = await opened(browser, file);
      expect(await one.page.locator('.count').innerText()).toMatch(events === 500 ? /of \d{3,4} events/ : /\d{5} rows of 1\d{5} events/);
      await one.page.locator('[role=tab]', { hasText: 'SAs' }).click();
      for (const share of [0.5, 1]) {
        await setSlider(one.page, share);
        await one.page.waitForSelector('.row.here');
        sizes.push(await one.page.locator('*').count());
      }
      expect(one.complaints).toEqual([]);
    }
    expect(Math.max(...sizes)).toBeLessThan(2000);
    expect(Math.max(...sizes.slice(2))).toBeLessThan(Math.max(...sizes.slice(0, 2)) + 400);
  });

  test('a report of another schema, a damaged one and an empty one say so in a sentence', async () => {
    const text = readFileSync(good, 'utf8');
    const sentences: string[] = [];
    const older = await files.write('older.html', { ...(await reported('port-float')), schema: 0 as 1 });
    for (const file of [older, files.text('damaged.html', text.replace(/(id="data">.{1000}).{1000}/, '$1')), files.text('empty.html', text.replace(/<script type="application\/gzip[^<]*<\/script>/, ''))]) {
      await using report = await opened(browser, file);
      sentences.push(await report.page.locator('[role=alert]').innerText());
      expect(report.complaints).toEqual([]);
    }
    expect(sentences).toEqual([
      'This report is of schema 0, and this page reads schema 1: run the lesson again with --report.',
      'The data of this report cannot be unpacked: the file was damaged or cut off.',
      'There is no report in this page, or the file was cut off.',
    ]);
  });
});
