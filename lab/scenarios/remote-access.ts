/** Remote access: a password for each, an inner address, and which traffic is for the tunnel (XAUTH, Mode-Config; RFC 7296 §2.19). */
import type { IpAddress } from '../../src/core/address.ts';
import { describePrefix } from '../../src/core/address.ts';
import { minutes } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { exchangeTypes as v2Exchanges } from '../../src/wire/ike/message.ts';
import { exchangeTypes as v1Exchanges } from '../../src/wire/ike/v1/message.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { claim, guard } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { cameOut, isEsp, isIke, path, ports, seenAt } from '../checks/wire.ts';
import type { Seen, SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, bringUpInTheEnd, ping } from './stagecraft.ts';

export const remoteAccess = defineScenario({
  id: 'remote-access',
  chapter: 'Remote access',
  title: 'Road warriors: a password, an address, a split network',
  teaches:
    'Behind a key that a whole group has, XAUTH asks each user for a password of its own; Mode-Config gives an inner address, and says which networks are reached from it. All else goes past the tunnel. Behind a box that pins port 500 one gets in, and all of them once they move to 4500.',
  refs: ['draft-beaulieu-ike-xauth-02', 'draft-ietf-ipsec-isakmp-mode-cfg-05', 'RFC 3947 §4', 'RFC 7296 §2.19'],
  parameters: {},
  acts: () => [wrongPassword, letIn, everything, split, oneAtATime, allIn, configurationPayload],
});

// ---- the acts ------------------------------------------------------------------------------------------------------------

/** One name and one key for the whole group. Its client wants everything, and is told by the gateway what that is. */
const roadWarriors: Adjustment['clients'] = { daemon: 'shrew', ike: { identity: { type: 'key-id', value: 'road-warriors' } }, esp: { network: 'everything' } };
const theirGateway = { ike: { version: 'v1', v1: { exchange: 'aggressive', gifts: { networks: ['10.99.0.0/24'] } } }, esp: { network: 'everything' } } as const satisfies Adjustment['gateway'];

const hotel = { topology: 'road-warriors', keepsTopology: true, keepsIke: true, needs: { clients: 3, boxes: 1 } } as const;

const wrongPassword: Act = {
  ...hotel,
  id: 'wrong-password',
  title: 'Two know their password, one has missed that it was changed: the key of the group alone lets nobody in',
  adjust: { clients: roadWarriors, gateway: { ...theirGateway, ike: { ...theirGateway.ike, v1: { ...theirGateway.ike.v1, xauth: { users: { bob: 'blueberry' } } } } } },
  play: async (stage) => {
    stage.step('All have the name and the key of the group, and show it in phase 1');
    await bringUp(stage, stage.cast.clients);
    await pingAll(stage, office);
  },
  checks: (cast) => {
    const [refused, others] = [cast.clients[1]!, cast.clients.filter((_, i) => i !== 1)];
    return [
      guard({ id: 'asked', claim: 'Everybody got through phase 1 and was asked for a password', expected: 'transactions of each client, begun by the gateway' }, (trace) => {
        const first = cast.clients.flatMap(({ name }) => seenIke(trace, name).filter(isTransaction).slice(0, 1));
        const asked = first.filter(({ event }) => event.body.direction === 'in');
        return { holds: asked.length === cast.clients.length, observed: `${asked.length} of ${cast.clients.length}`, evidence: asked };
      }),
      claim({ id: 'told-why', claim: 'Who has the wrong one is told why, and so is whoever reads the log of the gateway', expected: `${refused.name} and the gateway each speak of the password` }, (trace) => {
        const ends = [refused.name, cast.gateway.name].flatMap((node) => trace.of('ike-sa', node).filter(({ body }) => body.state === 'failed' && body.story.includes('password')).slice(0, 1));
        return { holds: ends.length === 2, observed: ends.map(({ body }) => body.story).join(' ') || 'nobody says anything', evidence: ends };
      }),
      claim({ id: 'nothing-given', claim: 'Without the password there is no address and no quick mode', expected: 'neither, for that client alone' }, (trace) => {
        const quick = seenIke(trace, refused.name).filter(({ content }) => content.header.exchange === v1Exchanges.QUICK_MODE);
        const given = trace.of('virtual-address', refused.name);
        return { holds: quick.length + given.length === 0, observed: `${plural(quick.length, 'message')} of quick mode, ${plural(given.length, 'address', 'addresses')}`, evidence: [...quick.slice(0, 2), ...given] };
      }),
      reaching(others, office, 'answered', { id: 'others', claim: 'The others are let in' }),
    ];
  },
};

