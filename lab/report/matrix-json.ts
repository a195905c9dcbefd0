/** A cell for programs: the result that `run --json` writes (schema 1), and beside it the cell and what was to be expected of it. */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { verdictOf } from '../matrix/judge.ts';
import type { CellResult } from '../matrix/play.ts';
import { commandOf } from '../matrix/reproduce.ts';
import type { JsonResult } from './json.ts';

export interface MatrixJson extends JsonResult {
  /** `verdict` here is that of the cell: `pass` where all came out as foreseen, whatever the verdict of the lesson's own claims. */
  readonly cell: object;
}

export function matrixJson(one: CellResult, { scenarios, folders }: Catalogue): MatrixJson {
  const { cell, kind, acts, result, reason, trace, wallMs } = one;
  const { id, scenario, nat, ike, backend, seed } = cell;
  return {
    ...(result ?? {
      schema: 1,
      scenario,
      title: scenarios.find((lesson) => lesson.id === scenario)!.title,
      backend,
      topology: '',
      nat: {},
      engine: {},
      parameters: {},
      seed,
      verdict: verdictOf[kind] === 'fail' ? 'inconclusive' : verdictOf[kind],
      interrupted: false,
      checks: [],
      acts: [],
      time: { clock: backend === 'sim' ? 'virtual' : 'real', elapsedMs: 0, wallMs },
    }),
    cell: { id, nat, ike, acts, kind, verdict: verdictOf[kind], command: commandOf(one, folders), ...(reason !== undefined && { reason }), ...(trace !== undefined && { trace }) },
  };
}
