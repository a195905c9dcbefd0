import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dataMark, page, reportPage } from '../../../lab/report/html/bundle.ts';
import { comparisonOf } from '../../../lab/report/html/comparison.ts';
import { readReport, reportFile } from '../../../lab/report/html/file.ts';
import { lab } from '../../cli/lab.ts';
import { asRead, folder, reported } from './runs.ts';

describe('a report as a file', () => {
  test('is read as it was written', async () => {
    const report = await reported('port-float');
    expect(readReport('a.html', await reportFile(report))).toEqual(asRead(report));
  });

  test('has all in itself, and forbids itself the network', async () => {
    const text = await page(reportPage);
    expect(text.split(dataMark)).toHaveLength(2);
    expect(text).toContain(`content="default-src 'none';`);
    expect(text.replace(/<script>.*<\/script>/s, '')).not.toMatch(/(src|href)="(?!data:)/);
    expect(text.match(/<\/script>/g)).toHaveLength(1);
  });

  test('of another schema, or none at all, is refused with a sentence', async () => {
    const report = await reported('port-float');
    const text = await reportFile(report);
    expect(() => readReport('old.html', '<html></html>')).toThrow('old.html is no report of this lab, or was cut off');
    expect(() => readReport('old.html', text.replace(/(id="data">.{400}).{400}/, '$1'))).toThrow('the data in old.html cannot be unpacked');
    const older = await reportFile({ ...report, schema: 0 as 1 });
    expect(() => readReport('old.html', older)).toThrow('old.html is a report of schema 0, and this lab reads schema 1: run the lesson again with --report');
  });
});

describe('lab … --report', () => {
  test('writes the acts of all lessons that were run', async () => {
    using files = folder();
    const file = files.text('report.html', '');
    const { status, stderr } = await lab(['run', 'port-float', 'detection', '--quiet', '--report', file]);
    expect([status, stderr]).toEqual([0, '']);
    const { lessons } = readReport(file, readFileSync(file, 'utf8'));
    expect(lessons.map(({ scenario }) => scenario)).toEqual(['port-float', 'detection']);
    expect(lessons[0]!.acts.map(({ id, checks, events }) => [id, checks.length > 0, events.length > 50])).toEqual(['float', 'start-on-4500', 'no-nat'].map((id) => [id, true, true]));
  });

  test('a comparison that cannot be is refused before anything runs', async () => {
    const { status, stdout, stderr } = await lab(['keepalive', '--report', '/dev/null', '--compare', 'control']);
    expect([status, stdout, stderr]).toEqual([2, '', 'lab: --compare control: name two acts, as in --compare control,cure, or an earlier report, as in --compare before.html\n']);
  });

  test.each([
    ['control,cur', '--compare: no act "cur"; did you mean "cure"?'],
    ['/nowhere/before.html', "--compare: cannot read /nowhere/before.html: ENOENT: no such file or directory, open '/nowhere/before.html'"],
  ])('--compare %s is none, and says why', async (compare, sentence) => {
    await expect(comparisonOf(compare, [{ scenario: 'keepalive', acts: ['control', 'cure'] }])).rejects.toThrow(sentence);
  });

  test('--compare puts two acts side by side, or a run beside an earlier one', async () => {
    const now = await reported('passthrough');
    const planned = [{ scenario: 'passthrough', acts: now.lessons[0]!.acts.map(({ id }) => id) }];
    expect((await comparisonOf('without-nat-t, with-nat-t', planned))(now).compare).toEqual(['0/0', '0/1']);
    using files = folder();
    const before = await files.write('before.html', await reported('passthrough', { preset: 'udp-4500-blocked' }));
    const both = (await comparisonOf(before, planned))(now);
    expect(both.lessons.map(({ verdict, from }) => [verdict, from])).toEqual([['pass', undefined], ['fail', 'before.html']]);
    expect(both.compare).toEqual(['1/0', '0/0']);
    await expect(comparisonOf(before, [{ scenario: 'keepalive', acts: ['cure'] }])).rejects.toThrow('before.html has none of the acts of this run; it has passthrough/without-nat-t');
  });

  test('where nothing can be written runs nothing', async () => {
    const { status, stdout, stderr } = await lab(['port-float', '--report', '/nowhere/report.html']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^lab: cannot write \/nowhere\/report\.html: ENOENT/);
  });
});
