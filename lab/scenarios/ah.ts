/** AH through NAT: a signature over the field that a NAT must change (RFC 3715 §2.1, RFC 4302). */
import type { Trace } from '../../src/trace/trace.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import { dataTravelsAs } from '../checks/float.ts';
import { changesOnTheWay, describeChange } from '../checks/ip-header.ts';
import type { Change } from '../checks/ip-header.ts';
import { installedSas } from '../checks/pfkey.ts';
import { lost, returned } from '../checks/programs.ts';
import type { EchoErrand } from '../checks/programs.ts';
import { haveTunnels } from '../checks/sas.ts';
import { cameOut, isAh, isEsp, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen, SeenAh } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, runErrands } from './stagecraft.ts';

export const ah = defineScenario({
  id: 'ah',
  chapter: 'Why NAT breaks IPsec',
  title: 'A signature over the address that NAT must change',
  teaches:
    'AH signs the IP header together with the packet, addresses included. What a NAT is there to do is what AH is there to detect: no box can carry it, however helpful, and nobody has put it in UDP. ESP signs nothing of the header in front of it.',
  refs: ['RFC 3715 §2.1', 'RFC 4302 §3.3.3.1.1', 'RFC 4302 §3.4.4', 'RFC 3948 §1'],
  parameters: {},
  acts: () => [direct, blocked, passed, inUdp],
});

/** Transport mode: the header that AH signs is the packet's own, and there is nothing else to look at. */
const transport = (protocol: 'ah' | 'esp'): Adjustment => ({ clients: { esp: { protocol, mode: 'transport' } }, gateway: { esp: { protocol, mode: 'transport' } } });

const udp: EchoErrand = { program: 'udp-echo', name: 'a datagram and its echo' };
const tcp: EchoErrand = { program: 'tcp-probe', name: 'a TCP connection' };

const play = (way: string) => async (stage: Stage): Promise<void> => {
  const [client] = stage.cast.clients;
  stage.step(`Client and gateway agree on ${way} in transport mode`);
  await bringUp(stage, [client!]);
  stage.step('The client speaks to the gateway itself, in UDP and in TCP');
  await runErrands(stage, client!.name, stage.cast.gateway.address, [udp, tcp]);
};

const direct: Act = {
  id: 'direct',
  title: 'No NAT: every octet arrives as it was signed, and everybody on the way could read it',
  topology: 'direct',
  keepsTopology: true,
  adjust: transport('ah'),
  play: play('AH'),
  checks: (cast) => [
    guard({ id: 'ah', claim: 'All that they say to each other goes as AH', expected: "SAs of AH in transport mode on both sides, protocol 51 at the gateway, under the client's address" }, (trace) => {
      const sas = [cast.clients[0]!.name, cast.gateway.name].flatMap((node) => installedSas(trace, node));
      const right = sas.filter(({ protocol, mode }) => protocol === 'ah' && mode === 'transport');
      const [arrived] = ahAt(trace, cast.gateway.name, 'in');
      if (!arrived) return nothing('no AH reached the gateway');
      return { holds: sas.length >= 4 && right.length === sas.length && arrived.from.address === cast.clients[0]!.address, observed: `${right.length} of ${plural(sas.length, 'SA')}; AH arrived as ${path(arrived)}`, evidence: [...right.slice(0, 2).map(({ event }) => event), arrived] };
    }),
    claim({ id: 'unchanged', claim: 'Of the fields that AH signs none is changed on the way', expected: 'the header leaves the client and reaches the gateway with the same signed fields', ref: 'RFC 4302 §3.3.3.1.1' }, (trace) => {
      const crossed = pairs(trace, cast, isAh);
      const changed = crossed.filter(({ changes }) => changes.some(({ signed }) => signed));
      return { holds: crossed.length > 0 && changed.length === 0, observed: changed[0] ? describeChanges(changed[0].changes) : `${plural(crossed.length, 'packet')} as they were sent`, evidence: (changed[0] ? changed : crossed).slice(0, 1).flatMap(({ sent, arrived }) => [sent, arrived]) };
    }),
    claim({ id: 'readable', claim: 'AH hides nothing: who stands on the way reads what it carries', expected: 'a UDP datagram to port 7 behind the AH header', ref: 'RFC 4302 §1' }, (trace) => {
      const arrived = ahAt(trace, cast.gateway.name, 'in');
      const echo = arrived.find(({ content, from, to }) => {
        const datagram = content.around === protocols.udp ? decodeUdp(content.carried, { source: from.address, destination: to.address }) : undefined;
        return datagram?.ok === true && datagram.value.destinationPort === echoPort;
      });
      return { holds: echo !== undefined, observed: echo ? `UDP to port ${echoPort}, ${plural(echo.content.carried.length, 'octet')}, in the clear` : `${plural(arrived.length, 'AH packet')}, none with such a datagram`, evidence: echo ? [echo] : arrived.slice(0, 2) };
    }),
    returned({ id: 'udp', claim: 'UDP gets through, there and back' }, udp),
    returned({ id: 'tcp', claim: 'TCP gets through, there and back' }, tcp),
  ],
};

