/** A box with two lines, one for port 500 and one for 4500: the client's address changes with its port (RFC 7296 §2.11, §2.23). */
import type { IpAddress } from '../../src/core/address.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered } from '../checks/pings.ts';
import { isEsp, isIke, path, ports, seenAt } from '../checks/wire.ts';
import type { Seen, SeenIke } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, impatient, ping } from './stagecraft.ts';

const fromClient = 'client to server';

export const splitPorts = defineScenario({
  id: 'split-ports',
  chapter: 'Boxes that help too much',
  title: 'One client from two addresses',
  teaches:
    'An office with two lines may send port 500 out by one and 4500 by the other. The client that moves to 4500 then comes from another address in the middle of the negotiation. Its SPIs say who it is, and the gateway follows; one that holds it to the address it began from refuses it. Who starts on 4500 has one address all along.',
  refs: ['RFC 7296 §2.11', 'RFC 7296 §2.23', 'RFC 4787 §4.1'],
  parameters: {},
  acts: () => [follows, strict, oneLine],
});

/** What the two lines of the box are called by outside, in the topology "home". */
const lines = { of500: '203.0.113.1', of4500: '203.0.113.3' } as const;

const boxes: Adjustment['boxes'] = { preset: 'split-ports' };

const follows: Act = {
  id: 'follows',
  title: 'The client finds the NAT by one line and moves to 4500, which goes out by the other: the gateway goes on with it there',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { boxes },
  play: comesIn,
  checks: (cast) => [
    twoLines(cast),
    claim({ id: 'one-sa', claim: 'It is one IKE SA, by its SPIs, whatever address it comes from', expected: "the same initiator's SPI from both, and one IKE SA at the gateway", ref: 'RFC 7296 §2.11' }, (trace) => {
      const sas = new Set(heard(trace, cast).map(({ content }) => content.sa));
      const up = trace.of('ike-sa', cast.gateway.name).filter(({ body }) => body.state === 'established');
      return { holds: sas.size === 1 && up.length === 1, observed: `${plural(sas.size, 'SPI')}, ${plural(up.length, 'IKE SA')} established`, evidence: up };
    }),
    claim({ id: 'answers', claim: 'Each answer goes to the line that its question came by', expected: 'from 500 to one address, from 4500 to the other', ref: 'RFC 7296 §2.11' }, (trace) => {
      const said = seenAt(trace, { node: cast.gateway.name, direction: 'out' }).filter(isIke);
      const astray = said.filter(({ from, to }) => !addressesOf(heard(trace, cast), from.port).includes(to.address));
      return { holds: said.length > 1 && astray.length === 0, observed: astray[0] ? `astray: ${path(astray[0])}` : `${plural(said.length, 'answer')}, none astray`, evidence: (astray.length > 0 ? astray : said).slice(0, 3) };
    }),
    claim({ id: 'esp', claim: 'ESP goes by the line of 4500, both ways', expected: 'all ESP at the gateway to and from that address', ref: 'RFC 7296 §2.23' }, (trace) => {
      const esp = seenAt(trace, { node: cast.gateway.name }).filter(isEsp);
      const line = addressesOf(heard(trace, cast), ports.natt);
      const otherwise = esp.filter((seen) => !line.includes(farEnd(seen)));
      return { holds: esp.length > 1 && otherwise.length === 0, observed: otherwise[0] ? path(otherwise[0]) : `${plural(esp.length, 'packet')}, ${line.join(', ')} on the far end`, evidence: (otherwise.length > 0 ? otherwise : esp).slice(0, 2) };
    }),
    answered({ id: 'works', claim: 'The tunnel works' }, fromClient),
  ],
};

/** The client calls itself by an address of its office, and the gateway wants to see that its packets come from there. */
const known = (address: string): Adjustment => ({ boxes, clients: { ike: { ...impatient, identity: { type: 'address', value: address } } }, gateway: { ike: { addressIdentity: 'strict' } } });

