/** A router in a network namespace of its own, whose two interfaces are devices that a test writes whole IP packets into and reads them from. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fromHex, toHex } from '../../../src/core/bytes.ts';
import type { Side } from '../../../src/core/events.ts';
import type { KernelNat } from '../../../lab/backends/linux/nftables.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';

const script = fileURLToPath(new URL('kernel-box.py', import.meta.url));
const python = '/usr/bin/python3';

const attempt = (...argv: readonly string[]): boolean => spawnSync(argv[0]!, argv.slice(1), { stdio: 'ignore' }).status === 0;

/** A user namespace where that is allowed, so that nobody needs root; without one where we are root. */
const ways = [['--user', '--map-root-user'], []].map((user) => [...user, '--net', '--mount', '--kill-child', '--']);
const unshare = ways.find((way) => attempt('unshare', ...way, 'true')) ?? ways[0]!;

/** What is missing here, if anything; under CI nothing is said to be missing, and the test fails instead. */
export function kernelBoxMissing(): string | undefined {
  if (process.env['CI'] !== undefined) return undefined;
  if (!attempt(python, '--version')) return `${python} is not installed`;
  if (!attempt('conntrack', '--version')) return 'conntrack is not installed';
  if (!attempt('unshare', ...unshare, 'nft', 'list', 'ruleset')) return 'no nft in a network namespace of our own';
  if (!attempt('unshare', ...unshare, 'test', '-w', '/dev/net/tun')) return '/dev/net/tun cannot be opened';
  return undefined;
}

export interface KernelBox extends AsyncDisposable {
  load(nat: Extract<KernelNat, { supported: true }>): Promise<void>;
  flush(): Promise<void>;
  /** Where the packet came out, and how; undefined when it did not within `patience` seconds. */
  send(side: Side, packet: Uint8Array, patience: number): Promise<{ to: Side; packet: Uint8Array } | undefined>;
}

/** Its interfaces are called inside and outside, its outside address is 203.0.113.1, the inside network 10.0.0.0/8. */
export async function openKernelBox(): Promise<KernelBox> {
  const child = spawn(...endingWithUs('unshare', ...unshare, python, '-u', script), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const read = async (): Promise<Record<string, string>> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the kernel box ended with ${String(child.exitCode)}`);
    const answer = JSON.parse(line.value) as Record<string, string>;
    if (answer['error'] !== undefined) throw new Error(answer['error']);
    return answer;
  };
  const ask = (request: object): Promise<Record<string, string>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return read();
  };
  await read();
  return {
    load: async ({ ruleset, sysctls }) => {
      await ask({ op: 'load', ruleset, sysctls });
    },
    flush: async () => {
      await ask({ op: 'flush' });
    },
    send: async (side, packet, patience) => {
      const { to, hex } = await ask({ op: 'send', side, hex: toHex(packet), patience });
      return to === undefined || hex === undefined ? undefined : { to: to as Side, packet: fromHex(hex) };
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
      }),
  };
}
