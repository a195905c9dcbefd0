/** A program on a terminal of its own, with somebody who types. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endingWithUs } from './ends-with-us.ts';

/** As soon as the first has been said since the last time something was typed, the second is typed. */
export type Typed = readonly [after: string, types: string];

export interface TerminalSession {
  readonly said: string;
  /** The exit status; 128 + n where signal n ended it. */
  readonly status: number;
}

const typist = `
import json, os, pty, sys
typed = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0: os.execvp(sys.argv[2], sys.argv[2:])
said, new = b'', b''
while True:
    try: more = os.read(terminal, 4096)
    except OSError: break
    if not more: break
    said, new = said + more, new + more
    while typed and typed[0][0].encode() in new:
        new = new[new.index(typed[0][0].encode()) + len(typed[0][0].encode()):]
        os.write(terminal, typed.pop(0)[1].encode())
sys.stdout.buffer.write(said)
sys.stdout.flush()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
`;

export async function onTerminal(command: readonly string[], typed: readonly Typed[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<TerminalSession> {
  const child = spawn(...endingWithUs('python3', '-c', typist, JSON.stringify(typed), ...command), { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const [status] = (await once(child, 'close')) as [number];
  return { said, status };
}
