/** NAT detection: what each side can know from two hashes (RFC 3947 §3.2, RFC 7296 §2.23). */
import { sameEndpoint } from '../../src/core/address.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs, movesTo4500, staysOn500 } from '../checks/float.ts';
import { conclusion, firstMessage, hashesAsConfigured, offers } from '../checks/nat-detection.ts';
import { negotiations } from '../checks/negotiation.ts';
import { answered } from '../checks/pings.ts';
import { isEsp, path, seenAt } from '../checks/wire.ts';
import type { Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { choice } from './parameters.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

interface Position {
  readonly topology: string;
  readonly title: string;
  /** Who stands behind a NAT, so that the guard can tell whether the topology shows it. */
  readonly behind: { readonly initiator: boolean; readonly responder: boolean };
}

const positions = {
  none: { topology: 'direct', title: 'No box between the two: every hash fits, nothing moves, ESP goes as plain protocol 50', behind: { initiator: false, responder: false } },
  initiator: { topology: 'home', title: 'The client behind a NAT box: its source hash does not fit what the gateway sees', behind: { initiator: true, responder: false } },
  responder: { topology: 'gateway-behind-nat', title: 'The gateway behind a box that forwards to it: the destination hash does not fit', behind: { initiator: false, responder: true } },
  both: { topology: 'both-behind-nat', title: 'Both behind boxes of their own: neither hash fits', behind: { initiator: true, responder: true } },
  double: { topology: 'double-nat', title: 'Two boxes in a row, the home\'s and the carrier\'s: to the hashes they are one', behind: { initiator: true, responder: false } },
} as const satisfies Record<string, Position>;

type PositionName = keyof typeof positions;

export const detection = defineScenario({
  id: 'detection',
  chapter: 'Is there a NAT?',
  title: 'Is there a NAT, and in front of whom?',
  teaches:
    'Each side sends the hash of the addresses and ports it believes in; the other compares with what it sees in the packet. A hash that does not fit tells that a NAT is there and whom it hides.',
  refs: ['RFC 7296 §2.23', 'RFC 3947 §3.2'],
  parameters: { position: choice(['all', 'none', 'initiator', 'responder', 'both', 'double'], 'all', 'where the NAT boxes stand') },
  acts: ({ position }) => {
    const chosen = position === 'all' ? (Object.keys(positions) as PositionName[]) : [position];
    return [...chosen.map((name) => detectionAct(name, positions[name])), ...(position === 'all' || position === 'initiator' ? [withoutNatTraversal] : [])];
  },
});

function detectionAct(id: string, { topology, title, behind }: Position): Act {
  const anyNat = behind.initiator || behind.responder;
  /** A gateway between IPv6 and IPv4 has another address for each of the two. */
  const hidden = ({ boxes }: Cast): Position['behind'] => (boxes.some(({ box }) => box.ipv6?.kind === 'nat64') ? { initiator: true, responder: true } : behind);
  return {
    id,
    title,
    topology,
    play: async (stage) => {
      stage.step(`The client begins: ${negotiations[stage.cast.ike].hashes.request} carries the hashes of both addresses as it knows them`);
      await bringUp(stage, stage.cast.clients.slice(0, 1));
      await pingServer(stage);
    },
    checks: (cast) => [
      guard({ id: 'translated', claim: anyNat ? 'The box translated the first message' : 'Nothing translated the first message', expected: translation(hidden(cast)) }, (trace) => {
        const [sent, arrived] = firstMessage(trace, cast, 'request');
        if (!sent || !arrived) return nothing('the first message did not go all the way');
        const seen = { initiator: !sameEndpoint(sent.from, arrived.from), responder: !sameEndpoint(sent.to, arrived.to) };
        return { holds: seen.initiator === hidden(cast).initiator && seen.responder === hidden(cast).responder, observed: `${path(sent)} left the client, ${path(arrived)} reached the gateway`, evidence: [sent, arrived] };
      }),
      hashesAsConfigured(cast, 'request'),
      hashesAsConfigured(cast, 'response'),
      conclusion(cast, 'gateway', 'request'),
      conclusion(cast, 'client', 'response'),
      anyNat ? movesTo4500(cast) : staysOn500(cast),
      dataTravelsAs(cast, anyNat ? 'udp' : 'none'),
      answered({ id: 'data', claim: 'The client reaches the protected network through the tunnel' }, 'client to server'),
    ],
  };
}

const withoutNatTraversal: Act = {
  id: 'no-nat-t',
  title: 'A gateway without NAT traversal behind the same box: nobody detects anything, and the data must cross the box as plain ESP',
  topology: 'home',
  adjust: { gateway: { ike: { natTraversal: false } } },
  play: async (stage) => {
    stage.step('The gateway does not take NAT detection up: the client learns nothing, and nothing moves');
    await bringUp(stage, stage.cast.clients.slice(0, 1));
    await pingServer(stage);
    for (const box of stage.cast.boxes) await stage.table(box.name);
  },
  checks: (cast) => [
    guard({ id: 'offered', claim: 'The client offered NAT detection, the gateway did not take it up', expected: `${offerWords(cast)} in the first message, none in the answer` }, (trace) => {
      const [request] = firstMessage(trace, cast, 'request');
      const [response] = firstMessage(trace, cast, 'response');
      if (!request || !response) return nothing('the first message was not answered');
      const [offered, taken] = [offers(trace, cast, request), offers(trace, cast, response)];
      return { holds: offered > 0 && taken === 0, observed: `${offered} ${offerWords(cast)} in the first message, ${taken} in the answer`, evidence: [request, response] };
    }),
    claim({ id: 'undetected', claim: 'The client draws no conclusion', expected: 'NAT detection unsupported, no NAT assumed', ref: negotiations[cast.ike].refs.detection }, (trace) => {
      const conclusions = trace.of('nat-detection', cast.clients[0]!.name);
      return { holds: conclusions.every(({ body }) => !body.supported && !body.localBehindNat && !body.remoteBehindNat), observed: conclusions.map(({ body }) => body.story).join('; ') || 'no conclusion at all', evidence: conclusions };
    }),
    staysOn500(cast),
    dataTravelsAs(cast, 'none'),
    fateOfPlainEsp(cast),
  ],
};

const pingServer = async (stage: Stage): Promise<void> => {
  const [client] = stage.cast.clients;
  stage.step('The tunnel is tried: a ping to the protected network');
  await ping(stage, { ping: 'client to server', from: client!.name, to: stage.cast.server });
};

/** What a side offers NAT detection by. */
const offerWords = ({ ike }: Cast): string => (ike === 'v2' ? 'hashes' : 'vendor IDs of NAT-T');

const translation = ({ initiator, responder }: Position['behind']): string =>
  initiator && responder ? 'source and destination differ' : initiator ? 'the source differs, the destination does not' : responder ? 'the destination differs, the source does not' : 'the same addresses and ports at both ends';

/** Shown, not hidden: what the box's way with protocol 50 makes of the data. */
const fateOfPlainEsp = (cast: Cast): Check => {
  const blocked = cast.boxes.some(({ box }) => box.behaviour.esp === 'blocked');
  const client = cast.clients[0]!.name;
  return claim(
    {
      id: 'data',
      claim: blocked ? 'The box blocks protocol 50: the tunnel is up and no data gets through' : 'The box lets the plain ESP of one client through, by luck of being alone',
      expected: blocked ? 'the ping is lost, its ESP never comes out of the box' : 'the ping is answered, as plain ESP with the box\'s address',
    },
    (trace) => {
      const sent = seenAt(trace, { node: client, direction: 'out' }).filter(isEsp);
      const arrived = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter(isEsp);
      const replies = trace.of('ping-answered', client);
      return {
        holds: sent.length > 0 && (blocked ? arrived.length === 0 && replies.length === 0 : arrived.length > 0 && replies.length > 0),
        observed: `${plural(sent.length, 'ESP packet')} left the client, ${arrived.length} reached the gateway${arrived[0] ? ` as ${path(arrived[0])}` : ''}, the ping was ${replies.length > 0 ? 'answered' : 'not answered'}`,
        evidence: [...sent.slice(0, 1), ...arrived.slice(0, 1), ...replies],
      };
    },
  );
};
