/** Asks a mininet Topo of somebody's own what it builds. Their file is run, with their rights, as mininet would run it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import { suggestion } from '../../suggest.ts';
import { install, pythonWithMininet } from './python.ts';

/** `192.168.1.1/24`, as mininet has it; null where the class leaves it to mininet. */
const ip = z.string().nullable();

const description = z.strictObject({
  hosts: z.array(z.strictObject({ name: z.string(), ip })),
  switches: z.array(z.string()),
  links: z.array(
    z.strictObject({
      ends: z.tuple([z.strictObject({ node: z.string(), port: z.int(), ip }), z.strictObject({ node: z.string(), port: z.int(), ip })]),
      options: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
  ),
});

export type TopoDescription = z.output<typeof description>;
export type TopoLink = TopoDescription['links'][number];

const answer = z.union([description, z.strictObject({ there: z.array(z.string()) }), z.strictObject({ error: z.string(), line: z.int().nullable() })]);

const script = fileURLToPath(new URL('topo.py', import.meta.url));

/** `FILE.py:CLASS`; the class may be a name of the file's `topos` as well. Throws a Problem that names what is wrong. */
export function describeTopo(fileAndClass: string): TopoDescription & { readonly file: string; readonly name: string } {
  const [, file, name] = /^(.+\.py):([^:]+)$/.exec(fileAndClass) ?? [];
  if (file === undefined || name === undefined) throw new Problem(`--mininet-topo ${fileAndClass}: expected FILE.py:CLASS, such as nets.py:Branch`);
  if (!existsSync(file)) throw new Problem(`--mininet-topo ${fileAndClass}: no file ${file}`);
  const python = pythonWithMininet();
  if (python === undefined) throw new Problem(`--mininet-topo: no Python here has mininet: ${install}`, 3);
  const { stdout, stderr, error } = spawnSync(python.path, ['-B', script, file, name], { encoding: 'utf8', timeout: 30_000 });
  if (error) throw new Problem(`${file}: ${name} was not built within 30 s (${error.message})`);
  const said = answerOf(stdout);
  if (said === undefined) throw new Problem(`${file}: Python ended while it built ${name}${stderr.trim() === '' ? '' : `:\n${stderr.trim().replace(/^/gm, '  ')}`}`);
  if ('there' in said) throw new Problem(`${file}: no class ${name}; ${said.there.length === 0 ? 'there is no Topo in it' : suggestion(name, said.there)}`);
  if ('error' in said) throw new Problem(`${file}${said.line === null ? '' : `:${said.line}`}: ${name}: ${said.error}`);
  return { ...said, file, name };
}

function answerOf(text: string): z.output<typeof answer> | undefined {
  try {
    return answer.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
