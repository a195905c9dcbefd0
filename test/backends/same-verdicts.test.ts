import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describe } from 'vitest';
import type { BackendName } from '../../lab/backends/backend.ts';
import { sim } from '../../lab/backends/sim/backend.ts';
import { ownCatalogue } from '../../lab/catalogue/catalogue.ts';
import { placesOf, scenarioNamed, settingsOf } from '../../lab/commands/asked.ts';
import { toJson } from '../../lab/report/json.ts';
import { runScenario } from '../../lab/run.ts';
import { headlines, scenarios } from '../../lab/scenarios/index.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';
import type { Needing } from '../support/needs.ts';

interface Verdicts {
  readonly verdict: string;
  readonly checks: readonly { readonly id: string; readonly verdict: string; readonly observed: string }[];
  readonly acts: readonly { readonly engine: Readonly<Record<string, string>> }[];
}

const cli = fileURLToPath(new URL('../../lab/cli.ts', import.meta.url));

async function lab(...words: readonly string[]): Promise<unknown> {
  const { stdout } = await execa(...endingWithUs('node', '--import', 'tsx', cli, ...words, '--json', '-'), { reject: false });
  return JSON.parse(stdout);
}

async function run(words: readonly string[], ...options: readonly string[]): Promise<Verdicts> {
  const [result] = (await lab(...words, '--quiet', ...options)) as [Verdicts];
  return result;
}

/** The same words, but for the engine of which the simulator has one only; in this process, for a process a row would cost more than the lessons do. */
async function simulated(words: readonly string[]): Promise<Pick<Verdicts, 'checks'>> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({ args: [...words], allowPositionals: true, options: { set: { ...text, multiple: true }, ike: text, nat: text, 'nat-engine': text } });
  const scenario = scenarioNamed(positionals[0]!, ownCatalogue);
  const [settings] = settingsOf([scenario], values.set ?? [], sim.clock);
  return toJson(await runScenario(scenario, { backend: sim, values: settings!, seed: 1, ...(await placesOf(values, ownCatalogue)) }));
}

type Row = readonly [words: readonly string[], engines: readonly string[]];

/** Each on netns once more with its boxes on the other engine would take minutes: the last rows are those of which something could go wrong. */
const lessons: readonly Row[] = [
  [['detection'], ['kernel']],
  [['port-float'], ['kernel']],
  [['keepalive', '--set', 'minutes=2'], ['kernel']],
  [['multi-client', '--set', 'clients=5'], ['kernel']],
  [['passthrough'], ['kernel', 'machine']],
  [['l2tp'], ['kernel']],
  [['raw-esp'], ['kernel', 'machine']],
  [['zero-checksum'], ['kernel', 'machine']],
  [['split-ports'], ['machine']],
  [['udp-blocked'], ['kernel', 'machine']],
  [['hairpin'], ['machine']],
  [['identity'], ['kernel']],
  [['ike-port-fixed'], ['kernel', 'machine']],
  [['ike-mapping-timeout'], ['kernel']],
  [['overlap'], ['kernel']],
  [['forced-encapsulation'], []],
  [['remote-access'], ['kernel']],
  [['ah'], ['kernel', 'machine']],
  [['ipv6-udp-encap'], ['kernel']],
  [['checksum'], ['kernel']],
  [['nat-t-versions'], ['kernel']],
  [['rebind'], ['kernel']],
  [['nat-reboot'], ['kernel']],
  [['address-change'], ['kernel', 'machine']],
  [['helper'], ['machine']],
  [['carrier'], ['kernel', 'machine']],
  [['fragments'], ['kernel', 'machine']],
  ...['v1', 'v1-aggressive'].flatMap((ike): Row[] => [
    [['detection', '--ike', ike], ['kernel']],
    [['port-float', '--ike', ike], ['kernel']],
    [['multi-client', '--set', 'clients=3', '--ike', ike], ['kernel']],
  ]),
  [['detection', '--nat-engine', 'machine'], ['machine']],
  [['multi-client', '--set', 'clients=3', '--nat-engine', 'machine'], ['machine']],
  [['keepalive', '--set', 'minutes=2', '--nat-engine', 'machine'], ['machine']],
  [['detection', '--nat', 'symmetric'], ['machine']],
  [['multi-client', '--set', 'clients=3', '--nat', 'port-restricted'], ['machine']],
];

/** What is not netns is Linux, too: what is its own shows in few lessons. */
const headlinesOnMininet: readonly Row[] = [
  [['detection'], ['kernel']],
  [['port-float'], ['kernel']],
  [['keepalive', '--set', 'minutes=2'], ['kernel']],
  [['multi-client', '--set', 'clients=3'], ['kernel']],
  [['passthrough'], ['kernel', 'machine']],
];

function areAsSimulated(rows: readonly Row[], backend: BackendName, { test }: Needing): void {
  for (const [words, engines] of rows) {
    test.concurrent(words.join(' '), { timeout: 180_000 }, async ({ expect }) => {
      const [virtual, real] = await Promise.all([simulated(words), run(words, '--backend', backend)]);
      const failed = real.checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'inconclusive');
      expect(real.checks.map(({ id, verdict }) => `${id}: ${verdict}`), JSON.stringify(failed, null, 1)).toEqual(virtual.checks.map(({ id, verdict }) => `${id}: ${verdict}`));
      expect(virtual.checks.every(({ verdict }) => verdict === 'pass')).toBe(true);
      expect(real.verdict).toBe('pass');
      expect(new Set(real.acts.flatMap(({ engine }) => Object.values(engine)))).toEqual(new Set(engines));
    });
  }
}

describe('every lesson has the same verdicts on the simulator and in namespaces, check by check, whatever its boxes run on', () => {
  const needing = needs('user namespaces', 'koffi', 'nft', 'tun');
  needing.test('and every lesson is among them', ({ expect }) => {
    expect(scenarios.map(({ id }) => id).filter((id) => !lessons.some(([[first]]) => first === id))).toEqual([]);
  });
  areAsSimulated(lessons, 'netns', needing);
});

describe('the headline lessons have the same verdicts on the simulator and on what mininet builds, check by check', () => {
  const needing = needs('user namespaces', 'koffi', 'nft', 'tun', 'mininet');
  needing.test('and every one is among them', ({ expect }) => {
    expect(headlinesOnMininet.map(([[first]]) => first)).toEqual(headlines.map(({ id }) => id));
  });
  areAsSimulated(headlinesOnMininet, 'mininet', needing);

  needing.test.concurrent('and of the zoo a box of the kernel\'s, one of the machine\'s, and one that lets nobody through', { timeout: 180_000 }, async ({ expect }) => {
    const words = ['zoo', 'port-float', ...['passthrough-500', 'symmetric', 'udp-4500-blocked'].flatMap((box) => ['--nat', box])];
    const [virtual, mininet] = (await Promise.all([lab(...words), lab(...words, '--backend', 'mininet')])) as { readonly cells: readonly { readonly asForeseen: boolean; readonly engine: { readonly box?: string } }[] }[];
    expect(mininet!.cells.map((cell) => ({ ...cell, engine: 'whatever' }))).toEqual(virtual!.cells.map((cell) => ({ ...cell, engine: 'whatever' })));
    expect(mininet!.cells.map(({ asForeseen }) => asForeseen)).toEqual(Array(6).fill(true));
    expect(mininet!.cells.map(({ engine: { box } }) => box)).toEqual(['kernel', 'kernel', 'machine', 'machine', 'kernel', 'kernel']);
  });
});
