import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const setupFiles = [fileURLToPath(new URL('test/support/ends-with-vitest.ts', import.meta.url))];

/** The tests of src/, whose machines have nothing that one test could leave behind for another. */
const ofMachines = ['core', 'wire', 'crypto', 'ike', 'ipsec', 'host', 'nat', 'sim'].map((folder) => `test/${folder}/**/*.test.ts`);

/** A property test takes its time on a busy machine; what waits for an event has a limit of its own, and says what it waited for. */
const test = { testTimeout: 30_000, setupFiles };

export default defineConfig({
  test: {
    projects: [
      { test: { ...test, name: 'machines', include: ofMachines, isolate: false } },
      { test: { ...test, name: 'lab', include: ['test/**/*.test.ts'], exclude: ofMachines } },
    ],
  },
});
