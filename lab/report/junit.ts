/** JUnit XML, which every CI system reads: a suite a lesson, a case a claim; of a matrix a suite a lesson and backend, a case a cell. */
import junit from 'junit-report-builder';
import type { Builder, TestSuite } from 'junit-report-builder';
import { own } from '../matrix/cell.ts';
import { verdictOf } from '../matrix/judge.ts';
import type { CellResult } from '../matrix/play.ts';
import { commandOf } from '../matrix/reproduce.ts';
import type { CheckResult, ScenarioResult } from '../run.ts';
import { looks, wrongsOf } from './matrix-words.ts';

// Its types are of an ES module; what Node is given is CommonJS.
const builder = junit as unknown as Builder;

/** Of `run`. `trace`: the file that has everything that happened, where one was asked for. */
export function junitOf(results: readonly ScenarioResult[], trace?: string): string {
  const report = builder.newBuilder();
  for (const { scenario, acts, backend, seed, wallMs } of results) {
    const suite = report.testSuite().name(scenario.id).time(wallMs / 1000).property('backend', backend).property('seed', String(seed));
    for (const check of acts.flatMap(({ checks }) => checks)) ofCheck(suite, scenario.id, check, trace);
  }
  return `${clean(report.build())}\n`;
}

function ofCheck(suite: TestSuite, scenario: string, { id, claim, ref, verdict, expected, observed, evidence }: CheckResult, trace: string | undefined): void {
  const [act = '', name = id] = id.split('/');
  const one = suite.testCase().className(`${scenario}.${act}`).name(`${name}: ${claim}${ref === undefined ? '' : ` (${ref})`}`);
  if (verdict === 'pass') return;
  if (verdict === 'unsupported') {
    one.skipped().standardOutput(observed);
    return;
  }
  const where = trace === undefined ? [] : [`trace: ${trace}`];
  const text = [`claim: ${claim}`, `expected: ${expected}`, `observed: ${observed}`, ...where, ...(evidence.length === 0 ? [] : [`events: ${evidence.slice(0, 5).join(', ')}`])].join('\n');
  if (verdict === 'fail') one.failure(text, 'claim');
  else one.error(`${claim}: inconclusive`, 'inconclusive', text);
}

/** Of a matrix: a case that fails as foreseen passes, and says why. */
export function junitOfMatrix(results: readonly CellResult[], folders: readonly string[]): string {
  const report = builder.newBuilder();
  const suites = new Map<string, { readonly suite: TestSuite; wallMs: number }>();
  for (const result of results) {
    const { cell: { scenario, nat, ike, backend, seed }, kind, wallMs, acts } = result;
    const name = `${scenario} on ${backend}`;
    const { suite, wallMs: before } = suites.get(name) ?? { suite: report.testSuite().name(name).property('backend', backend).property('seed', String(seed)), wallMs: 0 };
    suites.set(name, { suite, wallMs: before + wallMs });
    suite.time((before + wallMs) / 1000);
    const one = suite.testCase().className(`${backend}.${scenario}`).name(`${nat === own ? 'behind its own boxes' : `behind ${nat}`}${ike === own ? '' : `, IKE ${ike}`}`).time(wallMs / 1000);
    const why = acts.flatMap((act) => (act.why === undefined ? [] : [`${act.act}: ${looks[act.kind].words}, ${act.why}`]));
    if (kind === 'unsupported') one.skipped().standardOutput(why.join('\n'));
    else if (verdictOf[kind] === 'pass') one.standardOutput(why.join('\n'));
    else {
      const text = [...wrongsOf(result).flatMap(({ what, lines }) => [what, ...lines.map((line) => `  ${line}`)]), `again: ${commandOf(result, folders)}`].join('\n');
      if (kind === 'unforeseen') one.failure(text, kind);
      else one.error(looks[kind].words, kind, text);
    }
  }
  return `${clean(report.build())}\n`;
}

/** XML 1.0 has no control characters, escaped or not; and Jenkins' schema knows skipped cases of a suite, not of all suites. */
const clean = (text: string): string => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd').replace(/(<testsuites [^>]*?) skipped="\d+"/, '$1');
