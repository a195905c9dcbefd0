/**
 * A program like the lab for isolation.test.ts to start and to kill: outer and inner process, twenty namespaces on one switch, datagrams between
 * them, child processes, a TUN device, a temporary file. `ACT` says how it behaves.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ip } from '../../../src/core/address.ts';
import { isIsolated, runIsolated } from '../../../lab/backends/linux/isolation.ts';
import { Interfaces, wire } from '../../../lab/backends/linux/links.ts';
import { createNamespace } from '../../../lab/backends/linux/namespace.ts';
import { Poller } from '../../../lab/backends/linux/poller.ts';
import { NotPossibleHere } from '../../../lab/backends/linux/syscalls.ts';
import { TunDevice } from '../../../lab/backends/linux/tun.ts';
import { UdpSocket } from '../../../lab/backends/linux/udp-socket.ts';

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function network(): void {
  const silent = { forwarding: false, ipv6: false };
  const lan = new Interfaces(createNamespace(), silent);
  const hosts = Array.from({ length: 20 }, () => new Interfaces(createNamespace(), silent));
  const address = (i: number) => ip(`10.0.0.${i + 1}`);
  wire({
    bridges: [{ at: lan, name: 'lan' }],
    cables: hosts.map((at, i) => ({ ends: [{ at: lan, name: `h${i}`, bridge: 'lan' }, { at, name: 'eth0', addresses: [{ address: address(i), length: 24 }] }] })),
  });
  const poller = new Poller();
  let received = 0;
  const sockets = hosts.map(({ namespace }, i) => new UdpSocket(namespace, poller, { address: address(i), port: 4500 }, () => received++));
  setInterval(() => sockets.forEach((socket, i) => socket.send({ address: address((i + 1) % 20), port: 4500 }, new Uint8Array(100))), 2);
  new TunDevice(hosts[0]!, poller, { name: 'ipsec0', mtu: 1400 }, () => undefined);
  for (const { namespace } of hosts.slice(0, 3)) namespace.spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  spawn('sh', ['-c', 'sleep 600 & sleep 600'], { stdio: 'ignore' });
  writeFileSync(join(mkdtempSync(join(tmpdir(), process.env.MARK ?? 'natt-lab-')), 'file'), 'left behind?');
  const said = setInterval(() => {
    if (received < 100) return;
    clearInterval(said);
    const own = ['net', 'mnt', 'pid', 'user'].map((type) => readlinkSync(`/proc/self/ns/${type}`));
    say({ ready: true, namespaces: own, descriptors: [lan, ...hosts].map(({ namespace }) => namespace.fd) });
  }, 5);
}

/** What the inner process does, by name. */
const acts: Readonly<Record<string, () => void>> = {
  network,
  status: () => {
    process.stdin.setEncoding('utf8').once('data', (line) => {
      say({ heard: String(line).trim(), argv: process.argv.slice(2), terminal: process.stdout.isTTY });
      process.stderr.write('to standard error\n');
      process.exitCode = 7;
      process.stdin.destroy();
    });
  },
  clean: () => {
    let interrupts = 0;
    const busy = setInterval(() => undefined, 1000);
    process.on('SIGINT', () => {
      interrupts++;
      // a moment for a second one that should not come
      setTimeout(() => {
        say({ interrupts, terminal: process.stdout.isTTY });
        process.exitCode = 130;
        clearInterval(busy);
      }, 300);
    });
    say({ ready: true });
  },
  stubborn: () => {
    process.on('SIGINT', () => say({ ignored: true }));
    setInterval(() => undefined, 1000);
    say({ ready: true });
  },
  careless: () => {
    setInterval(() => undefined, 1000);
    say({ ready: true });
  },
  capabilities: () => {
    say({ effective: /CapEff:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1], map: readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/) });
  },
};

if (isIsolated()) {
  acts[process.env.ACT ?? 'network']!();
} else {
  try {
    process.exitCode = await runIsolated(new URL(import.meta.url), process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof NotPossibleHere)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 3;
  }
}
