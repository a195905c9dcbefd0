/** Plain ESP through a box that shares one address: a protocol without ports (RFC 3715 §2.1, §2.3). */
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs } from '../checks/float.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { isEsp, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen, SeenEsp } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const rawEsp = defineScenario({
  id: 'raw-esp',
  chapter: 'Why NAT breaks IPsec',
  title: 'ESP has no ports',
  teaches:
    'A box that shares one address tells its clients apart by ports, and ESP has none. The SPI of the answers was chosen inside the encrypted negotiation, so the box cannot know whose it is: one client works by luck, two do not. In UDP each has a port again.',
  refs: ['RFC 3715 §2.1', 'RFC 3948 §2.1', 'RFC 4303 §2.1'],
  parameters: {},
  acts: () => [alone, together, inUdp],
});

/** Nobody looks for a NAT, so ESP goes plain. */
const plain: Adjustment = { clients: { ike: { natTraversal: false } }, gateway: { ike: { natTraversal: false } } };

const alone: Act = {
  id: 'alone',
  title: 'One client, plain ESP: the box has no ports to translate, and gives all ESP from the server to the only one who ever sent any',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { ...plain, boxes: { behaviour: { esp: 'one-per-server' } } },
  play: async (stage) => {
    const [one] = stage.cast.clients;
    stage.step('One client behind the box, and nobody else');
    await bringUp(stage, [one!]);
    await pingServer(stage, one!);
    await showTable(stage);
  },
  checks: (cast) => [
    plainEspOutside(cast),
    dataTravelsAs(cast, 'none'),
    unrelatedSpis(cast),
    answered({ id: 'by-luck', claim: 'The only client gets its answers' }, pingOf(cast.clients[0]!)),
  ],
};

const together: Act = {
  id: 'together',
  title: 'Two clients, plain ESP, one server: whose are the answers?',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { ...plain, boxes: { behaviour: { esp: 'one-per-server' } } },
  play: async (stage) => {
    const [one, two] = stage.cast.clients;
    stage.step('Both negotiate, on ports 500 that the box translates: both tunnels come up');
    await bringUp(stage, [one!, two!]);
    stage.step('The first sends ESP, then the second');
    await pingServer(stage, one!);
    await pingServer(stage, two!);
    await showTable(stage);
  },
  checks: (cast) => {
    const [one, two] = cast.clients as readonly [Client, Client];
    return [
      plainEspOutside(cast),
      claim({ id: 'both-up', claim: 'IKE itself has no trouble: both tunnels are up', expected: 'two child SAs', ref: 'RFC 3715 §2.3' }, (trace) => {
        const up = [one, two].flatMap(({ name }) => trace.of('child-sa', name).filter(({ body }) => body.state === 'established').slice(0, 1));
        return { holds: up.length === 2, observed: `${up.length} of 2`, evidence: up };
      }),
      answered({ id: 'first-works', claim: 'The first client works' }, pingOf(one)),
      unanswered({ id: 'second-cut-off', claim: 'The second client has a tunnel, and gets nothing through it' }, pingOf(two)),
      claim({ id: 'second-dies', claim: "The second client's ESP does not come out of the box", expected: 'seen inside, never outside', ref: 'RFC 3715 §2.1' }, (trace) => {
        const { sent, through } = fate(trace, cast, two);
        return { holds: sent.length > 0 && through.length === 0, observed: `${plural(sent.length, 'ESP packet')} inside, ${through.length} outside`, evidence: [...sent.slice(0, 2), ...through.slice(0, 2)] };
      }),
      unrelatedSpis(cast),
    ];
  },
};

