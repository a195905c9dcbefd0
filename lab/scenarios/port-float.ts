/** The move to port 4500: which message, from where to where, with which marker (RFC 7296 §2.23, RFC 3948 §2). */
import { describeEndpoint, sameEndpoint } from '../../src/core/address.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs, movesTo4500, staysOn500 } from '../checks/float.ts';
import { negotiations, saidBy } from '../checks/negotiation.ts';
import { answered } from '../checks/pings.ts';
import { isEsp, isIke, path, ports, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen, SeenIke } from '../checks/wire.ts';
import type { Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { askWhetherAlive, bringUp, ping } from './stagecraft.ts';

const connectAndTry = async (stage: Stage): Promise<void> => {
  const [client] = stage.cast.clients;
  await bringUp(stage, [client!]);
  stage.step('The tunnel is tried, and the gateway asks whether the client lives: both directions, both kinds of packets');
  await ping(stage, { ping: 'client to server', from: client!.name, to: stage.cast.server });
  await askWhetherAlive(stage, stage.cast.gateway);
};

const float: Act = {
  id: 'float',
  title: 'Begun on 500 behind a NAT: once the NAT is known all goes to 4500, and nothing goes back',
  topology: 'home',
  needs: { boxes: 1 },
  play: async (stage) => {
    stage.step('The client begins on port 500, as ever');
    await connectAndTry(stage);
  },
  checks: (cast) => [
    translated(cast),
    movesTo4500(cast),
    markers(cast),
    nothingLeftOn500(cast),
    answersToTheObservedAddress(cast),
    noEspOn500(cast),
    dataTravelsAs(cast, 'udp'),
    answered({ id: 'data', claim: 'Data flows once the SA has moved' }, 'client to server'),
  ],
};

const startOn4500: Act = {
  id: 'start-on-4500',
  title: 'A daemon that starts on 4500 at once: port 500 is never touched, the marker is there from the first message on',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { clients: { ike: { startPort: 4500 } } },
  play: async (stage) => {
    stage.step('The client sends its very first message from 4500 to 4500');
    await connectAndTry(stage);
  },
  checks: (cast) => [
    translated(cast),
    claim({ id: 'never-on-500', claim: 'Nothing ever uses port 500', expected: `every message between client and gateway on 4500, ${negotiations[cast.ike].opening} first`, ref: negotiations[cast.ike].refs.move }, (trace) => {
      const messages = ikeAt(trace, cast.clients[0]!.name);
      const on500 = seenAt(trace, { node: cast.clients[0]!.name }).filter(uses(ports.ike));
      const [first] = messages;
      return {
        holds: first !== undefined && negotiations[cast.ike].isOpening(first) && uses(ports.natt)(first) && on500.length === 0,
        observed: on500.length > 0 ? `on 500: ${path(on500[0]!)}` : first ? `${plural(messages.length, 'IKE message')}, the first ${path(first)}` : 'no IKE at all',
        evidence: on500.length > 0 ? on500.slice(0, 3) : messages.slice(0, 2),
      };
    }),
    markers(cast),
    answersToTheObservedAddress(cast),
    dataTravelsAs(cast, 'udp'),
    answered({ id: 'data', claim: 'Data flows' }, 'client to server'),
  ],
};

const noNat: Act = {
  id: 'no-nat',
  title: 'The control: without a NAT there is no reason to move, and nobody moves',
  topology: 'direct',
  keepsTopology: true,
  play: async (stage) => {
    stage.step('The same client on the same network as the gateway');
    await connectAndTry(stage);
  },
  checks: (cast) => [staysOn500(cast), markers(cast), dataTravelsAs(cast, 'none'), answered({ id: 'data', claim: 'Data flows as plain ESP' }, 'client to server')],
};

export const portFloat = defineScenario({
  id: 'port-float',
  chapter: 'The move to port 4500',
  title: 'The move to port 4500',
  teaches:
    'Once a NAT is known, the initiator sends its next message from 4500 to 4500 with four zero octets in front, so that IKE and ESP can share one mapping. The responder answers to whatever address and port it sees.',
  refs: ['RFC 7296 §2.23', 'RFC 3948 §2', 'RFC 3947 §4'],
  parameters: {},
  acts: () => [float, startOn4500, noNat],
});

const uses = (port: number) => ({ from, to }: Seen): boolean => from.port === port || to.port === port;
const ikeAt = (trace: Trace, node: string, direction?: 'in' | 'out'): readonly SeenIke[] => seenAt(trace, { node, ...(direction && { direction }) }).filter(isIke);

const translated = (cast: Cast): Check =>
  guard({ id: 'translated', claim: 'The box translated the client', expected: 'the gateway sees another address than the client has' }, (trace) => {
    const [arrived] = ikeAt(trace, cast.gateway.name, 'in');
    return arrived ? { holds: arrived.from.address !== cast.clients[0]!.address, observed: `the gateway saw ${path(arrived)}`, evidence: [arrived] } : nothing('nothing reached the gateway');
  });

/** Looked at in the octets: whoever leaves the marker out, or puts one on 500, is seen. */
const markers = ({ clients, gateway }: Cast): Check =>
  claim({ id: 'marker', claim: 'IKE on 4500 has the non-ESP marker in front, IKE on 500 has none', expected: 'four zero octets in front of the header exactly where a port is 4500', ref: 'RFC 3948 §2.2' }, (trace) => {
    const messages = [...ikeAt(trace, clients[0]!.name, 'out'), ...ikeAt(trace, gateway.name, 'out')];
    const wrong = messages.filter((message) => message.content.marker !== uses(ports.natt)(message));
    const marked = messages.filter(({ content }) => content.marker).length;
    return {
      holds: messages.length >= 4 && wrong.length === 0,
      observed: wrong.length > 0 ? `${wrong[0]!.content.marker ? 'a marker' : 'no marker'} on ${path(wrong[0]!)}` : `${marked} of ${plural(messages.length, 'message')} marked, all where they must be`,
      evidence: wrong.length > 0 ? wrong.slice(0, 3) : messages.slice(0, 4),
    };
  });

const nothingLeftOn500 = ({ clients, ike }: Cast): Check =>
  claim({ id: 'no-way-back', claim: 'After the move nothing of this SA uses port 500', expected: 'no packet from or to 500 after the first on 4500', ref: negotiations[ike].refs.move }, (trace) => {
    const seen = seenAt(trace, { node: clients[0]!.name });
    const moved = seen.find(uses(ports.natt));
    if (!moved) return nothing('nothing ever used 4500');
    // The same answer once more is none of the SA's doing: its question was asked twice before the move.
    const isEcho = (one: Seen): boolean => one.event.body.direction === 'in' && seen.some((other) => other.seq < moved.seq && sameOnTheWay(one, other));
    const late = seen.filter((one) => one.seq > moved.seq && uses(ports.ike)(one) && !isEcho(one));
    return { holds: late.length === 0, observed: late.length > 0 ? `back on 500: ${path(late[0]!)}` : `${plural(seen.filter((one) => one.seq > moved.seq).length, 'packet')} followed, none on 500`, evidence: late.length > 0 ? late.slice(0, 3) : [moved] };
  });

/** Every answer goes to where its request came from, as the gateway saw it, and from where the request went to. */
const answersToTheObservedAddress = ({ gateway, ike }: Cast): Check =>
  claim({ id: 'answers', claim: 'The responder answers to the address and port that it observes', expected: 'each answer goes back exactly the way its question came', ref: ike === 'v2' ? 'RFC 7296 §2.11' : 'RFC 3947 §4' }, (trace) => {
    const { answers } = saidBy(trace, gateway.name);
    const wrong = answers.filter(({ answer, to }) => to === undefined || !sameEndpoint(answer.to, to.from) || !sameEndpoint(answer.from, to.to));
    return {
      holds: answers.length >= 2 && wrong.length === 0,
      observed: wrong.length > 0 ? `an answer went ${path(wrong[0]!.answer)}, where its question did not come from` : answers.length > 0 ? `${plural(answers.length, 'answer')}, the last to ${describeEndpoint(answers.at(-1)!.answer.to)}` : 'no answers',
      evidence: wrong.length > 0 ? wrong.slice(0, 3).map(({ answer }) => answer) : answers.slice(0, 2).flatMap(({ answer, to }) => (to ? [to, answer] : [answer])),
    };
  });

const noEspOn500 = ({ clients, gateway }: Cast): Check =>
  claim({ id: 'no-esp-on-500', claim: 'There is no ESP on port 500', expected: 'every datagram on 500 is an IKE message', ref: 'RFC 7296 §2.23' }, (trace) => {
    const on500 = [clients[0]!.name, gateway.name].flatMap((node) => seenAt(trace, { node }).filter(uses(ports.ike)));
    const esp = on500.filter((seen) => isEsp(seen) || !isIke(seen));
    return { holds: on500.length > 0 && esp.length === 0, observed: esp.length > 0 ? `not IKE: ${path(esp[0]!)}` : `${plural(on500.length, 'datagram')} on 500, all IKE`, evidence: esp.length > 0 ? esp.slice(0, 3) : on500.slice(0, 2) };
  });
