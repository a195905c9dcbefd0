/** The box gets another outside address: whether it forgets what it had at the old one, who notices, and after how long. */
import { ip } from '../../src/core/address.ts';
import { describeDuration, minutes, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Predicate } from '../backends/backend.ts';
import { controlOf } from '../checks/box-events.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { happens } from '../checks/waiting.ts';
import { isKeepalive, path, ports, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { connectAndTry, ping, pingClient } from './stagecraft.ts';

const fresh = ip('203.0.113.77');
/** The client asks after so much silence of the gateway. */
const interval = seconds(30);
/** A request is sent six times, the last after 4 + 8 + 16 + 32 + 64 s, and then waited for. */
const patience = minutes(5);

export const addressChange = defineScenario({
  id: 'address-change',
  chapter: 'Staying alive',
  title: 'Another address overnight',
  teaches:
    'A line that dials anew gives the box another address. A box that forgets its mappings then heals by itself: the first authenticated packet brings the gateway along. One that keeps them sends from an address that nobody answers, and whatever the client says, keepalives first of all, keeps the dead mapping alive. Dead-peer detection notices; only silence, or another port, gets past it.',
  refs: ['RFC 3948 §4', 'RFC 7296 §2.4', 'RFC 7296 §2.23', 'RFC 3706 §5'],
  parameters: {},
  acts: () => [forgotten, keptAlive, noticed, silence],
});

const act = (id: string, title: string, box: string, client: { readonly keepalive: string; readonly deadPeerDetection: string }, rest: Pick<Act, 'play' | 'checks'>): Act => ({
  id,
  title,
  topology: 'home',
  keepsTopology: true,
  needs: { boxes: 1 },
  adjust: { clients: { ike: client }, gateway: { ike: { keepalive: 'off' } }, boxes: { preset: box } },
  ...rest,
});

const forgotten = act(
  'forgotten',
  'A box that forgets with the address: the next thing that the client says and proves comes from the new one',
  'linux-masquerade',
  { keepalive: '20 s', deadPeerDetection: describeDuration(interval) },
  {
    play: async (stage) => {
      await connectAndTry(stage, 'client to server');
      await changeAddress(stage);
      stage.step('Nobody has anything to say but the keepalives, and the client asks now and then whether the gateway lives');
      await stage.expect(happens('peer-moved', 'the gateway follows', ({ node }) => node === stage.cast.gateway.name), patience);
      await bothSpeak(stage);
    },
    checks: (cast) => [
      changed(cast),
      claim({ id: 'follows', claim: 'The gateway follows as soon as the client asks', expected: `to the new address, within ${describeDuration((interval + seconds(10)) as Duration)}`, ref: 'RFC 7296 §2.23' }, (trace) => {
        const [move] = trace.of('peer-moved', cast.gateway.name);
        const since = controlOf(trace, cast)?.at ?? 0;
        return {
          holds: move !== undefined && move.body.to.address === fresh && move.at - since <= interval + seconds(10),
          observed: move ? `${move.body.story} That was ${describeDuration(Math.round(move.at - since) as Duration)} after the change.` : 'it has not',
          evidence: move ? [move] : [],
        };
      }),
      answered({ id: 'client-works', claim: 'The client reaches the protected network' }, 'client to server, after'),
      answered({ id: 'gateway-works', claim: 'The gateway reaches the client' }, 'gateway to client, after'),
    ],
  },
);

const keptAlive = act('kept-alive', 'A box that keeps its mappings: keepalives refresh what is dead, and nobody notices', 'stale-mappings', { keepalive: '20 s', deadPeerDetection: 'off' }, {
  play: async (stage) => {
    await connectAndTry(stage, 'client to server');
    await changeAddress(stage);
    stage.step('Three minutes pass, longer than the box remembers who is silent. The keepalives go on');
    await stage.pass(minutes(3));
    await stage.table(stage.cast.boxes[0]!.name);
    await bothSpeak(stage);
  },
  checks: (cast) => [
    changed(cast),
    claim({ id: 'refreshed', claim: 'Every keepalive leaves from the old address', expected: 'keepalives after the change, all from the address that is gone', ref: 'RFC 3948 §4' }, (trace) => leavesByOld(trace, cast, isKeepalive)),
    claim({ id: 'unnoticed', claim: 'Neither side notices', expected: 'nobody declares the other dead, nobody follows' }, (trace) => {
      const noticing = [...trace.of('peer-dead'), ...trace.of('peer-moved')];
      return { holds: noticing.length === 0, observed: noticing[0]?.body.story ?? 'silence', evidence: noticing };
    }),
    unanswered({ id: 'client-lost', claim: 'The client gets no answer any more' }, 'client to server, after'),
    unanswered({ id: 'gateway-lost', claim: 'What the gateway says is lost' }, 'gateway to client, after'),
  ],
});

const noticed = act('noticed', 'With dead-peer detection the client notices. It begins anew at once, and so keeps the dead mapping alive', 'stale-mappings', { keepalive: '20 s', deadPeerDetection: describeDuration(interval) }, {
  play: async (stage) => {
    const [client] = stage.cast.clients;
    await connectAndTry(stage, 'client to server');
    await changeAddress(stage);
    stage.step('The client asks whether the gateway lives, and asks again');
    await stage.expect(happens('peer-dead', 'the client gives the gateway up', ({ node }) => node === client!.name), patience);
    stage.step('It begins anew at once. On port 4500 the old mapping is still there');
    await stage.expect(newAttemptFails(stage.trace, client!.name), patience, () => stage.command(client!.name, { kind: 'initiate', connection: client!.connection }));
  },
  checks: (cast) => [
    changed(cast),
    claim({ id: 'noticed', claim: 'The client finds that the gateway does not answer', expected: `it gives it up, within ${describeDuration(patience)}`, ref: 'RFC 7296 §2.4' }, (trace) => {
      const [dead] = trace.of('peer-dead', cast.clients[0]!.name);
      const since = controlOf(trace, cast)?.at ?? 0;
      return { holds: dead !== undefined && dead.at - since <= patience, observed: dead ? `${dead.body.story} That was ${describeDuration((Math.round((dead.at - since) / 1000) * 1000) as Duration)} after the change.` : 'it has not', evidence: dead ? [dead] : [] };
    }),
    claim({ id: 'refreshed', claim: 'The new attempt leaves by the old address on port 4500', expected: 'everything to 4500 from the address that is gone', ref: 'RFC 3948 §4' }, (trace) => leavesByOld(trace, cast, () => true, trace.of('peer-dead', cast.clients[0]!.name)[0]?.seq)),
    claim({ id: 'fails-again', claim: 'So it fails as well', expected: 'no SA, after all retransmissions' }, (trace) => {
      const [dead] = trace.of('peer-dead', cast.clients[0]!.name);
      const failed = trace.of('ike-sa', cast.clients[0]!.name).find(({ body }) => body.state === 'failed' && dead !== undefined && body.initiatorSpi !== dead.body.initiatorSpi);
      return { holds: failed !== undefined, observed: failed?.body.story ?? 'it has not failed', evidence: failed ? [failed] : [] };
    }),
  ],
});

const silence = act('silence', 'A client that is silent until the box has forgotten, and then speaks, speaks from the new address, and the gateway follows', 'stale-mappings', { keepalive: 'off', deadPeerDetection: 'off' }, {
  play: async (stage) => {
    const { boxes: [box] } = stage.cast;
    await connectAndTry(stage, 'client to server');
    await changeAddress(stage);
    stage.step('The client keeps quiet until the mapping of port 4500 is gone');
    await stage.expect(happens('mapping-expired', 'the dead mapping expires', ({ body }) => body.mapping.inside.port === ports.natt), patience);
    await stage.table(box!.name);
    stage.step('Now it may speak');
    await bothSpeak(stage);
  },
  checks: (cast) => [
    changed(cast),
    claim({ id: 'new-address', claim: 'What it says leaves by the new address', expected: `everything after the silence from ${fresh}` }, (trace) => {
      const expired = trace.of('mapping-expired', cast.boxes[0]!.name).find(({ body }) => body.mapping.inside.port === ports.natt);
      const later = expired === undefined ? [] : outside(trace, cast).filter(({ seq }) => seq > expired.seq);
      const old = later.filter(({ from }) => from.address !== fresh);
      return { holds: later.length > 0 && old.length === 0, observed: old[0] ? path(old[0]) : later[0] ? `${plural(later.length, 'packet')}, the first ${path(later[0])}` : 'it said nothing', evidence: (old.length > 0 ? old : later).slice(0, 3) };
    }),
    answered({ id: 'client-works', claim: 'The client reaches the protected network' }, 'client to server, after'),
    answered({ id: 'gateway-works', claim: 'The gateway reaches the client' }, 'gateway to client, after'),
  ],
});

// ---- what is played ------------------------------------------------------------------------------------------------------

function newAttemptFails(trace: Trace, client: string): Predicate {
  const [dead] = trace.of('peer-dead', client);
  return happens('ike-sa', 'the new attempt fails', ({ node, body }) => node === client && body.state === 'failed' && body.initiatorSpi !== dead?.body.initiatorSpi);
}

async function changeAddress(stage: Stage): Promise<void> {
  stage.step(`The box dials anew: from now on its outside address is ${fresh}`);
  await stage.control(stage.cast.boxes[0]!.name, { kind: 'change-address', address: fresh });
}

async function bothSpeak(stage: Stage): Promise<void> {
  const { clients: [client], server } = stage.cast;
  stage.step('Both sides speak');
  await ping(stage, { ping: 'client to server, after', from: client!.name, to: server });
  await pingClient(stage, client!, 'gateway to client, after');
}

// ---- what is claimed -----------------------------------------------------------------------------------------------------

/** What left the box for the gateway. */
const outside = (trace: Trace, { boxes, gateway }: Cast): readonly Seen[] =>
  boxes.flatMap((box) => seenAt(trace, { node: box.name, interface: box.outside, direction: 'out' }).filter(({ to }) => to.address === gateway.address));

const changed = (cast: Cast): Check =>
  guard({ id: 'changed', claim: 'The tunnel worked, and then the box got another address', expected: 'an answered ping, then the change' }, (trace) => {
    const change = controlOf(trace, cast);
    const worked = trace.of('ping-answered').find(({ body }) => body.ping === 'client to server');
    return { holds: change !== undefined && worked !== undefined && worked.seq < change.seq, observed: change?.body.story ?? 'nothing changed', evidence: [...(worked ? [worked] : []), ...(change ? [change] : [])] };
  });

/** Of what was said to port 4500 after the change, or after `since`. */
function leavesByOld(trace: Trace, cast: Cast, which: (seen: Seen) => boolean, since = controlOf(trace, cast)?.seq) {
  if (since === undefined) return nothing('nothing changed');
  const sent = outside(trace, cast).filter((seen) => seen.seq > since && seen.to.port === ports.natt && which(seen));
  const otherwise = sent.filter(({ from }) => from.address === fresh);
  return { holds: sent.length > 0 && otherwise.length === 0, observed: otherwise[0] ? path(otherwise[0]) : sent[0] ? `${plural(sent.length, 'packet')}, the first ${path(sent[0])}` : 'nothing was sent', evidence: (otherwise.length > 0 ? otherwise : sent).slice(0, 3) };
}
