/** Plays the ladder row by row. Who wants no motion sees the rows one after the other, and nothing moves. */
import { effect } from '@preact/signals';
import { goToRow, index, isPlaying, journey, progress, shown, speed } from './state.ts';

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** How long a row takes, in milliseconds at speed 1. */
const times = { message: 1400, other: 1800 } as const;

effect(() => {
  if (!isPlaying.value) return undefined;
  let frame = 0;
  let began = performance.now();
  progress.value = still.matches ? 1 : 0;
  const tick = (at: number): void => {
    const share = ((at - began) * speed.peek()) / (journey.peek() ? times.message : times.other);
    if (share >= 1.25) {
      if (index.peek() >= shown.peek().length - 1) {
        isPlaying.value = false;
        return;
      }
      goToRow(index.peek() + 1);
      began = at;
      progress.value = still.matches ? 1 : 0;
    } else if (!still.matches) progress.value = Math.min(1, share);
    frame = requestAnimationFrame(tick);
  };
  frame = requestAnimationFrame(tick);
  return () => {
    cancelAnimationFrame(frame);
    progress.value = 1;
  };
});

export function togglePlay(): void {
  if (!isPlaying.value && index.value >= shown.value.length - 1) goToRow(0);
  isPlaying.value = !isPlaying.value;
}
