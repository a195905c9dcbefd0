/** Two L2TP/IPsec clients behind one box: transport mode between public addresses, UDP 1701 on either side, and nothing to tell them apart by (RFC 3948 §5.2). */
import { seconds } from '../../src/core/time.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { l2tpPort } from '../../src/wire/l2tp.ts';
import { protocols } from '../../src/wire/protocols.ts';
import type { Predicate } from '../backends/backend.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { errandsDone, lost, returned } from '../checks/programs.ts';
import type { Errand } from '../checks/programs.ts';
import { all, happens, tunnelUp } from '../checks/waiting.ts';
import { isEsp, seenAt } from '../checks/wire.ts';
import type { SeenEsp } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';

export const l2tp = defineScenario({
  id: 'l2tp',
  chapter: 'Many clients',
  title: 'Two Windows clients behind one box',
  teaches:
    'L2TP/IPsec protects UDP from port 1701 to port 1701 in transport mode. Behind one box all clients have one address, so the selectors of all of them are equal: the server gives everything to the one who came last, and the first, whose own packets still arrive, hears nothing more. A port of its own for each client, or tunnel mode with an inner address for each, keeps them apart.',
  refs: ['RFC 3948 §5.2', 'RFC 3193 §4', 'RFC 2661 §5.5'],
  parameters: {},
  acts: () => [alone, together, anyDaemon, ownPorts, tunnelMode],
});

/** Windows at either end, as it was when NAT traversal was a patch to it: IKEv1, draft -02 with the newline, transport mode, UDP 1701 to 1701. */
const windows: Adjustment = { clients: { daemon: 'windows-xp-nat-t-update' }, gateway: { daemon: 'windows-modern' } };

/** The same wishes of the lab's own daemons. */
const fixedPorts = { esp: { mode: 'transport', upperLayer: { protocol: 'udp', localPort: l2tpPort, remotePort: l2tpPort } } } as const;

const alone: Act = {
  id: 'alone',
  title: 'One client alone behind the box: it comes in, opens its L2TP tunnel, and is answered whenever it asks',
  topology: 'hotel',
  keepsIke: true,
  needs: { clients: 2, boxes: 1 },
  adjust: windows,
  play: async (stage) => {
    const [one] = pair(stage.cast);
    serve(stage);
    await comesIn(stage, one, stage.cast.gateway.address);
    await saysHello(stage, 'afterwards', one);
  },
  checks: (cast) => {
    const [one] = pair(cast);
    return [
      translated(cast, [one]),
      claim({ id: 'public', claim: 'Both ends know the pair only as it is on the way: the address of the box, UDP 1701, on the one side, and the server, UDP 1701, on the other', expected: `a child SA between ${cast.gateway.address} and the box, UDP ${l2tpPort} both`, ref: 'RFC 3948 §5.2' }, (trace) => {
        const [child] = childrenOf(trace, cast);
        const outside = outsideOf(cast);
        return child === undefined ? nothing('no child SA at the gateway') : { holds: child.body.selectors === `${portOf(cast.gateway.address)} === ${portOf(outside)}`, observed: child.body.selectors, evidence: [child] };
      }),
      returned({ id: 'opened', claim: 'Its L2TP tunnel opens: SCCRQ is answered by SCCRP', ref: 'RFC 2661 §5.1' }, opening(one)),
      returned({ id: 'works', claim: 'It goes on being answered' }, hello('afterwards', one)),
    ];
  },
};

