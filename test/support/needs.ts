/** What a test needs of the machine. Where it is not there the test is skipped with the reason; with CI set it fails instead. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'vitest';
import { pythonWithMininet } from '../../lab/backends/mininet/python.ts';

const found = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => folder !== '' && existsSync(`${folder}/${program}`));

const succeeds = (program: string, ...argv: string[]): boolean => spawnSync(program, argv, { stdio: 'ignore', timeout: 20_000 }).status === 0;

/** CAP_SYS_ADMIN is capability 21. */
function mayMakeNamespaces(): boolean {
  if (process.platform !== 'linux') return false;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & (1n << 21n)) !== 0n;
}

function canBeOpened(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Each need with the question whether it is there and what to do when it is not. */
const questions = {
  linux: [() => process.platform === 'linux', 'a Linux kernel'],
  debian: [() => existsSync('/etc/debian_version'), 'Debian or Ubuntu'],
  root: [() => process.getuid?.() === 0, 'root: run the tests as root'],
  koffi: [() => resolves('koffi'), 'the npm package koffi: npm install --include=optional'],
  'network namespaces': [
    mayMakeNamespaces,
    'the right to make network namespaces: run the tests as root, or under `unshare --user --map-root-user --net --mount`',
  ],
  'user namespaces': [
    () => succeeds('unshare', '--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--mount-proc', 'true'),
    'user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns',
  ],
  tun: [() => canBeOpened('/dev/net/tun'), 'the device /dev/net/tun: modprobe tun'],
  ip: [() => found('ip'), 'ip: apt-get install iproute2'],
  nft: [() => found('nft'), 'nft: apt-get install nftables'],
  conntrack: [() => found('conntrack'), 'conntrack: apt-get install conntrack'],
  ping: [() => found('ping'), 'ping: apt-get install iputils-ping'],
  setpriv: [() => found('setpriv'), 'setpriv: apt-get install util-linux'],
  lsns: [() => found('lsns'), 'lsns: apt-get install util-linux'],
  strongswan: [
    () => existsSync('/usr/lib/ipsec/charon') && ['kernel-libipsec', 'vici', 'openssl', 'pem', 'xauth-generic'].every((plugin) => existsSync(`/usr/lib/ipsec/plugins/libstrongswan-${plugin}.so`)),
    'strongSwan: apt-get install strongswan-charon strongswan-swanctl libcharon-extra-plugins libcharon-extauth-plugins libstrongswan-standard-plugins',
  ],
  dockerd: [() => process.getuid?.() === 0 && ['dockerd', 'iptables'].every(found), 'a Docker engine to start, and root to start it: apt-get install docker.io iptables'],
  openssl: [() => found('openssl'), 'openssl 3: apt-get install openssl'],
  tshark: [() => found('tshark'), 'tshark: apt-get install tshark'],
  tcpdump: [() => found('tcpdump'), 'tcpdump: apt-get install tcpdump'],
  mininet: [
    () => pythonWithMininet() !== undefined && ['mnexec', 'brctl', 'ifconfig', 'sysctl'].every(found),
    'mininet: apt-get install --no-install-recommends mininet bridge-utils net-tools procps',
  ],
  chromium: [() => found('chromium'), 'chromium: apt-get install chromium'],
  python3: [() => found('python3'), 'python3: apt-get install python3'],
} as const satisfies Record<string, readonly [() => boolean, string]>;

export type Need = keyof typeof questions;

function resolves(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

const answers = new Map<Need, boolean>();

/** What is missing of these, in words; empty when nothing is. */
export function missing(...needs: readonly Need[]): string[] {
  return needs
    .filter((need) => {
      let there = answers.get(need);
      if (there === undefined) answers.set(need, (there = questions[need][0]()));
      return !there;
    })
    .map((need) => questions[need][1]);
}

export interface Needing {
  readonly test: typeof test;
  readonly describe: typeof describe;
}

/**
 * `test` and `describe` for what needs these: `needs('koffi', 'nft').test('…', …)`. Where something is missing they skip, and the reason
 * stands in the test's name; under CI there is one failing test instead that says what is missing.
 */
export function needs(...wanted: readonly Need[]): Needing {
  const reasons = missing(...wanted);
  if (reasons.length === 0) return { test, describe };
  const reason = `needs ${reasons.join('; ')}`;
  const instead = (run: (name: string, body: () => void) => void, skip: (name: string) => void) => (name: string) => {
    const title = `${name} [${reason}]`;
    if (process.env.CI) {
      run(title, () => {
        throw new Error(`${reason}. With CI set a test that cannot run fails.`);
      });
    } else {
      skip(title);
    }
  };
  const needingTest = instead((name, body) => test(name, body), (name) => test.skip(name, () => undefined));
  return {
    test: needingTest as unknown as typeof test,
    describe: ((name: string) => describe(name, () => needingTest('all of it'))) as unknown as typeof describe,
  };
}
