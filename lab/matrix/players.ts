/** Who plays cells: worker threads for the simulator, processes of their own for backends that change the machine. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { BackendName } from '../backends/backend.ts';
import { nodeOptions, ownModule } from '../own-modules.ts';
import { broken } from './play.ts';
import type { CellResult, Order } from './play.ts';

/** Plays one cell at a time. A worker that dies takes its cell with it, and nothing else: the next cell gets a new one. */
export interface Player {
  play(order: Order): Promise<CellResult>;
  /** Ends the worker, hung or not, and the cell that it plays, which stays without a result. */
  end(): Promise<void>;
}

interface Worked {
  send(order: Order): void;
  end(): Promise<void>;
}

/** `start` makes a worker that answers each order with a result, or says how it died. */
function player(start: (answer: (result: CellResult) => void, died: (how: string) => void) => Worked): Player {
  let worker: Worked | undefined;
  let waiting: { readonly order: Order; readonly since: number; resolve(result: CellResult): void } | undefined;
  const answer = (result: CellResult): void => {
    const asked = waiting;
    waiting = undefined;
    asked?.resolve(result);
  };
  return {
    play: (order) =>
      new Promise((resolve) => {
        waiting = { order, since: performance.now(), resolve };
        worker ??= start(answer, (how) => {
          worker = undefined;
          if (waiting !== undefined) answer(broken(waiting.order.cell, `the worker that played it died: ${how}`, Math.round(performance.now() - waiting.since)));
        });
        worker.send(order);
      }),
    end: async () => {
      const ending = worker;
      worker = waiting = undefined;
      await ending?.end();
    },
  };
}

// tinypool waits for ever for a thread that has ended itself; and tsx has to be called into each thread by hand.
export const threadPlayer = (entry = ownModule('./thread.ts', import.meta.url)): Player =>
  player((answer, died) => {
    const thread = new Worker(bootstrap(entry), { eval: true, execArgv: [...threadOptions], stdout: true });
    // What a lesson of somebody's own prints is no result.
    thread.stdout.on('data', (text: Buffer) => process.stderr.write(text));
    let how = '';
    thread.on('message', answer);
    thread.on('error', (error) => (how = error.message));
    thread.on('exit', (code) => died(how === '' ? `exit status ${code}` : how));
    return {
      send: (order) => thread.postMessage(order),
      end: async () => {
        thread.removeAllListeners();
        await thread.terminate();
      },
    };
  });

/** Says to whoever looks that tsx is there. */
const threadOptions = import.meta.url.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];

/** Node 20 does not hand the loader of its main thread on to others. */
const bootstrap = ({ href }: URL): string =>
  href.endsWith('.ts')
    ? `Promise.all([${['tsx/cjs/api', 'tsx/esm/api'].map((api) => `import(${JSON.stringify(import.meta.resolve(api))})`).join()}]).then((apis) => { for (const { register } of apis) register(); return import(${JSON.stringify(href)}); });`
    : `import(${JSON.stringify(href)});`;

const commandLine = fileURLToPath(ownModule('../cli.ts', import.meta.url));

/** Nobody waits for them where a second Ctrl-C ends this process at once. */
const alive = new Set<ChildProcess>();
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

/** Speaks JSON lines over its standard streams: see commands/matrix-worker.ts. `grace`: to take its network down in; who does not end in it is killed. */
export const processPlayer = (backend: BackendName, argv: readonly string[] = [...nodeOptions(), commandLine, 'matrix-worker', '--backend', backend], grace: Duration = seconds(20)): Player =>
  player((answer, died) => {
    // Its own session: a terminal's Ctrl-C is for the one who waits for it.
    const child = spawn(process.execPath, [...argv], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    let isDismissed = false;
    alive.add(child);
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const result = resultIn(line);
      if (result === undefined) process.stderr.write(`${line}\n`);
      else answer(result);
    });
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => died(error.message)).once('close', (code, signal) => {
      alive.delete(child);
      if (!isDismissed) died(signal ?? `exit status ${code ?? 'unknown'}`);
    });
    return {
      send: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`),
      end: async () => {
        isDismissed = true;
        child.stdin.end();
        child.kill();
        const patience = setTimeout(() => child.kill('SIGKILL'), grace);
        await closed;
        clearTimeout(patience);
      },
    };
  });

function resultIn(line: string): CellResult | undefined {
  try {
    const read = JSON.parse(line) as Partial<CellResult> | null;
    return read?.cell === undefined ? undefined : (read as CellResult);
  } catch {
    return undefined;
  }
}
