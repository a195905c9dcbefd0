import { setTimeout as pass } from 'node:timers/promises';
import { execaSync } from 'execa';
import { whyNotIsolated } from '../../lab/backends/linux/isolation.ts';
import { missing } from '../support/needs.ts';
import { figure, inTurns, measured, medians, promise, seconds, times } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './table.ts';

const hosts = 200;

interface Building {
  readonly upMs: number;
  readonly downMs: number;
}

/** The kernel takes namespaces down behind the back of who leaves them, which slows down whoever builds some meanwhile. */
const calmMs = 2000;

const build = (how: string) => async (): Promise<Building> => {
  const building = await measured<Building>(how, hosts);
  await pass(calmMs);
  return building;
};

export const netns: Benchmark = {
  name: 'netns',
  title: `${hosts} hosts behind one box, the kernel's NAT, and the other side of it, in network namespaces: by the lab, by a script, by mininet`,
  async run({ rounds, say }) {
    const promised = ['200 hosts in namespaces, beside ip -batch', 'no slower'] as const;
    const promisedToo = ['200 hosts in namespaces, beside mininet', 'at least 10 times faster'] as const;
    const obstacle = whyNotHere();
    if (obstacle !== undefined) {
      say(`Skipped: ${obstacle}`);
      return { figures: { skipped: obstacle }, promises: [promise(...promised, obstacle, undefined), promise(...promisedToo, obstacle, undefined)] };
    }
    const [lab, script] = (await inTurns(rounds, [build('netns-lab'), build('netns-ip-batch')])).map(medians) as [Building, Building];
    const whyNoMininet = mininetIsMissing();
    const mininet = whyNoMininet === undefined ? await build('netns-mininet')() : undefined;
    const of = ({ upMs, downMs }: Building): number => upMs + downMs;
    const row = (name: string, built: Building): string[] => [name, seconds(built.upMs), figure(built.upMs / lab.upMs), seconds(built.downMs), seconds(of(built)), figure(of(built) / of(lab))];
    for (const line of table(
      ['', 'up', 'ratio', 'down', 'up and down', 'ratio'],
      [row('the lab, its sockets on every interface included', lab), row('ip -batch: one process a namespace', script), ...(mininet ? [row('mininet, once', mininet)] : [])],
    )) say(line);
    if (mininet === undefined) say(`mininet skipped: ${whyNoMininet!}`);
    return {
      figures: { lab, script, mininet },
      promises: [
        promise(...promised, `${times(script.upMs / lab.upMs)} faster`, lab.upMs <= script.upMs),
        mininet === undefined ? promise(...promisedToo, whyNoMininet!, undefined) : promise(...promisedToo, `${times(of(mininet) / of(lab))} faster`, of(mininet) >= 10 * of(lab)),
      ],
    };
  },
};

function whyNotHere(): string | undefined {
  const [lacking] = missing('linux', 'koffi', 'ip', 'nft', 'ping');
  return lacking === undefined ? whyNotIsolated() : `needs ${lacking}`;
}

function mininetIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const { failed } = execaSync('/usr/bin/python3', ['-c', 'import mininet.net, shutil, sys; sys.exit(not shutil.which("mnexec") or not shutil.which("brctl"))'], { reject: false });
  return failed ? 'needs mininet and bridge-utils: apt-get install mininet bridge-utils' : undefined;
}
