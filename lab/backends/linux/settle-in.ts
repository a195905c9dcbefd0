/** Loaded by the inner process before anything else (`--import`): ties its life to the outer one's and furnishes its namespaces. */
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { isIsolated, lifeLine } from './isolation.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './netlink.ts';
import { setUp } from './rtnetlink.ts';
import { F_SETFD, FD_CLOEXEC, PR_SET_PDEATHSIG, syscalls } from './syscalls.ts';

if (!isIsolated()) throw new Error('settle-in.ts is for the inner process that runIsolated starts');

const { prctl, fcntl, mount, write, _exit } = syscalls();
prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL, 0, 0, 0);
fcntl(lifeLine, F_SETFD, FD_CLOEXEC);

// Not process.kill: Linux does not let process 1 kill itself.
const end = (): void => _exit(128 + constants.signals.SIGKILL);
const line = new Socket({ fd: lifeLine, readable: true, writable: false });
line.on('data', (octets: Buffer) => octets.forEach(signalled)).on('end', end).on('error', end);
line.unref();
process.on('exit', () => write(lifeLine, Uint8Array.of(0), 1));

/** Process 1 ignores signals that it has no handler for; the lab is to end by them as any other program does. */
function signalled(number: number): void {
  const signal = Object.entries(constants.signals).find(([, its]) => its === number)?.[0] as NodeJS.Signals;
  if (!process.emit(signal, signal)) process.exit(128 + number);
}

// A place for temporary files that goes with the mount namespace. Of all that may be covered up this is missed least.
const privateFolder = '/dev/shm';
if (existsSync(privateFolder)) {
  mount('natt-lab', privateFolder, 'tmpfs', 0, 'mode=1777');
  process.env.TMPDIR = privateFolder;
}
// Where Debian keeps nft and conntrack, and the PATH of most users does not lead.
process.env.PATH = [process.env.PATH ?? '/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':');

const loopback = 1;
const routes = new NetlinkSocket(NETLINK_ROUTE);
routes.commit([setUp(loopback, true)]);
routes.close();
