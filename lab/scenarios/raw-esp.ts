/** Plain ESP through a box that shares one address: a protocol without ports (RFC 3715 §2.1, §2.3). */
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs } from '../checks/float.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { haveTunnels } from '../checks/sas.ts';
import { cameOut, isEsp, path, seenAt } from '../checks/wire.ts';
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
    'A box that shares one address tells its clients apart by ports, and ESP has none. The SPI of the answers was chosen inside the encrypted negotiation, so the box cannot know whose it is: one client works by luck, two do not. A box that guesses by who asked last serves clients who ask in turn, and crosses those who ask at once. In UDP each has a port again.',
  refs: ['RFC 3715 §2.1', 'RFC 3948 §2.1', 'RFC 4303 §2.1'],
  parameters: {},
  acts: () => [alone, together, learned, race, inUdp],
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
      haveTunnels({ id: 'both-up', claim: 'IKE itself has no trouble: both tunnels are up', ref: 'RFC 3715 §2.3' }, [one.name, two.name]),
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

/** A box that pairs SPIs by guessing: the first unknown one that comes in answers the newest one that went out. */
const guessing: Adjustment = { ...plain, boxes: { preset: 'passthrough-spi' } };

const learned: Act = {
  id: 'learned',
  title: 'A box that watches SPIs: a new one that comes in must be the answer to the newest one that went out, and so it is while they ask in turn',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: guessing,
  play: async (stage) => {
    const [one, two] = stage.cast.clients;
    stage.step('Both tunnels come up');
    await bringUp(stage, [one!, two!]);
    stage.step('The first sends ESP and is answered, then the second');
    await pingServer(stage, one!);
    await pingServer(stage, two!);
    await showTable(stage);
    stage.step('Now the box knows both: the first once more');
    await pingAgain(stage, one!);
  },
  checks: (cast) => {
    const [one, two] = cast.clients as readonly [Client, Client];
    return [
      plainEspOutside(cast),
      unrelatedSpis(cast),
      claim({ id: 'in-turn', claim: 'What pairs two SPIs is the order in which they come: one out, one in, and only then another client\'s', expected: 'outside the box new SPIs go out, in, out, in', ref: 'RFC 3715 §2.1' }, (trace) => {
        const order = newSpis(trace, cast);
        return { holds: order.map(({ event }) => event.body.direction).join(', ') === 'out, in, out, in', observed: order.map(spiOf).join(', ') || 'no ESP outside', evidence: order };
      }),
      answered({ id: 'first-works', claim: 'The first client gets its answers' }, pingOf(one)),
      answered({ id: 'second-works', claim: 'And so does the second' }, pingOf(two)),
      answered({ id: 'first-still', claim: 'The first goes on getting them: what was learned stays' }, againOf(one)),
    ];
  },
};

const race: Act = {
  id: 'race',
  title: 'The same box, and both ask at once: it takes the first answer for the newest question, and crosses the two for good',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: guessing,
  play: async (stage) => {
    const [one, two] = stage.cast.clients;
    stage.step('Both tunnels come up');
    await bringUp(stage, [one!, two!]);
    stage.step('Both send ESP before either is answered');
    await ping(stage, ...[one!, two!].map((client) => ({ ping: pingOf(client), from: client.name, to: stage.cast.server })));
    stage.step('The first tries again, alone');
    await pingAgain(stage, one!);
  },
  checks: (cast) => {
    const [one, two] = cast.clients as readonly [Client, Client];
    return [
      plainEspOutside(cast),
      guard({ id: 'at-once', claim: 'Two new SPIs went out before the first one came in', expected: 'outside the box: out, out, in' }, (trace) => {
        const order = newSpis(trace, cast).slice(0, 3);
        return { holds: order.map(({ event }) => event.body.direction).join(', ') === 'out, out, in', observed: order.map(spiOf).join(', ') || 'no ESP outside', evidence: order };
      }),
      claim({ id: 'crossed', claim: 'Each one\'s answers come to the other', expected: 'all ESP at either client bears the SPI that the other has given out' }, (trace) => {
        const heard = [one, two].map((client, i) => {
          const others = tunnelOf(trace, [two, one][i]!)?.body.spiIn;
          const esp = espAt(trace, client.name, 'in');
          return { client, esp, strays: esp.filter(({ content }) => content.spi === others) };
        });
        return { holds: heard.every(({ esp, strays }) => esp.length > 0 && strays.length === esp.length), observed: heard.map(({ client, esp, strays }) => `${strays.length} of ${esp.length} at ${client.name} are the other one's`).join(', '), evidence: heard.flatMap(({ esp }) => esp.slice(0, 2)) };
      }),
      claim({ id: 'thrown-away', claim: 'Neither can read what it gets: it has no SA with that SPI', expected: 'ESP of an unknown SPI dropped by both', ref: 'RFC 4303 §3.4.2' }, (trace) => {
        const drops = [one, two].map(({ name }) => trace.of('drop', name).filter(({ body }) => body.reason === 'esp-unknown-spi'));
        return { holds: drops.every((each) => each.length > 0), observed: `${drops.map((each) => each.length).join(' and ')} dropped`, evidence: drops.flatMap((each) => each.slice(0, 2)) };
      }),
      unanswered({ id: 'first-cut-off', claim: 'The first client gets nothing' }, pingOf(one)),
      unanswered({ id: 'second-cut-off', claim: 'Nor does the second' }, pingOf(two)),
      unanswered({ id: 'for-good', claim: 'That does not pass: alone, too, the first gets nothing' }, againOf(one)),
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
const againOf = ({ name }: Client): string => `of ${name}, once more`;
const pingAgain = (stage: Stage, client: Client): Promise<boolean> => ping(stage, { ping: againOf(client), from: client.name, to: stage.cast.server });
const showTable = async (stage: Stage): Promise<void> => {
  for (const { name } of stage.cast.boxes) await stage.table(name);
};

const espAt = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenEsp[] => seenAt(trace, { node, direction }).filter(isEsp);

/** Each SPI where it first crossed the outside of the box, out of it or into it. */
function newSpis(trace: Trace, { boxes }: Cast): readonly SeenEsp[] {
  const known = new Set<string>();
  return seenAt(trace, { node: boxes[0]?.name ?? '', interface: boxes[0]?.outside ?? '' }).filter(isEsp).filter((seen) => {
    const name = spiOf(seen);
    return !known.has(name) && known.add(name);
  });
}

const spiOf = ({ event, content }: SeenEsp): string => `${event.body.direction} 0x${content.spi.toString(16)}`;

const tunnelOf = (trace: Trace, { name }: Client): EventOf<'child-sa'> | undefined => trace.of('child-sa', name).find(({ body }) => body.state === 'established');

/** A client's ESP inside the box, and what of it came out. */
function fate(trace: Trace, { boxes }: Cast, client: Client): { readonly sent: readonly Seen[]; readonly through: readonly Seen[] } {
  const sent = espAt(trace, client.name, 'out');
  return { sent, through: cameOut(trace, boxes, sent) };
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
    const tunnels = cast.clients.flatMap((client) => tunnelOf(trace, client) ?? []);
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
