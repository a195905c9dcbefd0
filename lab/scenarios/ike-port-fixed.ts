/** A responder that takes IKE from source port 500 only, and boxes that give another (RFC 3715 §2.1, RFC 7296 §2.11). */
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered } from '../checks/pings.ts';
import { givesUp } from '../checks/sas.ts';
import { isIke, path, ports, seenAt } from '../checks/wire.ts';
import type { SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const ikePortFixed = defineScenario({
  id: 'ike-port-fixed',
  chapter: 'Why NAT breaks IPsec',
  title: 'The gateway that insists on port 500',
  teaches:
    'Old daemons take IKE from source port 500 only. A box that has several clients must give all but one of them another port, and the gateway never answers those. Boxes that leave port 500 alone were built for such gateways, and serve one client; the remedy is a gateway that answers to whatever port the question came from.',
  refs: ['RFC 3715 §2.1', 'RFC 7296 §2.11', 'RFC 3947 §4'],
  parameters: {},
  acts: () => [noNat, translated, byLuck, pinned, anyPort],
});

/** A daemon from before NAT traversal. Whom it does not answer gives up soon: 1 s and its three retransmissions take 8 s. */
const insisting: Adjustment = {
  clients: { ike: { retransmission: { first: '1 s', factor: 1.5, tries: 3 } } },
  gateway: { ike: { peerPort: 500, natTraversal: false } },
};

const noNat: Act = {
  id: 'no-nat',
  title: 'No NAT: IKE arrives from port 500, and nobody notices that the gateway insists on it',
  topology: 'direct',
  keepsTopology: true,
  adjust: insisting,
  play: oneAfterTheOther(1),
  checks: (cast) => [arrivesFrom500(cast), works(cast.clients[0]!, 'works', 'The tunnel carries data')],
};

const translated: Act = {
  id: 'translated',
  title: 'A box that gives every flow a new port: the gateway hears the client, and does not answer',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { ...insisting, boxes: { preset: 'openbsd-pf' } },
  play: oneAfterTheOther(1),
  checks: (cast) => {
    const [one] = cast.clients;
    return [arrivesFromAnother(cast, one!, 'translated'), ignored(cast, one!, 'ignored', 'The gateway hears the client and says nothing'), givesUp({ id: 'gives-up', claim: 'The client gives up' }, one!.name)];
  },
};

const byLuck: Act = {
  id: 'by-luck',
  title: 'A box that keeps ports where it can: the first client has luck, the second has not',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { ...insisting, boxes: { preset: 'linux-masquerade' } },
  play: oneAfterTheOther(2),
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      arrivesFromAnother(cast, two, 'translated'),
      works(one, 'first-works', 'The first client, whose port 500 was free, has its tunnel'),
      ignored(cast, two, 'second-ignored', 'The second, whose port 500 was taken, is heard and not answered'),
    ];
  },
};

const pinned: Act = {
  id: 'pinned',
  title: 'A box that leaves port 500 alone, for the sake of such gateways: one client, and no second',
  topology: 'hotel-passthrough',
  needs: { clients: 2, boxes: 1 },
  adjust: { ...insisting, boxes: { preset: 'passthrough-500' } },
  play: oneAfterTheOther(2),
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      arrivesFrom500(cast),
      works(one, 'first-works', 'The first client has its tunnel'),
      claim({ id: 'second-dies', claim: 'Nothing of the second client comes to the gateway', expected: 'its requests are seen inside, and none arrives', ref: 'RFC 3715 §2.3' }, (trace) => {
        const { asked, heard } = talk(trace, cast, two);
        return { holds: asked.length > 0 && heard.length === 0, observed: `${plural(asked.length, 'request')} inside, ${heard.length} at the gateway`, evidence: [...asked.slice(0, 2), ...heard.slice(0, 2)] };
      }),
    ];
  },
};

