/** The versions of NAT-T for IKEv1: which one two daemons agree on, and what it makes of their packets (RFC 3947 §3.1, its drafts). */
import { seconds } from '../../src/core/time.ts';
import type { Encapsulation } from '../../src/ike/any-ike-sa.ts';
import { nattVersions } from '../../src/ike/config.ts';
import type { NattVersion } from '../../src/ike/config.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { clearPayloads } from '../checks/phase-one.ts';
import { isEsp, isIke, seenAt } from '../checks/wire.ts';
import type { SeenEsp, SeenIke } from '../checks/wire.ts';
import type { Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { choice } from './parameters.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

type Accepted = NattVersion | 'of-today' | 'everything' | 'nothing';

/** What gateways take: each version alone, what daemons of today take, everything, nothing. */
const accepts: ReadonlyMap<Accepted, readonly NattVersion[]> = new Map<Accepted, readonly NattVersion[]>([
  ...nattVersions.map((version) => [version, [version]] as const),
  ['of-today', ['rfc-3947', 'draft-03', 'draft-02n', 'draft-02']],
  ['everything', nattVersions],
  ['nothing', []],
]);

/** Main mode's messages 1 and 3; from the fifth on an initiator that found a NAT is on port 4500 (RFC 3947 §4). */
const beforeTheMove = 2;

export const nattVersionsLesson = defineScenario({
  id: 'nat-t-versions',
  chapter: 'Old versions of NAT-T',
  title: 'Eleven versions of NAT traversal',
  teaches:
    'IKEv1 learned NAT traversal draft by draft, and all drafts are still met. Vendor IDs say who knows which; the best common one decides which payload numbers are used, whether anything moves to port 4500, and where the marker stands.',
  refs: ['RFC 3947 §3.1', 'RFC 3947 §4', 'draft-ietf-ipsec-nat-t-ike-00', 'draft-ietf-ipsec-nat-t-ike-02'],
  parameters: { gateway: choice(['all', ...accepts.keys()], 'all', 'which versions the gateway takes') },
  acts: ({ gateway }) => [...accepts].filter(([id]) => gateway === 'all' || gateway === id).map(([id, versions]) => act(id, versions)),
});

const act = (id: Accepted, versions: readonly NattVersion[]): Act => ({
  id,
  title: title(id),
  topology: 'museum',
  keepsTopology: true,
  keepsIke: true,
  // of bare ESP this box lets one client through
  adjust: { boxes: { preset: 'linux-masquerade' }, gateway: { ike: { v1: { natt: { offers: [...versions], accepts: [...versions] } } } } },
  play: async (stage) => {
    const { cast } = stage;
    stage.step(`One after the other the clients of all ages call a gateway that takes ${versions.length === 0 ? 'none of their versions' : versions.join(', ')}`);
    for (const client of cast.clients) await bringUp(stage, [client], seconds(30));
    await ping(stage, ...cast.clients.map((client) => ({ ping: pingOf(client), from: client.name, to: cast.server })));
  },
  checks: (cast) => [
    guard({ id: 'translated', claim: 'The box stands between every client and the gateway', expected: 'every first message arrives with the address of the box' }, (trace) => {
      const arrived = cast.clients.flatMap(({ name }) => ikeOf(trace, name, 'out').slice(0, 1)).map((sent) => [sent, seenAt(trace, { node: cast.gateway.name, direction: 'in' }).find((seen) => isIke(seen) && seen.content.sa === (isIke(sent) ? sent.content.sa : ''))] as const);
      const translated = arrived.filter(([sent, seen]) => seen !== undefined && seen.from.address !== sent.from.address);
      return { holds: translated.length === cast.clients.length, observed: `${translated.length} of ${plural(cast.clients.length, 'client')}`, evidence: translated.slice(0, 3).map(([sent]) => sent) };
    }),
    everyPair(cast, versions, { id: 'version', claim: 'Each pair agrees on the best version that both know', expected: 'the newest common one', ref: 'RFC 3947 §3.1' }, (trace, client, best) => {
      const agreed = trace.of('nat-detection', client.name).at(-1)?.body.nattVersion;
      return { is: agreed ?? 'none', shouldBe: best?.version ?? 'none' };
    }),
    everyPair(cast, versions, { id: 'numbers', claim: 'NAT-D has the number of that version', expected: '20 for the RFC, 15 for drafts 04 to 08, 130 for drafts 00 to 03', ref: 'RFC 3947 §3.2' }, (trace, client, best) => {
      const numbers = new Set(ikeOf(trace, client.name).flatMap((seen) => clearPayloads(seen).flatMap((payload) => (payload.type === 'NAT-D' ? [payload.number] : []))));
      return { is: listed(numbers), shouldBe: `${best?.natDetection ?? 'none'}` };
    }),
    everyPair(cast, versions, { id: 'ports', claim: 'What moves to 4500 moves, and what is older than that stays', expected: 'drafts 00 and 01, and no NAT-T at all, stay on 500', ref: 'RFC 3947 §4' }, (trace, client, best) => {
      const ports = new Set(ikeOf(trace, client.name, 'out').slice(beforeTheMove).flatMap(({ from, to }) => [from.port, to.port]));
      return { is: listed(ports), shouldBe: best?.moves === true ? '4500' : '500' };
    }),
    everyPair(cast, versions, { id: 'marker', claim: 'ESP looks as the version has it', expected: 'in UDP from 4500; behind eight zeros from 500; bare without NAT-T', ref: 'RFC 3948 §2.1' }, (trace, client, best) => {
      const seen = new Set(seenAt(trace, { node: client.name, direction: 'out' }).filter(isEsp).map(lookOf));
      return { is: listed(seen), shouldBe: best === undefined ? 'bare' : best.moves ? 'in UDP from 4500' : 'behind eight zeros from 500' };
    }),
    everyPair(cast, versions, { id: 'data', claim: 'Whatever version they agreed on, data flows; of those without one the box lets a single client through', expected: 'an answer to every pair that has NAT-T, and to one of the others', ref: 'RFC 3948 §2.1' }, (trace, client, best) => {
      const answered = isAnswered(trace, client);
      if (best !== undefined) return { is: answered ? 'answered' : 'lost', shouldBe: 'answered' };
      const others = cast.clients.filter((other) => other !== client && bestCommon(other, versions) === undefined && isAnswered(trace, other));
      return { is: answered ? 'answered, bare' : 'lost, bare', shouldBe: others.length === 0 ? 'answered, bare' : 'lost, bare' };
    }),
  ],
});

const title = (id: Accepted): string =>
  id === 'nothing' ? 'A gateway without NAT traversal' : id === 'everything' ? 'A gateway that takes whatever there ever was' : id === 'of-today' ? 'A gateway of today: the RFC and the drafts that are still met' : `A gateway that knows ${id} only`;

const isAnswered = (trace: Trace, client: Client): boolean => trace.of('ping-answered', client.name).some(({ body }) => body.ping === pingOf(client));
const pingOf = ({ name }: Client): string => `of ${name}`;
const ikeOf = (trace: Trace, node: string, direction?: 'in' | 'out'): readonly SeenIke[] => seenAt(trace, { node, ...(direction && { direction }) }).filter(isIke);

/** What the table of versions says, from the documents and not from the daemon. */
interface Traits {
  readonly version: NattVersion;
  readonly natDetection: 20 | 15 | 130;
  readonly moves: boolean;
}

const traitsOf = (version: NattVersion): Traits => ({
  version,
  natDetection: version === 'rfc-3947' ? 20 : ['draft-04', 'draft-05', 'draft-06', 'draft-07', 'draft-08'].includes(version) ? 15 : 130,
  moves: version !== 'draft-00' && version !== 'draft-01',
});

/** The newest that the client knows and the gateway takes; undefined for none. */
function bestCommon({ plan }: Client, gateway: readonly NattVersion[]): Traits | undefined {
  const connection = plan.endpoint?.ike.connections[0];
  const known = connection?.natTraversal === true && connection.ike.version === 'v1' ? connection.ike.natt.offers : [];
  const best = nattVersions.find((version) => known.includes(version) && gateway.includes(version));
  return best && traitsOf(best);
}

const looks: Readonly<Record<Encapsulation, string>> = { none: 'bare', udp: 'in UDP', 'udp-non-ike': 'behind eight zeros' };
const lookOf = ({ content, from }: SeenEsp): string => (content.encapsulation === 'none' ? looks.none : `${looks[content.encapsulation]} from ${from.port}`);

/** A claim about what every pair does; what was seen is told by outcome: `draft-03: kame and shrew; none: 3 clients`. */
const everyPair = (cast: Cast, gateway: readonly NattVersion[], text: Parameters<typeof claim>[0], outcome: (trace: Trace, client: Client, best: Traits | undefined) => { readonly is: string; readonly shouldBe: string }): Check =>
  claim(text, (trace) => {
    const outcomes = cast.clients.map((client) => ({ client: client.name, ...outcome(trace, client, bestCommon(client, gateway)) }));
    const wrong = outcomes.filter(({ is, shouldBe }) => is !== shouldBe);
    return {
      holds: wrong.length === 0,
      observed: byOutcome(wrong.length > 0 ? wrong : outcomes),
      evidence: (wrong.length > 0 ? wrong : outcomes).flatMap(({ client }) => trace.of('nat-detection', client).slice(-1)).slice(0, 3),
    };
  });

function byOutcome(outcomes: readonly { readonly client: string; readonly is: string }[]): string {
  const kinds = [...new Set(outcomes.map(({ is }) => is))];
  return kinds
    .map((kind) => {
      const who = outcomes.filter(({ is }) => is === kind).map(({ client }) => client);
      return `${kind}: ${who.length > 4 ? plural(who.length, 'client') : who.join(', ')}`;
    })
    .join('; ');
}

const listed = (seen: ReadonlySet<string | number>): string => (seen.size === 0 ? 'none' : [...seen].join(' and '));
