/** Holds the story of a lesson until somebody at the terminal presses Enter. */
import { createInterface } from 'node:readline/promises';
import type { Theme } from './theme.ts';

const invitation = '    Enter goes on';

/** Ctrl-C ends the lesson, as it does elsewhere; the signal is the lesson's. */
export const pacedBy =
  (theme: Theme, signal: AbortSignal) =>
  async (): Promise<void> => {
    if (signal.aborted) return;
    const reader = createInterface({ input: process.stdin, output: process.stdout });
    reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    try {
      await reader.question(theme.faint(invitation), { signal });
      process.stdout.write('\u001b[A\u001b[2K'); // the invitation has been followed
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
      process.stdout.write('\n');
    } finally {
      reader.close();
    }
  };
