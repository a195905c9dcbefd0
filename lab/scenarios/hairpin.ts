/** Two peers behind one box, which meet at its outside address (RFC 4787 §6). */
import { seconds } from '../../src/core/time.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs } from '../checks/float.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { givesUp } from '../checks/sas.ts';
import { isIke, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, impatient, ping } from './stagecraft.ts';

const fromClient = 'client to server';

export const hairpin = defineScenario({
  id: 'hairpin',
  chapter: 'Boxes that help too much',
  title: 'Neighbours who meet outside',
  teaches:
    'Two peers behind one box know each other by its outside address. What the one sends there must turn around and come to the other as from outside. A box that throws it away keeps them apart; one that turns it around with the inner source lets the answers go past it, so that the client finds no NAT where there is one.',
  refs: ['RFC 4787 §6', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [none, external, internal, forced],
});

const none: Act = {
  ...setting('none', 'The box does not turn packets around: the neighbour is out of reach, though it stands next door', false, { ike: impatient }),
  play: async (stage) => {
    const [client] = stage.cast.clients;
    stage.step('The client calls the gateway by the address that it has outside');
    await bringUp(stage, [client!], seconds(30));
  },
  checks: (cast) => [
    guard({ id: 'to-the-box', claim: 'What the client sends goes to the box, for an address of its own', expected: "IKE to the box's outside address" }, (trace) => {
      const [first] = seenAt(trace, { node: boxOf(cast).name, direction: 'in' }).filter((seen) => isIke(seen) && seen.from.address === cast.clients[0]!.address);
      return { holds: first !== undefined && isOfTheBox(cast, first.to.address), observed: first ? path(first) : 'nothing came to the box', evidence: first ? [first] : [] };
    }),
    claim({ id: 'not-turned', claim: 'Nothing of it reaches the gateway', expected: 'nothing comes in there', ref: 'RFC 4787 REQ-9' }, (trace) => {
      const arrived = seenAt(trace, { node: cast.gateway.name, direction: 'in' });
      return { holds: arrived.length === 0, observed: `${plural(arrived.length, 'packet')} at the gateway`, evidence: arrived.slice(0, 2) };
    }),
    givesUp({ id: 'gives-up', claim: 'The client gives up' }, cast.clients[0]!.name),
  ],
};

const external: Act = {
  ...setting('external', "The box turns packets around, and they come from the sender's outside endpoint: each is behind a NAT to the other", 'external-source'),
  checks: (cast) => [
    turned(cast, 'outside'),
    claim({ id: 'both-behind', claim: 'Both find themselves and each other behind a NAT', expected: 'both verdicts, on both sides', ref: 'RFC 7296 §2.23' }, (trace) => {
      const verdicts = [cast.clients[0]!.name, cast.gateway.name].map((name) => trace.of('nat-detection', name)[0]);
      const found = verdicts.flatMap((verdict) => verdict ?? []);
      return { holds: found.length === 2 && found.every(({ body }) => body.localBehindNat && body.remoteBehindNat), observed: found.map(({ node, body }) => `${node}: ${verdictOf(body)}`).join('; ') || 'nobody looked', evidence: found };
    }),
    dataTravelsAs(cast, 'udp'),
    claim({ id: 'never-direct', claim: 'Everything between the two goes through the box', expected: "nothing at either from the other's own address", ref: 'RFC 4787 REQ-9a' }, (trace) => {
      const direct = pastTheBox(trace, cast);
      return { holds: direct.length === 0, observed: direct[0] ? path(direct[0]) : 'nothing went directly', evidence: direct.slice(0, 2) };
    }),
    answered({ id: 'works', claim: 'The tunnel works' }, fromClient),
  ],
};

/** IKEv1 as it is spoken here takes no answer from another address than it asked, so that it does not come so far. */
const inV2 = { version: 'v2' } as const;

const internal: Act = {
  ...setting('internal', 'The box leaves the inner source as it is: the gateway answers past the box, the hashes fit on that way, and the client finds no NAT', 'internal-source', { ike: inV2 }),
  keepsIke: true,
  checks: (cast) => [
    turned(cast, 'inside'),
    answersPast(cast),
    claim({ id: 'fooled', claim: 'The client finds no NAT on the way, the gateway finds itself behind one', expected: 'two verdicts that do not agree', ref: 'RFC 7296 §2.23' }, (trace) => {
      const [client] = trace.of('nat-detection', cast.clients[0]!.name);
      const [gateway] = trace.of('nat-detection', cast.gateway.name);
      if (!client || !gateway) return nothing('one of them did not look');
      return { holds: !client.body.localBehindNat && !client.body.remoteBehindNat && gateway.body.localBehindNat, observed: [client, gateway].map(({ node, body }) => `${node}: ${verdictOf(body)}`).join('; '), evidence: [client, gateway] };
    }),
    dataTravelsAs(cast, 'none'),
    unanswered({ id: 'lost', claim: 'Plain ESP to the outside address finds nobody: the tunnel is up, and nothing gets through' }, fromClient),
  ],
};

const forced: Act = {
  ...setting('forced', 'The same box, and a client that has ESP go in UDP whatever it finds: on port 4500 the forward of the box leads to the gateway', 'internal-source', { ike: { ...inV2, encapsulation: 'forced' } }),
  keepsIke: true,
  checks: (cast) => [turned(cast, 'inside'), answersPast(cast), dataTravelsAs(cast, 'udp'), answered({ id: 'works', claim: 'The tunnel works, one way through the box and the other past it' }, fromClient)],
};

function setting(id: string, title: string, hairpinning: false | 'external-source' | 'internal-source', clients: NonNullable<Adjustment['clients']> = {}): Omit<Act, 'checks'> {
  return {
    id,
    title,
    topology: 'hairpin',
    keepsTopology: true,
    needs: { boxes: 1 },
    adjust: { clients, boxes: { preset: 'port-restricted', behaviour: { hairpinning } } },
    play: async (stage: Stage) => {
      const [client] = stage.cast.clients;
      stage.step('The client calls the gateway by the address that it has outside');
      await bringUp(stage, [client!]);
      await stage.table(boxOf(stage.cast).name);
      await ping(stage, { ping: fromClient, from: client!.name, to: stage.cast.server });
    },
  };
}

// ---- what is claimed -----------------------------------------------------------------------------------------------------

const boxOf = ({ boxes }: Cast): Cast['boxes'][number] => boxes[0]!;
const isOfTheBox = (cast: Cast, address: string): boolean => boxOf(cast).box.outsideAddresses.some((one) => one === address);

const verdictOf = ({ localBehindNat, remoteBehindNat }: EventOf<'nat-detection'>['body']): string =>
  localBehindNat ? (remoteBehindNat ? 'both behind a NAT' : 'behind a NAT itself') : remoteBehindNat ? 'the peer behind a NAT' : 'no NAT';

/** At either of the two, from the other's own address. */
function pastTheBox(trace: Trace, { clients, gateway }: Cast): readonly Seen[] {
  const [client] = clients;
  const arrived = (node: string, from: string): readonly Seen[] => seenAt(trace, { node, direction: 'in' }).filter((seen) => seen.from.address === from);
  return [...arrived(client!.name, gateway.address), ...arrived(gateway.name, client!.address)];
}

const turned = (cast: Cast, source: 'inside' | 'outside'): Check =>
  guard({ id: 'turned', claim: 'The box turns the first message around, inside', expected: source === 'outside' ? 'it comes to the gateway from the outside address' : "it comes to the gateway from the client's own address" }, (trace) => {
    const [sent] = seenAt(trace, { node: boxOf(cast).name, interface: boxOf(cast).inside[0]!, direction: 'in' }).filter(isIke);
    const arrived = sent && seenAt(trace, { node: cast.gateway.name, direction: 'in' }).find((seen) => sameOnTheWay(seen, sent));
    if (!sent || !arrived) return nothing('nothing that the client sent to the box came to the gateway');
    const comesFrom = isOfTheBox(cast, arrived.from.address) ? 'outside' : 'inside';
    return { holds: comesFrom === source, observed: `${path(sent)} came as ${path(arrived)}`, evidence: [sent, arrived] };
  });

const answersPast = (cast: Cast): Check =>
  claim({ id: 'past-the-box', claim: 'The answers go past the box, from an address that the client did not ask', expected: "IKE at the client from the gateway's own address, none from the box", ref: 'RFC 4787 REQ-9a' }, (trace) => {
    const heard = seenAt(trace, { node: cast.clients[0]!.name, direction: 'in' }).filter(isIke);
    const fromBox = heard.filter(({ from }) => from.address !== cast.gateway.address);
    return { holds: heard.length > 0 && fromBox.length === 0, observed: heard[0] ? path(fromBox[0] ?? heard[0]) : 'no answer', evidence: (fromBox.length > 0 ? fromBox : heard).slice(0, 2) };
  });