const anyPort: Act = {
  id: 'any-port',
  title: 'A gateway that answers to where the question came from: both are in, whatever ports the box gives them',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  adjust: { boxes: { preset: 'openbsd-pf' } },
  play: oneAfterTheOther(2),
  checks: (cast) => {
    const [one, two] = pair(cast);
    return [
      arrivesFromAnother(cast, one, 'first-translated'),
      arrivesFromAnother(cast, two, 'second-translated'),
      claim({ id: 'answered-there', claim: 'The gateway answers to the address and port that it was asked from', expected: 'every answer goes where the question before it came from', ref: cast.ike === 'v2' ? 'RFC 7296 §2.11' : 'RFC 3947 §4' }, (trace) => {
        const answers = [one, two].flatMap((client) => talk(trace, cast, client).answers);
        const astray = answers.filter(({ answer, to }) => to === undefined || answer.to.address !== to.from.address || answer.to.port !== to.from.port);
        const [shown] = astray.length > 0 ? astray : answers;
        return { holds: answers.length > 0 && astray.length === 0, observed: shown === undefined ? 'no answer' : `asked ${shown.to === undefined ? 'by nobody' : path(shown.to)}, answered ${path(shown.answer)}`, evidence: shown === undefined ? [] : [...(shown.to ? [shown.to] : []), shown.answer] };
      }),
      works(one, 'first-works', 'The first client has its tunnel'),
      works(two, 'second-works', 'And so has the second'),
    ];
  },
};

// ---- what is played --------------------------------------------------------------------------------------------------------

function oneAfterTheOther(count: number): (stage: Stage) => Promise<void> {
  return async (stage) => {
    for (const client of stage.cast.clients.slice(0, count)) {
      stage.step(`${client.name} begins, from port 500`);
      const isUp = await bringUp(stage, [client]);
      if (isUp && hasTunnel(stage.trace, client)) await ping(stage, { ping: pingOf(client), from: client.name, to: stage.cast.server });
    }
    for (const { name } of stage.cast.boxes) await stage.table(name);
  };
}

const hasTunnel = (trace: Trace, { name }: Client): boolean => trace.of('child-sa', name).some(({ body }) => body.state === 'established');
const pingOf = ({ name }: Client): string => `of ${name}`;

function pair({ clients }: Cast): readonly [Client, Client] {
  const [one, two = one] = clients;
  return [one!, two!];
}

// ---- checks ----------------------------------------------------------------------------------------------------------------

const works = (client: Client, id: string, said: string): Check => answered({ id, claim: said }, pingOf(client));

interface Talk {
  /** What the client asked of the gateway, as it left it, and as the gateway heard it. */
  readonly asked: readonly SeenIke[];
  readonly heard: readonly SeenIke[];
  /** What the gateway answered, and what it had heard last before that. */
  readonly answers: readonly { readonly answer: SeenIke; readonly to: SeenIke | undefined }[];
}

/** Before there are keys a negotiation is told by the initiator's SPI, which no box changes. */
function talk(trace: Trace, { gateway }: Cast, client: Client): Talk {
  const asked = seenAt(trace, { node: client.name, direction: 'out' }).filter(isIke);
  const spis = new Set(asked.map(({ content }) => content.sa));
  const there = seenAt(trace, { node: gateway.name }).filter(isIke).filter(({ content }) => spis.has(content.sa));
  const heard = there.filter(({ event }) => event.body.direction === 'in');
  return { asked, heard, answers: there.filter(({ event }) => event.body.direction === 'out').map((answer) => ({ answer, to: heard.findLast(({ seq }) => seq < answer.seq) })) };
}

const arrivesFrom500 = (cast: Cast): Check =>
  guard({ id: 'from-500', claim: 'The first message arrives from source port 500', expected: 'source port 500 at the gateway' }, (trace) => {
    const [first] = talk(trace, cast, cast.clients[0]!).heard;
    return first === undefined ? nothing('nothing reached the gateway') : { holds: first.from.port === ports.ike, observed: path(first), evidence: [first] };
  });

const arrivesFromAnother = (cast: Cast, client: Client, id: string): Check =>
  guard({ id, claim: `${client.name} sends from port 500, and another port arrives`, expected: '500 inside, another port at the gateway' }, (trace) => {
    const { asked, heard } = talk(trace, cast, client);
    const [[sent], [first]] = [asked, heard];
    return sent === undefined || first === undefined
      ? nothing('nothing reached the gateway')
      : { holds: sent.from.port === ports.ike && first.from.port !== ports.ike, observed: `${path(sent)} inside, ${path(first)} at the gateway`, evidence: [sent, first] };
  });

const ignored = (cast: Cast, client: Client, id: string, said: string): Check =>
  claim({ id, claim: said, expected: 'messages at the gateway, and no answer to any', ref: 'RFC 3715 §2.1' }, (trace) => {
    const { heard, answers } = talk(trace, cast, client);
    return { holds: heard.length > 0 && answers.length === 0, observed: `${plural(heard.length, 'message')} heard, ${answers.length} answered`, evidence: [...heard.slice(0, 2), ...answers.slice(0, 2).map(({ answer }) => answer)] };
  });

