/** The course as a learner has it in a browser, from a folder. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newFolder } from '../../lab/course/new-folder.ts';
import { writeSite } from '../../lab/course/site.ts';
import { syllabus } from '../../lab/course/syllabus.ts';
import { openBrowser, opened, violations } from '../support/browser.ts';
import type { Look } from '../support/browser.ts';
import { needs } from '../support/needs.ts';

// a browser on a busy machine
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** A page draws a moment later, on a busy machine some moments. */
const soon = <T>(read: () => Promise<T>): ReturnType<typeof expect.poll<T>> => expect.poll(read, { timeout: 15_000 });

const lessons = syllabus.filter(({ scenario }) => ['ah', 'port-float', 'udp-blocked'].includes(scenario.id));
const [ah] = lessons;
const right = ah!.choices.find(({ isRight }) => isRight)!;

needs('chromium').describe('the course in a browser', () => {
  let browser: Browser;
  let home: string;
  let site: string;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'natt-lab-course-'));
    site = join(home, 'site');
    using folder = newFolder(site);
    await writeSite(lessons, folder, new AbortController().signal, () => undefined);
    folder.keep();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(home, { recursive: true });
  });

  const atIndex = (look: Look = {}): ReturnType<typeof opened> => opened(browser, join(site, 'index.html'), { ...look, folder: site });
  const toLesson = async (page: Page): Promise<void> => {
    await page.locator('.chapters a', { hasText: ah!.scenario.title }).click();
    await page.locator('legend').waitFor();
  };

  test('is a page, and a report of each lesson beside it', () => {
    expect(readdirSync(site).sort()).toEqual(['index.html', 'reports']);
    expect(readdirSync(join(site, 'reports')).sort()).toEqual(['ah.html', 'port-float.html', 'udp-blocked.html']);
    expect(statSync(join(site, 'index.html')).size).toBeLessThan(150_000);
  });

  test('lists the lessons by chapter, and leads to the first', async () => {
    await using course = await atIndex();
    const { page } = course;
    expect(await page.locator('h2').allInnerTexts()).toEqual([...new Set(lessons.map(({ chapter }) => chapter))]);
    expect(await page.locator('.chapters a').allInnerTexts()).toEqual(lessons.map(({ number, scenario }) => `${number}\n${scenario.title}`));
    await page.getByText('Begin: ').click();
    await soon(() => page.locator('h1').innerText()).toBe(ah!.scenario.title);
    expect(await page.title()).toContain(ah!.scenario.title);
    expect(await page.locator('legend').innerText()).toBe(ah!.question.asks);
    expect(await page.locator('.plan svg').getAttribute('aria-label')).toMatch(/^The network: /);
    expect(await page.locator('.answer').count()).toBe(0);
    expect(course.complaints).toEqual([]);
  });

  test('takes a prediction by keyboard alone, shows the run, and says what is so and why', async () => {
    await using course = await atIndex();
    const { page } = course;
    await toLesson(page);
    await page.keyboard.press('Tab'); // from the heading to the first choice
    for (let i = 0; i < ah!.choices.indexOf(right); i++) await page.keyboard.press('ArrowDown');
    if (right.letter === 'a') await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await soon(() => page.evaluate('document.activeElement.textContent')).toBe('What happens');
    expect(await page.locator('.answer').innerText()).toContain(`You said ${right.letter}, and so it is.`);
    expect(await page.locator('.answer').innerText()).toContain(ah!.question.because);
    expect(await page.locator('.command code').innerText()).toBe('npm run lab -- ah --pcap ah.pcapng');
    const run = page.frameLocator('iframe');
    expect(await run.locator('nav [aria-current]').innerText()).toContain('passed');
    await run.locator('nav [aria-current]').press('ArrowRight');
    await soon(() => run.locator('.saying').innerText()).toMatch(/^alice: IKE_SA_INIT request 0/);
    await page.getByText('Show this in the run').click();
    await soon(() => run.locator('.pointed .claim').innerText()).toMatch(/^✓\s+The gateway finds that the ICV does not fit/);
    expect(course.complaints).toEqual([]);
  });

  test('keeps the progress, and forgets it when it is told to', async () => {
    await using course = await atIndex();
    const { page } = course;
    await toLesson(page);
    await page.locator('.question label', { hasNotText: right.text }).first().click();
    await page.getByRole('button', { name: 'That is what will happen' }).click();
    expect(await page.locator('.question .wrong, .question .right').count()).toBe(2);
    await page.locator('.home').click();
    const standing = page.locator('[role=status]');
    await soon(() => standing.innerText()).toBe('1 lesson of 3 done, 0 of 1 prediction right.');
    await page.reload();
    expect(await standing.innerText()).toBe('1 lesson of 3 done, 0 of 1 prediction right.');
    expect(await page.locator('.outcome').allInnerTexts()).toEqual([expect.stringContaining('✗'), '', '']);
    await page.getByText('Go on: ').click();
    await soon(() => page.locator('h1').innerText()).toBe(lessons[1]!.scenario.title);
    await page.getByText('Show it without a prediction').click();
    await page.goBack();
    await soon(() => standing.innerText()).toBe('2 lessons of 3 done, 0 of 1 prediction right.');
    await page.getByText('Forget my progress').click();
    await soon(() => standing.innerText()).toBe('3 lessons in 3 chapters.');
  });

  test.each([['light', 1400], ['dark', 390]] as const)('is accessible and needs no sideways scrolling: %s, %d pixels wide', async (scheme, width) => {
    await using course = await atIndex({ scheme, width, height: 844 });
    const { page } = course;
    const isSound = async (): Promise<void> => {
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    };
    await isSound();
    await toLesson(page);
    await isSound();
    await page.locator('input').first().check();
    await page.getByRole('button', { name: 'That is what will happen' }).click();
    await page.frameLocator('iframe').locator('header').waitFor();
    await isSound();
  });

  test('light or dark is one wish for the page and the run in it', async () => {
    await using course = await atIndex();
    const { page } = course;
    await toLesson(page);
    await page.getByText('Show it without a prediction').click();
    await page.frameLocator('iframe').locator('header').waitFor();
    await page.locator('header').getByRole('button', { name: 'Light or dark' }).click();
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await soon(() => page.frameLocator('iframe').locator('html').getAttribute('data-theme')).toBe('dark');
  });
});