const letIn: Act = {
  ...hotel,
  id: 'let-in',
  title: 'With the right passwords: each is given an inner address, a netmask, a DNS server',
  adjust: { clients: roadWarriors, gateway: theirGateway },
  play: async (stage) => {
    stage.step('Three guests of one hotel call their office, all at once');
    await bringUp(stage, stage.cast.clients);
    await pingAll(stage, office);
  },
  checks: (cast) => [
    fromOneAddress(cast),
    claim({ id: 'order', claim: 'Between phase 1 and quick mode stand three transactions: the password, whether it was right, the address', expected: 'three message IDs of transactions, all before quick mode, for each client' }, (trace) => {
      const seen = cast.clients.map(({ name }) => {
        const messages = seenIke(trace, name);
        const quickAt = messages.findIndex(({ content }) => content.header.exchange === v1Exchanges.QUICK_MODE);
        return new Set(messages.slice(0, quickAt).filter(isTransaction).map(({ content }) => content.header.messageId)).size;
      });
      return { holds: seen.every((n) => n === 3), observed: `${seen.join(', ')} before quick mode`, evidence: cast.clients.flatMap(({ name }) => seenIke(trace, name).filter(isTransaction).slice(0, 1)) };
    }),
    ownAddresses(cast),
    claim({ id: 'besides', claim: 'Netmask and DNS server come along', expected: 'both for each client' }, (trace) => {
      const given = gifts(trace, cast);
      return { holds: given.length === cast.clients.length && given.every(({ body }) => body.netmask !== undefined && body.dns.length > 0), observed: given[0]?.body.story ?? 'nothing was given', evidence: given };
    }),
    reaching(cast.clients, office, 'answered', { id: 'office', claim: 'Everybody reaches the office' }),
  ],
};

const everything: Act = {
  ...hotel,
  id: 'everything',
  title: 'No network named: everything goes into the tunnel, and what is not for the office ends there',
  adjust: { clients: roadWarriors, gateway: { ...theirGateway, ike: { version: 'v1', v1: { exchange: 'aggressive' } } } },
  play: (stage) => visitBoth(stage),
  checks: (cast) => [
    reachedNetworks(cast, '0.0.0.0/0', { id: 'no-network', claim: 'The gateway has named no network: to its clients everything is behind it' }),
    reaching(cast.clients, office, 'answered', { id: 'office', claim: 'Everybody reaches the office' }),
    reaching(cast.clients, website, 'lost', { id: 'web', claim: 'Nobody reaches a website any more' }),
    claim({ id: 'swallowed', claim: 'What was for the website came out of the tunnel at the gateway', expected: 'a packet of each client, from its inner address' }, (trace) => {
      const swallowed = deliveredFor(trace, cast, cast.elsewhere);
      return { holds: swallowed.length === cast.clients.length, observed: `${swallowed.length} of ${cast.clients.length}`, evidence: swallowed };
    }),
  ],
};

const split: Act = {
  ...hotel,
  id: 'split',
  title: 'The office named as the split network: only that goes into the tunnel, and the website is back',
  adjust: { clients: roadWarriors, gateway: theirGateway },
  play: (stage) => visitBoth(stage),
  checks: (cast) => [reachedNetworks(cast, '10.99.0.0/24', { id: 'network', claim: 'The gateway has named the office, and nothing else' }), ...splitTraffic(cast)],
};

const patience = minutes(4);
const pins: Adjustment['boxes'] = { preset: 'passthrough-500' };
/** As often as its phase 1 takes, five seconds apart. */
const tries = (times: number) => ({ retransmission: { first: '5 s', factor: 1, tries: times } }) as const;

