/** The lab's own modules, when they begin a process or a thread of their own. */

/** In a checkout they are the TypeScript sources, in the package that is made of it JavaScript. */
const areSources = import.meta.url.endsWith('.ts');

/** What people type to get here. */
export const programName = areSources ? 'lab' : 'natt-lab';

/** Where `path` is, which is written as in the sources (`./worker.ts`) and counts from the module that asks with its `import.meta.url`. */
export const ownModule = (path: `./${string}.ts` | `../${string}.ts`, asking: string): URL => new URL(areSources ? path : path.replace(/\.ts$/, '.js'), asking);

/** What node must be told to run one: of JavaScript, and where it strips types itself, nothing more than this process was told; else tsx. */
export function nodeOptions(): readonly string[] {
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  const given = process.execArgv;
  return !areSources || stripsTypes || given.some((option) => option.includes('tsx')) ? given : [...given, '--import', import.meta.resolve('tsx')];
}
