/** The result of a probe for people, and for programs. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { ProbeResult } from '../../src/probe/classification.ts';
import { column, wrap } from '../report/text.ts';
import type { Theme } from '../report/theme.ts';
import { tell } from './expectation.ts';
import type { Disagreement } from './expectation.ts';
import { judge } from './requirements.ts';
import type { Judgement } from './requirements.ts';

const titleWidth = 29;
const refWidth = 15;

/** A table of at most 80 columns: what was asked, what was found, which requirement it answers and whether it is met. */
export function table({ local, mapped, server, findings }: ProbeResult, theme: Theme, width: number): string {
  const judgements = judge(findings);
  const asked = judgements.filter(({ met }) => met !== undefined);
  const missed = asked.filter(({ met, line }) => met === false && line.requirement?.level === 'MUST');
  const head = `${describeEndpoint(local)} is ${describeEndpoint(mapped)} to ${describeEndpoint(server)}`;
  const sum = `${asked.length} requirements answered, ${missed.length === 0 ? 'every MUST met' : `of the MUSTs missed: ${missed.map(({ line }) => line.requirement!.ref).join(', ')}`}`;
  return [wrap(head, width), '', ...judgements.map((one) => row(one, theme, width)), '', wrap(sum, width)].join('\n');
}

function row({ line, finding, met }: Judgement, theme: Theme, width: number): string {
  const sign = met === undefined ? ' ' : met ? theme.good('✓') : theme[line.requirement?.level === 'MUST' ? 'bad' : 'doubt']('✗');
  const value = finding.measured ? tell(finding.value) : `not measured: ${finding.why}`;
  const ref = line.requirement?.ref ?? '';
  if (width < 70) return `${sign} ${wrap(`${line.title}: ${value}${ref === '' ? '' : ` (${ref})`}`, width, '    ')}`;
  const room = width - titleWidth - refWidth - 5;
  const [first = '', ...rest] = wrap(value, room).split('\n');
  const begun = `${sign} ${column(line.title, titleWidth)} ${column(first, room)}  ${theme.faint(ref)}`.trimEnd();
  return [finding.measured ? begun : theme.faint(begun), ...rest.map((further) => `${' '.repeat(titleWidth + 3)}${further}`)].join('\n');
}

export const toJson = ({ local, mapped, server, findings }: ProbeResult, more: object): object => ({
  schema: 1,
  ...more,
  local: describeEndpoint(local),
  mapped: describeEndpoint(mapped),
  server: describeEndpoint(server),
  findings,
  requirements: judge(findings).flatMap(({ line: { measure, requirement }, met }) => (requirement === undefined ? [] : [{ ref: requirement.ref, level: requirement.level, measure, verdict: met === undefined ? 'not measured' : met ? 'pass' : 'fail' }])),
});

export const tellDisagreement = ({ measure, expected, found }: Disagreement): string => `${measure}: the box claims ${expected}, the probe found ${found}`;
