/** ESP in UDP over IPv6, and either version of IP in either (RFC 3948 §2.1, RFC 8200 §8.1, RFC 4301 §5.1.2). */
import type { Trace } from '../../src/trace/trace.ts';
import { ipVersion } from '../../src/wire/ip.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { dataTravelsAs } from '../checks/float.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { haveTunnels } from '../checks/sas.ts';
import { espInUdpAt } from '../checks/udp-checksum.ts';
import type { SeenEspInUdp } from '../checks/udp-checksum.ts';
import { isEsp, isIke, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, ping } from './stagecraft.ts';

export const ipv6UdpEncap = defineScenario({
  id: 'ipv6-udp-encap',
  chapter: 'ESP in UDP',
  title: 'UDP where there is no NAT: IPv6',
  teaches:
    'Over IPv6 nobody needs ESP in UDP for a NAT, but firewalls that know no ESP are still there, and encapsulation can be forced. One thing is not as over IPv4: the UDP checksum must not be zero. What is in the tunnel may be of either version, whatever is around it.',
  refs: ['RFC 3948 §2.1', 'RFC 8200 §8.1', 'RFC 6935 §5', 'RFC 4301 §5.1.2', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [plain, firewalled, forced, zero, fourInSix, sixInFour],
});

const pingName = 'through the tunnel';

const play = (story: string) => async (stage: Stage): Promise<void> => {
  const [client] = stage.cast.clients;
  stage.step(story);
  await bringUp(stage, [client!]);
  await ping(stage, { ping: pingName, from: client!.name, to: stage.cast.server });
};

/** The source hash is made not to fit: both believe in a NAT. */
const encapsulating: Adjustment = { clients: { ike: { encapsulation: 'forced' } } };

const plain: Act = {
  id: 'plain',
  title: 'No NAT, no firewall: IKE finds nothing in the way, and ESP goes plain over IPv6',
  topology: 'direct-ipv6',
  keepsTopology: true,
  play: play('Client and gateway speak to each other over IPv6'),
  checks: (cast) => [
    overIp(cast, 6),
    noNat(cast),
    dataTravelsAs(cast, 'none'),
    answered({ id: 'data', claim: 'The tunnel carries data' }, pingName),
  ],
};

const firewalled: Act = {
  id: 'firewalled',
  title: 'A firewall that lets only UDP and ICMP pass: no NAT is found, ESP goes plain, and dies',
  topology: 'firewall-ipv6',
  keepsTopology: true,
  play: play('The firewall lets IKE pass, which is UDP'),
  checks: (cast) => [
    overIp(cast, 6),
    noNat(cast),
    haveTunnels({ id: 'agreed', claim: 'The negotiation goes well, and both believe in a tunnel' }, [cast.clients[0]!.name, cast.gateway.name]),
    claim({ id: 'dies', claim: "The client's ESP does not get through the firewall", expected: 'seen at the client, never at the gateway' }, (trace) => {
      const sent = seenAt(trace, { node: cast.clients[0]!.name, direction: 'out' }).filter(isEsp);
      const arrived = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter((seen) => sent.some((one) => sameOnTheWay(seen, one)));
      return { holds: sent.length > 0 && arrived.length === 0, observed: `${plural(sent.length, 'ESP packet')} sent, ${arrived.length} arrived`, evidence: [...sent.slice(0, 2), ...arrived.slice(0, 2)] };
    }),
    unanswered({ id: 'data', claim: 'The tunnel carries nothing' }, pingName),
  ],
};

const forced: Act = {
  id: 'forced',
  title: 'The same with encapsulation forced: ESP in UDP over IPv6, each datagram with its checksum',
  topology: 'firewall-ipv6',
  keepsTopology: true,
  adjust: encapsulating,
  play: play('The client makes the gateway believe in a NAT, so that ESP goes in UDP'),
  checks: (cast) => [
    overIp(cast, 6),
    untranslated(cast),
    dataTravelsAs(cast, 'udp'),
    checksums(cast, 6, 'fits', 'RFC 8200 §8.1'),
    answered({ id: 'data', claim: 'The tunnel carries data' }, pingName),
  ],
};

const zero: Act = {
  id: 'zero',
  title: 'A client that leaves the checksum out, as RFC 3948 asks over IPv4: every datagram arrives, and none is taken',
  topology: 'firewall-ipv6',
  keepsTopology: true,
  adjust: { clients: { ike: { encapsulation: 'forced' }, esp: { udpChecksum: 'zero' } } },
  play: play('The client forces encapsulation, and sends ESP in UDP without a checksum'),
  checks: (cast) => [
    guard({ id: 'zero', claim: "The client's ESP reaches the gateway, its UDP checksum zero", expected: 'ESP in UDP over IPv6 at the gateway, every one with checksum zero' }, (trace) => {
      const arrived = espInUdpAt(trace, { node: cast.gateway.name, direction: 'in' });
      const right = arrived.filter(({ version, checksum }) => version === 6 && checksum === 'zero');
      return { holds: right.length > 0 && right.length === arrived.length, observed: arrived.length === 0 ? 'no ESP in UDP' : `${right.length} of ${plural(arrived.length, 'datagram')}`, evidence: arrived.slice(0, 2) };
    }),
    claim({ id: 'untaken', claim: 'Nothing comes out of the SA: the gateway has thrown it away before it was ESP', expected: 'no inner packet delivered at the gateway', ref: 'RFC 8200 §8.1' }, (trace) => {
      const delivered = trace.of('inner', cast.gateway.name).filter(({ body }) => body.direction === 'delivered');
      const up = trace.of('child-sa', cast.gateway.name).filter(({ body }) => body.state === 'established');
      return { holds: up.length > 0 && delivered.length === 0, observed: `${plural(up.length, 'tunnel')}, ${plural(delivered.length, 'packet')} delivered`, evidence: [...up.slice(0, 1), ...delivered.slice(0, 2)] };
    }),
    unanswered({ id: 'data', claim: 'The tunnel carries nothing' }, pingName),
  ],
};

const fourInSix: Act = {
  id: '4-in-6',
  title: 'An office with IPv4 behind the same firewall: IPv4 in ESP in UDP in IPv6',
  topology: 'ipv4-over-ipv6',
  keepsTopology: true,
  adjust: encapsulating,
  play: play('The client is given an inner address of IPv4'),
  checks: (cast) => [
    overIp(cast, 6),
    inside(cast, 4),
    dataTravelsAs(cast, 'udp'),
    checksums(cast, 6, 'fits', 'RFC 8200 §8.1'),
    answered({ id: 'data', claim: 'The tunnel carries data' }, pingName),
  ],
};

const sixInFour: Act = {
  id: '6-in-4',
  title: 'An office with IPv6, and a home behind a NAT box: IPv6 in ESP in UDP in IPv4, without a checksum',
  topology: 'ipv6-over-ipv4',
  keepsTopology: true,
  play: play('The client is given an inner address of IPv6'),
  checks: (cast) => [
    overIp(cast, 4),
    inside(cast, 6),
    dataTravelsAs(cast, 'udp'),
    checksums(cast, 4, 'zero', 'RFC 3948 §2.1'),
    answered({ id: 'data', claim: 'The tunnel carries data' }, pingName),
  ],
};

/** IKE and ESP, which is all that the two say to each other. */
const outer = (trace: Trace, { clients }: Cast): readonly Seen[] => seenAt(trace, { node: clients[0]!.name }).filter((seen) => isIke(seen) || isEsp(seen));

const overIp = (cast: Cast, version: 4 | 6): Check =>
  guard({ id: 'outer', claim: `Everything between client and gateway goes over IPv${version}`, expected: `IKE and ESP at the client, all in IPv${version}` }, (trace) => {
    const all = outer(trace, cast);
    const right = all.filter(({ event }) => ipVersion(event.body.bytes) === version);
    return { holds: all.some(isIke) && all.some(isEsp) && right.length === all.length, observed: `${right.length} of ${plural(all.length, 'packet')}${all[0] ? `, the first ${path(all[0])}` : ''}`, evidence: all.slice(0, 2) };
  });

const inside = ({ gateway }: Cast, version: 4 | 6): Check =>
  claim({ id: 'inner', claim: `What comes out of the tunnel is IPv${version}`, expected: `inner packets at the gateway, all of them IPv${version}`, ref: 'RFC 4301 §5.1.2' }, (trace) => {
    const delivered = trace.of('inner', gateway.name).filter(({ body }) => body.direction === 'delivered');
    const right = delivered.filter(({ body }) => ipVersion(body.bytes) === version);
    return { holds: delivered.length > 0 && right.length === delivered.length, observed: `${right.length} of ${plural(delivered.length, 'packet')}`, evidence: delivered.slice(0, 2) };
  });

const noNat = ({ clients, gateway }: Cast): Check =>
  claim({ id: 'no-nat', claim: 'Both look for a NAT and find none', expected: 'NAT detection on both sides, nobody behind a NAT', ref: 'RFC 7296 §2.23' }, (trace) => {
    const concluded = [clients[0]!.name, gateway.name].flatMap((node) => trace.of('nat-detection', node).slice(0, 1));
    const none = concluded.filter(({ body }) => body.supported && !body.localBehindNat && !body.remoteBehindNat);
    return { holds: none.length === 2, observed: concluded.map(({ node, body }) => `${node}: ${body.localBehindNat || body.remoteBehindNat ? 'a NAT' : 'no NAT'}`).join(', ') || 'nobody has looked', evidence: concluded };
  });

/** Encapsulation is forced, not needed: the addresses are as they were. */
const untranslated = (cast: Cast): Check =>
  claim({ id: 'untranslated', claim: 'No NAT is there: the packets arrive under the address that they were sent from', expected: "ESP in UDP at the gateway, from the client's own address and port" }, (trace) => {
    const [arrived] = espInUdpAt(trace, { node: cast.gateway.name, direction: 'in' });
    const [sent] = espInUdpAt(trace, { node: cast.clients[0]!.name, direction: 'out' });
    if (!arrived || !sent) return nothing('no ESP in UDP');
    return { holds: arrived.from.address === sent.from.address && arrived.from.port === sent.from.port, observed: `${sent.from.address} port ${sent.from.port} arrived as ${arrived.from.address} port ${arrived.from.port}`, evidence: [sent, arrived] };
  });

const checksums = ({ clients, gateway }: Cast, version: 4 | 6, wanted: SeenEspInUdp['checksum'], ref: string): Check =>
  claim({ id: 'checksums', claim: wanted === 'zero' ? `Over IPv${version} the UDP checksum around ESP is zero` : `Over IPv${version} the UDP checksum around ESP is there, and fits`, expected: `every datagram of both: checksum ${wanted}`, ref }, (trace) => {
    const sent = [clients[0]!.name, gateway.name].map((node) => espInUdpAt(trace, { node, direction: 'out' }));
    const all = sent.flat();
    const wrong = all.filter((datagram) => datagram.checksum !== wanted || datagram.version !== version);
    return { holds: sent.every((of) => of.length > 0) && wrong.length === 0, observed: wrong[0] ? `otherwise: checksum ${wrong[0].checksum}, IPv${wrong[0].version}` : sent.map((of) => plural(of.length, 'datagram')).join(' and '), evidence: (wrong.length > 0 ? wrong : all).slice(0, 2) };
  });
