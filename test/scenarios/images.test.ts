/** Lessons with a host that is an image: what can be judged of it, and what is not. In its place plays the lab's own endpoint, whose word is not to count. */
import { expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { guard } from '../../lab/checks/check.ts';
import { CannotBeTried } from '../../lab/problem.ts';
import { runScenario } from '../../lab/run.ts';
import type { ActResult } from '../../lab/run.ts';
import { defineScenario } from '../../lab/scenarios/scenario.ts';
import type { Act, Stage } from '../../lab/scenarios/scenario.ts';
import { bringUp } from '../../lab/scenarios/stagecraft.ts';
import { happens } from '../../lab/checks/waiting.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { checksOf, play } from '../support/lessons.ts';

const home = (alice = 'image: my/daemon:1', gateway = '') =>
  parseTopology(`title: A daemon of one's own
segments: { home: , internet: , office: }
nats: { box: { inside: home, outside: internet } }
hosts:
  alice: { on: home, connectsTo: gateway, ${alice} }
  gateway: { on: internet, protects: office, ${gateway} }
  server: { on: office }
`, 'mine.yaml');

/** A world that has room for images. */
const engine = { ...sim, unsupported: () => [] };

const whyNot = ({ checks }: ActResult): string[] => [...new Set(checks.flatMap(({ verdict, observed }) => (verdict === 'unsupported' ? [observed] : [])))];

test('the wire is judged, and so is what others tell; what the image would have to tell is unsupported', async () => {
  const { acts: [act] } = await play('detection', { set: ['position=initiator'], backend: engine }, { topology: home() });
  expect(Object.fromEntries(act!.checks.map(({ id, verdict }) => [id.replace('initiator/', ''), verdict]))).toMatchObject({
    ...{ 'translated': 'pass', 'hashes-request': 'pass', 'hashes-response': 'pass', 'gateway-concludes': 'pass', 'moves': 'pass' },
    'client-concludes': 'unsupported',
  });
  expect(whyNot(act!)).toEqual(['this is read from what the daemons tell (nat-detection), and alice is the image my/daemon:1, of which only the wire is seen']);
});

test('that its tunnel is up is learned from the gateway, as soon as it is', async () => {
  const { acts: [act] } = await play('detection', { set: ['position=initiator'], backend: engine }, { topology: home() });
  const [wait] = act!.trace.of('wait');
  expect(wait!.body.outcome).toBe('met');
  expect(wait!.at).toBe(act!.trace.of('child-sa', 'gateway')[0]!.at);
});

test('an act that configures clients is unsupported with what it would have set, and the others are played', async () => {
  const { acts } = await play('keepalive', { backend: engine }, { topology: home() });
  expect(acts.map((act) => [act.act.id, ...whyNot(act)])).toEqual([
    ...['control', 'cure', 'just-in-time', 'just-too-late', 'lost'].map((id) => [id, 'alice: ike.keepalive: the act sets that, and alice is the image my/daemon:1, which the lab does not configure']),
    ['as-configured'],
  ]);
});

test('an act that asks for what the topology says of the image already is played', async () => {
  const { acts } = await play('helper', { backend: engine }, { topology: home() });
  expect(acts.flatMap((act) => (act.checks.every(({ verdict }) => verdict === 'unsupported') ? [] : [act.act.id]))).toEqual(['ikev2']);
});

test('who forces ESP into UDP says so: its false hash is as it should be, and a peer without NAT traversal is nothing to try it with', async () => {
  const { acts } = await play('detection', { set: ['position=initiator'], backend: engine }, { topology: home('image: my/daemon:1, ike: { encapsulation: forced }') });
  expect(acts[0]!.checks.map(({ id, verdict }) => `${id}: ${verdict}`)).toContain('initiator/false-hash: pass');
  expect(whyNot(acts[1]!)).toEqual(['gateway: natTraversal: false: alice is the image my/daemon:1, which is said to force ESP into UDP']);
});

/** What becomes of an act that does this. */
async function tried(play: (stage: Stage) => Promise<void>, topology = home()): Promise<string[]> {
  const act: Act = { id: 'only', title: 'Only', topology: 'home', play, checks: () => [guard({ id: 'wire', claim: 'Packets pass', expected: 'packets' }, (trace) => ({ holds: trace.of('packet').length > 0, observed: 'packets', evidence: [] }))] };
  const lesson = defineScenario({ id: 'own', title: 'Own', teaches: 'Own.', refs: [], parameters: {}, acts: () => [act] });
  return checksOf(await runScenario(lesson, { backend: engine, values: {}, seed: 1, topology })).map(({ verdict, observed }) => (verdict === 'unsupported' ? observed : verdict));
}

test.each<[string, (stage: Stage) => Promise<void>, string]>([
  ['waits for what its daemon would tell', (stage) => stage.expect(happens('keepalive-sent', 'a keepalive'), 1000 as never).then(() => undefined), 'the act waits for what a daemon tells ("a keepalive"), and alice is the image my/daemon:1, of which only the wire is seen'],
  ['goes by what its daemon has told', (stage) => Promise.resolve(stage.trace.of('virtual-address', 'alice')).then(() => undefined), 'this is read from what the daemons tell (virtual-address), and alice is the image my/daemon:1, of which only the wire is seen'],
  ['reads everything', (stage) => Promise.resolve(stage.trace.events).then(() => undefined), 'this is read from what the daemons tell (everything that happened), and alice is the image my/daemon:1, of which only the wire is seen'],
  ['asks of it what it cannot', () => Promise.reject(new CannotBeTried('alice cannot do that')), 'alice cannot do that'],
])('an act that %s is unsupported, not failed', async (_, act, why) => {
  expect(await tried(act)).toEqual([why]);
});

test('an act that goes by the gateway\'s word, or the box\'s, is played', async () => {
  expect(await tried(async (stage) => {
    await bringUp(stage, stage.cast.clients);
    await stage.expect(happens('mapping-created', 'a mapping'), 1000 as never);
    if (stage.trace.of('child-sa', 'gateway').length === 0) throw new CannotBeTried('no tunnel');
  })).toEqual(['pass']);
});

test('without images nothing is silent', async () => {
  expect(await tried(async (stage) => {
    await bringUp(stage, stage.cast.clients);
    if (stage.trace.of('child-sa', 'alice').length === 0 || stage.trace.events.length === 0) throw new CannotBeTried('no tunnel');
  }, home(''))).toEqual(['pass']);
});

test('where no containers are started the lesson is unsupported, and says where they are', async () => {
  const result = await play('port-float', {}, { topology: home() });
  expect(result.acts[0]!.checks[0]).toMatchObject({ verdict: 'unsupported', observed: 'alice: image my/daemon:1: a container of your own takes an engine that runs it: --backend docker' });
  // its last act has no box, and so a network of its own
  expect(result.acts.map(({ checks }) => checks.at(-1)!.verdict)).toEqual(['unsupported', 'unsupported', 'pass']);
  expect(result.verdict).toBe('unsupported');
});
