import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { Poller } from '../../../lab/backends/linux/poller.ts';
import { O_NONBLOCK, O_RDWR, syscalls } from '../../../lab/backends/linux/syscalls.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';

const { test } = needs('linux', 'koffi');

const eventfd = (): number => syscalls().eventfd(0, O_NONBLOCK);
const ring = (fd: number): number => syscalls().write(fd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
const hush = (fd: number): number => syscalls().read(fd, new Uint8Array(8), 8);
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

test('what is ready is read, and read again until nothing is left', async () => {
  const poller = new Poller();
  const fd = eventfd();
  let calls = 0;
  poller.add(fd, () => {
    if (++calls === 3) hush(fd);
  });
  ring(fd);
  await later();
  expect(calls).toBe(3);
  await poller.close();
});

test('a descriptor that the reader of another one removed is not called, though it was ready at the same moment', async () => {
  const poller = new Poller();
  const fds = [eventfd(), eventfd()];
  const called: number[] = [];
  fds.forEach((fd) => ring(fd));
  for (const fd of fds) {
    poller.add(fd, () => {
      called.push(fd);
      for (const other of fds) poller.remove(other);
    });
  }
  await later();
  expect(called).toHaveLength(1);
  await poller.close();
});

test('after close nobody is called, and closing twice is the same as once', async () => {
  const poller = new Poller();
  const fd = eventfd();
  let calls = 0;
  poller.add(fd, () => {
    calls++;
    hush(fd);
  });
  await Promise.all([poller.close(), poller.close()]);
  ring(fd);
  await later();
  expect(calls).toBe(0);
});

test.each([
  ['an open one keeps the process alive', '', 'killed'],
  ['a closed one lets it end', 'await poller.close();', 'ended'],
])('%s', async (_name, then, outcome) => {
  const source = `const { Poller } = await import(${JSON.stringify(new URL('../../../lab/backends/linux/poller.ts', import.meta.url).href)}); const poller = new Poller(); ${then}`;
  const child = spawn(...endingWithUs(process.execPath, '--import', 'tsx', '--input-type=module', '-e', source), { stdio: 'inherit' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 2500);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...ended) => resolve(ended)));
  clearTimeout(timer);
  expect(signal === null ? 'ended' : 'killed').toBe(outcome);
  expect(code).toBe(outcome === 'ended' ? 0 : null);
});

test('a system call that fails throws its name, the name of the errno, and what it was about', () => {
  expect(() => syscalls().open('/nowhere/to/be/found', O_RDWR)).toThrow('open: ENOENT (/nowhere/to/be/found)');
  expect(() => syscalls().close(-1)).toThrow(expect.objectContaining({ syscall: 'close', code: 'EBADF' }) as Error);
});
