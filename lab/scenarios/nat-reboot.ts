/** A box that reboots: everybody gets a mapping anew, first come, first served (RFC 4787 §4.2, RFC 7296 §2.23). */
import { describeEndpoint } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { aroundControl, arrivalsOn4500, controlOf } from '../checks/box-events.ts';
import { claim, guard, nothing } from '../checks/check.ts';
import type { Check } from '../checks/check.ts';
import { answered, unanswered } from '../checks/pings.ts';
import { happens } from '../checks/waiting.ts';
import { isEsp, path, sameOnTheWay, seenAt } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import type { Cast, Client } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { defineScenario } from './scenario.ts';
import type { Act, Stage } from './scenario.ts';
import { bringUp, connectAndTry, ping, pingClient } from './stagecraft.ts';

export const natReboot = defineScenario({
  id: 'nat-reboot',
  chapter: 'Staying alive',
  title: 'The box reboots',
  teaches:
    'A box that reboots remembers nobody. A single client is reached again after its next keepalive, for a box that keeps ports gives it the one it had. Of several the first to speak gets the best port, and may get another one\'s: then the gateway speaks to the wrong client, until each has proved where it is.',
  refs: ['RFC 3948 §4', 'RFC 4787 §4.2', 'RFC 7296 §2.23'],
  parameters: {},
  acts: () => [alone, swapped],
});

const alone: Act = {
  id: 'alone',
  title: 'One client: cut off until its next keepalive, and there again with it, at the same port',
  topology: 'home',
  needs: { boxes: 1 },
  adjust: { clients: { ike: { keepalive: '20 s' } }, gateway: { ike: { keepalive: 'off' } }, boxes: { preset: 'linux-masquerade' } },
  play: async (stage) => {
    const [client] = stage.cast.clients;
    await connectAndTry(stage, 'before');
    await reboot(stage);
    stage.step('Before the client has said anything, the gateway speaks');
    await pingClient(stage, client!, 'too early');
    stage.step('The client\'s next keepalive');
    await stage.expect(happens('keepalive-sent', 'a keepalive', ({ node }) => node === client!.name), seconds(30));
    await stage.pass(seconds(1));
    await pingClient(stage, client!, 'after the keepalive');
  },
  checks: (cast) => [
    rebooted(cast),
    unanswered({ id: 'cut-off', claim: 'Until the client speaks, nobody reaches it' }, 'too early'),
    claim({ id: 'same-port', claim: 'The keepalive has the port that the client had before', expected: 'one source on 4500 at the gateway, before and after', ref: 'RFC 4787 §4.2.1' }, (trace) => {
      const { before, after } = aroundControl(trace, cast);
      if (!before || !after) return nothing('nothing arrived before or after');
      return { holds: describeEndpoint(before.from) === describeEndpoint(after.from), observed: `${describeEndpoint(before.from)} before, ${describeEndpoint(after.from)} after`, evidence: [before, after] };
    }),
    claim({ id: 'nobody-moved', claim: 'So there is nothing for the gateway to follow', expected: 'it does not move' }, (trace) => {
      const moves = trace.of('peer-moved', cast.gateway.name);
      return { holds: moves.length === 0, observed: moves[0]?.body.story ?? 'it has not', evidence: moves };
    }),
    answered({ id: 'there-again', claim: 'The gateway reaches the client again' }, 'after the keepalive'),
  ],
};

