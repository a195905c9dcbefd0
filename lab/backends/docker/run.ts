/**
 * One process's use of an engine: its id, the image of its nodes, and its lease. The lease is a container that reads its standard input, which this process holds:
 * whatever way the process ends, the engine closes it, the lease ends, and what carries the run's label is nobody's any more.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import type Docker from 'dockerode';
import { Problem } from '../../problem.ts';
import { attached, reachEngine, removed, statusOf } from './engine.ts';
import type { Engine } from './engine.ts';
import { builtImage, importedImage, namedBase } from './image.ts';
import type { NodeImage } from './image.ts';
import { leaseLabel, newRunId, runLabel } from './labels.ts';

export interface Run {
  readonly id: string;
  readonly engine: Engine;
  readonly image: NodeImage;
}

/** On everything of a run. */
export const labelsOf = ({ id }: Pick<Run, 'id'>): Record<string, string> => ({ [runLabel]: id });

export async function beginRun(): Promise<Run> {
  const engine = await reachEngine();
  const id = newRunId();
  const begin = async (): Promise<NodeImage> => (await onThisMachine(engine, id)) ?? elsewhere(engine, id);
  const image = await begin().catch((error: unknown) => {
    // Another run, which begins at the same time, has put its image in the place of ours and removed that, before our lease could hold it.
    if (statusOf(error) === 404) return begin();
    throw error;
  });
  return { id, engine, image };
}

/** The image that takes /usr from this machine, when a container sees a file that was just written here. */
async function onThisMachine({ docker }: Engine, id: string): Promise<NodeImage | undefined> {
  if (process.platform !== 'linux' || namedBase() !== undefined) return undefined;
  const image = await importedImage(docker);
  const nonce = randomUUID();
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'nonce');
    writeFileSync(file, nonce, { mode: 0o644 });
    const said = await lease(docker, id, { ...image, binds: [...image.binds, `${file}:/natt-lab/nonce:ro`] });
    return said === nonce ? image : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function elsewhere({ docker }: Engine, id: string): Promise<NodeImage> {
  const image = await builtImage(docker);
  if ((await lease(docker, id, image)) === undefined) throw new Problem('the engine does not start the container that the lab needs first, natt-lab/node:built', 3);
  return image;
}

/** What it says when it has started: the nonce that it finds, if any; undefined when it does not start. */
async function lease(docker: Docker, id: string, { id: Image, binds }: NodeImage): Promise<string | undefined> {
  const container = await docker.createContainer({
    name: `natt-lab-${id}-lease`,
    Image,
    Cmd: ['/bin/sh', '-c', 'cat /natt-lab/nonce 2>/dev/null; echo; exec cat >/dev/null'],
    Labels: { ...labelsOf({ id }), [leaseLabel]: '' },
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: { AutoRemove: true, NetworkMode: 'none', CapDrop: ['ALL'], Binds: [...binds], LogConfig: { Type: 'none', Config: {} } },
  }).catch((error: unknown) => {
    if (statusOf(error) === 400) return undefined; // a path to be mounted that is not there
    throw error;
  });
  if (container === undefined) return undefined;
  try {
    const stream = await attached(container);
    const said = firstLine(docker, stream);
    await container.start();
    const line = await said;
    // It lasts as long as the process, and does not make it last.
    stream.unref();
    return line;
  } catch {
    await removed(container.remove({ force: true }));
    return undefined;
  }
}

/** Undefined when it ends without one. */
function firstLine(docker: Docker, stream: Socket): Promise<string | undefined> {
  const said = new PassThrough();
  docker.modem.demuxStream(stream, said, new PassThrough().resume());
  return new Promise((resolve) => {
    let text = '';
    said.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes('\n')) resolve(text.split('\n')[0]);
    });
    stream.on('end', () => resolve(undefined)).on('error', () => resolve(undefined));
  });
}
