/** Two clients with one inner address, each behind its own box: which of them does the gateway mean (RFC 3948 §5.1)? */
import type { IpAddress } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { errandsDone, returned } from '../checks/programs.ts';
import type { Errand } from '../checks/programs.ts';
import { isEsp, seenAt } from '../checks/wire.ts';
import type { SeenEsp } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const overlap = defineScenario({
  id: 'overlap',
  chapter: 'Many clients',
  title: 'Everybody is 192.168.1.10',
  teaches:
    'Many homes count from 192.168.1.1. Two clients with one private address, each behind its own box, bring equal selectors in tunnel mode: whatever is for that address goes to the one who came last. Inner addresses that the gateway gives keep them apart; in transport mode each is known by the address of its box.',
  refs: ['RFC 3948 §5.1', 'RFC 3715 §2.1', 'RFC 7296 §2.23.1', 'RFC 3947 §5.2'],
  parameters: {},
  acts: () => [apart, together, given, transport],
});

/** Tunnel mode with the addresses that the clients have anyway. */
const theirOwn: Adjustment = { clients: { ike: { virtualAddress: 'none' } }, gateway: { pool: '192.168.1.0/24', ike: { virtualAddress: 'none' } } };

const shared = '192.168.1.10';

const apart: Act = {
  id: 'apart',
  title: 'Two clients of one home have two addresses: the gateway knows which packet is for whom',
  topology: 'hotel',
  keepsTopology: true,
  adjust: theirOwn,
  play: oneAfterTheOther,
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      guard({ id: 'two-addresses', claim: 'The two have different addresses of their own', expected: 'two sources of ESP inside' }, (trace) => {
        const sent = [one, two].flatMap(({ name }) => espOf(trace, name, 'out').slice(0, 1));
        return { holds: new Set(sent.map(({ from }) => from.address)).size === 2, observed: sent.map(({ from }) => from.address).join(' and ') || 'nothing was sent', evidence: sent };
      }),
      ownSelectors(cast),
      firstWorks(one),
      secondWorks(two),
    ];
  },
};

const together: Act = {
  id: 'together',
  title: 'Two homes, one address: what the gateway sends there goes to the one who came last',
  topology: 'two-homes',
  keepsTopology: true,
  adjust: { ...theirOwn, clients: { ...theirOwn.clients, address: shared } },
  play: oneAfterTheOther,
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      sameAddress(cast),
      answered({ id: 'worked-before', claim: 'Until the second comes, the first one works' }, before(one)),
      claim({ id: 'equal-selectors', claim: 'Both have the same selectors', expected: 'two child SAs at the gateway, one pair of selectors', ref: 'RFC 3948 §5.1' }, (trace) => {
        const children = childrenOf(trace, cast);
        const selectors = new Set(children.map(({ body }) => body.selectors));
        return { holds: children.length === 2 && selectors.size === 1, observed: [...selectors].join(' and ') || 'no child SA at the gateway', evidence: children };
      }),
      claim({ id: 'last-wins', claim: 'Whatever the gateway sends to that address goes to the second', expected: "the second one's SPI, and no other, once it stands", ref: 'RFC 3948 §5.1' }, (trace) => {
        const [, second] = childrenOf(trace, cast);
        if (second === undefined) return nothing('there is no second child SA');
        const sent = espOf(trace, cast.gateway.name, 'out').filter(({ seq }) => seq > second.seq);
        const others = sent.filter(({ content }) => content.spi !== second.body.spiOut);
        return { holds: sent.length > 0 && others.length === 0, observed: `${plural(sent.length, 'ESP packet')}, ${others.length} by another SA than ${two.name}'s`, evidence: [second, ...(others.length > 0 ? others : sent).slice(0, 3)] };
      }),
      claim({ id: 'not-let-in', claim: 'What the first one sends is turned away at the gateway: the policy for that address wants another SA', expected: 'its packets decrypted and refused', ref: 'RFC 4301 §5.2' }, (trace) => {
        const [, second] = childrenOf(trace, cast);
        const refused = trace.of('drop', cast.gateway.name).filter(({ seq, body }) => body.reason === 'esp-selectors' && seq > (second?.seq ?? Infinity));
        return { holds: refused.length > 0, observed: refused[0]?.body.detail ?? 'nothing is turned away', evidence: refused.slice(0, 2) };
      }),
      unanswered({ id: 'cut-off', claim: 'The first one is cut off' }, after(one)),
      secondWorks(two),
    ];
  },
};

const given: Act = {
  id: 'given',
  title: 'The gateway gives each an inner address of its own: the private one is nobody\'s business any longer',
  topology: 'two-homes',
  keepsTopology: true,
  adjust: { clients: { address: shared } },
  play: oneAfterTheOther,
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      sameAddress(cast),
      claim({ id: 'given', claim: 'Each has been given an address that the other has not', expected: 'two inner addresses', ref: 'RFC 3948 §5.1' }, (trace) => {
        const addresses = [one, two].flatMap(({ name }) => trace.of('virtual-address', name).slice(0, 1));
        return { holds: addresses.length === 2 && new Set(addresses.map(({ body }) => body.address)).size === 2, observed: addresses.map(({ body }) => body.address).join(' and ') || 'none', evidence: addresses };
      }),
      ownSelectors(cast),
      firstWorks(one),
      secondWorks(two),
    ];
  },
};

