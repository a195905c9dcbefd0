import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** A property test takes its time on a busy machine; what waits for an event has a limit of its own, and says what it waited for. */
export default defineConfig({ test: { testTimeout: 30_000, setupFiles: [fileURLToPath(new URL('test/support/ends-with-vitest.ts', import.meta.url))] } });
