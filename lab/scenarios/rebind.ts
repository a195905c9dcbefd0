/** A mapping that moves while a tunnel is up: whoever hears an authenticated packet from the new place brings everything there (RFC 7296 §2.23). */
import { describeEndpoint } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Predicate } from '../backends/backend.ts';
import { aroundControl, controlOf } from '../checks/box-events.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check, Observation } from '../checks/check.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { all, happens } from '../checks/waiting.ts';
import { isEsp, isIke, path, seenAt } from '../checks/wire.ts';
import type { Seen, SeenEsp } from '../checks/wire.ts';
import type { Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { askWhetherAlive, connectAndTry, ping, pingClient } from './stagecraft.ts';

const toClient = 'gateway to client';
const fromClient = 'client to server';

export const rebind = defineScenario({
  id: 'rebind',
  chapter: 'Staying alive',
  title: 'The mapping moves, and the tunnel with it',
  teaches:
    'A box may give a client another port at any time: after a reboot, a full table, a whim. Nobody tells the gateway. The first packet from the new place that proves who sent it, IKE or ESP, moves the IKE SA and every child SA at once, in the middle of a rekey as well.',
  refs: ['RFC 7296 §2.23', 'RFC 3947 §7', 'RFC 3948 §4'],
  parameters: {},
  acts: () => [silent, byEsp, byIke, byRekey, duringRekey, afterRekey],
});

const silent: Act = {
  ...setting('silent', 'The mapping is gone, and the client has nothing to say: the gateway speaks to a port that nobody has any longer'),
  play: async (stage) => {
    await connectAndTry(stage, fromClient);
    await forget(stage);
    await gatewaySpeaks(stage);
  },
  checks: (cast) => [
    answered({ id: 'worked', claim: 'Before the box forgot, the tunnel worked' }, fromClient),
    claim({ id: 'old-place', claim: 'The gateway goes on speaking to the old place', expected: 'its ESP goes where the client was', ref: 'RFC 7296 §2.23' }, (trace) => {
      const { before } = aroundControl(trace, cast);
      const later = espToClient(trace, cast).filter(({ seq }) => seq > flushed(trace, cast));
      return { holds: before !== undefined && later.length > 0 && later.every(({ to }) => describeEndpoint(to) === describeEndpoint(before.from)), observed: later[0] ? path(later[0]) : 'it sent nothing', evidence: later.slice(0, 2) };
    }),
    unanswered({ id: 'lost', claim: 'What it says is lost' }, toClient),
  ],
};

const byEsp: Act = {
  ...setting('by-esp', 'The client sends data: an ESP packet from the new port is proof enough'),
  play: async (stage) => {
    await connectAndTry(stage, `${fromClient}, before`);
    await forget(stage);
    await clientSpeaks(stage);
    await gatewaySpeaks(stage);
    await gatewayProbes(stage);
  },
  checks: (cast) => [...followed(cast, 'esp'), ikeGoesThere(cast), ...bothWays],
};

const byIke: Act = {
  ...setting('by-ike', 'The client asks whether the gateway lives: an IKE message from the new port moves the child SAs as well'),
  play: async (stage) => {
    await connectAndTry(stage, `${fromClient}, before`);
    await forget(stage);
    stage.step('The client asks the gateway whether it is alive');
    await askWhetherAlive(stage, stage.cast.clients[0]!);
    await gatewaySpeaks(stage);
    await clientSpeaks(stage);
  },
  checks: (cast) => [...followed(cast, 'ike'), ikeGoesThere(cast), ...bothWays],
};

const byRekey: Act = {
  ...setting('before-rekey', 'The mapping moves just before a rekey: its first message is the first that comes from the new port'),
  play: async (stage) => {
    await connectAndTry(stage, `${fromClient}, before`);
    await forget(stage);
    await clientRekeys(stage);
    await gatewaySpeaks(stage);
    await clientSpeaks(stage);
  },
  checks: (cast) => [...followed(cast, 'ike'), ikeGoesThere(cast), rekeyed(cast), ...bothWays],
};

const duringRekey: Act = {
  ...setting('during-rekey', 'The mapping moves while the gateway waits for an answer to its rekey: it repeats the request at the new place'),
  play: async (stage) => {
    const { gateway } = stage.cast;
    await connectAndTry(stage, `${fromClient}, before`);
    await forget(stage);
    stage.step('The gateway begins a rekey. Its request goes to the old port, and dies at the box');
    const begun = happens('ike-message', 'the request of the rekey', ({ node, body }) => node === gateway.name && body.direction === 'sent');
    await stage.expect(begun, seconds(5), () => stage.command(gateway.name, { kind: 'rekey', connection: gateway.connection, what: 'child' }));
    await clientSpeaks(stage);
    stage.step('The gateway has followed the client: the request, repeated, finds it');
    await stage.expect(rekeyDone(stage.cast), seconds(60));
    await gatewaySpeaks(stage);
  },
  checks: (cast) => [
    ...followed(cast, 'esp'),
    claim({ id: 'repeated', claim: 'The same request goes to the old place first, then to the new one', expected: 'one message, two destinations', ref: 'RFC 7296 §2.1' }, (trace) => {
      const { after } = aroundControl(trace, cast);
      const requests = ikeToClient(trace, cast).filter(({ seq }) => seq > flushed(trace, cast));
      const [first] = requests;
      const again = requests.find((seen) => first !== undefined && after !== undefined && seen.content.header.messageId === first.content.header.messageId && describeEndpoint(seen.to) === describeEndpoint(after.from));
      if (!first || !after) return nothing('the gateway sent no request, or nothing came from the new place');
      return { holds: again !== undefined && describeEndpoint(first.to) !== describeEndpoint(again.to), observed: again ? `${path(first)}, then ${path(again)}` : `${path(first)}, and not to ${describeEndpoint(after.from)}`, evidence: again ? [first, again] : [first] };
    }),
    rekeyed(cast),
    ...bothWays,
  ],
};

const afterRekey: Act = {
  ...setting('after-rekey', 'The mapping moves after a rekey: the SAs that took over follow like those before them'),
  play: async (stage) => {
    await connectAndTry(stage, `${fromClient}, before`);
    await clientRekeys(stage);
    await forget(stage);
    await clientSpeaks(stage);
    await gatewaySpeaks(stage);
    await gatewayProbes(stage);
  },
  checks: (cast) => [...followed(cast, 'esp'), ikeGoesThere(cast), rekeyed(cast), ...bothWays],
};

// ---- what is played ------------------------------------------------------------------------------------------------------

function setting(id: string, title: string): Pick<Act, 'id' | 'title' | 'topology' | 'needs' | 'adjust'> {
  return {
    id,
    title,
    topology: 'home',
    needs: { boxes: 1 },
    // Ports at random, so that a new mapping is another one. No keepalives: an octet would open it before anybody has said a thing.
    adjust: { clients: { ike: { keepalive: 'off' } }, gateway: { ike: { keepalive: 'off' } }, boxes: { preset: 'linux-masquerade-random' } },
  };
}

async function forget(stage: Stage): Promise<void> {
  stage.step('The box forgets its table. What goes out next gets another port');
  await stage.control(stage.cast.boxes[0]!.name, { kind: 'flush' });
}

async function clientSpeaks(stage: Stage): Promise<void> {
  stage.step('The client sends data');
  await ping(stage, { ping: fromClient, from: stage.cast.clients[0]!.name, to: stage.cast.server });
}

async function gatewaySpeaks(stage: Stage): Promise<void> {
  stage.step('The gateway speaks');
  await pingClient(stage, stage.cast.clients[0]!, toClient);
}

async function gatewayProbes(stage: Stage): Promise<void> {
  stage.step('It asks over IKE, too, whether the client lives');
  await askWhetherAlive(stage, stage.cast.gateway);
}

async function clientRekeys(stage: Stage): Promise<void> {
  const [client] = stage.cast.clients;
  stage.step('The client renews its child SA');
  await stage.expect(rekeyDone(stage.cast), seconds(30), () => stage.command(client!.name, { kind: 'rekey', connection: client!.connection, what: 'child' }));
  // for the DELETE of the old one and its answer
  await stage.pass(seconds(1));
}

const rekeyDone = ({ gateway, clients }: Cast): Predicate =>
  all('the rekey is done', [gateway.name, clients[0]!.name].map((name) => happens('child-sa', `the rekey is done at ${name}`, ({ node, body }) => node === name && body.state === 'rekeyed')));

// ---- what is claimed -----------------------------------------------------------------------------------------------------

const flushed = (trace: Trace, cast: Cast): number => controlOf(trace, cast)?.seq ?? Infinity;
const espToClient = (trace: Trace, { gateway }: Cast): readonly SeenEsp[] => seenAt(trace, { node: gateway.name, direction: 'out' }).filter(isEsp);
const ikeToClient = (trace: Trace, { gateway }: Cast) => seenAt(trace, { node: gateway.name, direction: 'out' }).filter(isIke);

const followed = (cast: Cast, by: 'ike' | 'esp'): readonly Check[] => [
  guard({ id: 'moved', claim: 'The client is behind another port now', expected: 'the first packet after the flush comes from another port than the last before' }, (trace) => {
    const { before, after } = aroundControl(trace, cast);
    if (!before || !after) return nothing('nothing arrived before or after the flush');
    return { holds: before.from.port !== after.from.port, observed: `${describeEndpoint(before.from)} before, ${describeEndpoint(after.from)} after`, evidence: [before, after] };
  }),
  claim({ id: 'follows', claim: `The gateway follows once, on the first ${by === 'esp' ? 'ESP packet' : 'IKE message'} from there`, expected: `one move, to where that ${by === 'esp' ? 'packet' : 'message'} came from`, ref: 'RFC 7296 §2.23' }, (trace) => {
    const { after } = aroundControl(trace, cast);
    const moves = trace.of('peer-moved', cast.gateway.name);
    const right = moves.length === 1 && after !== undefined && moves[0]!.body.by === by && describeEndpoint(moves[0]!.body.to) === describeEndpoint(after.from);
    return { holds: right, observed: moves.map(({ body }) => body.story).join(' ') || 'the gateway did not follow', evidence: moves };
  }),
  claim({ id: 'data-follows', claim: 'Every child SA sends there from then on', expected: 'all ESP of the gateway goes to the new place', ref: 'RFC 7296 §2.23' }, (trace) => allGoThere(trace, cast, espToClient(trace, cast))),
];

const ikeGoesThere = (cast: Cast): Check =>
  claim({ id: 'ike-follows', claim: 'The IKE SA has moved as well', expected: 'all IKE messages of the gateway go to the new place', ref: 'RFC 7296 §2.23' }, (trace) => allGoThere(trace, cast, ikeToClient(trace, cast)));

function allGoThere(trace: Trace, cast: Cast, sent: readonly Seen[]): Observation {
  const { after } = aroundControl(trace, cast);
  if (!after) return nothing('nothing came from a new place');
  const later = sent.filter(({ seq }) => seq > after.seq);
  const astray = later.filter(({ to }) => describeEndpoint(to) !== describeEndpoint(after.from));
  return { holds: later.length > 0 && astray.length === 0, observed: astray[0] ? path(astray[0]) : `${plural(later.length, 'packet')} to ${describeEndpoint(after.from)}`, evidence: (astray.length > 0 ? astray : later).slice(0, 3) };
}

const rekeyed = ({ gateway, clients }: Cast): Check =>
  claim({ id: 'rekeyed', claim: 'The child SA was renewed, on either side', expected: 'both say so', ref: 'RFC 7296 §2.8' }, (trace) => {
    const done = [gateway.name, clients[0]!.name].map((name) => trace.of('child-sa', name).find(({ body }) => body.state === 'rekeyed'));
    const seen = done.flatMap((event) => event ?? []);
    return { holds: seen.length === done.length, observed: seen.length === 0 ? 'nobody has' : seen.map(({ node }) => node).join(' and '), evidence: seen };
  });

const bothWays: readonly Check[] = [answered({ id: 'client-again', claim: 'The client reaches the protected network' }, fromClient), answered({ id: 'gateway-again', claim: 'The gateway reaches the client' }, toClient)];
