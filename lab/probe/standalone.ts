/** The probe between two real machines: a server out on the Internet, and whoever stands behind the box. */
import { networkInterfaces } from 'node:os';
import { describeEndpoint, ip } from '../../src/core/address.ts';
import type { Endpoint, IpAddress } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { Power } from '../../src/probe/attributes.ts';
import { Prober } from '../../src/probe/prober.ts';
import type { Outcome } from '../../src/probe/prober.ts';
import { ikePorts, Responder, stunPorts } from '../../src/probe/responder.ts';
import { Problem } from '../problem.ts';
import { canBind, localAddressTowards, SocketHost } from './socket-host.ts';

/** A round trip around the world, three times. */
const patience = seconds(3);
const conversation = seconds(10);

/** IPv4 addresses of this machine, those of loopback last. */
export const ownAddresses = (): readonly IpAddress[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses.filter(({ family }) => family === 'IPv4'))
    .toSorted((a, b) => Number(a.internal) - Number(b.internal))
    .map(({ address }) => ip(address));

async function bindable(addresses: readonly IpAddress[]): Promise<boolean> {
  const free = await Promise.all(addresses.flatMap((address) => ikePorts.map((port) => canBind({ address, port }))));
  return free.every(Boolean);
}

export interface Service extends AsyncDisposable {
  readonly listening: readonly Endpoint[];
  readonly powers: ReadonlySet<Power>;
}

export async function serve(addresses: readonly [IpAddress, IpAddress?]): Promise<Service> {
  const all = addresses.filter((address) => address !== undefined);
  for (const address of all) {
    for (const port of stunPorts) if (!(await canBind({ address, port }))) throw new Problem(`cannot listen on ${address} UDP ${port}: is it an address of this machine, and the port free?`, 3);
  }
  const hasIkePorts = await bindable(all);
  const listening = all.flatMap((address) => [...stunPorts, ...(hasIkePorts ? ikePorts : [])].map((port) => ({ address, port })));
  let has: ReadonlySet<Power> = new Set();
  const host = await SocketHost.start((raw) => {
    has = new Set<Power>([...(hasIkePorts ? (['ikePorts'] as const) : []), ...(raw ? (['esp', 'packets'] as const) : [])]);
    return new Responder({ addresses, ports: stunPorts, powers: has });
  }, { addresses: all, listen: listening });
  return { listening, powers: has, [Symbol.asyncDispose]: () => host.close() };
}

export interface StandaloneOptions {
  readonly server: Endpoint;
  /** Another address of this machine, for a second client. */
  readonly second?: IpAddress | undefined;
  readonly longest: Duration;
  readonly signal: AbortSignal;
}

/** Undefined when it was interrupted. */
export async function probeFrom({ server, second, longest, signal }: StandaloneOptions): Promise<Outcome | undefined> {
  const first = await localAddressTowards(server);
  if (first === undefined) throw new Problem(`this machine knows no way to ${describeEndpoint(server)}`, 3);
  const hosts = second === undefined ? ([first] as const) : ([first, second] as const);
  const hasIkePorts = await bindable(hosts);
  let prober: Prober | undefined;
  const host = await SocketHost.start((raw) => {
    const powers = new Set<Power>([...(hasIkePorts ? (['ikePorts'] as const) : []), ...(raw ? (['esp', 'icmp', 'packets'] as const) : [])]);
    prober = new Prober({ hosts, server, powers, patience, conversation, longest }, seeded(Math.floor(Math.random() * 2 ** 31), 'probe'));
    return prober;
  }, { addresses: hosts });
  try {
    while (prober!.outcome === undefined && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 100));
    return prober!.outcome;
  } finally {
    await host.close();
  }
}
