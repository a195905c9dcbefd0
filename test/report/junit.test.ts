/** What CI systems read of a run and of a matrix: JUnit XML and GitHub's words. */
import { describe, expect, test } from 'vitest';
import type { CellResult } from '../../lab/matrix/play.ts';
import { annotations, jobSummary } from '../../lab/report/github.ts';
import { junitOf, junitOfMatrix } from '../../lab/report/junit.ts';
import { cell } from '../matrix/cells.ts';
import { play } from '../support/lessons.ts';

const works: CellResult = { cell: cell(), kind: 'works', acts: [], wallMs: 20 };
const wrong: CellResult = {
  cell: cell({ nat: 'symmetric', ike: 'v1', seed: 7 }),
  kind: 'unforeseen',
  acts: [{ act: 'float', kind: 'unforeseen', expected: 'works', observed: 'fails: a <claim> & more: 100%,\u0007 nothing' }],
  trace: 'traces/port-float.symmetric.v1.sim.jsonl',
  wallMs: 30,
};
const foreseen: CellResult = { cell: cell({ nat: 'udp-blocked' }), kind: 'fails-as-foreseen', acts: [{ act: 'float', kind: 'fails-as-foreseen', expected: '', observed: '', why: 'the box lets nothing out to UDP 500' }], wallMs: 10 };
const unsupported: CellResult = { cell: cell({ nat: 'nat64' }), kind: 'unsupported', acts: [{ act: 'float', kind: 'unsupported', expected: '', observed: '', why: 'home has IPv4' }], wallMs: 1 };
const broke: CellResult = { cell: cell({ nat: 'mikrotik' }), kind: 'broke', acts: [], reason: 'the worker that played it died: exit status 7', wallMs: 1 };
const again = 'npm run lab -- port-float --act float --nat symmetric --ike v1 --seed 7';

describe('JUnit XML', () => {
  test('of a matrix: a suite a lesson, a case a cell; what fails as foreseen passes and says why', () => {
    const xml = junitOfMatrix([works, wrong, foreseen, unsupported, broke], []);
    expect(xml).toContain('<testsuites tests="5" failures="1" errors="1">');
    expect(xml).toContain('<testcase classname="sim.port-float" name="behind its own boxes" time="0.02"/>');
    expect(xml).toMatch(/name="behind udp-blocked" time="0.01">\s*<system-out><!\[CDATA\[float: fails as foreseen, the box lets nothing out to UDP 500\]\]>/);
    expect(xml).toMatch(/name="behind symmetric, IKE v1" time="0.03">\s*<failure message="[^"]*expected: works/);
    for (const part of ['a &lt;claim> &amp; more', 'trace: traces/port-float.symmetric.v1.sim.jsonl', `again: ${again}`]) expect(xml).toContain(part);
    expect(xml).not.toContain('\u0007');
  });

  test('of a run: a case a claim, with claim, expected, observed and the trace in each failure', async () => {
    const xml = junitOf([await play('port-float', { preset: 'udp-4500-blocked' })], 'out.jsonl');
    expect(xml).toMatch(/<failure message="claim: ESP travels in UDP between ports 4500&#xA;expected: every ESP packet [^"]*&#xA;observed: no ESP at all&#xA;trace: out\.jsonl/);
    expect(xml).toMatch(/<testcase classname="port-float\.float" name="[a-z-]+: [^"]+"\/>/);
  });
});

describe('GitHub', () => {
  test('annotates what came out wrong, as workflow commands, ten at the most', () => {
    expect(annotations([works, foreseen, unsupported], [])).toEqual([]);
    const [one] = annotations([wrong], []);
    expect(one).toMatch(/^::error title=port-float behind symmetric%2C IKE v1%2C on sim::float: otherwise than foreseen%0Aexpected: works%0A.*100%25,/);
    expect(one!.endsWith(`%0Aagain: ${again}`)).toBe(true);
    const many = annotations(Array.from({ length: 14 }, () => wrong), []);
    expect([many.length, many.at(-1)]).toEqual([10, '::error title=The matrix::5 more cells came out wrong: see the summary of the job']);
  });

  test('summarises a job in Markdown, in which nothing that was observed is markup', () => {
    const summary = jobSummary([works, wrong].map((one) => one.cell), [works, wrong], []);
    expect(summary).toContain('## natt-lab: 2 cells: 1 works, 1 came out otherwise than foreseen');
    expect(summary).toContain('| ✓ works | 1 |');
    expect(summary).toContain('a &lt;claim&gt; &amp; more');
    expect(summary).toContain(`\`\`\`sh\n${again}\n\`\`\``);
  });
});
