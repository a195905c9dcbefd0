/** The course as a static site: one page with the lessons, and beside it a folder with a report for each. */
import { sim } from '../backends/sim/backend.ts';
import { dataMark, page, reportPage } from '../report/html/bundle.ts';
import type { PageSource } from '../report/html/bundle.ts';
import { reportIn } from '../report/html/file.ts';
import { reportOf } from '../report/html/report.ts';
import { runScenario } from '../run.ts';
import { chapters } from '../scenarios/scenario.ts';
import type { CourseDocument, CourseLesson } from './document.ts';
import { actOf, proofAmong } from './proof.ts';
import type { NewFolder } from './new-folder.ts';
import { toTry } from './syllabus.ts';
import type { Lesson } from './syllabus.ts';

export const coursePage: PageSource = {
  built: new URL('./page.html', import.meta.url),
  source: new URL('./page/main.tsx', import.meta.url),
  title: 'NAT traversal for IPsec: a course',
  waiting: 'The course is being opened …',
  withoutScript: 'This course needs JavaScript. It asks the network for nothing.',
  // not every browser takes one file for another one's origin
  policy: "frame-src 'self' file:",
};

const reports = 'reports';

/** Every lesson is run in full; `written` hears of each. The page comes last, so that a folder without one is no course.. Throws a Problem. */
export async function writeSite(lessons: readonly Lesson[], folder: NewFolder, signal: AbortSignal, written: (lesson: Lesson, octets: number) => void): Promise<void> {
  folder.makeFolder(reports);
  const emptyReport = await page(reportPage);
  const told: CourseLesson[] = [];
  for (const lesson of lessons) {
    const { scenario, question, number, choices } = lesson;
    const result = await runScenario(scenario, { backend: sim, signal });
    if (signal.aborted) return;
    const proof = proofAmong(result.acts.flatMap(({ checks }) => checks), lesson);
    const document = reportOf([result]);
    const { id, title, network } = document.lessons[0]!.acts.find((act) => act.id === actOf(question))!;
    const report = `${reports}/${scenario.id}.html`;
    written(lesson, folder.write(report, reportIn(emptyReport, document)));
    told.push({
      id: scenario.id,
      number,
      title: scenario.title,
      asks: question.asks,
      choices,
      because: question.because,
      proof: { id: proof.id, claim: proof.claim, ...(proof.ref !== undefined && { ref: proof.ref }), observed: proof.observed },
      act: { id, title, network },
      teaches: scenario.teaches,
      refs: scenario.refs,
      command: toTry(lesson),
      report,
    });
  }
  folder.write('index.html', courseIn(await page(coursePage), { chapters: chaptersOf(lessons, told) }));
}

const chaptersOf = (lessons: readonly Lesson[], told: readonly CourseLesson[]): CourseDocument['chapters'] =>
  chapters.map((title) => ({ title, lessons: told.filter((_, i) => lessons[i]!.chapter === title) })).filter((chapter) => chapter.lessons.length > 0);

const courseIn = (empty: string, course: CourseDocument): string =>
  empty.replace(dataMark, () => `<script type="application/json" id="data">${JSON.stringify(course).replaceAll('<', '\\u003c')}</script>`);
