/** A carrier's NAT behind the home's: two translations on the way, and ports by the block, which run out (RFC 6888). */
import { describeEndpoint } from '../../src/core/address.ts';
import { minutes } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered } from '../checks/pings.ts';
import { neverIn } from '../checks/sas.ts';
import { sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const carrier = defineScenario({
  id: 'carrier',
  chapter: 'Many clients',
  title: 'A NAT behind the NAT, and a handful of ports',
  teaches:
    'Behind a carrier\'s NAT a packet is translated twice, which NAT traversal does not even notice. But the carrier hands out ports by the block, and a tunnel that begins on port 500 and moves to 4500 needs two: when a home\'s block is used up, its next client gets nowhere, while the neighbours notice nothing. Who starts on 4500 needs one.',
  refs: ['RFC 6888 §2', 'RFC 7422 §2', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [twice, runsOut, onePortEach],
});

const twice: Act = {
  id: 'twice',
  title: 'Two homes, each behind its box, both behind the carrier: two translations, one NAT as far as IKE can tell',
  topology: 'carrier',
  keepsTopology: true,
  keepsBoxes: true,
  play: async (stage) => {
    const { clients, server } = stage.cast;
    stage.step('Both homes call the gateway');
    await bringUp(stage, clients);
    await ping(stage, ...clients.map(({ name }) => ({ ping: `of ${name}`, from: name, to: server })));
  },
  checks: (cast) => [
    guard({ id: 'translated-twice', claim: 'Each packet changes its source twice on the way', expected: 'another source on each of three segments' }, (trace) => {
      const ways = cast.clients.map((client) => wayOf(trace, client));
      return { holds: ways.every((way) => new Set(way.map(({ from }) => describeEndpoint(from))).size === 3), observed: ways.map((way) => [...new Set(way.map(({ from }) => describeEndpoint(from)))].join(' → ') || 'nothing').join('; '), evidence: ways.flatMap((way) => way.slice(0, 3)) };
    }),
    claim({ id: 'one-nat', claim: 'The gateway finds a NAT in front of each, and no more than that', expected: 'one conclusion a client: the peer is behind a NAT', ref: 'RFC 7296 §2.23' }, (trace) => {
      const concluded = trace.of('nat-detection', cast.gateway.name);
      return { holds: concluded.length === cast.clients.length && concluded.every(({ body }) => body.remoteBehindNat && !body.localBehindNat), observed: concluded.map(({ body }) => body.story).join(' ') || 'it concluded nothing', evidence: concluded };
    }),
    ...served(cast.clients),
  ],
};

const runsOut: Act = {
  id: 'runs-out',
  title: 'Two ports a home: the first client of a home takes both, the second gets none, and the neighbour has its own',
  topology: 'carrier-narrow',
  keepsTopology: true,
  keepsBoxes: true,
  play: async (stage) => {
    const { clients, server } = stage.cast;
    const { first, second, neighbour } = homes(stage.cast);
    stage.step(`${first.name} comes in: one port for 500, one for 4500`);
    await bringUp(stage, [first]);
    await stage.table('carrier');
    stage.step(`${second.name}, of the same home, and ${neighbour.name}, of the other, try`);
    await bringUp(stage, [second, neighbour], minutes(6));
    await ping(stage, ...clients.filter((client) => client !== second).map(({ name }) => ({ ping: `of ${name}`, from: name, to: server })));
  },
  checks: (cast) => {
    const { first, second, neighbour } = homes(cast);
    return [
      guard({ id: 'used-up', claim: 'The first client has all the ports of its home', expected: 'a row for port 500 and one for 4500 in the carrier\'s table, of one inside address' }, (trace) => {
        const rows = trace.of('table').find(({ body }) => body.box === 'carrier');
        const udp = rows?.body.mappings.filter(({ protocol }) => protocol === 'udp') ?? [];
        return { holds: udp.length === 2 && new Set(udp.map(({ inside }) => inside.address)).size === 1, observed: udp.map(({ inside, outside }) => `${describeEndpoint(inside)} ⇄ ${describeEndpoint(outside)}`).join('; ') || 'the table is empty', evidence: rows ? [rows] : [] };
      }),
      claim({ id: 'refused', claim: 'The carrier has no port for the second', expected: 'its packets end at the carrier', ref: 'RFC 6888 §2' }, (trace) => {
        const refused = trace.of('drop', 'carrier');
        return { holds: refused.length > 0, observed: refused[0]?.body.detail ?? 'nothing was dropped', evidence: refused.slice(0, 3) };
      }),
      neverIn({ id: 'gets-nowhere', claim: 'The second gives up' }, second.name),
      ...served([first, neighbour]),
    ];
  },
};

const onePortEach: Act = {
  id: 'start-on-4500',
  title: 'The same carrier, and clients that start on 4500: one port each is enough for all',
  topology: 'carrier-narrow',
  keepsTopology: true,
  keepsBoxes: true,
  adjust: { clients: { ike: { startPort: 4500 } } },
  play: async (stage) => {
    const { clients, server } = stage.cast;
    stage.step('All three start from 4500 to 4500');
    await bringUp(stage, clients);
    await stage.table('carrier');
    await ping(stage, ...clients.map(({ name }) => ({ ping: `of ${name}`, from: name, to: server })));
  },
  checks: (cast) => [
    claim({ id: 'one-port-each', claim: 'Each client has one port at the carrier', expected: `${plural(cast.clients.length, 'row')} in its table`, ref: 'RFC 7296 §2.23' }, (trace) => {
      const rows = trace.of('table').find(({ body }) => body.box === 'carrier');
      const udp = rows?.body.mappings.filter(({ protocol }) => protocol === 'udp') ?? [];
      return rows === undefined ? nothing('no table') : { holds: udp.length === cast.clients.length, observed: udp.map(({ inside, outside }) => `${describeEndpoint(inside)} ⇄ ${describeEndpoint(outside)}`).join('; '), evidence: [rows] };
    }),
    ...served(cast.clients),
  ],
};

const served = (clients: readonly Client[]): readonly Check[] => clients.map(({ name }) => answered({ id: `${name}-works`, claim: `${name} is served` }, `of ${name}`));

/** Two of one home, who come from one address as the carrier sees them, and one of the other. */
function homes({ clients }: Cast): { readonly first: Client; readonly second: Client; readonly neighbour: Client } {
  const [first, second, neighbour] = clients;
  return { first: first!, second: second!, neighbour: neighbour! };
}

/** A client's first packet on each segment that it crosses. */
function wayOf(trace: Trace, { name }: Client): readonly Seen[] {
  const [sent] = seenAt(trace, { node: name, direction: 'out' });
  if (sent === undefined) return [];
  const everywhere = trace.of('packet').map(({ node }) => node);
  const seen = [...new Set(everywhere)].flatMap((node) => seenAt(trace, { node }).filter((other) => sameOnTheWay(other, sent)));
  return seen.sort((one, other) => one.seq - other.seq);
}
