/** What clients and gateway are told to do. */
import { describeDuration, seconds } from '../../src/core/time.ts';
import { answersProbe, happens, pingsDone, tunnelsUpOrGivenUp } from '../checks/waiting.ts';
import { Problem } from '../problem.ts';
import type { Session } from './session.ts';
import type { Verb } from './verb.ts';

const clientNames = ({ cast }: Session): string[] => cast.clients.map(({ name }) => name);
const endpointNames = ({ endpoints }: Session): string[] => endpoints.map(({ name }) => name);
const hostNames = ({ nodes }: Session): string[] => nodes.flatMap(({ kind, name }) => (kind === 'host' ? [name] : []));

/** A daemon with patience has given up by then: five tries, each twice as long as the last (RFC 7296 §2.4 leaves the figures to it). */
const patience = seconds(180);

/** A client's connection is to the gateway; a gateway's is the one with all clients. */
const connectionOf = (session: Session, host: string): string => session.endpoint(host).endpoint.ike.connections[0]!.name;

export const tunnelVerbs: readonly Verb[] = [
  {
    name: 'connect',
    takes: '[CLIENT…]',
    does: 'brings up tunnels: of these clients, or of all of them',
    offers: [clientNames],
    run: async (session, names) => {
      const clients = names.length === 0 ? session.cast.clients : names.map((name) => session.client(name));
      const ended = await session.expect(tunnelsUpOrGivenUp(clients), patience, () => clients.forEach(({ name, connection }) => session.command(name, { kind: 'initiate', connection })));
      if (!ended) session.say(`After ${describeDuration(patience)} not every client is in, and not every one has given up.`);
    },
  },
  {
    name: 'disconnect',
    takes: 'CLIENT',
    does: 'ends a client\'s tunnel with a DELETE to the gateway',
    offers: [clientNames],
    run: async (session, [name]) => {
      const { connection } = session.client(name!);
      const gone = happens('ike-sa', `${name!}'s IKE SA is gone`, ({ node, body }) => node === name && body.state === 'deleted');
      const ended = await session.expect(gone, seconds(30), () => session.command(name!, { kind: 'terminate', connection }));
      if (!ended) session.say(`${name!} has no tunnel, or heard no answer to its DELETE.`);
    },
  },
  {
    name: 'rekey',
    takes: 'HOST ike|child',
    does: 'replaces the IKE SA, or the child SA, by a new one',
    offers: [endpointNames, () => ['ike', 'child']],
    run: async (session, [host, what]) => {
      if (what !== 'ike' && what !== 'child') throw new Problem(`rekey what? ike or child, not "${what!}"`);
      const connection = connectionOf(session, host!);
      const replaced = happens(`${what}-sa`, 'the old SA is gone', ({ node, body }) => node === host && ['deleted', 'failed'].includes(body.state));
      const ended = await session.expect(replaced, seconds(30), () => session.command(host!, { kind: 'rekey', connection, what }));
      if (!ended) session.say(`Nothing was rekeyed: ${host!} has no tunnel, or its peer does not answer.`);
    },
  },
  {
    name: 'ping',
    takes: 'HOST ADDRESS|HOST [COUNT]',
    does: 'pings from a host, by its inner address where it has one',
    offers: [endpointNames, hostNames],
    run: async (session, [from, to, count = '1']) => {
      if (!/^[1-9]\d{0,2}$/.test(count)) throw new Problem(`ping how often? A number from 1 to 999, not "${count}"`);
      session.endpoint(from!);
      const target = session.address(to!);
      const pings = Array.from({ length: Number(count) }, () => session.errand(from!));
      for (const ping of pings) await session.expect(pingsDone([ping]), seconds(10), () => session.command(from!, { kind: 'ping', ping, to: target, count: 1, interval: seconds(1), timeout: seconds(3) }));
    },
  },
  {
    name: 'alive',
    takes: 'HOST',
    does: 'asks over IKE whether the peer lives (dead peer detection)',
    offers: [endpointNames],
    run: async (session, [host]) => {
      const connection = connectionOf(session, host!);
      const answered = await session.expect({ describe: `the answer to ${host!}`, sees: (event) => answersProbe(event, host!) }, seconds(30), () => session.command(host!, { kind: 'probe', connection }));
      session.say(answered ? `${host!}'s peer answers.` : `${host!}'s peer has not answered for 30 s.`);
    },
  },
];
