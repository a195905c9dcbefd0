/**
 * The probe over the whole zoo in network namespaces: every box on the engine that it gets there, those of the kernel's on the machine as well. Time is real, if
 * ten times faster. So lives are left to the simulator: here they are seen to last 12 s, and are measured of three boxes, one of each engine and one that forgets
 * soon; and what can be told only of a life that was seen to end.
 */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { netns } from '../../lab/backends/netns/backend.ts';
import type { NatEngine } from '../../lab/backends/backend.ts';
import { disagreements, expectationOf } from '../../lab/probe/expectation.ts';
import type { Disagreement } from '../../lab/probe/expectation.ts';
import { homeWith } from '../../lab/probe/place.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import { presets } from '../../src/nat/presets.ts';
import type { Outcome } from '../../src/probe/prober.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';

const program = fileURLToPath(new URL('zoo-in-namespaces.ts', import.meta.url));

interface Box {
  readonly job: string;
  readonly engine: NatEngine;
  readonly behaviour: NatBehaviour;
}

/** With lives, which take a quarter of a minute. */
const measuredToTheEnd = ['linux-masquerade/kernel', 'linux-masquerade/machine', 'short-timeouts/machine'];

const engineOf = (preset: string): NatEngine => netns.natEngine(planTopology(homeWith(preset)).plan.nodes.find((node) => node.kind === 'nat')!, 'auto');

const zoo = presets.flatMap(({ name, behaviour }) =>
  (engineOf(name) === 'kernel' ? (['kernel', 'machine'] as const) : (['machine'] as const)).map((engine): Box => {
    const toTheEnd = measuredToTheEnd.includes(`${name}/${engine}`);
    return { job: `${name}/${engine}/${toTheEnd ? 45 : 12}`, engine, behaviour };
  }),
).sort((a, b) => Number(b.job.endsWith('/45')) - Number(a.job.endsWith('/45')));

/** A kernel counts in whole seconds of its own, ten of the lab's. */
const slack: Record<NatEngine, Duration> = { kernel: seconds(12), machine: seconds(3) };

async function probed(boxes: readonly Box[], atOnce: number): Promise<ReadonlyMap<string, Outcome>> {
  const { stdout } = await execa(...endingWithUs(process.execPath, '--import', 'tsx', program, String(atOnce), ...boxes.map(({ job }) => job)), { stderr: 'inherit' });
  return new Map(stdout.split('\n').filter((line) => line !== '').map((line) => {
    const { job, outcome } = JSON.parse(line) as { readonly job: string; readonly outcome: Outcome };
    return [job, outcome];
  }));
}

function wrongWith({ engine, behaviour }: Box, outcome: Outcome | undefined): readonly Disagreement[] | string {
  if (outcome === undefined || outcome === 'unreachable') return `the probe found nothing: ${outcome}`;
  const { findings } = outcome;
  const expected = expectationOf(behaviour);
  const ended = findings.unreplied.measured && findings.unreplied.value.below !== undefined;
  return disagreements(findings, ended ? expected : { ...expected, refreshOutbound: undefined, refreshInbound: undefined }, slack[engine]);
}

const { describe: inNamespaces } = needs('user namespaces', 'koffi', 'nft', 'tun');

inNamespaces('what packets show of a box in namespaces is what the box claims to be', () => {
  const wrong = new Map<Box, ReturnType<typeof wrongWith>>();

  beforeAll(async () => {
    // A busy machine may be deaf for a moment, and the lab's clock goes on: what is wrong must be so again with fewer at a time.
    let boxes: readonly Box[] = zoo;
    for (const atOnce of [8, 4, 2]) {
      const outcomes = await probed(boxes, atOnce);
      for (const box of boxes) wrong.set(box, wrongWith(box, outcomes.get(box.job)));
      boxes = boxes.filter((box) => wrong.get(box)!.length > 0);
      if (boxes.length === 0) break;
    }
  }, 300_000);

  describe.each(zoo)('$job', (box) => {
    test('is found to be what it claims', () => {
      expect(wrong.get(box)).toEqual([]);
    });
  });
});
