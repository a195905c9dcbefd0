/** A lesson: the question, the learner's prediction, the run, the answer, something to try. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Plan } from '../../report/html/app/plan.tsx';
import type { CourseLesson } from '../document.ts';
import type { Letter } from '../syllabus.ts';
import { progress, record } from './progress.ts';

export interface LessonPageProps {
  readonly lesson: CourseLesson;
  readonly chapter: string;
  readonly of: number;
  readonly before: CourseLesson | undefined;
  readonly next: CourseLesson | undefined;
}

/** `none`: the learner wants to see it without a prediction. */
type Said = Letter | 'none';

export function LessonPage({ lesson, chapter, of, before, next }: LessonPageProps) {
  const [said, say] = useState<Said>();
  const answer = lesson.choices.find(({ isRight }) => isRight)!;
  return (
    <main class="lesson">
      <p class="faint">{chapter} · lesson {lesson.number} of {of}</p>
      <h1 tabIndex={-1}>{lesson.title}</h1>
      <figure>
        <Plan network={lesson.act.network} />
        <figcaption class="faint">{lesson.act.network.title}</figcaption>
      </figure>
      <Question
        lesson={lesson}
        said={said}
        onSaid={(one) => {
          say(one);
          record(lesson.id, one === 'none' ? 'none' : one === answer.letter ? 'right' : 'wrong');
        }}
      />
      {said !== undefined && <Run lesson={lesson} said={said} />}
      {said !== undefined && <Answer lesson={lesson} said={said} />}
      <nav class="ways" aria-label="Lessons">
        {before === undefined ? <span /> : <a class="button" rel="prev" href={`#${before.id}`}>← {before.title}</a>}
        {next === undefined ? <a class="button" href="#">All lessons</a> : <a class={said === undefined ? 'button' : 'button strong'} rel="next" href={`#${next.id}`}>{next.title} →</a>}
      </nav>
    </main>
  );
}

function Question({ lesson: { id, asks, choices }, said, onSaid }: { readonly lesson: CourseLesson; readonly said: Said | undefined; readonly onSaid: (said: Said) => void }) {
  const [chosen, choose] = useState<Letter>();
  const earlier = said === undefined ? progress.value[id] : undefined;
  const isOver = said !== undefined;
  return (
    <form class="question" onSubmit={(event) => {
      event.preventDefault();
      if (chosen !== undefined) onSaid(chosen);
    }}>
      <fieldset disabled={isOver}>
        <legend>{asks}</legend>
        {choices.map(({ letter, text, isRight }) => (
          <label key={letter} class={isOver ? (isRight ? 'right' : letter === said ? 'wrong' : '') : chosen === letter ? 'chosen' : ''}>
            <input type="radio" name="prediction" value={letter} checked={chosen === letter} onChange={() => choose(letter)} />
            <b>{letter}</b> <span>{text}</span>
            {isOver && isRight && <span class="sign" role="img" aria-label="right">✓</span>}
            {isOver && !isRight && letter === said && <span class="sign" role="img" aria-label="wrong">✗</span>}
          </label>
        ))}
      </fieldset>
      {!isOver && (
        <p class="actions">
          <button type="submit" class="strong" disabled={chosen === undefined}>That is what will happen</button>
          <button type="button" onClick={() => onSaid('none')}>Show it without a prediction</button>
          {earlier && <span class="faint">{earlier === 'none' ? 'Seen before.' : `Predicted ${earlier === 'right' ? 'rightly' : 'wrongly'} before.`}</span>}
        </p>
      )}
    </form>
  );
}

/** Where links of the answer lead to. */
const frame = 'run';

function toFrame(): void {
  const [run] = document.getElementsByName(frame);
  run?.scrollIntoView({ block: 'nearest' });
  run?.focus();
}

function Run({ lesson: { title, act, report }, said }: { readonly lesson: CourseLesson; readonly said: Said }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const address = `${report}#${act.id}`;
  return (
    <section class="run" aria-labelledby="run-title">
      <h2 id="run-title" tabIndex={-1} ref={heading}>What happens</h2>
      <p>{said === 'none' ? '' : `You said ${said}. `}This is the act “{act.id}”: {act.title}{/[.?!]$/.test(act.title) ? '' : '.'} Play it, or go through it with the arrows. <a href={address} target="_blank" rel="noopener">In a window of its own</a></p>
      <iframe name={frame} src={address} title={`The run: ${title}`} />
    </section>
  );
}

function Answer({ lesson, said }: { readonly lesson: CourseLesson; readonly said: Said }) {
  const { choices, because, proof, teaches, refs, command, report } = lesson;
  const right = choices.find(({ isRight }) => isRight)!;
  return (
    <section class="answer" aria-labelledby="answer-title">
      <h2 id="answer-title">The answer</h2>
      {said !== 'none' && <p class={said === right.letter ? 'good' : 'doubt'}>{said === right.letter ? `You said ${said}, and so it is.` : `You said ${said}.`}</p>}
      <p><b>{right.letter}</b> {right.text}.</p>
      <p>{because}</p>
      <div class="proof">
        <p><span class="sign" role="img" aria-label="shown">✓</span> {proof.claim}{proof.ref === undefined ? '' : <> <span class="faint">{proof.ref}</span></>}</p>
        <p class="faint">{proof.observed}</p>
        <p><a href={`${report}#${proof.id}`} target={frame} onClick={toFrame}>Show this in the run</a></p>
      </div>
      <p>{teaches}</p>
      <p class="faint">To read: {refs.join(', ')}</p>
      <h2>Try it yourself</h2>
      <Command command={command} />
    </section>
  );
}

function Command({ command }: { readonly command: string }) {
  const [isCopied, copied] = useState(false);
  return (
    <p class="command">
      <code>{command}</code>
      <button type="button" onClick={() => void navigator.clipboard.writeText(command).then(() => copied(true))}>Copy</button>
      <span role="status" class="faint">{isCopied ? 'Copied.' : ''}</span>
    </p>
  );
}
