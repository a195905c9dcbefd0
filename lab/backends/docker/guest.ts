/** A container of somebody's own at the place of a host: in the network of that host's agent, which has made its wires and hears them. */
import { PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { HostPlan, ImagePlan, NodePlan } from '../../../src/sim/plan.ts';
import { Problem } from '../../problem.ts';
import { forShell } from '../../wording.ts';
import type { ExecOptions, Exit } from '../backend.ts';
import { attached, statusOf, where } from './engine.ts';
import { labelsOf } from './run.ts';
import type { Run } from './run.ts';

/** A host that is somebody's own image. */
export type HostWithImage = HostPlan & { readonly image: ImagePlan };

/** What happens to it, in words for the trace. */
export type Told = (state: 'started' | 'begun' | 'not-begun' | 'ended', story: string) => void;

/** How long a daemon may take until it takes orders. */
const readySeconds = 30;

/** As a shell has it, and Docker. */
const [notExecutable, notThere] = [126, 127];

/** So many lines of what a program says at the end are worth repeating. */
const lastLines = 3;
/** And no more octets of it are kept. */
const kept = 4000;

const inWords = (argv: readonly string[]): string => argv.map(forShell).join(' ');

/** Throws a Problem for an image that the engine does not have. Nothing is pulled unasked: a lesson is to run the same octets every time. */
export async function checkImages({ engine: { docker } }: Run, hosts: readonly HostWithImage[]): Promise<void> {
  for (const { name, image } of hosts) {
    try {
      await docker.getImage(image.name).inspect();
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      throw new Problem(`${name}: the engine at ${where()} has no image "${image.name}", and the lab pulls none by itself. To get it: docker pull ${forShell(image.name)}, or docker build --tag ${forShell(image.name)} FOLDER`, 3);
    }
  }
}

export const isImage = (node: NodePlan): node is HostWithImage => node.kind === 'host' && node.image !== undefined;

export class Guest {
  readonly container: Docker.Container;
  readonly #name: string;
  readonly #image: ImagePlan;
  readonly #tell: Told;
  #said = '';
  #state: 'made' | 'runs' | 'ended' = 'made';
  #sentHome = false;

  /** Not started yet. `agent`: the container whose network it shares. */
  static async make(run: Run, name: string, host: HostWithImage, agent: Docker.Container, tell: Told): Promise<Guest> {
    const { image } = host;
    const container = await run.engine.docker
      .createContainer({
        name,
        Image: image.name,
        ...(image.command && { Cmd: [...image.command] }),
        Env: Object.entries(image.environment).map(([key, value]) => `${key}=${value}`),
        Labels: labelsOf(run),
        HostConfig: {
          NetworkMode: `container:${agent.id}`,
          // What an IKE daemon does with; all else is as Docker has it.
          CapAdd: ['NET_ADMIN', ...image.capabilities],
          Devices: ['/dev/net/tun', ...image.devices].map(deviceOf),
          Mounts: image.volumes.map(({ source, target }) => ({ Type: 'bind', Source: source, Target: target, ReadOnly: true })),
          LogConfig: { Type: 'none', Config: {} },
        },
      })
      .catch((error: unknown) => {
        throw refusal(host, error);
      });
    return new Guest(container, host, tell);
  }

  private constructor(container: Docker.Container, { name, image }: HostWithImage, tell: Told) {
    this.container = container;
    this.#name = name;
    this.#image = image;
    this.#tell = tell;
  }

  /** Resolves when it takes orders, as far as it is known how to tell. */
  async start(): Promise<void> {
    const stream = await attached(this.container);
    listen(this.container, stream, (text) => (this.#said = (this.#said + text).slice(-kept)));
    await this.container.start().catch((error: unknown) => {
      throw refusal({ name: this.#name, image: this.#image }, error);
    });
    this.#state = 'runs';
    stream.on('end', () => void this.#ends());
    this.#tell('started', `${this.#name} runs ${this.#image.name}${this.#image.command ? `: ${inWords(this.#image.command)}` : ''}`);
    if (this.#image.ready !== undefined) await this.#isReady(this.#image.ready);
  }

  /** Has its daemon begin, whatever comes of it. */
  async begin(): Promise<void> {
    const { connect } = this.#image;
    if (connect === undefined) return this.start();
    const { status, stdout, stderr } = await this.exec(connect);
    if (this.#sentHome) return;
    const story = `${this.#name}: ${inWords(connect)} ended with status ${status}`;
    if (status === 0) this.#tell('begun', story);
    else this.#tell('not-begun', withWords(story, stdout + stderr));
  }

  /** Runs a program in it to its end. */
  async exec(argv: readonly string[], { hear, signal }: ExecOptions = {}): Promise<Exit> {
    if (this.#state !== 'runs') throw new Problem(withWords(`${this.#name} cannot run ${inWords(argv)}: its container ${this.#state === 'made' ? 'has not begun yet' : 'has ended'}`, this.#said), 3);
    const exec = await this.container.exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: false });
    const said = { stdout: '', stderr: '' };
    listen(this.container, stream, (text, from) => {
      said[from] += text;
      hear?.(text);
    });
    const breakOff = (): void => void stream.destroy();
    signal?.addEventListener('abort', breakOff);
    await new Promise<void>((resolve) => stream.on('end', resolve).on('close', resolve).on('error', () => resolve()));
    signal?.removeEventListener('abort', breakOff);
    if (signal?.aborted || this.#sentHome) return { status: 137, ...said };
    // null where it was killed together with its container
    return { status: (await exec.inspect()).ExitCode ?? 137, ...said };
  }

  /** What happens to it from now on is the lab's own doing. */
  sendHome(): void {
    this.#sentHome = true;
  }

  /** It can be told to begin, and again. */
  get connects(): boolean {
    return this.#image.connect !== undefined;
  }

  get hasStarted(): boolean {
    return this.#state !== 'made';
  }

  async #isReady(ready: readonly string[]): Promise<void> {
    const deadline = performance.now() + readySeconds * 1000;
    for (;;) {
      const { status, stdout, stderr } = await this.exec(ready);
      if (status === 0) return;
      if (status === notThere || status === notExecutable) throw new Problem(withWords(`${this.#name}: ${inWords(ready)} cannot be run in ${this.#image.name}`, stdout + stderr));
      if (performance.now() > deadline) throw new Problem(withWords(`${this.#name}: ${inWords(ready)} has not succeeded within ${readySeconds} s, and ended with status ${status} at last`, stdout + stderr), 3);
      await pause(50);
    }
  }

  async #ends(): Promise<void> {
    if (this.#sentHome) return;
    this.#state = 'ended';
    const status = await this.container.inspect().then(({ State }) => State.ExitCode, () => undefined);
    this.#tell('ended', withWords(`${this.#name}: the container of ${this.#image.name} has ended${status === undefined ? '' : ` with status ${status}`}`, this.#said));
  }
}

/** `/dev/ppp`, `/dev/ppp:/dev/ppp:rw` */
function deviceOf(written: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } {
  const [here = '', there = here, permissions = 'rwm'] = written.split(':');
  return { PathOnHost: here, PathInContainer: there, CgroupPermissions: permissions };
}

function listen({ modem }: Docker.Container, stream: Duplex, hear: (text: string, from: 'stdout' | 'stderr') => void): void {
  const ears = { stdout: new PassThrough(), stderr: new PassThrough() };
  (modem as Docker['modem']).demuxStream(stream, ears.stdout, ears.stderr);
  for (const from of ['stdout', 'stderr'] as const) ears[from].setEncoding('utf8').on('data', (text: string) => hear(text, from));
}

function withWords(story: string, words: string): string {
  const lines = words.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  return lines.length === 0 ? story : `${story}; its last words: ${lines.slice(-lastLines).join(' | ')}`;
}

/** What the engine says of a container that it will not make or start: a mount that is not there, a program that is not in the image. */
const refusal = ({ name, image }: Pick<HostWithImage, 'name' | 'image'>, error: unknown): unknown =>
  [400, 404, 500].includes(statusOf(error) ?? 0) ? new Problem(`${name}: the engine does not start ${image.name}: ${saidBy(error)}`) : error;

const saidBy = (error: unknown): string => (error as { json?: { message?: string } }).json?.message ?? (error as Error).message;
