/** "VPN passthrough": the box that refuses to translate source port 500, and how clients get past it. */
import { describeDuration, minutes, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { saidBy } from '../checks/negotiation.ts';
import { answered } from '../checks/pings.ts';
import { findsPeerAlive, givesUp } from '../checks/sas.ts';
import { all, answersProbe, happens, tunnelUp } from '../checks/waiting.ts';
import { cameOut, isIke, path, ports, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const passthrough = defineScenario({
  id: 'passthrough',
  chapter: 'Boxes that help too much',
  title: 'The box that helps too much',
  teaches:
    'A box with "VPN passthrough" does not translate source port 500, so one client at a time can use it. Who moves to 4500 frees it for the next, after the box has forgotten the old mapping; who starts on 4500 never meets the problem.',
  refs: ['RFC 3715 §2.3', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [withoutNatTraversal, withNatTraversal, startOn4500, stolen, stolenAfterTheMove],
});

/** Without NAT traversal both stay on 500, and the first one's dead-peer detection keeps its mapping alive. */
const staying: Adjustment = { clients: { ike: { natTraversal: false, deadPeerDetection: '10 s' } }, gateway: { ike: { natTraversal: false } } };

/** Longer than an IKE daemon tries: 4 s and its five retransmissions. */
const patience = minutes(4);

const withoutNatTraversal: Act = {
  id: 'without-nat-t',
  title: 'Without NAT traversal: the first client holds port 500, and the second never gets in',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  adjust: staying,
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    await firstComesIn(stage, one);
    stage.step(`${two.name} wants the same port for the same server`);
    await bringUp(stage, [two], patience);
    await stage.table(boxOf(stage.cast));
    await ping(stage, { ping: 'the first one, still', from: one.name, to: stage.cast.server });
  },
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      pinned(cast),
      claim({ id: 'never-in', claim: 'Nothing of the second client comes out of the box', expected: 'its requests are seen inside and never outside' }, (trace) => {
        const { inside, through } = fate(trace, cast, two);
        return { holds: inside.length > 1 && through.length === 0, observed: `${plural(inside.length, 'request')} inside, ${through.length} outside`, evidence: [...inside.slice(0, 3), ...through.slice(0, 3)] };
      }),
      givesUp({ id: 'gives-up', claim: 'The second client gives up' }, two.name),
      answered({ id: 'first-works', claim: 'The first client works throughout' }, 'the first one, still'),
      stillOn500(one),
    ];
  },
};

const withNatTraversal: Act = {
  id: 'with-nat-t',
  title: 'With NAT traversal: the first moves to 4500, its mapping of 500 expires, and the second comes in by itself',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    await firstComesIn(stage, one);
    stage.step(`${two.name} tries: port 500 is still taken, though ${one.name} no longer uses it`);
    await stage.expect(
      all('the old mapping has expired and the second is in', [happens('mapping-expired', 'expired', ({ body }) => body.mapping.inside.port === ports.ike), tunnelUp(two.name)]),
      patience,
      () => stage.command(two.name, { kind: 'initiate', connection: two.connection }),
    );
    await stage.table(boxOf(stage.cast));
    await ping(stage, { ping: 'the second', from: two.name, to: stage.cast.server }, { ping: 'the first one, still', from: one.name, to: stage.cast.server });
  },
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      pinned(cast),
      claim({ id: 'waits', claim: 'Until the first one\'s mapping of 500 has expired, the second is refused; the next attempt gets through', expected: 'attempts before the expiry die at the box, one after it does not' }, (trace) => {
        const expired = trace.of('mapping-expired', boxOf(cast)).find(({ body }) => body.mapping.inside.port === ports.ike && body.mapping.inside.address === one.address);
        const { inside, through } = fate(trace, cast, two);
        const [entered] = through;
        if (!expired) return nothing('the mapping of 500 never expired');
        const early = inside.filter(({ event }) => event.at < expired.at - slack);
        return {
          holds: early.length > 0 && entered !== undefined && entered.event.at >= expired.at - slack,
          observed: `${plural(early.length, 'attempt')} before the expiry at ${at(expired.at)}, through at ${entered ? at(entered.event.at) : 'no time'}`,
          evidence: [...early.slice(0, 2), expired, ...(entered ? [entered] : [])],
        };
      }),
      answered({ id: 'second-works', claim: 'The second client works' }, 'the second'),
      answered({ id: 'first-works', claim: 'The first client is not disturbed' }, 'the first one, still'),
    ];
  },
};

