/** Many clients behind one box: same ports inside, told apart by the box outside, by SPIs and reqids at the gateway. */
import { describeEndpoint } from '../../src/core/address.ts';
import { describeDuration, minutes, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { fromUtf8 } from '../../src/core/bytes.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { happens } from '../checks/waiting.ts';
import { isIke, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { count } from './parameters.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp, bringUpInTheEnd, ping } from './stagecraft.ts';

export const multiClient = defineScenario({
  id: 'multi-client',
  chapter: 'Many clients',
  title: 'Many clients behind one box',
  teaches:
    'Every client uses ports 500 and 4500, and the box gives each a port of its own outside. The gateway keeps them apart by address and port, by SPIs, and by a policy for each; none disturbs the others.',
  refs: ['RFC 3948 §5', 'RFC 7296 §2.23', 'RFC 4787 §4.2'],
  parameters: { clients: count(2, 1000, 3, 'how many clients stand behind the box') },
  acts: ({ clients }) => [together(clients), twins],
});

/** A box that pins port 500 lets one client in at a time, each after the one before has been forgotten: so long until the next. */
const patience = minutes(9);

const together = (clients: number): Act => ({
  id: 'together',
  title: `${clients} clients start at the same moment; later one leaves, one rekeys, and the others do not notice`,
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { clients: { count: clients, ike: { keyingTries: 'forever' } } },
  play: async (stage) => {
    const { cast } = stage;
    const [leaver, rekeyer] = cast.clients;
    stage.step('All of them initiate at once, from the same source port');
    await bringUpInTheEnd(stage, cast.clients, patience);
    for (const { name } of cast.boxes) await stage.table(name);
    stage.step('Each pings the protected network');
    await ping(stage, ...cast.clients.map((client) => ({ ping: first(client), from: client.name, to: cast.server })));
    stage.step(`${leaver!.name} leaves`);
    await stage.expect(happens('ike-sa', `the gateway has closed ${leaver!.name}'s SA`, ({ node, body }) => node === cast.gateway.name && body.state === 'deleted' && body.peerIdentity === leaver!.identity), seconds(20), () =>
      stage.command(leaver!.name, { kind: 'terminate', connection: leaver!.connection }),
    );
    stage.step(`${rekeyer!.name} rekeys its child SA, then its IKE SA`);
    for (const what of ['child', 'ike'] as const) {
      const kind = what === 'child' ? 'child-sa' : 'ike-sa';
      await stage.expect(happens(kind, `${rekeyer!.name} has rekeyed`, ({ node, body }) => node === rekeyer!.name && body.state === 'rekeyed'), seconds(20), () =>
        stage.command(rekeyer!.name, { kind: 'rekey', connection: rekeyer!.connection, what }),
      );
    }
    stage.step('The others ping again');
    await ping(stage, ...cast.clients.slice(1).map((client) => ({ ping: second(client), from: client.name, to: cast.server })));
  },
  checks: (cast) => [
    sharedPorts(cast),
    allUp(cast),
    distinctPorts(cast),
    distinctAddresses(cast),
    ownAnswers(cast, cast.clients, first, 'own-answers', 'Each client reaches the protected network and gets its own answers'),
    claim({ id: 'changes', claim: 'One client left, another rekeyed both its SAs', expected: 'its IKE SA deleted at the gateway, a child SA and an IKE SA rekeyed' }, (trace) => {
      const deleted = trace.of('ike-sa', cast.gateway.name).filter(({ body }) => body.state === 'deleted' && body.peerIdentity === cast.clients[0]!.identity);
      const rekeyed = [...trace.of('child-sa', cast.clients[1]!.name), ...trace.of('ike-sa', cast.clients[1]!.name)].filter(({ body }) => body.state === 'rekeyed');
      const kinds = new Set(rekeyed.map(({ body }) => body.kind));
      return { holds: deleted.length > 0 && kinds.size === 2, observed: `${deleted[0]?.body.story ?? `${cast.clients[0]!.name} did not leave.`} Rekeyed: ${[...kinds].map((kind) => sas[kind]).join(' and ') || 'nothing'}`, evidence: [...deleted.slice(0, 1), ...rekeyed] };
    }),
    ownAnswers(cast, cast.clients.slice(1), second, 'undisturbed', 'Nobody else was disturbed: the others still get their own answers'),
    stable(cast),
  ],
});

const twins: Act = {
  id: 'twins',
  title: 'Two clients that happen to have the same private address, behind two different boxes',
  topology: 'two-homes',
  keepsTopology: true,
  play: async (stage) => {
    const { cast } = stage;
    stage.step('Both come from 192.168.1.2 as they see themselves; the gateway sees two boxes');
    await bringUp(stage, cast.clients);
    await ping(stage, ...cast.clients.map((client) => ({ ping: first(client), from: client.name, to: cast.server })));
  },
  checks: (cast) => [
    guard({ id: 'same-address', claim: 'The clients have the same private address', expected: 'one address for all' }, (trace) => {
      const sent = cast.clients.flatMap(({ name }) => seenAt(trace, { node: name, direction: 'out' }).filter(isIke).slice(0, 1));
      const addresses = new Set(sent.map(({ from }) => from.address));
      return { holds: sent.length === cast.clients.length && addresses.size === 1, observed: [...addresses].join(', '), evidence: sent };
    }),
    allUp(cast),
    distinctAddresses(cast),
    ownAnswers(cast, cast.clients, first, 'own-answers', 'Each gets its own answers'),
  ],
};

const first = ({ name }: Client): string => `${name}, first round`;
const second = ({ name }: Client): string => `${name}, second round`;

const sharedPorts = (cast: Cast): Check =>
  guard({ id: 'same-ports', claim: 'All clients use the same source ports behind the same box', expected: 'source ports 500 or 4500 inside, one address outside' }, (trace) => {
    const sent = cast.clients.flatMap(({ name }) => seenAt(trace, { node: name, direction: 'out' }).filter(isIke).slice(0, 1));
    const sourcePorts = new Set(sent.map(({ from }) => from.port));
    const outside = new Set(arrivals(trace, cast).map(({ from }) => from.address));
    return {
      holds: sent.length === cast.clients.length && sourcePorts.size === 1 && outside.size === 1,
      observed: `${sent.length} clients from port ${[...sourcePorts].join(', ')}; the gateway sees ${[...outside].join(', ') || 'nobody'}`,
      evidence: sent.slice(0, 3),
    };
  });

/** What ends after the first client has left: nothing of the others', but the SAs that the second one replaced. */
const stable = (cast: Cast): Check =>
  claim({ id: 'stable', claim: 'The others kept their SAs', expected: 'none of them ended or failed, but for the two that were replaced' }, (trace) => {
    const [leaver, rekeyer] = cast.clients;
    const others = new Set(cast.clients.slice(1).map(({ name }) => name));
    const left = trace.of('ike-sa', leaver!.name).find(({ body }) => body.state === 'deleted');
    if (left === undefined) return nothing(`${leaver!.name} never left`);
    const ended = [...trace.of('child-sa'), ...trace.of('ike-sa')].filter(({ seq, node, body }) => seq > left.seq && others.has(node) && (body.state === 'deleted' || body.state === 'failed'));
    const replaced = new Set([...trace.of('child-sa', rekeyer!.name), ...trace.of('ike-sa', rekeyer!.name)].flatMap(({ body }) => (body.state === 'rekeyed' ? [saOf(body)] : [])));
    const lost = ended.filter(({ node, body }) => node !== rekeyer!.name || body.state === 'failed' || !replaced.delete(saOf(body)));
    return { holds: lost.length === 0, observed: `${plural(ended.length, 'SA')} of ${plural(others.size, 'other client')} ended, ${ended.length - lost.length} of them replaced`, evidence: lost.length > 0 ? lost.slice(0, 3) : ended };
  });

const sas = { 'child-sa': 'the child SA', 'ike-sa': 'the IKE SA' } as const;
const saOf = ({ kind, initiatorSpi }: EventOf<'child-sa' | 'ike-sa'>['body']): string => `${kind} ${initiatorSpi}`;

const allUp = (cast: Cast): Check =>
  claim({ id: 'all-up', claim: 'Every client gets its tunnel', expected: `${cast.clients.length} tunnels up` }, (trace) => {
    const ups = new Map(trace.of('child-sa').flatMap((event) => (event.body.state === 'established' ? [[event.node, event] as const] : [])));
    const up = cast.clients.flatMap(({ name }) => ups.get(name) ?? []);
    const last = up.reduce((latest, { at }) => Math.max(latest, at), 0);
    return { holds: up.length === cast.clients.length, observed: `${up.length} of ${cast.clients.length} up${up.length > 0 ? `, the last after ${describeDuration(Math.round(last) as Duration)}` : ''}`, evidence: up.slice(0, 3) };
  });

const arrivals = (trace: Trace, { gateway }: Cast): readonly Seen[] => seenAt(trace, { node: gateway.name, direction: 'in' }).filter(({ to }) => to.port === 4500);

/** Which port outside belongs to which client: by the SPI of its IKE SA, which no box changes. */
const distinctPorts = (cast: Cast): Check =>
  claim({ id: 'distinct-ports', claim: 'The box gave each client a port of its own', expected: `${cast.clients.length} different outside ports on 4500`, ref: 'RFC 4787 §4.2' }, (trace) => {
    const byClient = new Map<string, string>();
    const owner = new Map(cast.clients.flatMap(({ name }) => seenAt(trace, { node: name, direction: 'out' }).filter(isIke).map((seen) => [seen.content.sa, name] as const)));
    const messages = arrivals(trace, cast).filter(isIke);
    for (const { content, from } of messages) if (owner.has(content.sa) && !byClient.has(owner.get(content.sa)!)) byClient.set(owner.get(content.sa)!, describeEndpoint(from));
    const distinct = new Set(byClient.values());
    return { holds: byClient.size === cast.clients.length && distinct.size === byClient.size, observed: `${distinct.size} different ports for ${byClient.size} clients`, evidence: messages.slice(0, 3) };
  });

const distinctAddresses = (cast: Cast): Check =>
  claim({ id: 'distinct-addresses', claim: 'Each client has an inner address of its own', expected: `${cast.clients.length} different virtual addresses`, ref: 'RFC 7296 §2.19' }, (trace) => {
    const given = cast.clients.flatMap(({ name }) => trace.of('virtual-address', name).slice(0, 1));
    const addresses = new Set(given.map(({ body }) => body.address));
    return { holds: addresses.size === cast.clients.length, observed: `${addresses.size} addresses for ${cast.clients.length} clients`, evidence: given.slice(0, 3) };
  });

/** The echo carries the ping's name: an answer that went astray would be read where it does not belong. */
function ownAnswers({ gateway }: Cast, clients: readonly Client[], nameOf: (client: Client) => string, id: string, text: string): Check {
  return claim({ id, claim: text, expected: 'every ping answered, every answer delivered to the one who asked' }, (trace) => {
    const answered = new Set(trace.of('ping-answered').map(({ body }) => body.ping));
    const missing = clients.filter((client) => !answered.has(nameOf(client)));
    const owners = new Map(clients.map((client) => [nameOf(client), client.name]));
    const astray = trace.of('inner').filter(({ node, body }) => {
      const owner = body.direction === 'delivered' ? ownerOf(body.bytes, owners) : undefined;
      return owner !== undefined && node !== owner && node !== gateway.name;
    });
    return {
      holds: missing.length === 0 && astray.length === 0,
      observed: `${clients.length - missing.length} of ${clients.length} answered, ${astray.length} delivered to somebody else${missing[0] ? `; missing: ${missing.slice(0, 5).map(({ name }) => name).join(', ')}` : ''}`,
      evidence: astray.slice(0, 3),
    };
  });
}

function ownerOf(packet: Uint8Array, owners: ReadonlyMap<string, string>): string | undefined {
  const ip = decodeIp(packet);
  if (!ip.ok) return undefined;
  const text = fromUtf8(ip.value.payload);
  for (const [name, owner] of owners) if (text.includes(name)) return owner;
  return undefined;
}
