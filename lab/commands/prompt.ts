/** `--cli`: when the lesson is over, its last network is left to whoever sits there. */
import { fstatSync } from 'node:fs';
import type { Backend, Lab } from '../backends/backend.ts';
import { Problem } from '../problem.ts';
import type { ActResult } from '../run.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { castOf } from '../topology/cast.ts';

/** Throws a Problem where there will be no prompt, or nobody to use it. */
export function mustHavePrompt({ name, hasPrompt }: Backend, chosen: readonly Scenario[]): void {
  if (!hasPrompt) throw new Problem(`--cli: ${name} has no prompt of its own; --backend mininet has one`);
  if (chosen.length !== 1) throw new Problem('--cli: the prompt comes when the lesson is over; name one lesson');
  if (!process.stdin.isTTY && !hasScript()) throw new Problem('--cli: standard input is no terminal, and no script is piped in: leave standard input alone, or give it commands of mininet\'s prompt');
}

/** Commands come by a pipe or from a file. */
function hasScript(): boolean {
  const input = fstatSync(0);
  return input.isFIFO() || input.isSocket() || input.isFile();
}

interface PromptOptions {
  readonly tell: (line: string) => void;
  readonly output: 'stdout' | 'stderr';
}

export const promptAfter =
  ({ tell, output }: PromptOptions) =>
  async (lab: Lab, { act, topology }: ActResult): Promise<void> => {
    const { clients: [client], server } = castOf(topology);
    tell(`\nmininet's prompt, on the network of the act "${act.id}", which goes on. Try: ${client!.name} ping -c 3 ${server}. exit or Ctrl-D ends it, and the lab.`);
    await lab.prompt!(output);
  };
