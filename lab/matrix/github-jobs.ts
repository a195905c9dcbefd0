/** A matrix of GitHub's for this one: a job a shard of a backend, for `strategy.matrix: ${{ fromJSON(…) }}`. */
import { Problem } from '../problem.ts';
import type { Cell } from './cell.ts';
import { inShard } from './shard.ts';

export interface Jobs {
  readonly include: readonly Job[];
}

export interface Job {
  /** `sim 1/4` */
  readonly name: string;
  readonly backend: string;
  readonly shard: string;
  readonly cells: number;
  /** What `lab matrix` is to be told besides what it was told here. */
  readonly args: string;
}

/** What GitHub takes of one matrix. */
const most = 256;
const cellsPerJob = 200;

/** So many jobs for each backend; where a backend has fewer cells than that, as many as it has cells. */
export function jobsFor(cells: readonly Cell[], asked?: number): Jobs {
  const include = [...new Set(cells.map(({ backend }) => backend))].flatMap((backend) => {
    const its = cells.filter((cell) => cell.backend === backend);
    const count = Math.min(its.length, asked ?? Math.ceil(its.length / cellsPerJob));
    return Array.from({ length: count }, (_, i): Job => {
      const shard = `${i + 1}/${count}`;
      return { name: `${backend} ${shard}`, backend, shard, cells: inShard(its, { index: i + 1, count }).length, args: `--backend ${backend} --shard ${shard}` };
    });
  });
  if (include.length > most) throw new Problem(`these would be ${include.length} jobs, and GitHub takes ${most} in one matrix; give a smaller --jobs`);
  return { include };
}
