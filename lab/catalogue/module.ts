/** Modules that the lab does not know: JavaScript, or TypeScript where Node.js or tsx can read it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Problem } from '../problem.ts';

/** What holds declarations only, or tests of a lesson, is no lesson. */
export const isModule = (file: string): boolean => /\.m?[jt]s$/.test(file) && !/\.(d|test|spec)\.m?[jt]s$/.test(file);

export async function exportsOf(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (/ts$/.test(file)) await letTypeScriptBeRead(file);
  try {
    const read = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
    // Of CommonJS that was an ES module everything is in the default.
    return typeof read.default === 'object' && read.default !== null && '__esModule' in read.default ? { ...read, ...read.default } : read;
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(`${placeIn(file, error)}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

let isRead = false;

/** Node.js strips types from 22.18 on. Before that it takes tsx, the project's own if it has one. */
async function letTypeScriptBeRead(file: string): Promise<void> {
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  if (isRead || stripsTypes || process.execArgv.some((option) => option.includes('tsx'))) return;
  // Where package.json does not say "type": "module", TypeScript is CommonJS to tsx.
  for (const api of ['./cjs/api', './esm/api'] as const) ((await import(tsxBeside(file, api).href)) as { register(): unknown }).register();
  isRead = true;
}

/** What `import 'tsx/esm/api'` would mean in that file: `require.resolve` gives what `require` would, which is another one. */
function tsxBeside(file: string, api: './cjs/api' | './esm/api'): URL {
  try {
    const manifest = createRequire(resolve(file)).resolve('tsx/package.json');
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports: Record<typeof api, { import: { default: string } }> };
    return new URL(exports[api].import.default, pathToFileURL(manifest));
  } catch {
    throw new Problem(`${file}: Node.js ${process.version} does not read TypeScript: npm install --save-dev tsx, or take Node.js 22.18 or later, or write it as JavaScript`);
  }
}

/** `FILE:LINE:COLUMN`, where the error knows it. */
export function placeIn(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, line] = new RegExp(`/${basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:(\\d+(?::\\d+)?)`).exec(stack) ?? [];
  return line === undefined ? file : `${file}:${line}`;
}
