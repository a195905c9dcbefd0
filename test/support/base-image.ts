/** A base for the image of the lab's nodes, of what this machine has: Node.js, a shell, the programs that a node calls, and the libraries that they are linked with. */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

const folders = ['dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'usr/bin', 'usr/lib', 'var'];
/** Where Debian and Ubuntu have them; what is in /usr/sbin goes to /usr/bin, which every PATH has. */
const programs = ['cat', 'conntrack', 'ip', 'ln', 'mkdir', 'nft', 'ping', 'rm', 'sh'];

const pathOf = (program: string): string => execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin"; command -v ${program}`], { encoding: 'utf8' }).trim();

/** By the paths under which they are looked for; some libraries are loaded by others without being linked with the program. */
const librariesOf = (paths: readonly string[]): string[] => [...new Set(Array.from(execFileSync('ldd', [...paths], { encoding: 'utf8' }).matchAll(/^\t(?:\S+ => )?(\/\S+) \(/gm), ([, path]) => path!))];

export async function importBase(docker: Docker, repo: string, tag: string): Promise<void> {
  const executables = new Map([['node', process.execPath], ...programs.map((name) => [name, pathOf(name)] as const)]);
  const archive = pack();
  for (const name of folders) archive.entry({ name, type: 'directory', mode: 0o755 });
  for (const name of ['bin', 'sbin', 'usr/sbin']) archive.entry({ name, type: 'symlink', linkname: name === 'usr/sbin' ? 'bin' : 'usr/bin' });
  for (const name of ['lib', 'lib64']) archive.entry({ name, type: 'symlink', linkname: 'usr/lib' });
  for (const [name, path] of executables) archive.entry({ name: `usr/bin/${name}`, mode: 0o755 }, readFileSync(realpathSync(path)));
  // All beside one another, whatever folder of this machine they are from: the loader looks there without any cache.
  for (const path of librariesOf([...executables.values()])) archive.entry({ name: `usr/lib/${path.split('/').at(-1)!}`, mode: 0o755 }, readFileSync(realpathSync(path)));
  archive.finalize();
  const stream = await docker.importImage(archive, { repo, tag });
  await new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())));
}
