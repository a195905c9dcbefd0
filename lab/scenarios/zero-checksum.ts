/** ESP in UDP without a checksum, and the box that takes "none" for a sum (RFC 3948 §2.1, RFC 768). */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { findsPeerAlive } from '../checks/sas.ts';
import { espInUdpAt } from '../checks/udp-checksum.ts';
import type { SeenEspInUdp } from '../checks/udp-checksum.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { askWhetherAlive, bringUp, ping } from './stagecraft.ts';

const fromClient = 'client to server';

export const zeroChecksum = defineScenario({
  id: 'zero-checksum',
  chapter: 'ESP in UDP',
  title: 'No checksum is a checksum of zero',
  teaches:
    'ESP protects itself, so the UDP around it goes without a checksum: the field is zero, which says so. A box that adjusts the field like any other makes of "none" a wrong one. IKE, which has checksums, gets through, so the tunnel is up; and nothing that is sent through it arrives.',
  refs: ['RFC 3948 §2.1', 'RFC 768', 'RFC 3022 §4.2'],
  parameters: {},
  acts: () => [kept, filledIn, spoiled, withChecksums],
});

const kept: Act = {
  ...setting('kept', 'A box that leaves zero alone, as it should', 'kept'),
  checks: (cast) => [leavesWithout(cast), arrives(cast, 'zero', 'It arrives without one, too'), answered({ id: 'works', claim: 'The tunnel works' }, fromClient)],
};

const filledIn: Act = {
  ...setting('filled-in', 'A box that makes a checksum where there was none: needless, and it does no harm', 'computed'),
  checks: (cast) => [leavesWithout(cast), arrives(cast, 'fits', 'It arrives with one that is right'), answered({ id: 'works', claim: 'The tunnel works' }, fromClient)],
};

const spoiled: Act = {
  ...setting('spoiled', 'A box that adjusts zero by the difference of the addresses: what arrives claims to have a checksum, and it is wrong', 'adjusted'),
  play: async (stage) => {
    await tryTunnel(stage);
    const [client] = stage.cast.clients;
    stage.step('IKE on the same ports has checksums: the client asks whether the gateway lives');
    await askWhetherAlive(stage, client!);
  },
  checks: (cast) => [
    leavesWithout(cast),
    arrives(cast, 'does not fit', 'It arrives with a wrong one'),
    claim({ id: 'not-taken', claim: 'The gateway\'s UDP throws it away: nothing comes out of the SA', expected: 'nothing delivered at the gateway', ref: 'RFC 1122 §4.1.3.4' }, (trace) => {
      const delivered = trace.of('inner', cast.gateway.name).filter(({ body }) => body.direction === 'delivered');
      return { holds: delivered.length === 0, observed: `${plural(delivered.length, 'packet')} delivered`, evidence: delivered.slice(0, 2) };
    }),
    unanswered({ id: 'dead', claim: 'Nothing gets through the tunnel' }, fromClient),
    findsPeerAlive({ id: 'ike-lives', claim: 'Both sides hold the tunnel to be up: IKE gets through' }, cast.clients[0]!.name),
  ],
};

const withChecksums: Act = {
  ...setting('with-checksums', 'The same box, and endpoints that compute the checksum, which they may: there is one to adjust', 'adjusted', { esp: { udpChecksum: 'computed' } }),
  checks: (cast) => [
    guard({ id: 'translated', claim: 'The box has changed the address, and with it what the checksum is about', expected: 'another source address at the gateway' }, (trace) => {
      const [arrived] = espAt(trace, cast.gateway.name, 'in');
      if (!arrived) return nothing('no ESP in UDP reached the gateway');
      return { holds: arrived.from.address !== cast.clients[0]!.address, observed: `it came from ${describeEndpoint(arrived.from)}`, evidence: [arrived] };
    }),
    claim({ id: 'leaves-with', claim: 'ESP leaves the client with a checksum', expected: 'every one right', ref: 'RFC 3948 §2.1' }, (trace) => allHave(espAt(trace, cast.clients[0]!.name, 'out'), 'fits')),
    arrives(cast, 'fits', 'It arrives with one that is right'),
    answered({ id: 'works', claim: 'The tunnel works' }, fromClient),
  ],
};

function setting(id: string, title: string, zero: 'kept' | 'computed' | 'adjusted', host: NonNullable<Adjustment['clients']> = {}): Omit<Act, 'checks'> {
  return { id, title, topology: 'home', needs: { boxes: 1 }, adjust: { clients: host, gateway: host, boxes: { preset: 'linux-masquerade', behaviour: { zeroChecksum: zero } } }, play: tryTunnel };
}

async function tryTunnel(stage: Stage): Promise<void> {
  const [client] = stage.cast.clients;
  stage.step('IKE comes through, and the tunnel is up');
  await bringUp(stage, [client!]);
  stage.step('ESP goes out in UDP');
  await ping(stage, { ping: fromClient, from: client!.name, to: stage.cast.server });
}

const leavesWithout = (cast: Cast): Check =>
  guard({ id: 'leaves-without', claim: 'ESP leaves the client without a checksum, and is translated', expected: 'zero at the client, another source address at the gateway', ref: 'RFC 3948 §2.1' }, (trace) => {
    const [client] = cast.clients;
    const sent = espAt(trace, client!.name, 'out');
    const [arrived] = espAt(trace, cast.gateway.name, 'in');
    if (sent.length === 0 || !arrived) return nothing('no ESP in UDP left the client, or none reached the gateway');
    const without = sent.filter(({ checksum }) => checksum === 'zero');
    return { holds: without.length === sent.length && arrived.from.address !== client!.address, observed: `${without.length} of ${sent.length} without a checksum; one arrived from ${describeEndpoint(arrived.from)}`, evidence: [...sent.slice(0, 1), arrived] };
  });

type Checksum = SeenEspInUdp['checksum'];

const espAt = (trace: Trace, node: string, direction: 'in' | 'out'): readonly SeenEspInUdp[] => espInUdpAt(trace, { node, direction });

const words: Record<Checksum, string> = { 'zero': 'without a checksum', 'fits': 'with a right one', 'does not fit': 'with a wrong one' };

const arrives = (cast: Cast, how: Checksum, text: string): Check =>
  claim({ id: 'arrives', claim: text, expected: `ESP at the gateway, every packet ${words[how]}`, ref: how === 'does not fit' ? 'RFC 768' : 'RFC 3948 §2.1' }, (trace: Trace) => allHave(espAt(trace, cast.gateway.name, 'in'), how));

function allHave(seen: readonly SeenEspInUdp[], wanted: Checksum) {
  const others = seen.filter(({ checksum }) => checksum !== wanted);
  return { holds: seen.length > 0 && others.length === 0, observed: seen.length === 0 ? 'no ESP in UDP' : others[0] ? `${others.length} of ${seen.length} otherwise, the first ${words[others[0].checksum]}` : `${plural(seen.length, 'packet')} ${words[wanted]}`, evidence: (others.length > 0 ? others : seen).slice(0, 2) };
}
