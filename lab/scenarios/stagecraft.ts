/** What most acts do: bring tunnels up, ping through them. */
import type { IpAddress } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { errandsDone } from '../checks/programs.ts';
import type { EchoErrand } from '../checks/programs.ts';
import { answersProbe, pingsDone, tunnelsUp, tunnelsUpOrGivenUp } from '../checks/waiting.ts';
import type { Client } from '../topology/cast.ts';
import type { Stage } from './scenario.ts';

/** 1 s and its three retransmissions take 8 s: for lessons that wait for somebody to give up. */
export const impatient = { retransmission: { first: '1 s', factor: 1.5, tries: 3 } } as const;

/** Has the clients initiate, all at once, and waits until each has its tunnel or has given up. */
export const bringUp = (stage: Stage, clients: readonly Client[], within: Duration = seconds(20)): Promise<boolean> =>
  stage.expect(tunnelsUpOrGivenUp(clients), within, () => initiate(stage, clients));

/** The same with clients that are configured to begin anew for ever (`keyingTries`): waits until all are in, or for so long nobody more has come in. */
export async function bringUpInTheEnd(stage: Stage, clients: readonly Client[], patience: Duration): Promise<boolean> {
  let missing = clients.map(({ name }) => name);
  let areIn = await stage.expect(tunnelsUp(missing), patience, () => initiate(stage, clients));
  while (!areIn) {
    const up = new Set(stage.trace.of('child-sa').flatMap(({ node, body }) => (body.state === 'established' ? [node] : [])));
    const left = missing.filter((name) => !up.has(name));
    if (left.length === missing.length) return false;
    missing = left;
    areIn = await stage.expect(tunnelsUp(missing), patience);
  }
  return true;
}

function initiate(stage: Stage, clients: readonly Client[]): void {
  for (const { name, connection } of clients) stage.command(name, { kind: 'initiate', connection });
}

export interface Ping {
  readonly ping: string;
  readonly from: string;
  readonly to: IpAddress;
}

/** One echo request each; waits until every one is answered or given up. */
export const ping = (stage: Stage, ...pings: readonly Ping[]): Promise<boolean> =>
  stage.expect(pingsDone(pings.map((one) => one.ping)), seconds(10), () => {
    for (const { ping: name, from, to } of pings) stage.command(from, { kind: 'ping', ping: name, to, count: 1, interval: seconds(1), timeout: seconds(3) });
  });

/** How most lessons begin: the first client comes in, and something goes through its tunnel. */
export async function connectAndTry(stage: Stage, name: string): Promise<void> {
  const { clients: [client], server } = stage.cast;
  stage.step('A tunnel through the box, and a ping to see that it works');
  await bringUp(stage, [client!]);
  await ping(stage, { ping: name, from: client!.name, to: server });
}

/** The gateway pings a client by the inner address that it gave it; nothing happens if it gave none. */
export async function pingClient(stage: Stage, { name: client }: Client, name: string): Promise<void> {
  const to = virtualAddressOf(stage, client);
  if (to !== undefined) await ping(stage, { ping: name, from: stage.cast.gateway.name, to });
}

/** A client or the gateway asks over IKE whether its peer lives; whether there was an answer. */
export const askWhetherAlive = (stage: Stage, { name, connection }: { readonly name: string; readonly connection: string }): Promise<boolean> =>
  stage.expect({ describe: `the answer to ${name}`, sees: (event) => answersProbe(event, name) }, seconds(10), () => stage.command(name, { kind: 'probe', connection }));

/** Sends programs to a host's services, and waits until each has its answer or has given up. */
export const runErrands = (stage: Stage, from: string, to: IpAddress, errands: readonly EchoErrand[]): Promise<boolean> =>
  stage.expect(errandsDone(errands), seconds(30), () => {
    for (const { program, name } of errands) {
      if (program === 'udp-echo') stage.command(from, { kind: program, echo: name, to, count: 1, interval: seconds(1), timeout: seconds(3) });
      else stage.command(from, { kind: program, probe: name, to, timeout: seconds(10) });
    }
  });

/** Undefined before its tunnel was up. */
const virtualAddressOf = ({ trace }: Stage, client: string): IpAddress | undefined => trace.of('virtual-address', client).at(-1)?.body.address;