const oneAtATime: Act = {
  ...hotel,
  id: 'one-at-a-time',
  title: 'A box that pins port 500, and no NAT traversal: the first one has the port, and keeps it',
  // Its questions whether the gateway lives keep the mapping of the first one.
  adjust: { clients: { ...roadWarriors, ike: { ...roadWarriors.ike, ...tries(4), natTraversal: false, deadPeerDetection: '10 s' } }, gateway: { ...theirGateway, ike: { ...theirGateway.ike, natTraversal: false } }, boxes: pins },
  play: async (stage) => {
    const [first, ...others] = stage.cast.clients;
    stage.step(`${first!.name} comes in`);
    await bringUp(stage, [first!]);
    stage.step('The others try from the same port, for the same gateway');
    await bringUp(stage, others, patience);
    await pingAll(stage, office);
  },
  checks: (cast) => {
    const [first, ...others] = cast.clients as readonly [Client, ...Client[]];
    return [
      pinned(cast),
      claim({ id: 'never-out', claim: 'Nothing of the others comes out of the box', expected: 'their first messages seen inside, and none outside' }, (trace) => {
        const attempts = others.map((client) => fate(trace, cast, client));
        const [inside, outside] = [attempts.flatMap((one) => one.inside), attempts.flatMap((one) => one.outside)];
        return { holds: attempts.every((one) => one.inside.length > 1) && outside.length === 0, observed: `${plural(inside.length, 'attempt')}, ${outside.length} outside`, evidence: [...inside.slice(0, 2), ...outside.slice(0, 2)] };
      }),
      claim({ id: 'give-up', claim: 'They give up', expected: 'phase 1 failed for each of them' }, (trace) => {
        const failed = others.flatMap(({ name }) => trace.of('ike-sa', name).filter(({ body }) => body.state === 'failed').slice(0, 1));
        return { holds: failed.length === others.length, observed: failed[0]?.body.story ?? 'nobody gives up', evidence: failed };
      }),
      reaching([first], office, 'answered', { id: 'first-works', claim: 'The first one works throughout' }),
    ];
  },
};

const allIn: Act = {
  ...hotel,
  id: 'all-in',
  title: 'The same box, with NAT traversal: whoever is in moves to 4500 and leaves port 500 to the next',
  adjust: { clients: { ...roadWarriors, ike: { ...roadWarriors.ike, ...tries(40) } }, gateway: theirGateway, boxes: pins },
  play: async (stage) => {
    stage.step('All begin at once, from port 500, and whoever does not get it tries again');
    await bringUpInTheEnd(stage, stage.cast.clients, patience);
    await pingAll(stage, office);
  },
  checks: (cast) => [
    pinned(cast),
    claim({ id: 'moved', claim: 'From aggressive mode message 3 on everybody speaks from 4500', expected: 'one message from 500 that came out of the box, all others from 4500', ref: 'RFC 3947 §4' }, (trace) => {
      const wrong = cast.clients.flatMap(({ name }) => seenIke(trace, name, 'out').filter((seen) => isFirst(seen) !== (seen.from.port === ports.ike)));
      const moved = cast.clients.flatMap(({ name }) => seenIke(trace, name, 'out').filter((seen) => !isFirst(seen)).slice(0, 1));
      return { holds: moved.length === cast.clients.length && wrong.length === 0, observed: wrong[0] ? `on the wrong port: ${path(wrong[0])}` : moved.map(path).join('; '), evidence: wrong.length > 0 ? wrong.slice(0, 3) : moved };
    }),
    ownAddresses(cast),
    reaching(cast.clients, office, 'answered', { id: 'office', claim: 'Everybody reaches the office' }),
  ],
};

const configurationPayload: Act = {
  ...hotel,
  id: 'ikev2',
  title: 'The same in IKEv2: the address comes in IKE_AUTH, and the gateway narrows what the client wants to what it has',
  adjust: { clients: { ike: { version: 'v2' }, esp: { network: 'everything' } }, gateway: { ike: { version: 'v2' } } },
  play: (stage) => visitBoth(stage),
  checks: (cast) => [
    claim({ id: 'four-messages', claim: 'Nothing stands between the proof of identity and the child SA', expected: 'IKE_SA_INIT and IKE_AUTH, two messages each, for each client', ref: 'RFC 7296 §1.2' }, (trace) => {
      const seen = cast.clients.map(({ name }) => seenIke(trace, name).map(({ content }) => content.header.exchange));
      const { IKE_SA_INIT, IKE_AUTH } = v2Exchanges;
      return { holds: seen.every((exchanges) => exchanges.join() === [IKE_SA_INIT, IKE_SA_INIT, IKE_AUTH, IKE_AUTH].join()), observed: seen.map((exchanges) => plural(exchanges.length, 'message')).join(', '), evidence: cast.clients.flatMap(({ name }) => seenIke(trace, name).slice(-1)) };
    }),
    ownAddresses(cast),
    reachedNetworks(cast, '10.99.0.0/24', { id: 'narrowed', claim: 'Everything was asked for, and the office is what it was narrowed to', ref: 'RFC 7296 §2.9' }),
    ...splitTraffic(cast),
  ],
};

