/**
 * The oracle against real packets, by a sample: every act of every lesson behind a box that the kernel's NAT is and behind one that the machine is, with IKEv2 here and
 * IKEv1 there; every box of the zoo has its turn. All cells are compared in the simulator (v1.test.ts, v2.test.ts).
 */
import { expect } from 'vitest';
import type { NatEngine } from '../../lab/backends/backend.ts';
import { netns } from '../../lab/backends/netns/backend.ts';
import { topologyOf } from '../../lab/run.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import type { Act } from '../../lab/scenarios/scenario.ts';
import { actsBehind, isAsForeseen, playBehind } from '../../lab/zoo/cells.ts';
import type { Cell } from '../../lab/zoo/cells.ts';
import { needs as needsOfLessons } from '../../lab/zoo/needs.ts';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { ipv6Presets, presets, zoo } from '../../src/nat/presets.ts';
import { needs } from '../support/needs.ts';

/** They are silent for minutes, and say no more of a box than the act that is so once. */
const tooLong = ['keepalive/cure', 'keepalive/just-in-time', 'keepalive/just-too-late', 'keepalive/as-configured'];

const acts = scenarios
  .flatMap((scenario) => {
    const values = parseSettings(scenario.id, scenario.parameters, [], 'real');
    return actsBehind(scenario, { values }).map((act) => ({ scenario, values, act, id: `${scenario.id}/${act.id}` }));
  })
  .filter(({ id }) => !tooLong.includes(id));

/** Whom a box turns away tries again for nine minutes in this act. */
const isSoonOver = (id: string, { behaviour }: NatPreset): boolean => id !== 'multi-client/together' || needsOfLessons['second-on-4500'].isMet(behaviour, { ike: 'v2', clients: 3 });

const boxesOn = (engine: NatEngine, id: string, act: Act): readonly NatPreset[] =>
  presets.filter((preset) => isSoonOver(id, preset) && topologyOf(act, { preset: preset.name }).plan.nodes.every((node) => node.kind !== 'nat' || netns.natEngine(node, 'auto') === engine));

const turns = new Map<NatPreset, number>();

/** Of these boxes one that has been chosen no more often than any other. */
function inTurn(boxes: readonly NatPreset[]): NatPreset {
  const turnsOf = (box: NatPreset): number => turns.get(box) ?? 0;
  const box = boxes.reduce((one, other) => (turnsOf(other) < turnsOf(one) ? other : one));
  turns.set(box, turnsOf(box) + 1);
  return box;
}

const sample = [
  ...acts.flatMap((one, i) =>
    (['kernel', 'machine'] as const).flatMap((engine, j) => {
      const boxes = boxesOn(engine, one.id, one.act);
      return boxes.length === 0 ? [] : [{ ...one, preset: inTurn(boxes), ike: i % 2 === j ? ('v2' as const) : ('v1' as const) }];
    }),
  ),
  ...acts.filter(({ id }) => id === 'port-float/float').flatMap((one) => ipv6Presets.map((preset) => ({ ...one, preset, ike: 'v2' as const }))),
];

type Chosen = (typeof sample)[number];

/** So many labs at once: each keeps one of the four threads waiting that Node.js has. */
const atOnce = 3;

async function play(chosen: readonly Chosen[], labs: number): Promise<readonly (Chosen & { readonly cell: Cell })[]> {
  const played: (Chosen & { readonly cell: Cell })[] = [];
  const queue = chosen.values();
  const work = async (): Promise<void> => {
    for (const one of queue) for (const cell of await playBehind(one.preset, one.scenario, [one.act], { backend: netns, values: one.values, ike: one.ike, seed: 1 })) played.push({ ...one, cell });
  };
  await Promise.all(Array.from({ length: labs }, work));
  return played;
}

needs('root', 'koffi', 'nft', 'tun').test('what the oracle foresees of lessons behind boxes happens to real packets, in the kernel and in the machine', { timeout: 300_000 }, async () => {
  const played = await play(sample, atOnce);
  // The three seconds that a ping waits are 300 ms here, and soon over on a busy machine: what surprises has to do so again, alone.
  const surprising = played.filter(({ cell }) => !isAsForeseen(cell));
  const cells = [...played.filter((one) => !surprising.includes(one)), ...(await play(surprising, 1))].map(({ cell }) => cell);
  expect(cells.filter((cell) => cell.outcome.kind === 'unsupported' || !isAsForeseen(cell))).toEqual([]);

  expect(new Set(cells.map(({ preset }) => preset))).toEqual(new Set(zoo.map(({ name }) => name)));
  const lessons = [...new Set(acts.map(({ scenario }) => scenario.id))];
  const enginesOf = (lesson: string): readonly NatEngine[] => [...new Set(cells.filter((cell) => cell.lesson === lesson).flatMap(({ engine }) => Object.values(engine)))].sort();
  expect(lessons.map((lesson) => [lesson, ...enginesOf(lesson)])).toEqual(lessons.map((lesson) => [lesson, 'kernel', 'machine']));
});
