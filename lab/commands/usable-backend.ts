/** From a backend's name to a process in which it can run. */
import type { Backend } from '../backends/backend.ts';
import { programName } from '../own-modules.ts';
import { Problem } from '../problem.ts';

/**
 * Throws a Problem that names what is missing where the backend cannot run. One that needs a process of its own runs the whole command line there:
 * the exit status is that process's; undefined where this is the right process already.
 */
export async function ranElsewhere(backend: Backend): Promise<number | undefined> {
  await mustBeUsable(backend);
  return backend.enclosure === undefined || backend.enclosure.isEntered() ? undefined : backend.enclosure.enter(process.argv.slice(2));
}

export async function mustBeUsable(backend: Backend): Promise<void> {
  const { usable, requirements } = await backend.probe();
  if (usable) return;
  const missing = requirements.filter(({ present }) => !present).map(({ name, detail, remedy }) => `  ${name}: ${detail}${remedy === undefined ? '' : `\n    get it with: ${remedy}`}`);
  throw new Problem(`the backend ${backend.name} cannot run here:\n${missing.join('\n')}\n  "${programName} doctor" tells what can.`, 3);
}
