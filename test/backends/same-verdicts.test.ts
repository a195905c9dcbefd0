import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { needs } from '../support/needs.ts';

interface Verdicts {
  readonly verdict: string;
  readonly checks: readonly { readonly id: string; readonly verdict: string; readonly observed: string }[];
}

const cli = fileURLToPath(new URL('../../lab/cli.ts', import.meta.url));

async function run(scenario: string, backend: string, settings: readonly string[] = []): Promise<Verdicts> {
  const { stdout } = await execa('node', ['--import', 'tsx', cli, scenario, '--backend', backend, '--json', '-', '--quiet', ...settings.flatMap((setting) => ['--set', setting])], { reject: false });
  const [result] = JSON.parse(stdout) as [Verdicts];
  return result;
}

describe('every lesson has the same verdicts on the simulator and in namespaces, check by check, whatever its boxes run on', () => {
  const { test } = needs('user namespaces', 'koffi', 'nft', 'tun');
  const lessons: readonly (readonly [scenario: string, ...settings: string[]])[] = [['detection'], ['port-float'], ['keepalive', 'minutes=2'], ['multi-client', 'clients=5'], ['passthrough']];
  for (const [scenario, ...settings] of lessons) {
    test.concurrent(scenario, { timeout: 180_000 }, async ({ expect }) => {
      const [sim, kernel] = await Promise.all([run(scenario, 'sim', settings), run(scenario, 'netns', settings)]);
      const failed = kernel.checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'inconclusive');
      const expected = sim.checks.map(({ id, verdict }) => `${id}: ${verdict}`);
      expect(kernel.checks.map(({ id, verdict }) => `${id}: ${verdict}`), JSON.stringify(failed, null, 1)).toEqual(expected);
      expect(sim.checks.every(({ verdict }) => verdict === 'pass')).toBe(true);
      expect(kernel.verdict).toBe('pass');
    });
  }
});
