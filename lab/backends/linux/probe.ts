/** What of the netns backend works on this machine, found out by trying; nothing here throws. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { hasSysAdmin, unshareCommand, whyNotIsolated } from './isolation.ts';
import { syscalls } from './syscalls.ts';

export interface Finding {
  /** What was looked for: `nft`. */
  readonly what: string;
  /** What the lab wants it for. */
  readonly purpose: string;
  readonly ok: boolean;
  /** What was found, or why it does not work. */
  readonly detail: string;
  /** How to get it; where it is missing. */
  readonly remedy?: { readonly package?: string; readonly command: string };
}

interface Program {
  readonly what: string;
  readonly purpose: string;
  readonly package: string;
  readonly version: readonly string[];
}

const programs: readonly Program[] = [
  { what: 'unshare', purpose: 'makes the namespaces that the lab runs in', package: 'util-linux', version: ['--version'] },
  { what: 'setpriv', purpose: 'ends the namespaces with the lab', package: 'util-linux', version: ['--version'] },
  { what: 'nft', purpose: "tells the kernel's NAT how to behave", package: 'nftables', version: ['--version'] },
  { what: 'ip', purpose: 'shows and changes networks by hand', package: 'iproute2', version: ['-V'] },
  { what: 'conntrack', purpose: "shows the kernel's NAT table by hand", package: 'conntrack', version: ['--version'] },
];

/** All that the netns backend wants. `ip` and `conntrack` it can do without. */
export function probe(): Finding[] {
  return [...programs.map(program), koffi(), namespaces(), tun(), kernelNat()];
}

function program({ what, purpose, package: debian, version }: Program): Finding {
  const path = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].map((folder) => `${folder}/${what}`).find((file) => existsSync(file));
  if (path === undefined) return { what, purpose, ok: false, detail: 'not installed', remedy: { package: debian, command: `sudo apt-get install ${debian}` } };
  const said = spawnSync(path, version, { encoding: 'utf8', timeout: 5000 });
  return { what, purpose, ok: true, detail: (said.stdout || said.stderr || path).trim().split('\n')[0]! };
}

function koffi(): Finding {
  const about = { what: 'koffi', purpose: 'the few system calls that Node lacks' };
  try {
    syscalls();
    return { ...about, ok: true, detail: 'loaded' };
  } catch (error) {
    return { ...about, ok: false, detail: error instanceof Error ? error.message : String(error), remedy: { command: 'npm install --include=optional' } };
  }
}

function namespaces(): Finding {
  const about = { what: 'namespaces', purpose: 'one network a node, and nothing left behind' };
  const obstacle = whyNotIsolated();
  if (obstacle === undefined) return { ...about, ok: true, detail: hasSysAdmin() ? 'allowed, as root' : 'allowed, by user namespaces' };
  if (obstacle.includes('util-linux')) return { ...about, ok: false, detail: obstacle, remedy: { package: 'util-linux', command: 'sudo apt-get install util-linux' } };
  return { ...about, ok: false, detail: obstacle, remedy: { command: /sudo [^,]+/.exec(obstacle)?.[0] ?? 'run the lab as root' } };
}

function tun(): Finding {
  const about = { what: '/dev/net/tun', purpose: 'carries the traffic inside the tunnel, and what crosses a box that the kernel cannot be' };
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    return { ...about, ok: true, detail: 'there' };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ...about, ok: false, detail, remedy: { command: 'sudo modprobe tun (in a container: --device /dev/net/tun)' } };
  }
}

const translation = 'table ip t { chain c { type nat hook postrouting priority 100; masquerade; }; }\n';

function kernelNat(): Finding {
  const about = { what: 'kernel NAT', purpose: 'the boxes that the kernel can be' };
  const [unshare = '', ...argv] = unshareCommand();
  const tried = spawnSync(unshare, [...argv, 'nft', '-f', '-'], {
    input: translation,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  if (tried.status === 0) return { ...about, ok: true, detail: 'nftables masquerade works in a namespace' };
  const detail = (tried.error?.message ?? tried.stderr.trim().split('\n')[0]!) || 'nft failed';
  return { ...about, ok: false, detail, remedy: { command: 'sudo modprobe -a nf_tables nft_chain_nat nft_masq nf_conntrack_netlink' } };
}
