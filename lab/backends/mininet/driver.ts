/** The Python side of the backend: a process that builds with mininet's classes what it is told to. JSON lines; driver.py is the other end. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Result } from 'execa';
import { z } from 'zod';
import { Problem } from '../../problem.ts';

const protocol = 1;

export interface Cable {
  readonly host: string;
  readonly interface: string;
  /** `192.168.1.1/24`; IPv6 as well. */
  readonly addresses: readonly string[];
  readonly segment: string;
  /** Of the segment's bridge. */
  readonly port: string;
  /** Of what leaves the host: microseconds, and packets in a million. */
  readonly impairment: { readonly delay: number; readonly jitter: number; readonly loss: number };
}

export interface Requests {
  hosts: { readonly names: readonly string[] };
  wire: {
    readonly segments: readonly { readonly name: string; readonly mtu: number }[];
    readonly cables: readonly Cable[];
    readonly routes: readonly { readonly host: string; readonly to: string; readonly via: string }[];
  };
  prompt: { readonly output: 'stdout' | 'stderr' };
  stop: Readonly<Record<string, never>>;
}

interface Answers {
  /** The pids of the hosts, by their names. */
  hosts: Readonly<Record<string, number>>;
  wire: null;
  prompt: null;
  stop: null;
}

const answers: { readonly [Ask in keyof Requests]: z.ZodType<Answers[Ask]> } = { hosts: z.record(z.string(), z.int().positive()), wire: z.null(), prompt: z.null(), stop: z.null() };

const greeting = z.strictObject({ protocol: z.literal(protocol), mininet: z.string(), python: z.string() });
const reply = z.union([z.strictObject({ answer: z.unknown() }), z.strictObject({ error: z.string() })]);

const ownScript = fileURLToPath(new URL('driver.py', import.meta.url));

/** How long Python may take to load mininet. */
const startMs = 30_000;

export class MininetDriver {
  readonly #child: ReturnType<typeof launch>;
  readonly #lost = new AbortController();
  /** Who waits for the next line. */
  #waiting: ((line: string) => void) | undefined;
  #complaints = '';
  #trouble: Problem | undefined;
  #stopping = false;

  private constructor(python: string, script: string) {
    this.#child = launch(python, script);
    const { stdin, stdout, stderr } = this.#child;
    stdin.on('error', () => undefined); // that it has ended is told by its end
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaints = (this.#complaints + text).slice(-2000)));
    createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
    void this.#child.then((result) => this.#ended(result));
  }

  /** Starts the driver and waits until it is ready. */
  static async start(python: string, script = ownScript): Promise<MininetDriver> {
    const driver = new MininetDriver(python, script);
    driver.#understood(greeting, await driver.#next('its greeting', startMs));
    return driver;
  }

  /** Aborts when the driver ends unasked. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Throws where the driver is no more. */
  mustLive(): void {
    if (this.#trouble !== undefined) throw this.#trouble;
  }

  /** One request at a time. Without an answer in time the driver is ended. */
  async ask<Ask extends keyof Requests>(ask: Ask, about: Requests[Ask], withinMs?: number): Promise<Answers[Ask]> {
    this.mustLive();
    const line = this.#next(`"${ask}"`, withinMs);
    this.#child.stdin.write(`${JSON.stringify({ ask, about })}\n`);
    const said = this.#understood(reply, await line);
    if ('error' in said) throw new Problem(`mininet: ${said.error}`, 3);
    return this.#checked<Answers[Ask]>(answers[ask], said.answer);
  }

  /** Takes down what was built, and the driver with it. */
  async stop(withinMs: number): Promise<void> {
    if (this.#trouble !== undefined || this.#stopping) return;
    this.#stopping = true;
    try {
      await this.ask('stop', {}, withinMs);
      this.#child.stdin.end();
      await this.#child;
    } finally {
      this.#child.kill('SIGKILL');
    }
  }

  /** Closes the prompt, which is then answered with an error. */
  interrupt(): void {
    this.#child.kill('SIGTERM');
  }

  /** Without further ado: what was built goes with the lab. */
  end(): void {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
  }

  /** The next line of the driver, or its end. */
  #next(what: string, withinMs: number | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(alarm);
        this.#lost.signal.removeEventListener('abort', ended);
        this.#waiting = undefined;
      };
      const ended = (): void => {
        done();
        reject(this.#trouble!);
      };
      const alarm = withinMs === undefined ? undefined : setTimeout(() => this.#fail(`has not answered ${what} within ${withinMs / 1000} s`), withinMs);
      this.#lost.signal.addEventListener('abort', ended);
      this.#waiting = (line) => {
        done();
        resolve(line);
      };
    });
  }

  #heard(line: string): void {
    if (this.#waiting === undefined) this.#fail(`said what nobody asked for: ${shortened(line)}`);
    else this.#waiting(line);
  }

  #ended({ exitCode, signal, originalMessage }: Pick<Result, 'exitCode' | 'signal' | 'originalMessage'>): void {
    const how = signal === undefined ? (exitCode === undefined ? `cannot be started (${originalMessage ?? 'no reason given'})` : `has ended with status ${exitCode}`) : `was ended by ${signal}`;
    if (!this.#stopping) this.#fail(how);
  }

  /** From now on there is no driver. */
  #fail(how: string): void {
    if (this.#trouble !== undefined) return;
    const complaints = this.#complaints.trim();
    this.#trouble = new Problem(`the mininet driver ${how}, and with it the network${complaints === '' ? '' : `. Its last words:\n${complaints.replace(/^/gm, '  ')}`}`, 3);
    this.#child.kill('SIGKILL');
    this.#lost.abort();
  }

  #understood<Output>(schema: z.ZodType<Output>, line: string): Output {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      message = undefined;
    }
    return this.#checked(schema, message, line);
  }

  #checked<Output>(schema: z.ZodType<Output>, message: unknown, line = JSON.stringify(message)): Output {
    const checked = schema.safeParse(message);
    if (checked.success) return checked.data;
    this.#fail(`said what is no answer: ${shortened(line)}`);
    throw this.#trouble!;
  }
}

/** Besides its own streams it has the lab's, for the prompt. */
const launch = (python: string, script: string) =>
  execa(python, ['-B', script], { stdio: ['pipe', 'pipe', 'pipe', 0, 1, 2], buffer: false, reject: false, encoding: 'utf8' });

const shortened = (line: string): string => (line.length > 200 ? `${line.slice(0, 200)} …` : line);
