/** One lesson with a learner: the question, the prediction, the act that proves the answer, the answer, something to try. */
import { sim } from '../backends/sim/backend.ts';
import { Teacher } from '../report/teacher.ts';
import { TerminalReport } from '../report/terminal.ts';
import { wrap } from '../report/text.ts';
import { sign } from '../report/theme.ts';
import type { Theme } from '../report/theme.ts';
import { castFor, runScenario, topologyOf } from '../run.ts';
import type { CheckResult } from '../run.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Act } from '../scenarios/scenario.ts';
import type { Outcome } from './outcome.ts';
import { actOf, proofAmong } from './proof.ts';
import { letters, syllabus, toTry } from './syllabus.ts';
import type { Lesson } from './syllabus.ts';

export interface Classroom {
  readonly theme: Theme;
  readonly width: number;
  readonly write: (line: string) => void;
  /** What the learner answers; undefined when there is nobody any more. */
  readonly ask: (invitation: string) => Promise<string | undefined>;
}

/** Undefined when the learner has left before the answer. */
export async function teach(lesson: Lesson, room: Classroom): Promise<Outcome | undefined> {
  const { theme, width, write } = room;
  const { scenario, chapter, number, question, choices } = lesson;
  write('');
  write(theme.faint(`${chapter}  ·  lesson ${number} of ${syllabus.length}`));
  write(theme.strong(scenario.title));
  write('');
  write(wrap(question.asks, width));
  for (const { letter, text } of choices) write(`  ${theme.strong(letter)}  ${wrap(text, width, '     ')}`);
  const said = await prediction(room);
  if (said === 'gone') return undefined;

  const proof = await proved(lesson, room);
  const right = choices.find(({ isRight }) => isRight)!;
  write('');
  if (said !== undefined) write(said === right.letter ? theme.good(`You said ${said}, and so it is.`) : theme.doubt(`You said ${said}.`));
  write(`${theme.strong(right.letter)}  ${wrap(right.text, width, '   ')}`);
  write(wrap(question.because, width));
  write(`${sign(theme, proof.verdict)} ${wrap(`${proof.claim}${proof.ref === undefined ? '' : ` (${proof.ref})`}`, width, '  ')}`);
  write(theme.faint(`  ${wrap(proof.observed, width, '  ')}`));
  write('');
  write(wrap(scenario.teaches, width));
  write(theme.faint(`To read: ${wrap(scenario.refs.join(', '), width, '  ')}`));
  write(`To try: ${theme.strong(toTry(lesson))}`);
  return said === undefined ? 'none' : said === right.letter ? 'right' : 'wrong';
}

async function prediction({ ask, write }: Classroom): Promise<(typeof letters)[number] | undefined | 'gone'> {
  for (;;) {
    const said = (await ask('What will happen? a, b or c; Enter to go on without a prediction: '))?.trim().toLowerCase();
    if (said === undefined) return 'gone';
    if (said === '') return undefined;
    const letter = letters.find((one) => one === said);
    if (letter !== undefined) return letter;
    write(`"${said}" is none of a, b and c.`);
  }
}

/** More clients than this have too much to say to be listened to. */
const talkative = 3;

/** Plays the act that the answer rests on. Throws a Problem if it does not bear it out: the course would teach what is not so. */
async function proved(lesson: Lesson, { theme, width, write }: Classroom): Promise<CheckResult> {
  const { scenario, question } = lesson;
  const values = parseSettings(scenario.id, scenario.parameters, [], sim.clock);
  const act = scenario.acts(values).find(({ id }) => id === actOf(question))!;
  const report = new TerminalReport({ theme, width, write, detail: clientsIn(act) > talkative ? 'brief' : 'full', teacher: new Teacher() });
  const { acts: [played] } = await runScenario({ ...scenario, acts: () => [act] }, { backend: sim, values, seed: 1, audience: { actBegins: report.audience().actBegins! } });
  return proofAmong(played!.checks, lesson);
}

const clientsIn = (act: Act): number => castFor(act, topologyOf(act)).clients.length;
