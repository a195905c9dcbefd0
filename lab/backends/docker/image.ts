/**
 * What a node's container is made of, without a registry where that can be. Where engine and lab share a machine it is next to nothing: the agent, koffi, a few
 * folders, and the machine's own /usr mounted for reading. Everywhere else, and where a base is named for it, an engine builds the Dockerfile beside this file.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { Problem } from '../../problem.ts';
import { bundledAgent } from './bundle.ts';
import { statusOf } from './engine.ts';
import { contentLabel } from './labels.ts';

export interface NodeImage {
  readonly id: string;
  /** What it needs of the engine's machine. */
  readonly binds: readonly string[];
}

/** In every image of ours. */
export const agentCommand = ['/natt-lab/bin/node', '/natt-lab/agent.mjs'] as const;

type File = { readonly name: string } & ({ readonly kind: 'folder' } | { readonly kind: 'file'; readonly content: Uint8Array } | { readonly kind: 'link'; readonly to: string });

const folder = (name: string): File => ({ kind: 'folder', name });
const file = (name: string, content: Uint8Array | string): File => ({ kind: 'file', name, content: typeof content === 'string' ? Buffer.from(content) : content });

/** For an engine on this machine, as it seems: the caller finds out whether it is. */
export async function importedImage(docker: Docker): Promise<NodeImage> {
  const files = [
    ...['dev', 'etc', 'natt-lab', 'natt-lab/bin', 'natt-lab/node_modules', 'natt-lab/node_modules/@koromix', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var'].map(folder),
    ...merged().map((name): File => ({ kind: 'link', name, to: readlinkSync(`/${name}`) })),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/group', 'root:x:0:\n'),
    file('natt-lab/agent.mjs', await bundledAgent()),
    ...koffi('natt-lab/node_modules'),
  ];
  const id = await upToDate(docker, 'natt-lab/node:shared', files, async (content, archive) => {
    const stream = await docker.importImage(archive as never, { repo: 'natt-lab/node', tag: 'shared', changes: `LABEL ${contentLabel}=${content}` });
    await told(docker, stream);
  });
  return { id, binds: ['/usr:/usr:ro', ...unmerged().map((name) => `/${name}:/${name}:ro`), `${realpathSync(process.execPath)}:/natt-lab/bin/node:ro`] };
}

/** What the Dockerfile is to begin with, if somebody wants another base, or has no way to a registry: a Debian or Ubuntu with Node.js. */
export const namedBase = (): string | undefined => (process.env.NATT_LAB_BASE_IMAGE === '' ? undefined : process.env.NATT_LAB_BASE_IMAGE);

/** For any engine. Fetches what the base does not have. */
export async function builtImage(docker: Docker): Promise<NodeImage> {
  const reference = 'natt-lab/node:built';
  const id = await upToDate(docker, reference, await buildContext(), async (content, context) => {
    try {
      await told(docker, await docker.buildImage(context as never, { t: reference, labels: { [contentLabel]: content }, rm: true, forcerm: true }));
    } catch (error) {
      throw new Problem(`the engine cannot build the image of the lab's nodes: ${(error as Error).message.trim()}\n  ${needed()}`, 3);
    }
  });
  return { id, binds: [] };
}

function needed(): string {
  const base = namedBase();
  if (base !== undefined) return `NATT_LAB_BASE_IMAGE=${base} is to name an image that the engine has or can pull: Debian or Ubuntu, with Node.js 20 or newer; what it lacks of nftables, iproute2, conntrack, iputils-ping comes from Debian's mirror.`;
  return 'It needs the registry that has node:20-bookworm-slim, and Debian\'s packages, once. Where they cannot be had, NATT_LAB_BASE_IMAGE names an image that has all of it.';
}

/** What the Dockerfile is built from. */
export async function buildContext(): Promise<readonly File[]> {
  const base = namedBase();
  const { version } = JSON.parse(readFileSync(join(koffiFolder(), 'package.json'), 'utf8')) as { version: string };
  return [
    file('Dockerfile', readFileSync(new URL('Dockerfile', import.meta.url), 'utf8').replace(/^FROM .*$/m, (line) => (base === undefined ? line : `FROM ${base}`))),
    file('package.json', JSON.stringify({ private: true, dependencies: { koffi: version } })),
    file('agent.mjs', await bundledAgent()),
    ...(process.platform === 'linux' ? [folder('node_modules'), folder('node_modules/@koromix'), ...koffi('node_modules')] : []),
  ];
}

/** Where /bin and its like are links into /usr, and where they are folders of their own. */
const rootFolders = ['bin', 'lib', 'lib32', 'lib64', 'libx32', 'sbin'] as const;
const kindOf = (name: string): 'link' | 'folder' | undefined => {
  const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? 'link' : found?.isDirectory() ? 'folder' : undefined;
};
const merged = (): string[] => rootFolders.filter((name) => kindOf(name) === 'link');
const unmerged = (): string[] => rootFolders.filter((name) => kindOf(name) === 'folder');

const koffiFolder = (): string => {
  try {
    return dirname(createRequire(import.meta.url).resolve('koffi'));
  } catch {
    throw new Problem('the npm package koffi (an optional dependency, for a few system calls) is not installed: npm install --include=optional', 3);
  }
};

/** koffi and its machine code for this machine, below a folder. */
function koffi(to: string): File[] {
  const native = `@koromix/koffi-${process.platform}-${process.arch}`;
  const from = koffiFolder();
  return [...tree(from, `${to}/koffi`, new Set(['doc', 'vendor'])), ...tree(join(from, '..', native), `${to}/${native}`)];
}

function tree(from: string, to: string, without: ReadonlySet<string> = new Set()): File[] {
  const entries = readdirSync(from, { withFileTypes: true }).filter(({ name }) => !without.has(name));
  return [
    folder(to),
    ...entries.flatMap((entry): File[] => {
      const [source, target] = [join(from, entry.name), `${to}/${entry.name}`];
      return entry.isDirectory() ? tree(source, target) : entry.isFile() ? [file(target, readFileSync(source))] : [];
    }),
  ];
}

function hashed(files: readonly File[]): string {
  const hash = createHash('sha256');
  for (const one of files) hash.update(`${one.kind} ${one.name} ${one.kind === 'link' ? one.to : ''}\n`).update(one.kind === 'file' ? one.content : '');
  return hash.digest('hex').slice(0, 32);
}

/** Reproducible: nothing of the day or of who makes it. */
async function tar(files: readonly File[]): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(0);
  for (const one of files) {
    if (one.kind === 'file') archive.entry({ name: one.name, mode: 0o755, mtime }, Buffer.from(one.content));
    else archive.entry(one.kind === 'link' ? { name: one.name, type: 'symlink', linkname: one.to, mtime } : { name: one.name, type: 'directory', mode: 0o755, mtime });
  }
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** The image of that name, made of these files: what an earlier run made, or in its place what `make` makes. */
async function upToDate(docker: Docker, reference: string, files: readonly File[], make: (content: string, archive: Buffer) => Promise<void>): Promise<string> {
  const content = hashed(files);
  const before = await found(docker, reference);
  // null where it has none
  const isUpToDate = (before?.Config.Labels as Record<string, string> | null | undefined)?.[contentLabel] === content;
  if (!isUpToDate) await make(content, await tar(files));
  await removeNameless(docker);
  return isUpToDate ? before!.Id : (await found(docker, reference))!.Id;
}

/** Those whose name has gone to a new one. One that cannot go, for it still serves another run, or goes already, is left to the next time. */
async function removeNameless(docker: Docker): Promise<void> {
  const images = await docker.listImages({ filters: { label: [contentLabel], dangling: ['true'] } });
  await Promise.all(images.map(({ Id }) => docker.getImage(Id).remove().catch(() => undefined)));
}

async function found(docker: Docker, reference: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(reference).inspect();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** To the end of what the engine says while it works. It answers 200 first and tells of failures later. */
const told = (docker: Docker, stream: NodeJS.ReadableStream): Promise<void> =>
  new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, lines: readonly { error?: string }[] | undefined) => {
      const complaint = error?.message ?? lines?.find((line) => line.error !== undefined)?.error;
      if (complaint === undefined) resolve();
      else reject(new Error(complaint));
    });
  });