const transportMode = { esp: { mode: 'transport' } } as const satisfies Adjustment['clients'];

const transport: Act = {
  id: 'transport',
  title: 'In transport mode there is no inner address: the gateway knows each by the address of its box',
  topology: 'two-homes',
  keepsTopology: true,
  adjust: { clients: { ...transportMode, address: shared }, gateway: transportMode },
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    for (const client of [one, two]) await comesIn(stage, client);
    stage.step('Each speaks to the gateway itself');
    await stage.expect(errandsDone([one, two].map(errandOf)), seconds(10), () => {
      for (const client of [one, two]) stage.command(client.name, { kind: 'udp-echo', echo: errandOf(client).name, to: stage.cast.gateway.address, count: 1, interval: seconds(1), timeout: seconds(3) });
    });
  },
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      sameAddress(cast),
      claim({ id: 'by-box', claim: 'To the gateway each is its box', expected: "two child SAs, each with the address of the client's box", ref: cast.ike === 'v2' ? 'RFC 7296 §2.23.1' : 'RFC 3947 §5.2' }, (trace) => {
        const children = childrenOf(trace, cast);
        const wanted = cast.boxes.map(({ box }) => `${box.outsideAddresses[0]!}/32`);
        const known = children.map(({ body }) => body.selectors.split(' === ')[1] ?? '');
        return { holds: children.length === 2 && wanted.every((address) => known.includes(address)), observed: known.join(' and ') || 'no child SA at the gateway', evidence: children };
      }),
      returned({ id: 'first-works', claim: 'The first one is answered' }, errandOf(one)),
      returned({ id: 'second-works', claim: 'And so is the second' }, errandOf(two)),
    ];
  },
};

// ---- what is played --------------------------------------------------------------------------------------------------------

async function oneAfterTheOther(stage: Stage): Promise<void> {
  const { cast } = stage;
  const [one, two] = pair(cast);
  await comesIn(stage, one);
  await ping(stage, { ping: before(one), from: one.name, to: cast.server });
  await comesIn(stage, two);
  stage.step('Both send to the protected network');
  await ping(stage, { ping: after(one), from: one.name, to: cast.server });
  await ping(stage, { ping: after(two), from: two.name, to: cast.server });
}

async function comesIn(stage: Stage, client: Client): Promise<void> {
  stage.step(`${client.name} comes in from ${client.address}`);
  await bringUp(stage, [client]);
}

const before = ({ name }: Client): string => `of ${name}, alone`;
const after = ({ name }: Client): string => `of ${name}, both there`;
const errandOf = ({ name }: Client): Errand => ({ program: 'udp-echo', name: `a datagram of ${name}` });

function pair({ clients }: Cast): readonly [Client, Client] {
  const [one, two = one] = clients;
  return [one!, two!];
}

// ---- checks ----------------------------------------------------------------------------------------------------------------

const firstWorks = (one: Client): Check => answered({ id: 'first-works', claim: 'The first one works, with the second there' }, after(one));
const secondWorks = (two: Client): Check => answered({ id: 'second-works', claim: 'The second one works' }, after(two));

/** The child SAs of the clients at the gateway, the first one's first. */
const childrenOf = (trace: Trace, { gateway }: Cast): readonly EventOf<'child-sa'>[] => trace.of('child-sa', gateway.name).filter(({ body }) => body.state === 'established');
const espOf = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenEsp[] => seenAt(trace, { node, direction }).filter(isEsp);

const sameAddress = (cast: Cast): Check =>
  guard({ id: 'same-address', claim: 'Both clients have one and the same address, and the gateway sees them at two', expected: 'one source inside, two at the gateway' }, (trace) => {
    const inside = new Set(pair(cast).flatMap(({ name }) => espOf(trace, name, 'out').map(({ from }): IpAddress => from.address)));
    const arrived = espOf(trace, cast.gateway.name, 'in');
    const outside = new Set(arrived.map(({ from }) => from.address));
    return { holds: inside.size === 1 && outside.size === 2, observed: `${[...inside].join(', ') || 'nothing'} inside, ${[...outside].join(' and ') || 'nothing'} at the gateway`, evidence: arrived.slice(0, 2) };
  });

const ownSelectors = (cast: Cast): Check =>
  claim({ id: 'own-selectors', claim: 'Each has selectors of its own', expected: 'two child SAs at the gateway, two pairs of selectors', ref: 'RFC 3948 §5.1' }, (trace) => {
    const children = childrenOf(trace, cast);
    const selectors = new Set(children.map(({ body }) => body.selectors));
    return { holds: children.length === 2 && selectors.size === 2, observed: [...selectors].join(' and ') || 'no child SA at the gateway', evidence: children };
  });
