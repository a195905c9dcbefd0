/** Makes of the sources what the package holds, for Node.js strips no types below node_modules: JavaScript, declarations, and the files that the code reads. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { coursePage } from '../lab/course/site.ts';
import { reportPage, writePage } from '../lab/report/html/bundle.ts';
import { bundledAgent } from '../lab/backends/docker/bundle.ts';

const root = join(import.meta.dirname, '..');
const built = join(root, 'dist');

rmSync(built, { recursive: true, force: true });
execFileSync(process.execPath, [createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', join(import.meta.dirname, 'build.tsconfig.json')], { stdio: 'inherit' });
for (const folder of ['lab', 'topologies']) cpSync(join(root, folder), join(built, folder), { recursive: true, filter: (path) => !/\.(ts|md|png)$|__pycache__|(report\/html\/app|course\/page)$/.test(path) });
await writePage(reportPage, join(built, 'lab/report/html/page.html'));
await writePage(coursePage, join(built, 'lab/course/page.html'));
writeFileSync(join(built, 'lab/backends/docker/agent.mjs'), await bundledAgent());

// tsc says ".ts" in declarations, which it understands itself; not every editor does.
for (const file of readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.d.ts'))) {
  const path = join(built, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from|import\() ?["']\.[^"']*)\.ts(["'])/g, '$1.js$2'));
}
