/** strongSwan as a user brings it, in a container of its own behind the lab's box: what is judged of it by the wire, what is not, and what is said and left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { docker } from '../../../lab/backends/docker/backend.ts';
import { runScenario } from '../../../lab/run.ts';
import { parseSettings } from '../../../lab/scenarios/parameters.ts';
import { argvOf, lab, root } from '../../cli/lab.ts';
import { startEngine } from '../../support/docker-engine.ts';
import type { TestEngine } from '../../support/docker-engine.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { lesson } from '../../support/lessons.ts';
import { needs } from '../../support/needs.ts';
import { importStrongSwan, StrongSwanFolder } from '../../support/strongswan-image.ts';
import type { StrongSwanAtHome } from '../../support/strongswan-image.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const { describe, test } = needs('dockerd', 'koffi', 'tun', 'nft', 'strongswan');

describe('an image as an endpoint', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
    await importStrongSwan(engine.docker);
    vi.stubEnv('DOCKER_HOST', engine.host);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await engine[Symbol.asyncDispose]();
  });

  /** One act of a lesson with strongSwan as the client and our gateway: each check with its verdict. */
  async function verdicts(act: string, strongSwan: StrongSwanAtHome, set: readonly string[] = []): Promise<Record<string, string>> {
    using folder = new StrongSwanFolder(strongSwan);
    const [id = '', name] = act.split('/');
    const scenario = lesson(id);
    const result = await runScenario({ ...scenario, acts: (values) => scenario.acts(values).filter((one) => one.id === name) }, { backend: docker, values: parseSettings(id, scenario.parameters, set, 'real'), topology: folder.topology });
    return Object.fromEntries(result.acts[0]!.checks.map((check) => [check.id.split('/')[1]!, check.verdict === 'fail' || check.verdict === 'inconclusive' ? `${check.verdict}: ${check.observed}` : check.verdict]));
  }

  const green = (...checks: readonly string[]): Record<string, string> => Object.fromEntries(checks.map((check) => [check, 'pass']));

  describe.concurrent('what the wire shows', () => {
    test('it moves to port 4500, marks its messages there, and sends no ESP on 500', async () => {
      expect(await verdicts('port-float/float', { keepalive: 20 })).toEqual(green('translated', 'moves', 'marker', 'no-way-back', 'answers', 'no-esp-on-500', 'encapsulation', 'data'));
    });

    test('it begins with its container where nothing tells it to; a false hash is seen that the topology does not speak of; what only its log would tell is unsupported', async () => {
      expect(await verdicts('detection/initiator', { keepalive: 20, child: 'start_action = start', begins: '', ike: '' })).toEqual({
        ...green('translated', 'hashes-response', 'gateway-concludes', 'moves', 'encapsulation', 'data'),
        'hashes-request': 'fail: source hash does not fit 192.168.1.10:500, destination hash fits 203.0.113.2:500',
        'client-concludes': 'unsupported',
      });
    });

    test('its keepalives are one octet each, and keep the way to it open', async () => {
      expect(await verdicts('keepalive/as-configured', { keepalive: 1 }, ['forgets=2'])).toEqual(green('worked', 'long-enough', 'one-octet', 'held'));
    });

    test('without keepalives it is cut off', async () => {
      expect(await verdicts('keepalive/as-configured', { keepalive: 0 }, ['forgets=2'])).toEqual({ ...green('worked', 'long-enough'), 'one-octet': 'fail: no keepalives', 'held': 'fail: 0 answers' });
    });

    test('kill -9 of the lab: "clean" removes the container with the rest of the run', async () => {
      using folder = new StrongSwanFolder({ keepalive: 20 });
      const child = spawn(...endingWithUs(process.execPath, ...argvOf('keepalive', '--backend', 'docker', '--topology', folder.topology, '--quiet')), { cwd: root, env: { ...process.env, DOCKER_HOST: engine.host }, stdio: 'ignore' });
      const ofTheFolder = async () => (await engine.docker.listContainers({ all: true })).filter(({ Mounts }) => Mounts.some(({ Source }) => folder.topology.startsWith(Source.replace(/config$/, ''))));
      const [guest] = await vi.waitFor(
        async () => {
          const found = await ofTheFolder();
          expect(found.map(({ State }) => State)).toEqual(['running']);
          return found;
        },
        { timeout: 60_000, interval: 100 },
      );
      child.kill('SIGKILL');
      await once(child, 'close');
      const run = guest!.Labels['natt-lab.run']!;
      const cleaned = await vi.waitFor(
        async () => {
          const said = JSON.parse((await lab(['clean', '--json'], { DOCKER_HOST: engine.host })).stdout) as { runs: string[]; containers: string[] };
          expect(said.runs).toContain(run);
          return said;
        },
        { timeout: 30_000 },
      );
      expect(cleaned.containers).toContain(guest!.Names[0]!.slice(1));
      expect(await ofTheFolder()).toEqual([]);
    });

    test('an image that the engine does not have: a sentence with the command that gets it, and nothing is made', async () => {
      using folder = new StrongSwanFolder({ keepalive: 20, image: 'my/other:2' });
      const { status, stderr } = await lab(['port-float', '--backend', 'docker', '--topology', folder.topology], { DOCKER_HOST: engine.host });
      expect(stderr).toContain(`lab: alice: the engine at ${engine.host} has no image "my/other:2", and the lab pulls none by itself. To get it: docker pull my/other:2, or docker build --tag my/other:2 FOLDER\n`);
      expect(status).toBe(3);
    });
  });
});