const strict: Act = {
  id: 'strict',
  title: "A strict gateway, to which the client calls itself by the address that its first messages come from: by IKE_AUTH it comes from another",
  topology: 'home',
  keepsTopology: true,
  needs: { boxes: 1 },
  adjust: known(lines.of500),
  play: comesIn,
  checks: (cast) => [
    twoLines(cast),
    claim({ id: 'fitted', claim: 'What it calls itself fitted when it began', expected: 'its identity is the address that the first message came from' }, (trace) => {
      const [first] = heard(trace, cast);
      if (!first) return nothing('nothing reached the gateway');
      return { holds: first.from.address === cast.clients[0]!.identity, observed: `it calls itself ${cast.clients[0]!.identity}; ${path(first)}`, evidence: [first] };
    }),
    claim({ id: 'refused', claim: 'The gateway refuses it for the address of the other line', expected: 'a refusal that names both addresses', ref: 'RFC 3715 §2.1' }, (trace) => {
      const refusals = trace.of('drop', cast.gateway.name).filter(({ body }) => ['ike-authentication', 'isakmp-identity'].includes(body.reason));
      const [fitting] = refusals.filter(({ body }) => Object.values(lines).every((address) => body.detail.includes(address)));
      return { holds: fitting !== undefined, observed: fitting?.body.detail ?? refusals[0]?.body.detail ?? 'it refuses nothing', evidence: refusals.slice(0, 2) };
    }),
    claim({ id: 'no-tunnel', claim: 'There is no tunnel', expected: 'no child SA' }, (trace) => {
      const tunnels = trace.of('child-sa').filter(({ body }) => body.state === 'established');
      return { holds: tunnels.length === 0, observed: plural(tunnels.length, 'child SA'), evidence: tunnels };
    }),
  ],
};

const onTheOther = known(lines.of4500);

const oneLine: Act = {
  id: 'one-line',
  title: 'Started on 4500, called by the address of that line: the same strict gateway sees one address all along',
  topology: 'home',
  keepsTopology: true,
  needs: { boxes: 1 },
  adjust: { ...onTheOther, clients: { ike: { ...onTheOther.clients!.ike, startPort: 4500 } } },
  play: comesIn,
  checks: (cast) => [
    guard({ id: 'of-4500', claim: 'The client comes by the line of 4500', expected: `messages at the gateway from ${lines.of4500}` }, (trace) => {
      const [first] = heard(trace, cast);
      return { holds: first?.from.address === lines.of4500, observed: first ? path(first) : 'nothing reached the gateway', evidence: first ? [first] : [] };
    }),
    claim({ id: 'one-address', claim: 'Everything that it sends comes from there', expected: 'one source address at the gateway, IKE and ESP' }, (trace) => {
      const arrived = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter(({ from }) => [ports.ike, ports.natt].includes(from.port as 500 | 4500));
      const sources = [...new Set(arrived.map(({ from }) => from.address))];
      return { holds: sources.length === 1, observed: sources.join(' and ') || 'nothing arrived', evidence: arrived.slice(0, 2) };
    }),
    answered({ id: 'works', claim: 'The tunnel works' }, fromClient),
  ],
};

async function comesIn(stage: Stage): Promise<void> {
  const [client] = stage.cast.clients;
  stage.step(`The client begins; it calls itself ${client!.identity}`);
  await bringUp(stage, [client!]);
  await stage.table(stage.cast.boxes[0]!.name);
  await ping(stage, { ping: fromClient, from: client!.name, to: stage.cast.server });
}

const heard = (trace: Trace, { gateway }: Cast): readonly SeenIke[] => seenAt(trace, { node: gateway.name, direction: 'in' }).filter(isIke);

const addressesOf = (arrived: readonly Seen[], port: number): readonly IpAddress[] => [...new Set(arrived.filter(({ to }) => to.port === port).map(({ from }) => from.address))];

/** Of a packet at the gateway. */
const farEnd = ({ event, from, to }: Seen): IpAddress => (event.body.direction === 'in' ? from.address : to.address);

const twoLines = (cast: Cast): Check =>
  guard({ id: 'two-lines', claim: 'The client comes to port 500 from one address and to 4500 from another', expected: 'two addresses at the gateway, one for each port' }, (trace) => {
    const arrived = heard(trace, cast);
    const [by500, by4500] = [addressesOf(arrived, ports.ike), addressesOf(arrived, ports.natt)];
    return { holds: by500.length === 1 && by4500.length === 1 && by500[0] !== by4500[0], observed: `on 500 from ${by500.join(', ') || 'nowhere'}, on 4500 from ${by4500.join(', ') || 'nowhere'}`, evidence: arrived.slice(0, 3) };
  });
