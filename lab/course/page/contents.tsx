/** The lessons in chapters, and how far the learner has come. */
import type { CourseDocument } from '../document.ts';
import { marks, standing } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { beginAnew, isForgetful, progress } from './progress.ts';

const outcomeWords: Readonly<Record<Outcome, string>> = { right: 'predicted rightly', wrong: 'predicted wrongly', none: 'seen' };

export function Contents({ course: { chapters } }: { readonly course: CourseDocument }) {
  const lessons = chapters.flatMap((chapter) => chapter.lessons);
  const next = lessons.find(({ id }) => progress.value[id] === undefined);
  const hasBegun = lessons.some(({ id }) => progress.value[id] !== undefined);
  return (
    <main class="contents">
      <p>Each lesson asks what will happen. Predict it, watch the run that shows it, packet by packet, and read why. Every answer is proved by what was seen on the wire.</p>
      <div class="standing">
        {next !== undefined && <a class="button strong" href={`#${next.id}`}>{hasBegun ? 'Go on' : 'Begin'}: {next.title}</a>}
        <p role="status">{hasBegun ? standing(progress.value, lessons.map(({ id }) => id)) : `${lessons.length} lessons in ${chapters.length} chapters.`}{hasBegun && next === undefined ? ' That was the course.' : ''}</p>
        {hasBegun && <button type="button" onClick={beginAnew}>Forget my progress</button>}
      </div>
      {isForgetful.value && <p class="faint">This browser keeps nothing for this page: the progress lasts as long as the page is open.</p>}
      <ol class="chapters">
        {chapters.map((chapter) => (
          <li key={chapter.title}>
            <h2>{chapter.title}</h2>
            <ul>
              {chapter.lessons.map(({ id, number, title }) => {
                const outcome = progress.value[id];
                return (
                  <li key={id}>
                    <a href={`#${id}`}><span class="number">{number}</span> <span>{title}</span></a>
                    <span class={`outcome ${outcome ?? ''}`}>{outcome && <><span aria-hidden="true">{marks[outcome]}</span><span class="visually-hidden">{outcomeWords[outcome]}</span></>}</span>
                  </li>
                );
              })}
            </ul>
          </li>
        ))}
      </ol>
    </main>
  );
}
