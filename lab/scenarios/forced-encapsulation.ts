/** A firewall that passes IKE and not ESP, and no NAT that would bring ESP into UDP: one side pretends one (RFC 7296 §2.23, RFC 3948 §2.1). */
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs, movesTo4500, staysOn500 } from '../checks/float.ts';
import { conclusion, detectionMessage, falseHash } from '../checks/nat-detection.ts';
import type { Which } from '../checks/nat-detection.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { isEsp, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const forcedEncapsulation = defineScenario({
  id: 'forced-encapsulation',
  chapter: 'ESP in UDP',
  title: 'A NAT that is not there',
  teaches:
    'A firewall may let IKE through and throw ESP away. Without a NAT nobody puts ESP into UDP: the tunnel comes up and carries nothing. Whoever falsifies the hash of its own address makes the other side find a NAT, and from then on everything goes in UDP between ports 4500.',
  refs: ['RFC 7296 §2.23', 'RFC 3948 §2.1', 'RFC 3947 §3.2'],
  parameters: {},
  acts: () => [open, closed, forcedBy('client', 'request'), forcedBy('gateway', 'response')],
});

const open: Act = {
  id: 'open',
  title: 'No firewall and no NAT: ESP goes plain, and that is as it should be',
  topology: 'direct',
  keepsTopology: true,
  play: comesIn,
  checks: (cast) => [untranslated(cast), dataTravelsAs(cast, 'none'), answered({ id: 'data', claim: 'The tunnel carries data' }, pingName)],
};

const closed: Act = {
  id: 'closed',
  title: 'A firewall that passes UDP and nothing else: the tunnel comes up, and its ESP is thrown away',
  topology: 'firewall',
  keepsTopology: true,
  play: comesIn,
  checks: (cast) => [
    untranslated(cast),
    conclusion(cast, 'gateway', 'request'),
    staysOn500(cast),
    claim({ id: 'up', claim: 'IKE has no trouble: the tunnel is up', expected: 'a child SA on either side' }, (trace) => {
      const up = trace.of('child-sa').filter(({ body }) => body.state === 'established');
      return { holds: new Set(up.map(({ node }) => node)).size === 2, observed: `${up.length} of 2`, evidence: up };
    }),
    claim({ id: 'dies-at-the-firewall', claim: "The client's ESP does not come to the gateway", expected: 'seen at the client, plain, and never at the gateway' }, (trace) => {
      const { sent, arrived } = fate(trace, cast);
      const plain = sent.filter((seen) => isEsp(seen) && seen.content.encapsulation === 'none');
      return { holds: plain.length > 0 && arrived.length === 0, observed: `${plural(plain.length, 'packet')} sent, ${arrived.length} arrived`, evidence: [...plain.slice(0, 2), ...arrived.slice(0, 2)] };
    }),
    unanswered({ id: 'data', claim: 'Nothing comes back' }, pingName),
  ],
};

const forced = { ike: { encapsulation: 'forced' } } as const satisfies Adjustment['clients'];

function forcedBy(side: 'client' | 'gateway', which: Which): Act {
  const other = side === 'client' ? 'gateway' : 'client';
  return {
    id: `forced-by-${side}`,
    title: `The same firewall, and the ${side} falsifies the hash of its own address: the ${other} finds a NAT that is not there`,
    topology: 'firewall',
    keepsTopology: true,
    adjust: side === 'client' ? { clients: forced } : { gateway: forced },
    play: comesIn,
    checks: (cast) => [
      untranslated(cast),
      falseHash(cast, which),
      conclusion(cast, other, which),
      movesTo4500(cast),
      dataTravelsAs(cast, 'udp'),
      answered({ id: 'data', claim: 'The tunnel carries data' }, pingName),
    ],
  };
}

async function comesIn(stage: Stage): Promise<void> {
  const [client] = stage.cast.clients;
  stage.step(`${client!.name} negotiates, then sends`);
  await bringUp(stage, [client!]);
  await ping(stage, { ping: pingName, from: client!.name, to: stage.cast.server });
}

const pingName = 'through the tunnel';

/** The client's ESP, in whatever it travels, and what of it came to the gateway. */
function fate(trace: Trace, { clients, gateway }: Cast): { readonly sent: readonly Seen[]; readonly arrived: readonly Seen[] } {
  const sent = seenAt(trace, { node: clients[0]!.name, direction: 'out' }).filter(isEsp);
  return { sent, arrived: seenAt(trace, { node: gateway.name, direction: 'in' }).filter((seen) => sent.some((one) => sameOnTheWay(seen, one))) };
}

const untranslated = (cast: Cast): Check =>
  guard({ id: 'untranslated', claim: 'There is no NAT: what the client sends arrives from its own address', expected: 'the same addresses and ports at both ends' }, (trace) => {
    const [sent, arrived] = detectionMessage(trace, cast, 'request');
    if (!sent || !arrived) return nothing('nothing went all the way');
    return { holds: path(sent) === path(arrived), observed: `${path(sent)} at the client, ${path(arrived)} at the gateway`, evidence: [sent, arrived] };
  });