// ---- what they do --------------------------------------------------------------------------------------------------------

interface Destination {
  readonly called: string;
  address(cast: Cast): IpAddress;
}

const office: Destination = { called: 'the office', address: ({ server }) => server };
const website: Destination = { called: 'a website', address: ({ elsewhere }) => elsewhere };

const pingOf = ({ name }: Client, { called }: Destination): string => `${name} to ${called}`;

const pingAll = (stage: Stage, ...destinations: readonly Destination[]): Promise<boolean> =>
  ping(stage, ...destinations.flatMap((destination) => stage.cast.clients.map((client) => ({ ping: pingOf(client, destination), from: client.name, to: destination.address(stage.cast) }))));

async function visitBoth(stage: Stage): Promise<void> {
  stage.step('Three guests of one hotel call their office');
  await bringUp(stage, stage.cast.clients);
  stage.step('Each speaks to a server in the office, and to a website');
  await pingAll(stage, office, website);
}

// ---- what is seen --------------------------------------------------------------------------------------------------------

const seenIke = (trace: Trace, node: string, direction?: 'in' | 'out'): readonly SeenIke[] => seenAt(trace, { node, ...(direction && { direction }) }).filter(isIke);
const isTransaction = ({ content }: SeenIke): boolean => content.header.exchange === v1Exchanges.TRANSACTION;
/** The first message of phase 1, which knows no cookie of the responder's yet. */
const isFirst = ({ content }: SeenIke): boolean => content.header.responderSpi.every((octet) => octet === 0);
const isEchoWith = (address: IpAddress) => ({ content, from, to }: Seen): boolean => content.kind === 'other' && content.protocol === protocols.icmp && [from.address, to.address].includes(address);

const gifts = (trace: Trace, { clients }: Cast): readonly EventOf<'virtual-address'>[] => clients.flatMap(({ name }) => trace.of('virtual-address', name).slice(0, 1));

/** What came out of the gateway's tunnels for an address. */
const deliveredFor = (trace: Trace, { gateway }: Cast, address: IpAddress): readonly EventOf<'inner'>[] =>
  trace.of('inner', gateway.name).filter(({ body }) => {
    const packet = decodeIpv4(body.bytes);
    return body.direction === 'delivered' && packet.ok && packet.value.destination === address;
  });

/** A client's first messages inside the box, and those of them that came out. */
function fate(trace: Trace, { boxes }: Cast, { name }: Client): { readonly inside: readonly Seen[]; readonly outside: readonly Seen[] } {
  const inside = seenIke(trace, name, 'out').filter(isFirst);
  return { inside, outside: cameOut(trace, boxes, inside) };
}

// ---- checks of several acts ----------------------------------------------------------------------------------------------

type Text = Omit<Parameters<typeof claim>[0], 'expected'>;

/** The pings of these clients to a destination all ended so. */
const reaching = (clients: readonly Client[], destination: Destination, wanted: 'answered' | 'lost', text: Text): Check =>
  claim({ ...text, expected: `every ping to ${destination.called} ${wanted}` }, (trace) => {
    const names = clients.map((client) => pingOf(client, destination));
    const ends = [...trace.of('ping-answered'), ...trace.of('ping-lost')].filter(({ body }) => names.includes(body.ping));
    const fitting = ends.filter(({ body }) => body.kind === `ping-${wanted}`);
    return { holds: ends.length === names.length && fitting.length === names.length, observed: `${fitting.length} of ${names.length} ${wanted}`, evidence: ends };
  });

