/** Holds the lesson at each step of its story until somebody at the terminal presses Enter. */
import { createInterface } from 'node:readline/promises';
import type { Audience } from '../run.ts';
import type { Theme } from './theme.ts';

const invitation = '    Enter goes on';

/** Ctrl-C ends the lesson, as it does elsewhere; the signal is the lesson's. */
export const pacedBy = (theme: Theme, signal: AbortSignal): Audience => ({
  stepTold: async () => {
    const reader = createInterface({ input: process.stdin, output: process.stdout });
    reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    try {
      await reader.question(theme.faint(invitation), { signal });
      process.stdout.write('\u001b[A\u001b[2K'); // the invitation has been followed
    } catch (error) {
      if (!signal.aborted) throw error;
      process.stdout.write('\n');
    } finally {
      reader.close();
    }
  },
});
