/** "Why does my VPN fail behind this NAT?", answered from a capture. */
import { Walk } from '../capture/walk.ts';
import { Diagnosis } from '../diagnose/diagnosis.ts';
import type { SectionDiagnosis } from '../diagnose/diagnosis.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { plural } from '../wording.ts';
import { keysFor, remarksOn } from './decode.ts';

export interface DiagnoseCommandLine {
  readonly keys?: string;
  readonly json?: true;
  readonly color: boolean;
}

/** A capture of a long course has dozens. */
const mostSections = 1000;

/** 0: nothing wrong is seen; 1: a cause is named; 2: the file is damaged; 3: there was nothing to judge. */
export async function diagnose(file: string, { keys: folder, json, color }: DiagnoseCommandLine): Promise<number> {
  const keys = await keysFor(file, folder);
  const diagnosis = new Diagnosis(keys);
  const walk = new Walk(file);
  const sections: SectionDiagnosis[] = [];
  let omitted = 0;
  const ended = (section: SectionDiagnosis | undefined): void => {
    if (section === undefined) return;
    if (sections.length < mostSections) sections.push(section);
    else omitted++;
  };
  for await (const batch of walk.batches()) for (const passed of batch) ended(diagnosis.see(passed));
  ended(diagnosis.end());
  const remarks = [...walk.remarks, ...remarksOn(keys, diagnosis, folder), ...(omitted > 0 ? [`${plural(omitted, 'section')} left out behind the first ${mostSections}.`] : [])];
  if (json) process.stdout.write(`${JSON.stringify({ schema: 1, file, frames: walk.frames, ...(walk.damage !== undefined && { damagedAt: walk.damage.offset }), remarks, sections: sections.map(toJson) }, null, 2)}\n`);
  else {
    print(sections, lineWidth(process.stdout, 100), color);
    for (const remark of remarks) process.stderr.write(`lab: ${wrap(remark, lineWidth(process.stderr, 100))}\n`);
  }
  if (walk.damage !== undefined) return 2;
  if (sections.every(({ sights }) => sights.length === 0)) return 3;
  return sections.some(({ causes }) => causes.length > 0) ? 1 : 0;
}

const toJson = ({ causes, ...section }: SectionDiagnosis): object => ({
  ...section,
  causes: causes.map(({ finding: { id, title, ref, next }, says, certainty, evidence }) => ({ id, title, ...(ref !== undefined && { ref }), says, certainty, evidence, next })),
});

/** Frame numbers to look at; a hundred say no more than the first. */
const frames = (evidence: readonly number[]): string => (evidence.length === 0 ? '' : ` [${evidence.length === 1 ? 'frame' : 'frames'} ${evidence.slice(0, 8).join(', ')}${evidence.length > 8 ? ', …' : ''}]`);

function print(sections: readonly SectionDiagnosis[], width: number, color: boolean): void {
  const theme = themeFor(process.stdout, color);
  const line = (text: string, indent = ''): void => void process.stdout.write(`${indent}${wrap(text, width, `${indent}  `)}\n`);
  for (const { title, sights, causes, packets } of sections) {
    if (sections.length > 1 || title !== undefined) line(theme.strong(title ?? 'A section without a title'), '');
    if (sights.length === 0) line(`No IKE, no ESP, no AH among ${plural(packets, 'packet')}: nothing to judge.`, '  ');
    else if (causes.length === 0) line(`${theme.good('✓')} Nothing wrong is seen: whoever asked was answered${sights.some(({ id }) => id === 'interrupted') ? ', in the end' : ''}.`, '  ');
    for (const { finding, says, certainty, evidence } of causes) {
      line(`${theme.bad('✗')} ${theme.strong(finding.title)}${finding.ref === undefined ? '' : ` (${finding.ref})`}${certainty === 'likely' ? ', most likely' : ''}`, '  ');
      line(`${says}${theme.faint(frames(evidence))}`, '    ');
      line(`Next: ${finding.next}`, '    ');
    }
    for (const { says, evidence } of sights) line(theme.faint(`· ${says}${frames(evidence)}`), '  ');
    process.stdout.write('\n');
  }
  if (sections.length === 0) line('Nothing to judge.');
}
