/** A running lab with a prompt, or driven by a script: `lab up TOPOLOGY`. */
import { TraceLog } from '../../src/trace/trace.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { play, readScript, terminal } from '../live/input.ts';
import { BrokenOff, Session } from '../live/session.ts';
import { completions, isQuit, runLine } from '../live/verbs.ts';
import { Problem } from '../problem.ts';
import { Narrator } from '../report/narrator.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { topologyWith } from '../run.ts';
import { warn } from '../warn.ts';
import { natEngineOf, placesOf, seedOf } from './asked.ts';
import { interrupted, interruptible } from './interruption.ts';
import { outputTo } from './output.ts';
import { traceLine } from '../report/json.ts';
import type { CommandLine } from './run.ts';
import { ranElsewhere } from './usable-backend.ts';

export interface UpCommandLine extends Pick<CommandLine, 'scenarios' | 'mininetTopo' | 'mininetMap' | 'backend' | 'nat' | 'ike' | 'natEngine' | 'seed' | 'trace' | 'color'> {
  readonly script?: string;
}

export async function up(name: string | undefined, options: UpCommandLine): Promise<number> {
  const seed = seedOf(options.seed);
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const { topology: asked, ...places } = await placesOf({ ...options, ...(name !== undefined && { topology: name }) }, await loadCatalogue(options.scenarios));
  if (asked === undefined) throw new Problem(`up what? Name a topology, such as home, or --mininet-topo FILE.py:CLASS`);
  const topology = topologyWith(asked, places);
  const isPerson = options.script === undefined && process.stdin.isTTY;
  const script = options.script === undefined ? undefined : readScript(options.script);
  const [unsupported] = backend.unsupported(topology.plan, natEngine);
  if (unsupported) throw new Problem(`${unsupported.what} cannot be had on ${backend.name}: ${unsupported.why}`, 3);
  const status = await ranElsewhere(backend);
  if (status !== undefined) return status;
  warn(topology.warnings);

  const theme = themeFor(process.stdout, options.color);
  const canvas = { theme, width: lineWidth(process.stdout, 120) };
  const trace = new TraceLog();
  const recorded = options.trace === undefined ? undefined : await outputTo(options.trace);
  if (recorded) trace.listen((event: TraceEvent) => recorded.write(`${traceLine('up', event)}\n`));
  return interruptible(async (signal) => {
    await using lab = await backend.open(topology.plan, { seed, trace, natEngine, signal });
    const promptText = (): string => `${topology.name} ${(lab.now / 1000).toFixed(1)} s> `;
    const { say, converse } = terminal({
      prompt: () => theme.strong(promptText()),
      complete: (line) => completions(session, line),
      breakOff: () => session.breakOff(),
      complain: (text) => say(theme.bad(wrap(text, canvas.width))),
    });
    const session = new Session({ lab, backend: backend.name, topology, trace, say, canvas });
    // A script has no prompt that would hear Ctrl-C.
    signal.addEventListener('abort', () => session.breakOff());
    const narrator = new Narrator({ ...canvas, write: say, brief: false });
    trace.listen(narrator.tell);
    const act = async (line: string): Promise<void> => {
      try {
        await runLine(session, line);
        await lab.settle();
      } catch (error) {
        if (!(error instanceof BrokenOff)) throw error;
      } finally {
        narrator.finish();
      }
      if (signal.aborted) throw new Interrupted();
    };
    say(wrap(`${theme.strong(topology.name)}  ${topology.title}, on ${backend.name}. ${backend.clock === 'virtual' ? 'Time stands still until you wait.' : 'Time passes.'}`, canvas.width, '  '));
    try {
      if (isPerson) {
        say(wrap('help lists the commands, Tab completes them, quit takes the lab down.', canvas.width));
        await converse(act, isQuit);
      } else await play(script ?? (await pipedScript()), act, { show: (line) => say(theme.strong(`${promptText()}${line}`)), isOver: isQuit });
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      await recorded?.close();
    }
    return signal.aborted ? interrupted : 0;
  });
}

class Interrupted extends Error {}

async function pipedScript(): Promise<{ name: string; lines: string[] }> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
  return { name: 'standard input', lines: text.split(/\r?\n/) };
}
