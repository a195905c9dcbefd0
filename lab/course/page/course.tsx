/** The course: the lessons by chapter, or the one that the address names behind its `#`. */
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ThemeButton } from '../../report/html/app/theme.tsx';
import type { CourseDocument } from '../document.ts';
import { Contents } from './contents.tsx';
import { LessonPage } from './lesson.tsx';

const named = signal(location.hash.slice(1));
addEventListener('hashchange', () => (named.value = location.hash.slice(1)));

export const courseTitle = document.title;

export function Course({ course }: { readonly course: CourseDocument }) {
  const lessons = course.chapters.flatMap((chapter) => chapter.lessons);
  const at = lessons.findIndex(({ id }) => id === named.value);
  const lesson = lessons[at];
  useHeading(lesson?.title);
  return (
    <>
      <header>
        {lesson === undefined ? <h1 tabIndex={-1}>{courseTitle}</h1> : <a class="home" href="#">{courseTitle}</a>}
        <span class="tools"><ThemeButton /></span>
      </header>
      {lesson === undefined ? (
        <Contents course={course} />
      ) : (
        <LessonPage key={lesson.id} lesson={lesson} chapter={course.chapters.find((chapter) => chapter.lessons.includes(lesson))!.title} of={lessons.length} before={lessons[at - 1]} next={lessons[at + 1]} />
      )}
    </>
  );
}

/** Whoever goes to another lesson begins at its heading, with the eyes or with a screen reader. */
function useHeading(title: string | undefined): void {
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = title === undefined ? courseTitle : `${title} – ${courseTitle}`;
    if (!isFirst.current) {
      scrollTo(0, 0);
      document.querySelector('h1')?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [title]);
}