const troubled = ({ id, title, adjust, keepsIke }: Pick<Act, 'id' | 'title' | 'adjust' | 'keepsIke'>): Act => ({
  id,
  title,
  topology: 'hotel',
  ...(keepsIke && { keepsIke }),
  needs: { clients: 2, boxes: 1 },
  ...(adjust && { adjust }),
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    serve(stage);
    await comesIn(stage, one, stage.cast.gateway.address);
    await saysHello(stage, 'before', one);
    await comesIn(stage, two, stage.cast.gateway.address);
    await saysHello(stage, 'afterwards', one, two);
  },
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      translated(cast, [one, two]),
      returned({ id: 'worked-before', claim: 'Until the second comes the first is answered' }, hello('before', one)),
      claim({ id: 'equal-selectors', claim: 'The selectors of both are equal, port by port', expected: 'two child SAs at the gateway, one pair of selectors', ref: 'RFC 3948 §5.2' }, (trace) => {
        const children = childrenOf(trace, cast);
        const selectors = new Set(children.map(({ body }) => body.selectors));
        return { holds: children.length === 2 && selectors.size === 1, observed: [...selectors].join(' and ') || 'no child SA at the gateway', evidence: children };
      }),
      claim({ id: 'last-wins', claim: 'From then on all that the gateway sends goes by the SA of the second', expected: "the second one's SPI, and no other, once it stands", ref: 'RFC 3948 §5.2' }, (trace) => {
        const [, second] = childrenOf(trace, cast);
        if (second === undefined) return nothing('there is no second child SA');
        const later = espOf(trace, cast.gateway.name, 'out').filter(({ event }) => event.seq > second.seq);
        const others = later.filter(({ content }) => content.spi !== second.body.spiOut);
        return { holds: later.length > 0 && others.length === 0, observed: `${plural(later.length, 'ESP packet')}, ${others.length} by another SPI than ${hex(second.body.spiOut)}`, evidence: [second, ...(others.length > 0 ? others : later).slice(0, 3)] };
      }),
      claim({ id: 'heard', claim: "The way there is not the trouble: the gateway hears the first one's HELLO", expected: `HELLO of ${one.name} at the gateway after the second came` }, (trace) => {
        const asked = sentAt(trace, hello('afterwards', one));
        const heard = trace.of('l2tp-heard', cast.gateway.name).filter(({ seq, body }) => asked !== undefined && seq > asked && body.message === 'HELLO' && body.hostName === one.name);
        return { holds: heard.length > 0, observed: heard.length > 0 ? `heard ${plural(heard.length, 'time')}` : 'not heard', evidence: heard.slice(0, 3) };
      }),
      claim({ id: 'astray', claim: 'The answers come to the second, which knows nothing of that tunnel', expected: `${two.name} throws away L2TP for a tunnel that is not its own` }, (trace) => {
        const strays = trace.of('drop', two.name).filter(({ layer, body }) => layer === 'inner' && body.reason === 'no-listener');
        return { holds: strays.length > 0, observed: strays[0] ? `${plural(strays.length, 'message')} thrown away: ${strays[0].body.detail}` : 'nothing thrown away', evidence: strays.slice(0, 3) };
      }),
      lost({ id: 'cut-off', claim: 'The first is cut off', ref: 'RFC 2661 §5.8' }, hello('afterwards', one)),
      returned({ id: 'second-works', claim: 'The second is answered' }, hello('afterwards', two)),
    ];
  },
});

const together = troubled({ id: 'together', title: 'A second one comes in: the first one\'s answers go to it', adjust: windows, keepsIke: true });
const anyDaemon = troubled({ id: 'any-daemon', title: 'It is no fault of Windows, nor of IKEv1: whoever protects one fixed port in transport mode has it', adjust: { clients: fixedPorts, gateway: fixedPorts } });

const cured = ({ id, title, adjust, server }: Pick<Act, 'id' | 'title' | 'adjust'> & { readonly server: (cast: Cast) => IpAddress }): Act => ({
  id,
  title,
  topology: 'hotel',
  keepsIke: true,
  needs: { clients: 2, boxes: 1 },
  ...(adjust && { adjust }),
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    serve(stage);
    for (const client of [one, two]) await comesIn(stage, client, server(stage.cast));
    await saysHello(stage, 'afterwards', one, two);
  },
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      translated(cast, [one, two]),
      claim({ id: 'own-selectors', claim: 'Each has selectors of its own', expected: 'two child SAs at the gateway, two pairs of selectors', ref: 'RFC 3948 §5.2' }, (trace) => {
        const children = childrenOf(trace, cast);
        const selectors = new Set(children.map(({ body }) => body.selectors));
        return { holds: children.length === 2 && selectors.size === 2, observed: [...selectors].join(' and ') || 'no child SA at the gateway', evidence: children };
      }),
      claim({ id: 'own-sa', claim: 'What comes to a client comes by its own SA', expected: 'ESP at each, all of it by the SPI that it has given out' }, (trace) => {
        const heard = [one, two].map((client) => ({ spi: trace.of('child-sa', client.name)[0]?.body.spiIn, esp: espOf(trace, client.name, 'in') }));
        const wrong = heard.flatMap(({ spi, esp }) => esp.filter(({ content }) => content.spi !== spi));
        const right = heard.every(({ esp }) => esp.length > 0);
        return { holds: right && wrong.length === 0, observed: `${heard.map(({ esp }) => esp.length).join(' and ')} packets, ${wrong.length} by the SPI of another`, evidence: wrong.length > 0 ? wrong.slice(0, 3) : heard.flatMap(({ esp }) => esp.slice(0, 1)) };
      }),
      returned({ id: 'first-works', claim: 'The first is answered' }, hello('afterwards', one)),
      returned({ id: 'second-works', claim: 'And so is the second' }, hello('afterwards', two)),
    ];
  },
});

const ownPorts = cured({
  id: 'own-ports',
  title: 'The first remedy: the client takes a port of its own, which stands in its selectors, and the server takes any',
  adjust: {
    clients: { ...windows.clients, esp: { upperLayer: { protocol: 'udp', localPort: 'ephemeral' } } },
    gateway: { ...windows.gateway, esp: { upperLayer: { protocol: 'udp', remotePort: 'any' } } },
  },
  server: ({ gateway }) => gateway.address,
});

