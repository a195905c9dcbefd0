/** The Python that has mininet: Debian puts it beside the system's own, whichever comes first on the PATH. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface Python {
  readonly path: string;
  /** Mininet's version. */
  readonly mininet: string;
}

/** Debian's package wants Open vSwitch beside it, which the lab does without. */
export const install = 'sudo apt-get install --no-install-recommends mininet';

const systems = '/usr/bin/python3';

let found: Python | undefined;

/** Tries them once; undefined where none has it. */
export function pythonWithMininet(path = process.env.PATH ?? ''): Python | undefined {
  return (found ??= firstWithMininet(path));
}

/** Every Python that there is to try, the likeliest first. */
export const pythons = (path = process.env.PATH ?? ''): string[] => [...new Set([systems, ...path.split(':').flatMap((folder) => (folder === '' ? [] : [`${folder}/python3`]))])].filter((file) => existsSync(file));

function firstWithMininet(path: string): Python | undefined {
  for (const python of pythons(path)) {
    const { status, stdout } = spawnSync(python, ['-B', '-c', 'import mininet.net; print(mininet.net.VERSION)'], { encoding: 'utf8', timeout: 20_000 });
    if (status === 0) return { path: python, mininet: stdout.trim() };
  }
  return undefined;
}