const blocked: Act = {
  id: 'blocked',
  title: 'Behind a box that knows TCP, UDP and ICMP: IKE gets through, AH does not come out',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { ...transport('ah'), boxes: { behaviour: { ah: 'blocked' } } },
  play: play('AH'),
  checks: (cast) => [
    haveTunnels({ id: 'agreed', claim: 'The negotiation goes well, and both believe in their SAs', ref: 'RFC 3715 §2.1' }, [cast.clients[0]!.name, cast.gateway.name]),
    claim({ id: 'blocked', claim: "The client's AH does not come out of the box", expected: 'seen inside, never outside' }, (trace) => {
      const { sent, through } = fate(trace, cast);
      return { holds: sent.length > 0 && through.length === 0, observed: `${plural(sent.length, 'AH packet')} inside, ${through.length} outside`, evidence: [...sent.slice(0, 2), ...through.slice(0, 2)] };
    }),
    lost({ id: 'udp', claim: 'UDP is not answered' }, udp),
    lost({ id: 'tcp', claim: 'TCP does not connect' }, tcp),
  ],
};

const passed: Act = {
  id: 'passed',
  title: 'Behind a box that lets AH pass: it arrives, and the signature does not fit, because the box did what a NAT is for',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { ...transport('ah'), boxes: { behaviour: { ah: 'one-per-server' } } },
  play: play('AH'),
  checks: (cast) => [
    guard({ id: 'translated', claim: 'The box hands AH on, under its own address', expected: "protocol 51 at the gateway, not from the client's address" }, (trace) => {
      const [arrived] = ahAt(trace, cast.gateway.name, 'in');
      if (!arrived) return nothing('no AH reached the gateway');
      return { holds: arrived.from.address !== cast.clients[0]!.address, observed: `it came as ${path(arrived)}`, evidence: [arrived] };
    }),
    claim({ id: 'changed', claim: 'Of the fields that AH signs the box has changed one: the source address', expected: 'every packet: source address, and no other signed field', ref: 'RFC 4302 §3.3.3.1.1' }, (trace) => {
      const crossed = pairs(trace, cast, isAh);
      const wrong = crossed.filter(({ changes }) => changes.filter(({ signed }) => signed).map(({ field }) => field).join() !== 'source address');
      const [shown] = wrong.length > 0 ? wrong : crossed;
      return { holds: crossed.length > 0 && wrong.length === 0, observed: shown ? describeChanges(shown.changes) : 'no packet crossed the box', evidence: shown ? [shown.sent, shown.arrived] : [] };
    }),
    claim({ id: 'refused', claim: 'The gateway finds that the ICV does not fit, and with which address it would', expected: 'dropped as ah-authentication: signed for the address of the client, arrived from another', ref: 'RFC 4302 §3.4.4' }, (trace) => {
      const drops = trace.of('drop', cast.gateway.name).filter(({ body }) => body.reason === 'ah-authentication');
      const told = drops.filter(({ body }) => body.detail.includes(`the source address was changed: signed for ${cast.clients[0]!.address}`));
      return { holds: told.length > 0 && told.length === drops.length, observed: drops[0] ? `${plural(drops.length, 'packet')}; ${drops[0].body.detail}` : 'nothing was dropped for its ICV', evidence: drops.slice(0, 3) };
    }),
    lost({ id: 'udp', claim: 'UDP is not answered' }, udp),
    lost({ id: 'tcp', claim: 'TCP does not connect' }, tcp),
  ],
};

