/** Plays one cell, wherever it is played: in a worker thread, in a process of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { scenarioNamed } from '../commands/asked.ts';
import { cannotWrite } from '../commands/output.ts';
import { Problem } from '../problem.ts';
import { toJson, traceLine } from '../report/json.ts';
import type { JsonResult } from '../report/json.ts';
import { runScenario } from '../run.ts';
import type { ScenarioResult } from '../run.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Act } from '../scenarios/scenario.ts';
import { obstacleTo } from '../zoo/cells.ts';
import { placesOf } from './cell.ts';
import type { Cell } from './cell.ts';
import { judge, together, verdictOf } from './judge.ts';
import type { Judgement, Kind } from './judge.ts';

/** Plain data: it travels between threads and processes. */
export interface Order {
  readonly cell: Cell;
  /** Where the catalogue comes from, besides the lab itself. */
  readonly folders: readonly string[];
  /** The folder for the traces of cells that came out wrong. */
  readonly traces?: string;
}

export interface CellResult {
  readonly cell: Cell;
  readonly kind: Kind;
  readonly acts: readonly Judgement[];
  /** As `run --json` writes it; missing where nothing could be played. */
  readonly result?: JsonResult;
  /** Why nothing was learned: the lab broke, or took too long. */
  readonly reason?: string;
  /** The file that has everything that happened. */
  readonly trace?: string;
  /** Why that file could not be written. */
  readonly traceProblem?: string;
  readonly wallMs: number;
}

let known: { readonly of: string; readonly catalogue: Promise<Catalogue> } | undefined;

/** Read once by a worker, which plays many cells. */
function catalogueOf(folders: readonly string[]): Promise<Catalogue> {
  const of = JSON.stringify(folders);
  if (known?.of !== of) known = { of, catalogue: loadCatalogue(folders) };
  return known.catalogue;
}

export async function playCell({ cell, folders, traces }: Order, signal?: AbortSignal): Promise<CellResult> {
  const began = performance.now();
  const wallMs = (): number => Math.round(performance.now() - began);
  try {
    const catalogue = await catalogueOf(folders);
    const [scenario, backend] = [scenarioNamed(cell.scenario, catalogue), await loadBackend(cell.backend)];
    const values = parseSettings(scenario.id, scenario.parameters, cell.set, backend.clock);
    const acts = scenario.acts(values).filter(({ id }) => cell.acts.includes(id));
    const places = { shelf: catalogue, ...placesOf(cell) };
    const impossible = acts.flatMap((act) => impossibleHere(act, places) ?? []);
    const possible = acts.filter(({ id }) => !impossible.some(({ act }) => act === id));
    const played = await runScenario({ ...scenario, acts: () => possible }, { backend, values, seed: cell.seed, ...places, ...(signal && { signal }) });
    const judgements = [...played.acts.map((act) => judge(cell, act, backend.clock)), ...impossible];
    const kind = together(judgements);
    const isWrong = ['fail', 'inconclusive'].includes(verdictOf[kind]);
    return { cell, kind, acts: judgements, ...(possible.length > 0 && { result: toJson(played) }), ...(isWrong && traces !== undefined ? await traced(played, cell, traces) : {}), wallMs: wallMs() };
  } catch (error) {
    return broken(cell, error instanceof Problem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error), wallMs());
  }
}

/** An act whose network cannot have the box: NAT64 in front of IPv4. */
function impossibleHere(act: Act, places: Parameters<typeof obstacleTo>[1]): Judgement | undefined {
  const why = obstacleTo(act, places);
  return why === undefined ? undefined : { act: act.id, kind: 'unsupported', expected: 'a network that can have the box', observed: why, why };
}

/** A cell whose lab failed, and not what the lab is about. */
export const broken = (cell: Cell, reason: string, wallMs: number): CellResult => ({ cell, kind: 'broke', acts: [], reason, wallMs });

/** A cell that was ended after this long. */
export const overran = (cell: Cell, limit: Duration, wallMs: number): CellResult => ({ cell, kind: 'overran', acts: [], reason: `it was ended after ${describeDuration(limit)}; --timeout gives each cell more`, wallMs });

async function traced({ acts }: ScenarioResult, { id }: Cell, folder: string): Promise<Pick<CellResult, 'trace' | 'traceProblem'>> {
  const file = join(folder, `${id.replaceAll('/', '.')}.jsonl`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(file, acts.flatMap(({ act, trace }) => trace.events.map((event) => `${traceLine(act.id, event)}\n`)).join(''));
    return { trace: file };
  } catch (error) {
    return { traceProblem: cannotWrite(file, error).message };
  }
}
