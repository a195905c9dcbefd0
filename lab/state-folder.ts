/** Where the lab remembers something of its user from one run to the next (XDG Base Directory Specification, `XDG_STATE_HOME`). */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export function stateFolder(): string {
  const given = process.env['XDG_STATE_HOME'];
  return join(given !== undefined && isAbsolute(given) ? given : join(homedir(), '.local', 'state'), 'natt-lab');
}