const inUdp: Act = {
  id: 'in-udp',
  title: 'The same two with ESP in UDP: the box changes the same field, and nobody has signed it',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: transport('esp'),
  play: play('ESP'),
  checks: (cast) => [
    guard({ id: 'translated', claim: 'The box changes the source address as before', expected: "every ESP packet of the client reaches the gateway under another address" }, (trace) => {
      const crossed = pairs(trace, cast, isEsp);
      const changed = crossed.filter(({ changes }) => changes.some(({ field }) => field === 'source address'));
      return { holds: crossed.length > 0 && changed.length === crossed.length, observed: crossed[0] ? describeChanges(crossed[0].changes) : 'no ESP crossed the box', evidence: crossed.slice(0, 1).flatMap(({ sent, arrived }) => [sent, arrived]) };
    }),
    dataTravelsAs(cast, 'udp'),
    claim({ id: 'authentic', claim: 'Every packet proves authentic at the gateway: the ICV of ESP begins at the SPI', expected: 'packets delivered out of the SA, none dropped for its ICV', ref: 'RFC 4303 §2.8' }, (trace) => {
      const drops = trace.of('drop', cast.gateway.name).filter(({ body }) => body.reason === 'esp-authentication');
      const delivered = trace.of('inner', cast.gateway.name).filter(({ body }) => body.direction === 'delivered');
      return { holds: delivered.length > 0 && drops.length === 0, observed: `${plural(delivered.length, 'packet')} delivered, ${drops.length} dropped for their ICV`, evidence: [...delivered.slice(0, 2), ...drops.slice(0, 2)] };
    }),
    returned({ id: 'udp', claim: 'UDP gets through, there and back' }, udp),
    returned({ id: 'tcp', claim: 'TCP gets through, there and back' }, tcp),
  ],
};

/** RFC 862. */
const echoPort = 7;

const ahAt = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenAh[] => seenAt(trace, { node, direction }).filter(isAh);

/** The client's AH inside the box, and what of it came out. */
function fate(trace: Trace, { clients, boxes }: Cast): { readonly sent: readonly Seen[]; readonly through: readonly Seen[] } {
  const sent = ahAt(trace, clients[0]!.name, 'out');
  return { sent, through: cameOut(trace, boxes, sent) };
}

/** A packet of the client where it left and where it arrived, and what became of its header. */
interface Crossed {
  readonly sent: Seen;
  readonly arrived: Seen;
  readonly changes: readonly Change[];
}

function pairs(trace: Trace, { clients, gateway }: Cast, of: (seen: Seen) => boolean): readonly Crossed[] {
  const left = seenAt(trace, { node: clients[0]!.name, direction: 'out' }).filter(of);
  return seenAt(trace, { node: gateway.name, direction: 'in' }).filter(of).flatMap((arrived) => {
    const sent = left.find((one) => sameOnTheWay(one, arrived));
    return sent === undefined ? [] : [{ sent, arrived, changes: changesOnTheWay(sent.bytes, arrived.bytes) }];
  });
}

const describeChanges = (changes: readonly Change[]): string => changes.map(describeChange).join(', ') || 'nothing was changed';
