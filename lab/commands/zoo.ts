/** Lessons behind every box of the zoo, as tables: what works, what works after a while, what fails and why; each cell beside what the oracle said. */
import { writeFileSync } from 'node:fs';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { presetNamed, presets } from '../../src/nat/presets.ts';
import { loadBackend } from '../backends/index.ts';
import { Problem } from '../problem.ts';
import { lineWidth } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { ZooTable } from '../report/zoo-table.ts';
import { headlines } from '../scenarios/index.ts';
import { suggestion } from '../suggest.ts';
import { actsBehind, isAsForeseen, playBehind } from '../zoo/cells.ts';
import type { Cell } from '../zoo/cells.ts';
import { plural } from '../wording.ts';
import { mustBeUsable, natEngineOf, placesOf, scenarioNamed, seedOf, settingsOf } from './run.ts';
import type { CommandLine } from './run.ts';

export interface ZooCommandLine extends Pick<CommandLine, 'backend' | 'ike' | 'natEngine' | 'set' | 'seed' | 'json' | 'color'> {
  readonly nat?: readonly string[];
}

export async function zoo(names: readonly string[], options: ZooCommandLine): Promise<number> {
  const chosen = names.length === 0 ? headlines : names.map(scenarioNamed);
  const boxes = options.nat === undefined ? presets : options.nat.map(boxNamed);
  const { ike } = placesOf({ ...(options.ike === undefined ? {} : { ike: options.ike }) });
  const seed = seedOf(options.seed);
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const settings = settingsOf(chosen, options.set ?? [], backend.clock);
  await mustBeUsable(backend);
  if (backend.enclosure !== undefined && !backend.enclosure.isEntered()) return backend.enclosure.enter(process.argv.slice(2));
  const people = options.json === '-' ? process.stderr : process.stdout;
  const table = new ZooTable({ theme: themeFor(people, options.color), width: lineWidth(people, 120), write: (line) => void people.write(`${line}\n`) });
  const interruption = new AbortController();
  const isInterrupted = (): boolean => interruption.signal.aborted;
  const onInterrupt = (): void => {
    if (isInterrupted()) process.exit(130);
    interruption.abort();
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);

  const cells: Cell[] = [];
  try {
    for (const [i, scenario] of chosen.entries()) {
      const acts = actsBehind(scenario, { values: settings[i]!, ...(ike && { ike }) });
      table.begin(scenario, acts, `behind ${plural(boxes.length, 'box', 'boxes')} (${backend.name}${ike === undefined ? '' : `, --ike ${ike}`})`);
      for (const box of acts.length === 0 ? [] : boxes) {
        if (isInterrupted()) break;
        const row = await playBehind(box, scenario, acts, { backend, natEngine, values: settings[i]!, seed, signal: interruption.signal, ...(ike && { ike }) });
        if (isInterrupted()) break; // half a row says nothing
        table.row(box, row);
        cells.push(...row);
      }
      table.end();
    }
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
  table.verdict(cells);
  if (options.json !== undefined) said(options.json, `${JSON.stringify({ schema: 1, backend: backend.name, seed, cells: cells.map((cell) => ({ ...cell, asForeseen: isAsForeseen(cell) })) }, null, 2)}\n`);
  if (isInterrupted()) return 130;
  if (cells.every(({ outcome }) => outcome.kind === 'unsupported')) return 3;
  return cells.every(isAsForeseen) ? 0 : 1;
}

function boxNamed(name: string): NatPreset {
  const preset = presetNamed(name);
  if (preset === undefined) throw new Problem(`no NAT preset "${name}"; ${suggestion(name, presets.map((one) => one.name))}`);
  return preset;
}

function said(file: string, text: string): void {
  if (file === '-') process.stdout.write(text);
  else {
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw new Problem(`cannot write ${file}: ${(error as Error).message}`);
    }
  }
}