const startOn4500: Act = {
  id: 'start-on-4500',
  title: 'Started on 4500, which this box translates like any other port: both are in at once',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  adjust: { clients: { ike: { startPort: 4500 } } },
  play: async (stage) => {
    stage.step('Both start at the same moment, from 4500 to 4500');
    await bringUp(stage, stage.cast.clients);
    await stage.table(boxOf(stage.cast));
    await ping(stage, ...stage.cast.clients.map(({ name }) => ({ ping: `of ${name}`, from: name, to: stage.cast.server })));
  },
  checks: (cast) => [
    guard({ id: 'pins-500', claim: 'The box does pin port 500', expected: '500 among its pinned ports' }, () => {
      const pins = cast.boxes.flatMap(({ box }) => box.behaviour.pinned.ports);
      return { holds: pins.includes(ports.ike), observed: pins.length > 0 ? `pinned: ${pins.join(', ')}` : 'it pins nothing', evidence: [] };
    }),
    claim({ id: 'at-once', claim: 'Nobody has to wait', expected: 'every tunnel up before the first retransmission' }, (trace) => {
      const ups = cast.clients.flatMap(({ name }) => trace.of('child-sa', name).filter(({ body }) => body.state === 'established').slice(0, 1));
      const repeated = trace.of('ike-message').filter(({ body }) => body.retransmission > 0);
      return { holds: ups.length === cast.clients.length && repeated.length === 0, observed: `${ups.length} of ${cast.clients.length} up${ups.length > 0 ? ` after ${ups.map((up) => at(up.at)).join(' and ')}` : ''}, ${plural(repeated.length, 'retransmission')}`, evidence: ups };
    }),
    ...cast.clients.map(({ name }) => answered({ id: `${name}-works`, claim: `${name} reaches the protected network` }, `of ${name}`)),
  ],
};

const steals: Adjustment['boxes'] = { preset: 'passthrough-500-steal' };

const stolen: Act = {
  id: 'stolen',
  title: 'A box where the newcomer takes the mapping: the first client, still on 500, is cut off',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  // The first one is silent: had it something to say, it would take the mapping back.
  adjust: { clients: { ike: { natTraversal: false } }, gateway: { ike: { natTraversal: false } }, boxes: steals },
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    await firstComesIn(stage, one);
    stage.step(`${two.name} begins, from the same port: the box gives it the mapping`);
    await bringUp(stage, [two]);
    await stage.table(boxOf(stage.cast));
    await gatewayAsks(stage, one);
  },
  checks: (cast) => [
    stolenMapping(cast),
    claim({ id: 'astray', claim: 'What the gateway sends to the first client reaches the second', expected: 'the gateway\'s question arrives at the wrong host' }, (trace) => {
      const [one, two] = pair(cast);
      const questions = gatewayQuestions(trace, cast);
      const strays = questions.filter((question) => seenAt(trace, { node: two.name, direction: 'in' }).some((seen) => sameOnTheWay(seen, question)));
      const right = questions.filter((question) => seenAt(trace, { node: one.name, direction: 'in' }).some((seen) => sameOnTheWay(seen, question)));
      return { holds: strays.length > 0 && right.length === 0, observed: `${strays.length} of ${questions.length} at ${two.name}, ${right.length} at ${one.name}`, evidence: strays.slice(0, 3) };
    }),
    claim({ id: 'cut-off', claim: 'The gateway takes the first client for dead', expected: 'no answer to any of its questions' }, (trace) => {
      const dead = trace.of('peer-dead', cast.gateway.name);
      return { holds: dead.length > 0, observed: dead[0]?.body.story ?? 'it does not', evidence: dead.slice(0, 1) };
    }),
  ],
};

