/**
 * A Docker engine for tests alone: in namespaces of its own, its data in memory, and what it would write to /etc and /run covered up. It ends with the test that
 * started it, and everything of it with it. What others put into /dev/shm it does not see: to somebody who works there it is an engine on another machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { endingWithUs } from './ends-with-us.ts';

export interface TestEngine extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** The same engine, by itself. */
  readonly docker: Docker;
  /** As it would die by itself. */
  kill(): Promise<void>;
}

const dockerd = fileURLToPath(new URL('../../.ci/dockerd', import.meta.url));

export async function startEngine(): Promise<TestEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-engine-'));
  chmodSync(folder, 0o755);
  // Whatever dies, unshare takes process 1 of the engine's process namespace along, and with it all of its containers.
  const [program, argv] = endingWithUs('unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', dockerd, folder);
  const daemon = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  daemon.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
  const ended = once(daemon, 'close');
  const socketPath = join(folder, 'docker.sock');
  const docker = new Docker({ socketPath });
  const kill = async (): Promise<void> => {
    daemon.kill('SIGKILL');
    await ended;
  };
  for (let attempt = 0; ; attempt++) {
    try {
      await docker.ping();
      break;
    } catch {
      if (attempt === 600 || daemon.exitCode !== null) {
        await kill();
        throw new Error(`dockerd does not start: ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    host: `unix://${socketPath}`,
    docker,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
