/** Transport mode through a NAT: checksums over addresses that have changed (RFC 3948 §3.1.2, RFC 3947 §5.2). */
import type { ChecksumRepair } from '../../src/ipsec/checksum-repair.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { installedSas } from '../checks/pfkey.ts';
import { lost, returned } from '../checks/programs.ts';
import type { EchoErrand } from '../checks/programs.ts';
import { isEsp, path, seenAt } from '../checks/wire.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act } from './scenario.ts';
import { bringUp, runErrands } from './stagecraft.ts';

export const checksum = defineScenario({
  id: 'checksum',
  chapter: 'ESP in UDP',
  title: 'Checksums over addresses that have changed',
  teaches:
    'In transport mode the checksums of TCP and UDP, made over the addresses of the packet, travel encrypted: the box that changes the addresses cannot mend them. The receiver must, and to do it right it must be told what the addresses were.',
  refs: ['RFC 3715 §2.1', 'RFC 3948 §3.1.2', 'RFC 3947 §5.2', 'RFC 7296 §2.23.1'],
  parameters: {},
  acts: () => [
    act('control', 'Nobody mends anything: UDP and TCP reach the gateway and are thrown away there', 'none', 'fails'),
    act('adjust', 'The checksum is changed by the difference of the addresses, which the negotiation has told', 'adjust', 'works'),
    withheld(),
    act('recompute', 'The checksum is made anew, which needs no other address, and would hide an error of the sender', 'recompute', 'works'),
    act('trust', 'UDP checksums are taken away and TCP checksums not looked at: ESP has vouched for every octet', 'zero-udp-trust-tcp', 'works'),
  ],
});

type Host = NonNullable<Adjustment['clients']>;

const udp: EchoErrand = { program: 'udp-echo', name: 'a datagram and its echo' };
const tcp: EchoErrand = { program: 'tcp-probe', name: 'a TCP connection' };

function act(id: string, title: string, checksumRepair: ChecksumRepair, outcome: 'works' | 'fails', ike: Host['ike'] = {}): Act {
  const host: Host = { ike, esp: { mode: 'transport', checksumRepair } };
  return {
    id,
    title,
    topology: 'home',
    needs: { boxes: 1 },
    adjust: { clients: host, gateway: host },
    play: async (stage) => {
      const [client] = stage.cast.clients;
      stage.step('Client and gateway agree on transport mode: no inner addresses, each packet is protected where it stands');
      await bringUp(stage, [client!]);
      stage.step("The client speaks to the gateway itself, in UDP and in TCP, with checksums over its own private address");
      await runErrands(stage, client!.name, stage.cast.gateway.address, [udp, tcp]);
    },
    checks: (cast) => [
      transportThroughNat(cast),
      ...(outcome === 'works'
        ? [
            noneThrownAway(cast),
            returned({ id: 'udp', claim: 'UDP gets through, there and back', ref: 'RFC 3948 §3.1.2' }, udp),
            returned({ id: 'tcp', claim: 'TCP gets through, there and back', ref: 'RFC 3948 §3.1.2' }, tcp),
          ]
        : [
            thrownAway(cast),
            lost({ id: 'udp', claim: 'UDP is not answered' }, udp),
            lost({ id: 'tcp', claim: 'TCP does not connect' }, tcp),
          ]),
    ],
  };
}

/** Only IKEv1 can keep it back: in IKEv2 the selectors themselves are the original addresses. */
function withheld(): Act {
  const base = act('withheld', 'The same in IKEv1 without NAT-OA: nobody has told what the addresses were, so there is no difference to change it by', 'adjust', 'fails', { version: 'v1', v1: { natOriginalAddress: 'withheld' } });
  return { ...base, keepsIke: true, checks: (cast) => [nothingTold(cast), ...base.checks(cast)] };
}

const transportThroughNat = (cast: Cast): Check =>
  guard({ id: 'transport', claim: 'The SAs are in transport mode, and their packets are translated on the way', expected: 'transport mode on both sides, ESP with the box\'s address at the gateway' }, (trace) => {
    const sas = [cast.clients[0]!.name, cast.gateway.name].flatMap((node) => installedSas(trace, node));
    const [arrived] = seenAt(trace, { node: cast.gateway.name, direction: 'in' }).filter(isEsp);
    if (!arrived) return nothing('no ESP reached the gateway');
    return {
      holds: sas.length >= 4 && sas.every(({ mode }) => mode === 'transport') && arrived.from.address !== cast.clients[0]!.address,
      observed: `${plural(sas.length, 'SA')}, ${sas.filter(({ mode }) => mode === 'transport').length} in transport mode; ESP arrived as ${path(arrived)}`,
      evidence: [...sas.slice(0, 2).map(({ event }) => event), arrived],
    };
  });

const nothingTold = (cast: Cast): Check =>
  guard({ id: 'untold', claim: 'The stacks hear of no original addresses', expected: 'SAs on both sides, none with an original address', ref: 'RFC 3947 §5.2' }, (trace) => {
    const sas = [cast.clients[0]!.name, cast.gateway.name].flatMap((node) => installedSas(trace, node));
    const told = sas.filter(({ originalAddresses }) => originalAddresses.length > 0);
    return {
      holds: sas.length > 0 && told.length === 0,
      observed: `${plural(sas.length, 'SA')}, ${told.length === 0 ? 'none with an original address' : `with ${told.flatMap(({ originalAddresses }) => originalAddresses).join(', ')}`}`,
      evidence: [...sas.slice(0, 2), ...told.slice(0, 2)].map(({ event }) => event),
    };
  });

/** By what the gateway says of the packets that came out of its SA. */
const thrownAway = (cast: Cast): Check =>
  claim({ id: 'thrown-away', claim: 'The packets come out of the SA whole and authentic, and their checksums do not fit', expected: 'UDP and TCP dropped at the gateway for their checksums', ref: 'RFC 3715 §2.1' }, (trace) => {
    const drops = trace.of('drop', cast.gateway.name).filter(({ body }) => body.reason === 'inner-checksum');
    const kinds = ['UDP', 'TCP'].filter((kind) => drops.some(({ body }) => body.detail.startsWith(kind)));
    return { holds: kinds.length === 2, observed: drops[0] ? `${plural(drops.length, 'packet')} of ${kinds.join(' and ')}; ${drops[0].body.detail}` : 'nothing was dropped for its checksum', evidence: drops.slice(0, 3) };
  });

const noneThrownAway = (cast: Cast): Check =>
  claim({ id: 'mended', claim: 'No checksum is found wrong on either side', expected: 'nothing dropped for its checksum', ref: 'RFC 3948 §3.1.2' }, (trace) => {
    const drops = [cast.clients[0]!.name, cast.gateway.name].flatMap((node) => trace.of('drop', node).filter(({ body }) => body.reason === 'inner-checksum'));
    const delivered = trace.of('inner', cast.gateway.name).filter(({ body }) => body.direction === 'delivered');
    return { holds: delivered.length > 0 && drops.length === 0, observed: `${plural(delivered.length, 'packet')} delivered at the gateway, ${drops.length} dropped for their checksums`, evidence: [...delivered.slice(0, 2), ...drops.slice(0, 2)] };
  });
