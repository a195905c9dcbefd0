/** Lessons, boxes and topologies of one's own: what a folder may hold, where it shows, and what is said when something in it is wrong. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { loadCatalogue, naptBoxes, ownCatalogue } from '../../lab/catalogue/catalogue.ts';
import { runScenario, topologyOf } from '../../lab/run.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { lab, root } from '../cli/lab.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A folder with these files; its name ends in `natt`. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const above = mkdtempSync(join(tmpdir(), 'natt-lab-own-'));
  onTestFinished(() => rmSync(above, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(above, 'natt', dirname(file)), { recursive: true });
    writeFileSync(join(above, 'natt', file), text);
  }
  return join(above, 'natt');
}

const check = '{ id: "told", claim: "It was told", evaluate: (trace) => ({ verdict: trace.of("step").length === 1 ? "pass" : "fail", expected: "a step", observed: "steps", evidence: [] }) }';
const lesson = (id: string, changes: { topology?: string; checks?: string; more?: string } = {}): string => `export default {
  id: ${JSON.stringify(id)}, title: 'Mine', teaches: 'That it runs.', refs: [], parameters: {},
  acts: () => [{ id: 'only', title: 'Only', topology: '${changes.topology ?? 'home'}', play: async (stage) => stage.step('Now'), checks: () => ${changes.checks ?? `[${check}]`} }],
  ${changes.more ?? ''}
};`;
const home = readFileSync(`${root}topologies/home.yaml`, 'utf8');
const preset = (text: string): string => `title: Mine\n${text}\n`;

describe('a folder of one\'s own', () => {
  test('adds to what the lab has: lessons at the end, which are the headlines from then on', async () => {
    const folder = folderWith({ 'b.js': lesson('second'), 'a.mjs': lesson('first'), 'a.test.js': 'throw new Error("a test is not for the lab")', 'shared/steps.js': 'throw new Error("nor what lessons share")' });
    const catalogue = await loadCatalogue([folder]);
    expect(catalogue.scenarios.slice(-2).map(({ id }) => id)).toEqual(['first', 'second']);
    expect(catalogue.scenarios.slice(0, -2)).toEqual(ownCatalogue.scenarios);
    expect(catalogue.headlines.map(({ id }) => id)).toEqual(['first', 'second']);
  });

  test('plays its lessons on its topologies, behind its boxes', async () => {
    const folder = folderWith({ 'a.js': lesson('mine', { topology: 'branch' }), 'topologies/branch.yaml': home.replace('linux-masquerade', 'isp-router'), 'presets/isp-router.yaml': preset('behaviour: { timeouts: { unreplied: 7 s } }') });
    const shelf = await loadCatalogue([folder]);
    const result = await runScenario(shelf.scenarios.at(-1)!, { backend: sim, shelf });
    expect(result.verdict).toBe('pass');
    expect(result.acts[0]!.topology).toMatchObject({ name: 'branch', presets: { box: 'isp-router' } });
    const [box] = result.acts[0]!.topology.plan.nodes.filter((node) => node.kind === 'nat');
    expect(box!.box.behaviour.timeouts.unreplied).toBe(7000);
  });

  test('gives every lesson of the lab its boxes, and the zoo', async () => {
    const catalogue = await loadCatalogue([folderWith({ 'presets/isp-router.yaml': preset('preset: symmetric') })]);
    const [act] = catalogue.scenarios[0]!.acts(parseSettings('detection', catalogue.scenarios[0]!.parameters, ['position=initiator'], 'virtual'));
    expect(topologyOf(act!, { shelf: catalogue, preset: 'isp-router' }).presets).toEqual({ box: 'isp-router' });
    expect(naptBoxes(catalogue).at(-1)).toMatchObject({ name: 'isp-router', behaviour: { mapping: 'address-and-port-dependent' } });
    expect(catalogue.headlines).toBe(ownCatalogue.headlines);
  });

  test('has boxes made of one another, in whatever order', async () => {
    const { presets } = await loadCatalogue([folderWith({ 'presets/a.yaml': preset('preset: b\nbehaviour: { tableSize: 9 }'), 'presets/b.yaml': preset('preset: c\nbehaviour: { refresh: inbound }'), 'presets/c.yaml': preset('preset: nat64') })]);
    expect(presets.find(({ name }) => name === 'a')).toMatchObject({ ipv6: 'nat64', behaviour: { tableSize: 9, refresh: 'inbound' } });
  });

  test('can stand beside another one', async () => {
    const catalogue = await loadCatalogue([folderWith({ 'a.js': lesson('first') }), folderWith({ 'b.js': lesson('second') })]);
    expect(catalogue.headlines.map(({ id }) => id)).toEqual(['first', 'second']);
  });
});

describe('what is wrong in it is said with the file', () => {
  test.each([
    ['no export', { 'a.js': 'export const x = 1;' }, 'natt/a.js: exports no scenario. It wants "export default defineScenario('],
    ['a syntax error', { 'a.mjs': 'export default {' }, 'natt/a.mjs: cannot be read: '],
    ['an import of what is not there', { 'a.mjs': 'import "./nowhere.js";' }, /natt\/a\.mjs(:\d+:\d+)?: cannot be read: Cannot find module/],
    ['an error of its own', { 'a.mjs': lesson('mine', { more: 'acts: () => undefined.x,' }) }, /natt\/a\.mjs:\d+:\d+: TypeError: Cannot read properties of undefined/],
    ['a name that the lab has', { 'a.js': lesson('detection') }, 'natt/a.js: there is a scenario "detection" already; call this one something else'],
    ['a name twice', { 'a.js': lesson('mine'), 'b.js': lesson('mine') }, 'natt/b.js: there is a scenario "mine" already'],
    ['a command\'s name', { 'a.js': lesson('list') }, 'natt/a.js: scenario "list": "id" is the name of a command'],
    ['a name that cannot be typed', { 'a.js': lesson('My Lesson') }, 'scenario "My Lesson": "id" wants small letters'],
    ['no title', { 'a.js': lesson('mine', { more: 'title: undefined,' }) }, 'natt/a.js: scenario "mine": "title" is missing, or no text'],
    ['no acts', { 'a.js': lesson('mine', { more: 'acts: () => [],' }) }, 'natt/a.js: scenario "mine" has no act'],
    ['no claims', { 'a.js': lesson('mine', { checks: '[]' }) }, 'natt/a.js: scenario "mine", act "only" claims nothing'],
    ['a claim that nothing evaluates', { 'a.js': lesson('mine', { checks: '[{ id: "x", claim: "y" }]' }) }, 'act "only", claim "x": "evaluate" is missing, or no function'],
    ['a claim twice', { 'a.js': lesson('mine', { checks: `[${check}, ${check}]` }) }, 'act "only": two claims are called "told"'],
    ['an unknown topology', { 'a.js': lesson('mine', { topology: 'hom' }) }, 'natt/a.js: scenario "mine", act "only": no topology "hom"; did you mean "home"?'],
    ['a topology of the lab\'s name', { 'topologies/home.yaml': home }, 'natt/topologies/home.yaml: there is a topology "home" already'],
    ['a box of the lab\'s name', { 'presets/symmetric.yaml': preset('preset: symmetric') }, 'natt/presets/symmetric.yaml: there is a NAT preset "symmetric" already'],
    ['an unknown box', { 'presets/a.yaml': preset('preset: simmetric') }, 'natt/presets/a.yaml:2:1: no preset "simmetric"; did you mean "symmetric"?'],
    ['an unknown knob', { 'presets/a.yaml': preset('behaviour: { tablesize: 3 }') }, 'natt/presets/a.yaml:2:14: unknown key "tablesize" in behaviour; did you mean "tableSize"?'],
    ['knobs that no box has together', { 'presets/a.yaml': preset('behaviour: { ports: { range: [9, 3] } }') }, 'natt/presets/a.yaml:2:23: ports.range: the range ends before it begins'],
    ['a box made of itself', { 'presets/a.yaml': preset('preset: b'), 'presets/b.yaml': preset('preset: a') }, 'natt/presets/b.yaml:2:1: b would be made of itself: a, which is made of b, which is made of a'],
    ['knobs of a prefix translator', { 'presets/a.yaml': preset('preset: nptv6\nbehaviour: { tableSize: 3 }') }, 'natt/presets/a.yaml:3:1: a prefix translator has no ports'],
    ['nothing at all', { 'README.md': 'Soon.' }, 'natt: nothing is there to add'],
  ])('%s', async (_, files: Record<string, string>, says) => {
    await expect(loadCatalogue([folderWith(files)]).then(() => 'nothing is wrong')).rejects.toThrow(says);
  });

  test.each([['nowhere', 'no such folder'], ['package.json', 'that is no folder']])('no folder: %s', async (name, says) => {
    await expect(loadCatalogue([name])).rejects.toThrow(`--scenarios ${name}: ${says}`);
  });
});

describe.concurrent('on the command line, from TypeScript', () => {
  const own = ['--scenarios', 'test/readme/examples/natt'];

  test.for([
    [[...own], 0, /^reboot: PASS {2}3 checks: 3 passed/m],
    [['list', ...own], 0, /^reboot\n {2}The box is switched off and on$/m],
    [['explain', 'reboot', ...own], 0, /^ {2}- The box lost its mappings$/m],
    [['nat', 'list', ...own], 0, /^short-memory +The router of our branch offices/m],
    [['nat', 'show', 'short-memory', ...own], 0, /timeouts\.replied +15 s/],
    [['reboot', '--set', 'pause=1', '--nat', 'short-memory', '--quiet', ...own], 0, /^reboot: PASS/m],
    [['zoo', 'port-float', '--nat', 'short-memory', ...own], 0, /^short-memory +works +works$/m],
    [['nat', 'probe', 'short-memory', ...own], 0, /15/],
    [['pfkey', 'alice', '--scenario', 'reboot', ...own], 0, /alice# setkey -D/],
  ] as const)('lab %s', async ([words, exit, says], { expect }) => {
    const { status, stdout, stderr } = await lab([...words]);
    expect([status, stderr]).toEqual([exit, '']);
    expect(stdout).toMatch(says);
  });

  test('what is wrong exits 2, on standard error', async ({ expect }) => {
    const { status, stdout, stderr } = await lab(['list', '--scenarios', 'test/readme']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^lab: test\/readme\/\S+\.ts: exports no scenario/);
  });
});