const stolenAfterTheMove: Act = {
  id: 'stolen-after-the-move',
  title: 'The same box, with NAT traversal: the mapping of 500 is stolen from one who no longer needs it',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  adjust: { boxes: steals },
  play: async (stage) => {
    const [one, two] = pair(stage.cast);
    await firstComesIn(stage, one);
    stage.step(`${two.name} begins from 500 and is given the mapping`);
    await bringUp(stage, [two]);
    await stage.table(boxOf(stage.cast));
    await gatewayAsks(stage, one);
    await ping(stage, { ping: 'the first one, still', from: one.name, to: stage.cast.server }, { ping: 'the second', from: two.name, to: stage.cast.server });
  },
  checks: (cast) => [
    stolenMapping(cast),
    findsPeerAlive({ id: 'nobody-dead', claim: 'The gateway reaches the first client all the time' }, cast.gateway.name),
    answered({ id: 'first-works', claim: 'The first client is not disturbed' }, 'the first one, still'),
    answered({ id: 'second-works', claim: 'The second works as well' }, 'the second'),
  ],
};

/** Expiry on a real kernel is noticed a little after it took effect. */
const slack = seconds(2);
const at = (instant: number): string => describeDuration(Math.round(instant) as Duration);
const boxOf = ({ boxes }: Cast): string => boxes[0]?.name ?? '';

function pair({ clients }: Cast): readonly [Client, Client] {
  const [one, two = one] = clients;
  return [one!, two!];
}

async function firstComesIn(stage: Stage, one: Client): Promise<void> {
  stage.step(`${one.name} comes in`);
  await bringUp(stage, [one]);
  await stage.table(boxOf(stage.cast));
}

async function gatewayAsks(stage: Stage, one: Client): Promise<void> {
  const { gateway } = stage.cast;
  stage.step(`The gateway asks ${one.name} whether it lives`);
  await stage.expect(
    { describe: 'an answer, or the gateway gives up', sees: (event) => answersProbe(event, gateway.name) },
    patience,
    () => stage.command(gateway.name, { kind: 'probe', connection: gateway.connection, peerIdentity: one.identity }),
  );
}

/** A client's first requests on 500 inside the box, and those of them that came out of it. */
function fate(trace: Trace, { boxes }: Cast, client: Client): { readonly inside: readonly Seen[]; readonly through: readonly Seen[] } {
  const inside = seenAt(trace, { node: client.name, direction: 'out' }).filter((seen) => isIke(seen) && seen.from.port === ports.ike);
  return { inside, through: cameOut(trace, boxes, inside) };
}

const pinned = (cast: Cast): Check =>
  guard({ id: 'pinned', claim: 'The first client leaves the box from port 500, untranslated, and the second wants the same', expected: 'source port 500 outside, and 500 from the second inside' }, (trace) => {
    const [one, two] = pair(cast);
    const [first] = fate(trace, cast, one).through;
    const [wanted] = fate(trace, cast, two).inside;
    return { holds: first?.from.port === ports.ike && wanted !== undefined && one !== two, observed: `${first ? path(first) : 'nothing'} outside; ${wanted ? path(wanted) : 'nothing'} inside`, evidence: [...(first ? [first] : []), ...(wanted ? [wanted] : [])] };
  });

const stillOn500 = (one: Client): Check =>
  claim({ id: 'stays-on-500', claim: 'The first client never leaves port 500', expected: 'all its IKE from and to 500' }, (trace) => {
    const sent = seenAt(trace, { node: one.name, direction: 'out' }).filter(isIke);
    const moved = sent.filter(({ from }) => from.port !== ports.ike);
    return { holds: sent.length > 0 && moved.length === 0, observed: `${plural(sent.length, 'message')}, ${moved.length} on another port`, evidence: moved.slice(0, 3) };
  });

const stolenMapping = (cast: Cast): Check =>
  guard({ id: 'stolen', claim: 'The second client took the first one\'s mapping of port 500', expected: 'the mapping removed, stolen' }, (trace) => {
    const taken = trace.of('mapping-removed', boxOf(cast)).filter(({ body }) => body.why === 'stolen' && body.mapping.inside.port === ports.ike);
    return { holds: taken.length > 0, observed: taken[0]?.body.story ?? 'nothing was stolen', evidence: taken.slice(0, 1) };
  });

const gatewayQuestions = (trace: Trace, { gateway }: Cast): readonly Seen[] => saidBy(trace, gateway.name).questions;
