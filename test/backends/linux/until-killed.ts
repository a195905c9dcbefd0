/** A test file for the vitest that killed.test.ts starts: its child is a lab with a network, and it never ends by itself. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { endingWithUs } from '../../support/ends-with-us.ts';

test('goes on and on', { timeout: 600_000 }, async () => {
  const lab = spawn(...endingWithUs(process.execPath, '--import', 'tsx', fileURLToPath(new URL('lab-like.ts', import.meta.url))), { stdio: ['ignore', 'pipe', 'ignore'] });
  lab.stdout.pipe(process.stdout);
  await new Promise(() => undefined);
});
