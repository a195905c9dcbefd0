/** Loaded in front of every test file: vitest's workers do not notice that vitest was killed, and would wait for their tests to end. */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL')); // not process.exit, which vitest forbids