const fromOneAddress = (cast: Cast): Check =>
  guard({ id: 'translated', claim: 'All of them come from one address', expected: "the box's, at the gateway" }, (trace) => {
    const arrived = seenIke(trace, cast.gateway.name, 'in');
    const sources = new Set(arrived.map(({ from }) => from.address));
    return { holds: sources.size === 1 && !cast.clients.some(({ address }) => sources.has(address)), observed: [...sources].join(', ') || 'nobody came', evidence: arrived.slice(0, 3) };
  });

const ownAddresses = (cast: Cast): Check =>
  claim({ id: 'addresses', claim: 'Each has an inner address that no other has', expected: `${cast.clients.length} different addresses`, ref: cast.ike === 'v2' ? 'RFC 7296 §2.19' : 'draft-ietf-ipsec-isakmp-mode-cfg §3.3' }, (trace) => {
    const given = gifts(trace, cast);
    const addresses = new Set(given.map(({ body }) => body.address));
    return { holds: addresses.size === cast.clients.length, observed: [...addresses].join(', ') || 'none', evidence: given };
  });

const reachedNetworks = (cast: Cast, network: string, text: Text): Check =>
  claim({ ...text, expected: `every client takes ${network} into its tunnel` }, (trace) => {
    const given = gifts(trace, cast);
    const networks = new Set(given.flatMap(({ body }) => body.networks.map(describePrefix)));
    return { holds: given.length === cast.clients.length && networks.size === 1 && networks.has(network), observed: [...networks].join(' and ') || 'none', evidence: given };
  });

/** What is for the office goes through the tunnel, and what is for a website past it. */
const splitTraffic = (cast: Cast): readonly Check[] => [
  reaching(cast.clients, office, 'answered', { id: 'office', claim: 'Everybody reaches the office' }),
  claim({ id: 'in-the-tunnel', claim: 'What is for the office is seen as ESP only', expected: 'ESP of each client, and no echo of the server in the clear' }, (trace) => {
    const open = cast.clients.flatMap(({ name }) => seenAt(trace, { node: name }).filter(isEchoWith(cast.server)));
    const esp = cast.clients.flatMap(({ name }) => seenAt(trace, { node: name, direction: 'out' }).filter(isEsp).slice(0, 1));
    return { holds: open.length === 0 && esp.length === cast.clients.length, observed: `ESP of ${plural(esp.length, 'client')}, ${open.length} in the clear`, evidence: open.length > 0 ? open.slice(0, 3) : esp };
  }),
  reaching(cast.clients, website, 'answered', { id: 'web', claim: 'Everybody reaches the website' }),
  claim({ id: 'past-the-tunnel', claim: 'What is for the website goes out of the box in the clear, and the gateway sees none of it', expected: 'an echo request of each client outside, none out of the tunnels' }, (trace) => {
    const [box] = cast.boxes;
    const outside = seenAt(trace, { node: box!.name, interface: box!.outside, direction: 'out' }).filter(isEchoWith(cast.elsewhere));
    const swallowed = deliveredFor(trace, cast, cast.elsewhere);
    return { holds: outside.length === cast.clients.length && swallowed.length === 0, observed: `${outside.length} outside, the first ${outside[0] ? path(outside[0]) : 'never'}; ${swallowed.length} at the gateway`, evidence: [...outside, ...swallowed] };
  }),
];

/** Somebody has port 500 outside, and somebody else died at the box for it. */
const pinned = (cast: Cast): Check =>
  guard({ id: 'pinned', claim: 'One leaves the box from port 500, untranslated, and another who wants the same is not let out', expected: 'source port 500 outside, and attempts inside that never came out' }, (trace) => {
    const fates = cast.clients.map((client) => fate(trace, cast, client));
    const out = fates.flatMap(({ outside }) => outside);
    const dead = fates.flatMap(({ inside, outside }) => inside.slice(outside.length));
    return { holds: out.length > 0 && out.every(({ from }) => from.port === ports.ike) && dead.length > 0, observed: `${out.length} came out${out[0] ? `, the first as ${path(out[0])}` : ''}; ${dead.length} did not`, evidence: [...out.slice(0, 2), ...dead.slice(0, 1)] };
  });
