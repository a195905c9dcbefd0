/** The agent as one file that any Node.js runs: its container needs neither the lab's sources nor their packages, and starts faster. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ownModule } from '../../own-modules.ts';

const source = fileURLToPath(ownModule('./agent.ts', import.meta.url));

/** The package brings it along: esbuild is a tool of the checkout only. */
export const bundledAgent = (): Promise<Uint8Array> => (source.endsWith('.ts') ? bundle() : Promise.resolve(readFileSync(new URL('agent.mjs', import.meta.url))));

async function bundle(): Promise<Uint8Array> {
  const { buildSync } = await import('esbuild');
  const bundled = (): Uint8Array => buildSync({ entryPoints: [source], bundle: true, platform: 'node', target: 'node20', format: 'esm', write: false, logLevel: 'silent' }).outputFiles[0]!.contents;
  try {
    return bundled();
  } catch {
    // A terminal's Ctrl-C ends esbuild as well. The lab has heard it, too, and ends in its own way.
    return bundled();
  }
}
