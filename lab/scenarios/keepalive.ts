/** Keepalives against mappings that expire (RFC 3948 §4), and what happens when a mapping is lost all the same. */
import { describeEndpoint } from '../../src/core/address.ts';
import { describeDuration, minutes, scaled, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { aroundControl } from '../checks/box-events.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { saidBy } from '../checks/negotiation.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { answersProbe, happens } from '../checks/waiting.ts';
import { isEsp, isKeepalive, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { count } from './parameters.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { askWhetherAlive, connectAndTry, ping, pingClient } from './stagecraft.ts';

/** The box forgets an idle mapping after this; the client speaks every so often. */
const timeout = seconds(30);
const interval = seconds(20);
/** How far before and after the timeout counts as "just in time" and "just too late". */
const margin = scaled(timeout, 0.1);

const withTimers = (keepalive: Duration | 'off', preset?: string): Adjustment => ({
  clients: { ike: { keepalive: keepalive === 'off' ? 'off' : describeDuration(keepalive) } },
  gateway: { ike: { keepalive: 'off' } },
  boxes: { ...(preset && { preset }), behaviour: { timeouts: { unreplied: describeDuration(timeout), replied: describeDuration(timeout) } } },
});

export const keepalive = defineScenario({
  id: 'keepalive',
  chapter: 'Staying alive',
  title: 'One octet against forgetting',
  teaches:
    'A NAT box forgets who is silent. One octet 0xFF now and then keeps the mapping, and with it the way back to the client, open; it proves nothing to the gateway, which follows a moved client only when an authenticated packet comes from the new place.',
  refs: ['RFC 3948 §4', 'RFC 4787 §4.3', 'RFC 7296 §2.23'],
  parameters: {
    minutes: count(1, 1440, { virtual: 60, real: 3 }, 'how long the tunnel is idle in the act "cure"'),
    forgets: count(2, 3600, 30, 'seconds after which the box forgets in the act "as-configured"'),
  },
  acts: ({ minutes: idle, forgets }) => [
    control,
    cure(minutes(idle)),
    timed('just-in-time', `A keepalive every ${describeDuration((timeout - margin) as Duration)}, a little faster than the box forgets: it holds`, (timeout - margin) as Duration, true),
    timed('just-too-late', `A keepalive every ${describeDuration((timeout + margin) as Duration)}, a little slower than the box forgets: each time there is a gap`, (timeout + margin) as Duration, false),
    lost,
    asConfigured(seconds(forgets)),
  ],
});

const control: Act = {
  id: 'control',
  title: 'No keepalives: the mapping expires, and the gateway\'s packet dies at the box',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: withTimers('off'),
  play: async (stage) => {
    await connectAndTry(stage, 'client to server');
    stage.step(`Nobody speaks. The box forgets after ${describeDuration(timeout)}`);
    await stage.expect(happens('mapping-expired', 'the mapping expires', ({ body }) => body.mapping.inside.port === 4500), scaled(timeout, 1.5));
    await stage.pass(margin);
    await stage.table(boxOf(stage.cast));
    await gatewaySpeaks(stage, 'gateway to client, too late');
  },
  checks: (cast) => [
    answered({ id: 'worked', claim: 'Before the silence the tunnel worked' }, 'client to server'),
    guard({ id: 'expired', claim: 'The mapping of port 4500 expired while nobody spoke', expected: 'it is gone from the box\'s table' }, (trace) => {
      const expired = expirations(trace, cast);
      return { holds: expired.length > 0, observed: expired[0]?.body.story ?? 'nothing expired', evidence: expired.slice(0, 1) };
    }),
    claim({ id: 'silent', claim: 'The client sent no keepalive', expected: 'no short datagram on 4500' }, (trace) => {
      const sent = keepalivesOf(trace, cast);
      return { holds: sent.length === 0, observed: plural(sent.length, 'keepalive'), evidence: sent.slice(0, 3) };
    }),
    diesAtTheBox(cast, 'gateway to client, too late'),
    unanswered({ id: 'cut-off', claim: 'The gateway no longer reaches the client' }, 'gateway to client, too late'),
  ],
};

const cure = (idle: Duration): Act => ({
  id: 'cure',
  title: `A keepalive every ${describeDuration(interval)}: after ${describeDuration(idle)} of silence the gateway still reaches the client`,
  topology: 'home',
  needs: { boxes: 1 },
  adjust: withTimers(interval),
  play: async (stage) => {
    await connectAndTry(stage, 'client to server');
    stage.step(`${describeDuration(idle)} pass, and nobody has anything to say`);
    await stage.pass(idle);
    await stage.table(boxOf(stage.cast));
    await gatewaySpeaks(stage, 'gateway to client, much later');
  },
  checks: (cast) => [
    guard({ id: 'long-enough', claim: 'The silence was longer than the box remembers', expected: `more than ${describeDuration(timeout)} without anything but keepalives` }, (trace) => {
      const end = trace.of('ping-sent').at(-1);
      const data = clientSends(trace, cast).filter((seen) => !isKeepalive(seen) && (!end || seen.event.at < end.at));
      const silence = end && data.length > 0 ? end.at - data.at(-1)!.event.at : 0;
      return { holds: silence > timeout, observed: `${describeDuration(Math.round(silence) as Duration)} between the last data and the gateway's ping`, evidence: [...data.slice(-1), ...(end ? [end] : [])] };
    }),
    oneOctet(cast),
    onlyWhenIdle(cast, interval),
    oftenEnough(cast, interval),
    claim({ id: 'same-port', claim: 'The gateway sees the client at the same address and port throughout', expected: 'one source on 4500', ref: 'RFC 4787 §4.3' }, (trace) => {
      const arrivals = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter(({ to }) => to.port === 4500);
      const sources = new Set(arrivals.map(({ from }) => describeEndpoint(from)));
      return { holds: sources.size === 1, observed: [...sources].join(', ') || 'nothing arrived', evidence: [...arrivals.slice(0, 1), ...arrivals.slice(-1)] };
    }),
    answered({ id: 'reached', claim: 'The gateway still reaches the client' }, 'gateway to client, much later'),
  ],
});

/** The gateway speaks a moment after the box's timeout, counted from a keepalive: is there still a way in? */
const timed = (id: string, title: string, every: Duration, holds: boolean): Act => ({
  id,
  title,
  topology: 'home',
  needs: { boxes: 1 },
  adjust: withTimers(every),
  play: async (stage) => {
    await connectAndTry(stage, 'client to server');
    stage.step(`The keepalives come every ${describeDuration(every)}; the gateway speaks just after the box's ${describeDuration(timeout)}`);
    await stage.expect(happens('keepalive-sent', 'two keepalives', nth(2)), scaled(every, 3));
    await stage.pass((timeout + margin / 2) as Duration);
    await gatewaySpeaks(stage, 'gateway to client, in the gap');
  },
  checks: (cast) => [
    guard({ id: 'keepalives', claim: 'Keepalives were sent', expected: `one every ${describeDuration(every)}` }, (trace) => {
      const sent = keepalivesOf(trace, cast);
      return { holds: sent.length >= 2, observed: plural(sent.length, 'keepalive'), evidence: sent.slice(0, 3) };
    }),
    oneOctet(cast),
    holds
      ? answered({ id: 'held', claim: 'The mapping held from one keepalive to the next' }, 'gateway to client, in the gap')
      : unanswered({ id: 'gap', claim: 'Between the box\'s forgetting and the next keepalive nothing gets in' }, 'gateway to client, in the gap'),
    ...(holds ? [] : [diesAtTheBox(cast, 'gateway to client, in the gap')]),
  ],
});

const lost: Act = {
  id: 'lost',
  title: 'The box loses its table all the same: a keepalive opens a new mapping, an authenticated packet brings the gateway there',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: withTimers(interval, 'linux-masquerade-random'),
  play: async (stage) => {
    const { clients, gateway } = stage.cast;
    await connectAndTry(stage, 'client to server');
    stage.step('The box loses its table, as at a power cut. The next keepalive opens a new mapping');
    await stage.expect(happens('keepalive-sent', 'a keepalive after the flush'), scaled(interval, 2), () => stage.control(boxOf(stage.cast), { kind: 'flush' }));
    await stage.pass(seconds(1));
    await stage.table(boxOf(stage.cast));
    stage.step('An octet 0xFF proves nothing: the gateway still speaks to the old port');
    await gatewaySpeaks(stage, 'gateway to client, old port');
    stage.step('The client says something that is authenticated');
    await ping(stage, { ping: 'client to server, new port', from: clients[0]!.name, to: stage.cast.server });
    stage.step(`Now ${gateway.name} has followed`);
    await gatewaySpeaks(stage, 'gateway to client, new port');
  },
  checks: (cast) => [
    guard({ id: 'moved', claim: 'The keepalive came from another port than the data before it', expected: 'a new mapping with another outside port' }, (trace) => {
      const { before, after } = aroundControl(trace, cast);
      if (!before || !after) return nothing('nothing arrived before or after the flush');
      return { holds: isKeepalive(after) && before.from.port !== after.from.port, observed: `${describeEndpoint(before.from)} before, ${describeEndpoint(after.from)} after`, evidence: [before, after] };
    }),
    claim({ id: 'proves-nothing', claim: 'The keepalive does not move the gateway', expected: 'no change of the peer\'s address until an authenticated packet', ref: 'RFC 3948 §2.3' }, (trace) => {
      const { after } = aroundControl(trace, cast);
      const follow = trace.of('peer-moved', cast.gateway.name).at(0);
      const proof = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).find((seen) => after !== undefined && seen.seq > after.seq && isEsp(seen));
      if (!after || !proof) return nothing('no keepalive, or no authenticated packet after it');
      return { holds: follow === undefined || follow.at >= proof.event.at, observed: follow ? `moved ${describeDuration(Math.round(follow.at - after.event.at) as Duration)} after the keepalive, ${follow.at >= proof.event.at ? 'with' : 'before'} the first authenticated packet` : 'never moved', evidence: [after, proof, ...(follow ? [follow] : [])] };
    }),
    diesAtTheBox(cast, 'gateway to client, old port'),
    unanswered({ id: 'old-port', claim: 'What the gateway sends to the old port is lost' }, 'gateway to client, old port'),
    claim({ id: 'follows', claim: 'The first authenticated packet brings the gateway to the new port', expected: 'the peer moved to where the packet came from', ref: 'RFC 7296 §2.23' }, (trace) => {
      const { after } = aroundControl(trace, cast);
      const [follow] = trace.of('peer-moved', cast.gateway.name);
      return { holds: follow !== undefined && after !== undefined && describeEndpoint(follow.body.to) === describeEndpoint(after.from), observed: follow?.body.story ?? 'the gateway did not follow', evidence: follow ? [follow] : [] };
    }),
    answered({ id: 'client-again', claim: 'The client reaches the protected network again' }, 'client to server, new port'),
    answered({ id: 'gateway-again', claim: 'The gateway reaches the client again' }, 'gateway to client, new port'),
  ],
};

/** Nobody tells the client how often to speak, so that it can be any daemon. */
const asConfigured = (forgets: Duration): Act => ({
  id: 'as-configured',
  title: `The client as the topology has it: does what it sends by itself keep the way open through a box that forgets after ${describeDuration(forgets)}?`,
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { boxes: { behaviour: { timeouts: { unreplied: describeDuration(forgets), replied: describeDuration(forgets) } } } },
  play: async (stage) => {
    await connectAndTry(stage, 'client to server');
    stage.step('Nobody has anything to say, and the client is left to itself');
    await stage.pass(scaled(forgets, 1.2));
    await stage.table(boxOf(stage.cast));
    stage.step('The gateway asks whether the client lives');
    await askWhetherAlive(stage, stage.cast.gateway);
  },
  checks: (cast) => [
    answered({ id: 'worked', claim: 'Before the silence the tunnel worked' }, 'client to server'),
    guard({ id: 'long-enough', claim: 'The client was silent for longer than the box remembers', expected: `more than ${describeDuration(forgets)} without anything but keepalives` }, (trace) => {
      const [question] = saidBy(trace, cast.gateway.name).questions;
      const data = clientSends(trace, cast).filter((seen) => !isKeepalive(seen) && question !== undefined && seen.event.at < question.event.at);
      const silence = question && data.length > 0 ? question.event.at - data.at(-1)!.event.at : 0;
      return { holds: silence > forgets, observed: `${describeDuration(Math.round(silence) as Duration)} between the last that the client said and the gateway's question`, evidence: [...data.slice(-1), ...(question ? [question] : [])] };
    }),
    oneOctet(cast),
    claim({ id: 'held', claim: 'The mapping held: the gateway asks over IKE, and the client answers', expected: 'an answer', ref: 'RFC 7296 §2.4' }, (trace) => {
      const answers = trace.of('ike-message', cast.gateway.name).filter((event) => answersProbe(event, cast.gateway.name));
      return { holds: answers.length > 0, observed: plural(answers.length, 'answer'), evidence: answers.slice(0, 1) };
    }),
  ],
});

const boxOf = ({ boxes }: Cast): string => boxes[0]?.name ?? '';

/** A fresh predicate's condition that holds from the nth event on. */
const nth = (n: number): (() => boolean) => {
  let seen = 0;
  return () => ++seen >= n;
};

const gatewaySpeaks = (stage: Stage, name: string): Promise<void> => pingClient(stage, stage.cast.clients[0]!, name);

const clientSends = (trace: Trace, { clients }: Cast): readonly Seen[] => seenAt(trace, { node: clients[0]!.name, direction: 'out' }).filter(({ to }) => to.port === 4500);
const keepalivesOf = (trace: Trace, cast: Cast): readonly Seen[] => clientSends(trace, cast).filter(isKeepalive);
const expirations = (trace: Trace, cast: Cast): readonly EventOf<'mapping-expired'>[] => trace.of('mapping-expired', boxOf(cast)).filter(({ body }) => body.mapping.inside.port === 4500);

const oneOctet = (cast: Cast): Check =>
  claim({ id: 'one-octet', claim: 'Each keepalive is exactly one octet, 0xFF', expected: 'UDP payload ff', ref: 'RFC 3948 §2.3' }, (trace) => {
    const sent = keepalivesOf(trace, cast);
    const wrong = sent.filter(({ content }) => content.kind === 'keepalive' && !content.exact);
    return { holds: sent.length > 0 && wrong.length === 0, observed: wrong.length > 0 ? `${wrong[0]!.payload.length} octets: ${Buffer.from(wrong[0]!.payload).toString('hex')}` : sent.length > 0 ? `${plural(sent.length, 'keepalive')}, every one ff` : 'no keepalives', evidence: wrong.length > 0 ? wrong.slice(0, 3) : sent.slice(0, 2) };
  });

/** The daemon learns from the stack in whole seconds when an SA was last used (PF_KEY lifetimes): a keepalive after data may be a second late by that alone. */
const resolution = seconds(1);
/** Clocks of real machines round, and their timers are late. */
const jitter = seconds(0.25);

const onlyWhenIdle = (cast: Cast, every: Duration): Check =>
  claim({ id: 'only-when-idle', claim: 'A keepalive is sent only when nothing else went out', expected: `nothing from the client to the gateway in the ${describeDuration(every)} before it`, ref: 'RFC 3948 §4' }, (trace) => {
    const sent = clientSends(trace, cast);
    const early = sent.filter((seen, i) => isKeepalive(seen) && i > 0 && seen.event.at - sent[i - 1]!.event.at < every - jitter);
    const gaps = sent.flatMap((seen, i) => (isKeepalive(seen) && i > 0 ? [seen.event.at - sent[i - 1]!.event.at] : []));
    return { holds: gaps.length > 0 && early.length === 0, observed: gaps.length > 0 ? `shortest silence before a keepalive: ${describeDuration(Math.min(...gaps) as Duration)}` : 'no keepalives', evidence: early.slice(0, 3) };
  });

const oftenEnough = (cast: Cast, every: Duration): Check =>
  claim({ id: 'often-enough', claim: `The client is never silent for longer than the interval`, expected: `no silence longer than ${describeDuration((every + resolution + jitter) as Duration)}`, ref: 'RFC 3948 §4' }, (trace) => {
    const sent = clientSends(trace, cast);
    const end = trace.of('ping-sent', cast.gateway.name).at(-1);
    // The last silence is the one that the gateway breaks: a client that has fallen silent for good is silent until then.
    const speaks = [...sent.map(({ event }) => event.at), ...(end ? [end.at] : [])].sort((one, other) => one - other);
    const gaps = speaks.slice(1).map((at, i) => at - speaks[i]!);
    const longest = Math.max(0, ...gaps);
    return { holds: sent.length > 0 && end !== undefined && longest <= every + resolution + jitter, observed: `longest silence ${describeDuration(Math.round(longest) as Duration)} in ${plural(sent.length, 'packet')}`, evidence: [...sent.slice(0, 1), ...(end ? [end] : [])] };
  });

/** Seen on the wire on both sides of the box: what came to its outside did not go on inside. */
const diesAtTheBox = ({ boxes, gateway, clients }: Cast, name: string): Check =>
  claim({ id: 'dies-at-the-box', claim: 'The gateway\'s packet reaches the box and goes no further', expected: 'seen on the outside, not on the inside', ref: 'RFC 4787 §4.3' }, (trace) => {
    const [pinged] = trace.of('ping-sent', gateway.name).filter(({ body }) => body.ping === name);
    if (!pinged) return nothing('the gateway sent no ping');
    // Of boxes in a row the one that the packet meets first, coming from the gateway.
    const arrived = boxes
      .flatMap((box) => seenAt(trace, { node: box.name, interface: box.outside, direction: 'in' }).filter((seen) => isEsp(seen) && seen.event.at >= pinged.at))
      .sort((one, other) => one.event.at - other.event.at);
    const delivered = seenAt(trace, { node: clients[0]!.name, direction: 'in' });
    const through = arrived.filter((seen) => delivered.some((other) => sameOnTheWay(seen, other)));
    const [first] = arrived;
    return {
      holds: first !== undefined && !through.includes(first),
      observed: first === undefined ? 'it did not even reach the box' : through.includes(first) ? `it went through: ${path(first)}` : `${path(first)} came to the box and was not forwarded`,
      evidence: first ? [first] : [],
    };
  });