const swapped: Act = {
  id: 'swapped',
  title: 'Two clients: the second speaks first, and gets the port that was the first one\'s',
  topology: 'hotel',
  needs: { clients: 2, boxes: 1 },
  // silent, so that it is clear who speaks first
  adjust: { clients: { count: 2, ike: { keepalive: 'off' } }, gateway: { ike: { keepalive: 'off' } }, boxes: { preset: 'linux-masquerade' } },
  play: async (stage) => {
    const { clients: [one, two], server } = stage.cast;
    stage.step(`${one!.name} comes in, then ${two!.name}`);
    for (const client of [one!, two!]) await bringUp(stage, [client]);
    await ping(stage, ...[one!, two!].map(({ name }) => ({ ping: `of ${name}, before`, from: name, to: server })));
    await reboot(stage);
    stage.step(`${two!.name} speaks first`);
    await ping(stage, { ping: 'of the second', from: two!.name, to: server });
    await stage.table(stage.cast.boxes[0]!.name);
    stage.step(`The gateway speaks to ${one!.name}, at the port that it knows`);
    await pingClient(stage, one!, 'to the first, astray');
    stage.step(`${one!.name} speaks, from another port`);
    await ping(stage, { ping: 'of the first', from: one!.name, to: server });
    stage.step('The gateway knows both again');
    for (const [client, name] of [[one!, 'to the first'], [two!, 'to the second']] as const) await pingClient(stage, client, name);
  },
  checks: (cast) => {
    const [one, two] = [cast.clients[0]!, cast.clients[1]!];
    return [
      rebooted(cast),
      guard({ id: 'swapped', claim: 'The second client has the port that was the first one\'s', expected: 'its first packet after the reboot comes from where the first one\'s came before' }, (trace) => {
        const at = controlOf(trace, cast)?.seq ?? Infinity;
        const before = arrivalsOf(trace, cast, one).findLast(({ seq }) => seq < at);
        const after = arrivalsOf(trace, cast, two).find(({ seq }) => seq > at);
        if (!before || !after) return nothing('one of them sent nothing');
        return { holds: describeEndpoint(before.from) === describeEndpoint(after.from), observed: `${one.name} from ${describeEndpoint(before.from)} before, ${two.name} from ${describeEndpoint(after.from)} after`, evidence: [before, after] };
      }),
      claim({ id: 'astray', claim: 'What the gateway says to the first comes to the second, who has no SA for it', expected: 'the same ESP at the second client, dropped', ref: 'RFC 7296 §2.23' }, (trace) => {
        const asked = trace.of('ping-sent', cast.gateway.name).find(({ body }) => body.ping === 'to the first, astray');
        const sent = asked && seenAt(trace, { node: cast.gateway.name, direction: 'out' }).find((seen) => isEsp(seen) && seen.event.at >= asked.at);
        const arrived = sent && seenAt(trace, { node: two.name, direction: 'in' }).find((seen) => sameOnTheWay(seen, sent));
        const dropped = arrived && trace.of('drop', two.name).find((event) => event.seq > arrived.seq);
        return { holds: dropped !== undefined, observed: arrived ? `${path(arrived)}; ${dropped?.body.kind === 'drop' ? dropped.body.detail : 'not dropped'}` : 'it did not come there', evidence: [...(arrived ? [arrived] : []), ...(dropped ? [dropped] : [])] };
      }),
      unanswered({ id: 'lost', claim: 'So the first is not reached' }, 'to the first, astray'),
      claim({ id: 'follows', claim: 'The gateway follows each of them once, on its own word', expected: 'a move of either client', ref: 'RFC 7296 §2.23' }, (trace) => {
        const moves = trace.of('peer-moved', cast.gateway.name);
        const sas = new Set(moves.map(({ body }) => body.initiatorSpi));
        return { holds: moves.length === 2 && sas.size === 2, observed: moves.length === 0 ? 'it follows nobody' : `${plural(moves.length, 'move')}: ${moves.map(({ body }) => `${describeEndpoint(body.from)} to ${describeEndpoint(body.to)}`).join(', ')}`, evidence: moves };
      }),
      answered({ id: 'first-again', claim: 'The first client is reached again' }, 'to the first'),
      answered({ id: 'second-again', claim: 'And so is the second' }, 'to the second'),
    ];
  },
};

async function reboot(stage: Stage): Promise<void> {
  stage.step('The box reboots, as at a power cut, and remembers nobody');
  await stage.control(stage.cast.boxes[0]!.name, { kind: 'reboot' });
}

/** The ESP of one client as it came to the gateway. */
function arrivalsOf(trace: Trace, cast: Cast, { name }: Client): readonly Seen[] {
  const sent = seenAt(trace, { node: name, direction: 'out' }).filter(isEsp);
  return arrivalsOn4500(trace, cast).filter((seen) => sent.some((other) => sameOnTheWay(seen, other)));
}

const rebooted = (cast: Cast): Check =>
  guard({ id: 'rebooted', claim: 'The box had mappings of port 4500, and forgot them', expected: 'mappings removed by a reboot' }, (trace) => {
    const removed = trace.of('mapping-removed', cast.boxes[0]?.name).filter(({ body }) => body.why === 'reboot' && body.mapping.inside.port === 4500);
    return { holds: removed.length === cast.clients.length, observed: `${plural(removed.length, 'mapping')} of port 4500 gone`, evidence: removed.slice(0, 3) };
  });
