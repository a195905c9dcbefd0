/** How far the learner has come, kept by the browser. */
import { signal } from '@preact/signals';
import { outcomes } from '../outcome.ts';
import type { Outcome, Progress } from '../outcome.ts';

const key = 'natt-lab-course';

export const progress = signal<Progress>(remembered());
/** The browser keeps nothing for this page: it lasts as long as the page is open. */
export const isForgetful = signal(false);

/** What is not ours to understand is as if it were not there. */
function remembered(): Progress {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '{}') as unknown;
    const entries = Object.entries(kept ?? {}).filter((entry): entry is [string, Outcome] => (outcomes as readonly unknown[]).includes(entry[1]));
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

export const record = (lesson: string, outcome: Outcome): void => keep({ ...remembered(), ...progress.value, [lesson]: outcome });
export const beginAnew = (): void => keep({});

function keep(all: Progress): void {
  progress.value = all;
  try {
    localStorage.setItem(key, JSON.stringify(all));
  } catch {
    isForgetful.value = true;
  }
}

// another window of the course
addEventListener('storage', (event) => {
  if (event.key === key) progress.value = remembered();
});
