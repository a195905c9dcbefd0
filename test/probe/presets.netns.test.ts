/**
 * The probe over the whole zoo in network namespaces: every box on the engine that it gets there, and those of the kernel's on the machine as well. Left to the
 * simulator, because their time is real: lives of more than 45 s, which are only seen to last that long, and whether traffic keeps such a mapping alive.
 */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { netns } from '../../lab/backends/netns/backend.ts';
import type { NatEngine } from '../../lab/backends/backend.ts';
import { disagreements, expectationOf } from '../../lab/probe/expectation.ts';
import { homeWith } from '../../lab/probe/place.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { presets } from '../../src/nat/presets.ts';
import type { Measure } from '../../src/probe/classification.ts';
import type { Outcome } from '../../src/probe/prober.ts';
import { needs } from '../support/needs.ts';

const program = fileURLToPath(new URL('zoo-in-namespaces.ts', import.meta.url));

/** A kernel counts in whole seconds of its own, ten of the lab's. */
const slack: Record<NatEngine, Duration> = { kernel: seconds(12), machine: seconds(3) };

/** What cannot be told of a life that was not seen to end. */
const ofShortLives: readonly Measure[] = ['refreshOutbound', 'refreshInbound'];

const chosen = (preset: string): NatEngine => netns.natEngine(planTopology(homeWith(preset)).plan.nodes.find((node) => node.kind === 'nat')!, 'auto');

const boxes = presets.flatMap(({ name, behaviour }) => (chosen(name) === 'kernel' ? (['kernel', 'machine'] as const) : (['machine'] as const)).map((engine) => ({ name, behaviour, engine })));

const { describe: inNamespaces } = needs('user namespaces', 'koffi', 'nft', 'tun');

inNamespaces('what packets show of a box in namespaces is what the box claims to be', () => {
  const outcomes = new Map<string, Outcome>();

  beforeAll(async () => {
    const { stdout } = await execa(process.execPath, ['--import', 'tsx', program, ...boxes.flatMap(({ name, engine }) => [name, engine])], { stderr: 'inherit' });
    for (const line of stdout.split('\n')) {
      const { preset, natEngine, outcome } = JSON.parse(line) as { readonly preset: string; readonly natEngine: NatEngine; readonly outcome: Outcome };
      outcomes.set(`${preset} ${natEngine}`, outcome);
    }
  }, 240_000);

  describe.each(boxes)('$name on the $engine', ({ name, behaviour, engine }) => {
    test('is found to be what it claims', () => {
      const outcome = outcomes.get(`${name} ${engine}`);
      if (outcome === undefined || outcome === 'unreachable') throw new Error(`the probe found nothing: ${outcome}`);
      const { findings } = outcome;
      const seenToEnd = findings.unreplied.measured && findings.unreplied.value.below !== undefined;
      const expected = expectationOf(behaviour);
      expect(disagreements(findings, seenToEnd ? expected : { ...expected, ...Object.fromEntries(ofShortLives.map((measure) => [measure, undefined])) }, slack[engine])).toEqual([]);
    });
  });
});