const tunnelMode = cured({
  id: 'tunnel-mode',
  title: 'The second remedy: tunnel mode, in which each client has an inner address of its own',
  adjust: {
    clients: { ...windows.clients, ike: { virtualAddress: 'request' }, esp: { mode: 'tunnel' } },
    gateway: { ...windows.gateway, ike: { virtualAddress: 'request' }, esp: { mode: 'tunnel' } },
  },
  server: ({ gateway }) => gateway.innerAddress,
});

// ---- the play ------------------------------------------------------------------------------------------------------------

function pair({ clients }: Cast): readonly [Client, Client] {
  const [one, two] = clients;
  return [one!, two!];
}

const opening = ({ name }: Client): Errand => ({ program: 'l2tp', name: `${name} opens its tunnel` });
const hello = (when: 'before' | 'afterwards', { name }: Client): Errand => ({ program: 'l2tp', name: `${name}, ${when}` });

/** RFC 2661 §5.8: the time in which a request is given up, and some more. */
const patience = seconds(40);

/** With the commit bit (RFC 2408 §3.1) a client has its SAs at last when the server says CONNECTED. */
const outboundSa = ({ name, address }: Client): Predicate => happens('esp-keys', `${name} has an SA to send by`, ({ node, body }) => node === name && body.source === address);

const serve = ({ cast, command }: Stage): void => command(cast.gateway.name, { kind: 'serve', protocol: 'l2tp', port: l2tpPort });

async function comesIn(stage: Stage, client: Client, server: IpAddress): Promise<void> {
  stage.step(`${client.name} comes in, and opens its L2TP tunnel`);
  await stage.expect(all(`${client.name} may send`, [tunnelUp(client.name), outboundSa(client)]), seconds(20), () => stage.command(client.name, { kind: 'initiate', connection: client.connection }));
  const fromPort = client.plan.endpoint!.ike.connections[0]!.child.upperLayer!.localPort;
  await stage.expect(errandsDone([opening(client)]), patience, () => stage.command(client.name, { kind: 'l2tp', l2tp: opening(client).name, request: 'open', hostName: client.name, to: server, fromPort }));
}

/** Each by the tunnel that it has opened last. */
async function saysHello(stage: Stage, when: 'before' | 'afterwards', ...clients: readonly Client[]): Promise<void> {
  stage.step(`${clients.map(({ name }) => name).join(' and ')} ${clients.length === 1 ? 'asks' : 'ask'} whether the server is still there`);
  const errands = clients.map((client) => hello(when, client));
  await stage.expect(errandsDone(errands), patience, () => {
    for (const [i, { name }] of clients.entries()) {
      const { to, from } = stage.trace.of('l2tp-sent', name).at(-1)!.body;
      stage.command(name, { kind: 'l2tp', l2tp: errands[i]!.name, request: 'hello', hostName: name, to: to.address, fromPort: from.port });
    }
  });
}

// ---- what is looked at ---------------------------------------------------------------------------------------------------

const childrenOf = (trace: Trace, { gateway }: Cast): readonly EventOf<'child-sa'>[] => trace.of('child-sa', gateway.name).filter(({ body }) => body.state === 'established');
const espOf = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenEsp[] => seenAt(trace, { node, direction }).filter(isEsp);
const sentAt = (trace: Trace, { name }: Errand): number | undefined => trace.of('l2tp-sent').find(({ body }) => body.l2tp === name)?.seq;

const outsideOf = ({ boxes }: Cast): IpAddress => boxes[0]!.interfaces.find(({ name }) => name === boxes[0]!.outside)!.address;
const portOf = (address: IpAddress): string => `${address}/32[${protocols.udp}/${l2tpPort}]`;
const hex = (spi: number): string => `0x${spi.toString(16).padStart(8, '0')}`;

const translated = (cast: Cast, clients: readonly Client[]): Check =>
  guard({ id: 'translated', claim: clients.length === 1 ? 'ESP comes from the box, in UDP' : 'The ESP of both comes from one address, in UDP', expected: `${clients.length === 1 ? 'a port' : 'two ports'} of the box\'s address at the gateway` }, (trace) => {
    const arrived = espOf(trace, cast.gateway.name, 'in');
    const [addresses, ports] = [new Set(arrived.map(({ from }) => from.address)), new Set(arrived.map(({ from }) => from.port))];
    return { holds: addresses.size === 1 && addresses.has(outsideOf(cast)) && ports.size === clients.length && !ports.has(0), observed: arrived.length === 0 ? 'no ESP arrived' : `from ${[...addresses].join(', ')}, ports ${[...ports].join(' and ')}`, evidence: arrived.slice(0, 2) };
  });
