/** IPsec helpers in boxes: what they take out of IKE so that nobody speaks of NAT traversal, what comes of it, and the way past them (RFC 3715 §2.3). */
import { minutes } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs, staysOn500 } from '../checks/float.ts';
import { offers } from '../checks/nat-detection.ts';
import { answered } from '../checks/pings.ts';
import { givesUp, neverIn } from '../checks/sas.ts';
import { isIke, path, ports, seenAt } from '../checks/wire.ts';
import type { SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

const preset = 'helper-strips-nat-t';
/** The same box, with IKEv2 in mind. */
const forIkev2 = { preset, behaviour: { helpers: ['strip-nat-detection'], pinned: { ports: [] }, esp: 'one-per-server' } } satisfies Adjustment['boxes'];

export const helper = defineScenario({
  id: 'helper',
  chapter: 'Boxes that help too much',
  title: 'The helper that knows better',
  teaches:
    'Some boxes take NAT traversal out of IKE, for they mean to translate plain ESP by themselves, which they can for one client. IKEv1 does not notice: its vendor IDs are signed by nobody. IKEv2 signs its first messages, and fails loudly. Helpers look at port 500: who starts on 4500 passes them by.',
  refs: ['RFC 3715 §2.3', 'RFC 3947 §3.1', 'RFC 7296 §2.15', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [stripped, startOn4500, ikev2, ikev2StartOn4500],
});

const stripped: Act = {
  id: 'stripped',
  title: 'IKEv1 behind the helper: what announced NAT traversal is gone, nobody looks for a NAT, and the box has room for one client',
  topology: 'hotel',
  keepsIke: true,
  needs: { clients: 2, boxes: 1 },
  // dead-peer detection keeps the first one's mapping of port 500, as its users would
  adjust: { clients: { count: 2, ike: { version: 'v1', deadPeerDetection: '10 s' } }, gateway: { ike: { version: 'v1' } }, boxes: { preset } },
  play: async (stage) => {
    const [one, two] = stage.cast.clients;
    stage.step(`${one!.name} calls the gateway. The helper reads along`);
    await bringUp(stage, [one!]);
    await ping(stage, { ping: 'the first', from: one!.name, to: stage.cast.server });
    stage.step(`${two!.name} does the same`);
    await bringUp(stage, [two!], minutes(4));
  },
  checks: (cast) => [
    offered(cast),
    takenOut(cast, 'RFC 3947 §3.1'),
    claim({ id: 'nobody-looks', claim: 'Neither side looks for a NAT, though there is one', expected: 'no NAT detection at either end', ref: 'RFC 3947 §3.2' }, (trace) => {
      const concluded = [cast.clients[0]!.name, cast.gateway.name].flatMap((name) => trace.of('nat-detection', name).slice(0, 1));
      return { holds: concluded.length === 2 && concluded.every(({ body }) => !body.supported), observed: concluded.map(({ body }) => body.story).join(' ') || 'neither came so far', evidence: concluded };
    }),
    staysOn500(cast),
    dataTravelsAs(cast, 'none'),
    answered({ id: 'first-works', claim: 'The first client is served' }, 'the first'),
    givesUp({ id: 'second-out', claim: 'The second never gets in', ref: 'RFC 3715 §2.3' }, cast.clients[1]!.name),
  ],
};

const startOn4500: Act = {
  id: 'start-on-4500',
  title: 'Started on 4500, where the helper does not look: both clients are in, and ESP goes in UDP',
  topology: 'hotel',
  keepsIke: true,
  needs: { clients: 2, boxes: 1 },
  adjust: { clients: { count: 2, ike: { version: 'v1', startPort: 4500 } }, gateway: { ike: { version: 'v1' } }, boxes: { preset } },
  play: async (stage) => {
    const { clients } = stage.cast;
    stage.step('Both start from 4500 to 4500');
    await bringUp(stage, clients);
    await ping(stage, ...clients.map(({ name }) => ({ ping: `of ${name}`, from: name, to: stage.cast.server })));
  },
  checks: (cast) => [
    untouched(cast),
    dataTravelsAs(cast, 'udp'),
    ...cast.clients.map(({ name }) => answered({ id: `${name}-works`, claim: `${name} is served` }, `of ${name}`)),
  ],
};

const ikev2: Act = {
  id: 'ikev2',
  title: 'IKEv2 behind a helper that takes its notifies out: each side signs what it sent and checks what it got, and they differ',
  topology: 'home',
  keepsIke: true,
  needs: { boxes: 1 },
  adjust: { clients: { ike: { version: 'v2' } }, gateway: { ike: { version: 'v2' } }, boxes: forIkev2 },
  play: async (stage) => {
    const { clients } = stage.cast;
    stage.step('The client calls the gateway. The helper reads along');
    await bringUp(stage, clients.slice(0, 1));
  },
  checks: (cast) => [
    offered(cast),
    takenOut(cast, 'RFC 7296 §2.23'),
    claim({ id: 'found-out', claim: 'The gateway finds in IKE_AUTH that the first message was another', expected: 'its IKE SA fails: the AUTH payload does not fit', ref: 'RFC 7296 §2.15' }, (trace) => {
      const failed = trace.of('ike-sa', cast.gateway.name).filter(({ body }) => body.state === 'failed');
      return { holds: failed.length > 0, observed: failed[0]?.body.story ?? 'it found nothing wrong', evidence: failed.slice(0, 1) };
    }),
    neverIn({ id: 'refused', claim: 'The client is told, and has no tunnel', ref: 'RFC 7296 §2.21.2' }, cast.clients[0]!.name),
  ],
};

const ikev2StartOn4500: Act = {
  id: 'ikev2-start-on-4500',
  title: 'The same way past it: IKEv2 on 4500 from the first message on',
  topology: 'home',
  keepsIke: true,
  needs: { boxes: 1 },
  adjust: { clients: { ike: { version: 'v2', startPort: 4500 } }, gateway: { ike: { version: 'v2' } }, boxes: forIkev2 },
  play: async (stage) => {
    const { clients } = stage.cast;
    stage.step('The client starts from 4500 to 4500');
    await bringUp(stage, clients.slice(0, 1));
    await ping(stage, { ping: 'past the helper', from: clients[0]!.name, to: stage.cast.server });
  },
  checks: (cast) => [untouched(cast), dataTravelsAs(cast, 'udp'), answered({ id: 'works', claim: 'The client is served' }, 'past the helper')],
};

// ---- what is claimed -----------------------------------------------------------------------------------------------------

const firstOf = (trace: Trace, node: string, direction: 'in' | 'out'): SeenIke | undefined => seenAt(trace, { node, direction }).find(isIke);

const offered = (cast: Cast): Check =>
  guard({ id: 'offered', claim: 'The client announces NAT traversal in its first message', expected: 'vendor IDs or notifies of NAT traversal, as it leaves' }, (trace) => {
    const sent = firstOf(trace, cast.clients[0]!.name, 'out');
    if (sent === undefined) return nothing('the client sent nothing');
    const said = offers(trace, cast, sent);
    return { holds: said > 0, observed: `${said} in ${path(sent)}`, evidence: [sent] };
  });

const takenOut = (cast: Cast, ref: string): Check =>
  claim({ id: 'taken-out', claim: 'None of it arrives: the box has taken it out', expected: 'the same message, without', ref }, (trace) => {
    const arrived = firstOf(trace, cast.gateway.name, 'in');
    if (arrived === undefined) return nothing('nothing arrived');
    const said = offers(trace, cast, arrived);
    return { holds: said === 0, observed: `${said} in ${path(arrived)}, of ${arrived.content.message.length} octets`, evidence: [arrived] };
  });

const untouched = (cast: Cast): Check =>
  claim({ id: 'untouched', claim: 'On 4500 the announcement arrives', expected: 'as much of it as was sent', ref: 'RFC 7296 §2.23' }, (trace) => {
    const [sent, arrived] = [firstOf(trace, cast.clients[0]!.name, 'out'), firstOf(trace, cast.gateway.name, 'in')];
    if (!sent || !arrived) return nothing('nothing was sent, or nothing arrived');
    const [before, after] = [offers(trace, cast, sent), offers(trace, cast, arrived)];
    return { holds: before > 0 && before === after && arrived.to.port === ports.natt, observed: `${before} sent, ${after} came: ${path(arrived)}`, evidence: [sent, arrived] };
  });