const inUdp: Act = {
  id: 'in-udp',
  title: 'The same two with NAT traversal: ESP in UDP, and a port for each',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { boxes: { behaviour: { esp: 'one-per-server' } } },
  play: async (stage) => {
    const [one, two] = stage.cast.clients;
    stage.step('Both find the NAT and move to 4500');
    await bringUp(stage, [one!, two!]);
    await pingServer(stage, one!);
    await pingServer(stage, two!);
    await showTable(stage);
  },
  checks: (cast) => {
    const [one, two] = cast.clients as readonly [Client, Client];
    return [
      guard({ id: 'translated', claim: 'Both come from one address', expected: 'one source address at the gateway, not a client\'s' }, (trace) => {
        const arrived = espAt(trace, cast.gateway.name, 'in');
        const sources = new Set(arrived.map(({ from }) => from.address));
        return { holds: sources.size === 1 && !sources.has(one.address), observed: [...sources].join(', ') || 'no ESP arrived', evidence: arrived.slice(0, 2) };
      }),
      dataTravelsAs(cast, 'udp'),
      claim({ id: 'ports', claim: 'The box has given each a port of its own', expected: 'two source ports of ESP at the gateway', ref: 'RFC 3948 §2.1' }, (trace) => {
        const arrived = espAt(trace, cast.gateway.name, 'in');
        const sources = new Set(arrived.map(({ from }) => from.port));
        return { holds: sources.size === 2 && !sources.has(0), observed: [...sources].join(' and ') || 'none', evidence: arrived.slice(0, 3) };
      }),
      answered({ id: 'first-works', claim: 'The first client works' }, pingOf(one)),
      answered({ id: 'second-works', claim: 'And so does the second' }, pingOf(two)),
    ];
  },
};

const pingOf = ({ name }: Client): string => `of ${name}`;
const pingServer = (stage: Stage, client: Client): Promise<boolean> => ping(stage, { ping: pingOf(client), from: client.name, to: stage.cast.server });
const showTable = async (stage: Stage): Promise<void> => {
  for (const { name } of stage.cast.boxes) await stage.table(name);
};

const espAt = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenEsp[] => seenAt(trace, { node, direction }).filter(isEsp);

/** A client's ESP inside the box, and what of it came out. */
function fate(trace: Trace, { boxes }: Cast, client: Client): { readonly sent: readonly Seen[]; readonly through: readonly Seen[] } {
  const sent = espAt(trace, client.name, 'out');
  const outside = seenAt(trace, { node: boxes[0]?.name ?? '', interface: boxes[0]?.outside ?? '', direction: 'out' });
  return { sent, through: outside.filter((seen) => sent.some((one) => sameOnTheWay(seen, one))) };
}

const plainEspOutside = (cast: Cast): Check =>
  guard({ id: 'translated', claim: 'Plain ESP crossed the box, and only its address was changed', expected: 'protocol 50 at the gateway, from the box\'s address' }, (trace) => {
    const [arrived] = espAt(trace, cast.gateway.name, 'in');
    if (!arrived) return nothing('no ESP reached the gateway');
    return { holds: arrived.content.encapsulation === 'none' && arrived.from.address !== cast.clients[0]!.address, observed: `it came as ${path(arrived)}`, evidence: [arrived] };
  });

/** What a box can read of a tunnel's two directions is two numbers that have nothing to do with one another. */
const unrelatedSpis = (cast: Cast): Check =>
  claim({ id: 'spis', claim: 'Nothing in a packet tells which answer belongs to which question', expected: "each client's outgoing SPI and its incoming one differ, and the incoming one crossed the box encrypted only", ref: 'RFC 4303 §2.1' }, (trace) => {
    const tunnels = cast.clients.flatMap(({ name }) => trace.of('child-sa', name).filter(({ body }) => body.state === 'established').slice(0, 1));
    const readable = tunnels.filter(({ body }) => body.spiIn === body.spiOut || inTheClear(trace, cast, body));
    const [first] = tunnels;
    return { holds: first !== undefined && readable.length === 0, observed: first ? `out by 0x${first.body.spiOut.toString(16)}, back by 0x${first.body.spiIn.toString(16)}, which no IKE message shows` : 'no tunnel', evidence: tunnels };
  });

/** The four octets of the incoming SPI in any datagram that the box saw before the first answer. */
function inTheClear(trace: Trace, { boxes }: Cast, { spiIn }: EventOf<'child-sa'>['body']): boolean {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(spiIn);
  return seenAt(trace, { node: boxes[0]?.name ?? '' }).some((seen) => seen.content.kind === 'ike' && Buffer.from(seen.payload).includes(octets));
}
