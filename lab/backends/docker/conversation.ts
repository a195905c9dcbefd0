/** The orchestrator's end of an agent: questions with their answers, and what it tells unasked, over the attached streams of its container. */
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { Problem } from '../../problem.ts';
import type { ExecOptions, Exit } from '../backend.ts';
import { attached } from './engine.ts';
import { Lines, fromLine, toLine } from './codec.ts';
import { answers, readSaying } from './messages.ts';
import type { Answer, Question, Saying } from './messages.ts';

export interface Listener {
  happened(saying: Extract<Saying, { kind: 'happened' }>): void;
  /** The agent has gone without having been asked to. */
  lost(problem: Problem): void;
}

interface Open {
  readonly hear: ((text: string) => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Conversation {
  readonly #node: string;
  readonly #stream: Socket;
  #listener: Listener | undefined;
  readonly #open = new Map<number, Open>();
  #complaints = '';
  #last = 0;
  #over: Problem | undefined;

  /** To be attached before the container starts, so that nothing is missed. */
  static async with(container: Docker.Container, node: string, listener: Listener): Promise<Conversation> {
    return new Conversation(container.modem as Docker['modem'], await attached(container), node, listener);
  }

  private constructor(modem: Docker['modem'], stream: Socket, node: string, listener: Listener) {
    this.#node = node;
    this.#stream = stream;
    this.#listener = listener;
    const [said, complaints] = [new PassThrough(), new PassThrough()];
    modem.demuxStream(stream, said, complaints);
    const lines = new Lines((line) => this.#hear(line));
    said.on('data', (piece: Buffer) => lines.push(piece));
    complaints.on('data', (piece: Buffer) => (this.#complaints = (this.#complaints + piece.toString()).slice(-4000)));
    const gone = (): void => this.#lose(`the container of ${node} has stopped, or its engine has`);
    stream.on('end', gone).on('close', gone).on('error', gone);
  }

  /** Whom it tells from now on. Between two labs nobody hears it, and this process may end meanwhile. */
  attend(listener: Listener | undefined): void {
    this.#listener = listener;
    if (listener === undefined) this.#stream.unref();
    else this.#stream.ref();
  }

  /** Nobody is there any more. */
  get isOver(): boolean {
    return this.#over !== undefined;
  }

  ask<Kind extends Question['kind']>(question: Extract<Question, { kind: Kind }>): Promise<Answer<Kind>> {
    return this.#ask(++this.#last, question);
  }

  async exec(argv: readonly string[], { signal, hear }: ExecOptions): Promise<Exit> {
    const id = ++this.#last;
    // What has become of an agent that cannot be told, the program's own request tells.
    const kill = (): void => void this.ask({ kind: 'kill', exec: id }).catch(() => undefined);
    const exit = this.#ask(id, { kind: 'exec', argv: [...argv] }, hear);
    signal?.addEventListener('abort', kill);
    if (signal?.aborted) kill();
    try {
      return await exit;
    } finally {
      signal?.removeEventListener('abort', kill);
    }
  }

  #ask<Kind extends Question['kind']>(id: number, question: Extract<Question, { kind: Kind }>, hear?: (text: string) => void): Promise<Answer<Kind>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#over !== undefined) return reject(this.#over);
      this.#open.set(id, { hear, resolve, reject });
      this.#stream.write(toLine({ ...question, id }));
    }).then((value) => answers[question.kind].parse(value) as Answer<Kind>);
  }

  /** The agent ends when nobody speaks to it any more. */
  end(): void {
    this.#over ??= new Problem(`${this.#node} was sent home`, 3);
    this.#stream.end();
    this.#stream.destroy();
  }

  #hear(line: string): void {
    let saying: Saying;
    try {
      saying = readSaying(fromLine(line));
    } catch {
      return this.#lose(`${this.#node} says what no agent of this lab would: ${line.slice(0, 200)}`);
    }
    if (saying.kind === 'happened') return this.#listener?.happened(saying);
    const open = this.#open.get(saying.id);
    if (saying.kind === 'heard') return open?.hear?.(saying.text);
    this.#open.delete(saying.id);
    if (saying.kind === 'answer') open?.resolve(saying.value);
    else open?.reject(saying.problem ? new Problem(`${this.#node}: ${saying.why}`, 3) : new Error(`${this.#node}: ${saying.why}`));
  }

  #lose(why: string): void {
    if (this.#over !== undefined) return;
    const complaints = this.#complaints.trim();
    this.#over = new Problem(complaints === '' ? why : `${why}; its last words:\n${complaints}`, 3);
    for (const { reject } of this.#open.values()) reject(this.#over);
    this.#open.clear();
    this.#listener?.lost(this.#over);
  }
}
