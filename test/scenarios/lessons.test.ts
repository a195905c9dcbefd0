/** The lessons in the simulator: what they conclude with every seed, number of clients, and box of the zoo. */
import stringWidth from 'string-width';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import type { Verdict } from '../../lab/checks/check.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { ScenarioResult } from '../../lab/run.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { chapters } from '../../lab/scenarios/scenario.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { presets } from '../../src/nat/presets.ts';
import { drawn, ikeMessagesIn, ikeMessagesSent } from '../support/ladder.ts';
import { checksOf, headlineIds, lesson, lessonIds, notPassed, play, traceText } from '../support/lessons.ts';

vi.setConfig({ testTimeout: 30_000 });

test('each lesson stands once, and after the tour they follow the chapters', () => {
  expect(lessonIds).toEqual([...new Set(lessonIds)]);
  const later = scenarios.filter((scenario) => !headlineIds.includes(scenario.id)).map(({ chapter }) => chapters.indexOf(chapter!));
  expect(later).toEqual([...later].sort((one, other) => one - other));
});

describe.each(lessonIds)('%s', (id) => {
  /** Each seed is played once for all the tests here: that the same seed gives the same bytes, one of them makes sure of. */
  const played = new Map<number, Promise<ScenarioResult>>();
  const withSeed = (seed: number): Promise<ScenarioResult> => {
    const result = played.get(seed) ?? play(id, { seed });
    played.set(seed, result);
    return result;
  };
  afterAll(() => played.clear());

  test.each([1, 2, 7, 4242, 999_999_999])('passes with seed %i', async (seed) => {
    const result = await withSeed(seed);
    expect(notPassed(result)).toEqual([]);
    expect(result.verdict).toBe('pass');
  });

  test('tells the same story, byte for byte, when the seed is the same, and another one when it is not', async () => {
    const [once, again, other] = await Promise.all([withSeed(1), play(id, { seed: 1 }), withSeed(2)]);
    expect(traceText(once) === traceText(again)).toBe(true);
    expect(traceText(once) === traceText(other)).toBe(false);
  });

  test('has checks that each bear a name of their own, say what is expected and what was seen, and point to events that exist', async () => {
    const result = await withSeed(1);
    const ids = checksOf(result).map((check) => check.id);
    expect(ids).toEqual([...new Set(ids)]);
    expect(new Set(result.acts.map(({ act }) => act.id)).size).toBe(result.acts.length);
    for (const { trace, checks } of result.acts) {
      const numbers = new Set(trace.events.map(({ seq }) => seq));
      for (const check of checks) {
        expect(check.claim, check.id).not.toBe('');
        expect(check.expected, check.id).not.toBe('');
        expect(check.observed, check.id).not.toBe('');
        expect(check.evidence.filter((seq) => !numbers.has(seq)), check.id).toEqual([]);
      }
    }
  });

  test('numbers the events of all its acts through, in order', async () => {
    const { acts } = await withSeed(1);
    const numbers = acts.flatMap(({ trace }) => trace.events.map(({ seq }) => seq));
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });

  test('is drawn as a ladder that fits any width and leaves out no IKE message', async () => {
    const { acts } = await withSeed(1);
    for (const [i, act] of acts.entries()) {
      for (const width of [40, [80, 120, 200][i % 3]!]) {
        const lines = drawn(act, width);
        expect(lines.filter((line) => stringWidth(line) > width), `${act.act.id} at ${width}`).toEqual([]);
        expect(ikeMessagesIn(lines), `${act.act.id} at ${width}`).toBe(ikeMessagesSent(act));
      }
    }
  });

  test('never asks an endpoint for what it cannot do', async () => {
    const { acts } = await withSeed(1);
    expect(acts.flatMap(({ trace }) => trace.of('command-refused').map(({ body }) => `${body.command}: ${body.why}`))).toEqual([]);
  });
});

// ---- the zoo -------------------------------------------------------------------------------------------------------------

interface Otherwise {
  readonly verdict: Verdict;
  readonly because: string;
  /** The checks that say so. */
  readonly red: readonly string[];
}

/** The boxes of the zoo that are so, and what they do to a lesson. */
const boxes = (are: (behaviour: NatBehaviour) => boolean, because: string, red: readonly string[], verdict: Verdict = 'fail'): Record<string, Otherwise> =>
  Object.fromEntries(presets.flatMap(({ name, behaviour }) => (are(behaviour) ? [[name, { verdict, because, red }]] : [])));

const blocks = (port: number) => ({ blockedUdpPorts }: NatBehaviour): boolean => blockedUdpPorts.includes(port);
const translates500 = ({ pinned }: NatBehaviour): boolean => !pinned.ports.includes(500);
const spoilsChecksums = ({ zeroChecksum }: NatBehaviour): boolean => zeroChecksum === 'adjusted';
const keepsPortsOrDrops = ({ ports }: NatBehaviour): boolean => ports.onConflict === 'refuse';
const hasManyAddresses = ({ pool }: NatBehaviour): boolean => pool.addresses > 1 && Object.keys(pool.byRemotePort).length === 0;

/** `--nat PRESET` on every lesson: all boxes pass but those that the lesson is not about, and these for the right reason. The last one that fits counts. */
const otherwise: Record<string, Record<string, Otherwise>> = {
  detection: {
    ...boxes(({ pool }) => pool.pooling === 'arbitrary', 'plain ESP leaves by another address than IKE did', ['no-nat-t/data']),
    ...boxes(spoilsChecksums, 'ESP in UDP goes without a checksum, and arrives with a wrong one', ['initiator/data', 'double/data']),
    ...boxes(blocks(4500), 'a NAT is detected and IKE_AUTH moves to 4500, where it dies', ['initiator/encapsulation', 'initiator/data', 'double/data']),
    ...boxes(blocks(500), 'not even the first message gets out', ['initiator/translated', 'initiator/hashes-request', 'initiator/data', 'no-nat-t/data']),
  },
  'port-float': {
    ...boxes(spoilsChecksums, 'ESP in UDP arrives with a wrong checksum', ['float/data', 'start-on-4500/data']),
    ...boxes(blocks(500), 'only who starts on 4500 gets out', ['float/translated', 'float/moves', 'float/data']),
    ...boxes(blocks(4500), 'IKE_AUTH leaves from 4500 and never arrives', ['float/answers', 'float/encapsulation', 'float/data', 'start-on-4500/translated', 'start-on-4500/data']),
  },
  keepalive: {
    ...boxes(spoilsChecksums, 'what comes through the tunnel is dropped', ['control/worked', 'cure/reached', 'just-in-time/held']),
    ...boxes(blocks(500), 'there is no tunnel to keep alive', ['control/worked', 'cure/reached', 'just-in-time/held']),
    ...boxes(blocks(4500), 'there is no tunnel to keep alive', ['control/worked', 'cure/reached', 'just-in-time/held']),
  },
  'multi-client': {
    ...boxes(hasManyAddresses, 'the clients do not share one address, and the lesson says so', ['together/same-ports'], 'inconclusive'),
    ...boxes(keepsPortsOrDrops, 'a box that keeps port 4500, too, has room for one', ['together/all-up', 'together/own-answers']),
    ...boxes(spoilsChecksums, 'all are up, and none gets an answer', ['together/own-answers', 'twins/own-answers']),
    ...boxes(blocks(500), 'nobody gets in', ['together/all-up', 'together/own-answers', 'twins/all-up']),
    ...boxes(blocks(4500), 'nobody gets in', ['together/all-up', 'together/own-answers', 'twins/all-up']),
  },
  passthrough: {
    ...boxes(translates500, 'a box that translates port 500 lets the second client in at once', ['without-nat-t/never-in', 'without-nat-t/gives-up', 'with-nat-t/waits', 'start-on-4500/pins-500']),
    ...boxes(({ pinned }) => pinned.onConflict === 'steal', 'a box that gives the port to the newcomer keeps nobody out', ['without-nat-t/never-in', 'without-nat-t/gives-up', 'with-nat-t/waits']),
    ...boxes(({ pinned }) => pinned.onConflict === 'share-by-cookie', 'a box that tells cookies apart keeps nobody out', ['without-nat-t/never-in', 'without-nat-t/gives-up', 'with-nat-t/waits']),
    ...boxes(keepsPortsOrDrops, 'port 4500 is kept, too, and is no way out', ['with-nat-t/second-works', 'start-on-4500/at-once', 'start-on-4500/client2-works']),
    ...boxes(blocks(500), 'nobody gets in from 500', ['without-nat-t/first-works', 'with-nat-t/second-works', 'with-nat-t/first-works']),
    ...boxes(blocks(4500), 'it does not let anybody start on 4500', ['with-nat-t/second-works', 'start-on-4500/at-once', 'start-on-4500/pins-500']),
  },
};

describe.each(headlineIds)('%s behind every box of the zoo', (id) => {
  test.each(presets.map(({ name }) => name))('%s', async (preset) => {
    const result = await play(id, { preset });
    const exception = otherwise[id]?.[preset];
    if (exception === undefined) expect(notPassed(result)).toEqual([]);
    else expect(notPassed(result), exception.because).toEqual(expect.arrayContaining([...exception.red]));
    expect(result.verdict).toBe(exception?.verdict ?? 'pass');
  });
});

describe('multi-client', () => {
  test.each([2, 20, 100])('passes with %i clients', async (clients) => {
    expect(notPassed(await play('multi-client', { set: [`clients=${clients}`] }))).toEqual([]);
  });

  test('passes behind a box that lets one client in at a time, if one is patient', async () => {
    expect(notPassed(await play('multi-client', { set: ['clients=20'], preset: 'passthrough-500' }))).toEqual([]);
  });
});

describe('detection', () => {
  test.each(['none', 'initiator', 'responder', 'both', 'double'])('position=%s plays that position', async (position) => {
    const result = await play('detection', { set: [`position=${position}`] });
    expect(result.acts[0]!.act.id).toBe(position);
    expect(result.verdict).toBe('pass');
  });

  test('reads the hashes of the answer that agrees, where another one asked for another group first', async () => {
    const topology = vary(loadTopology('home'), { hosts: { gateway: { ike: { proposals: [{ encryption: [{ name: 'aes-gcm-16' }], prf: ['hmac-sha2-256'], groups: ['ecp-256'] }] } } } });
    const result = await play('detection', { set: ['position=initiator'] }, { topology });
    expect(result.acts[0]!.trace.of('ike-message', 'alice').filter(({ body }) => body.exchange === 'IKE_SA_INIT' && body.direction === 'sent')).toHaveLength(2);
    expect(notPassed(result)).toEqual([]);
  });

  test('a gateway without NAT traversal behind a box that blocks protocol 50 shows that the data is lost', async () => {
    const { acts } = await play('detection', { set: ['position=initiator'] }, { topology: 'test/scenarios/blocks-esp.yaml' });
    const [data] = acts.at(-1)!.checks.filter(({ id }) => id === 'no-nat-t/data');
    expect(data).toMatchObject({ verdict: 'pass', claim: expect.stringContaining('blocks protocol 50') as string, observed: expect.stringContaining('0 reached the gateway') as string });
  });
});

test('a run that is interrupted tells what it learned, and calls nothing failed that had not yet happened', async () => {
  const interruption = new AbortController();
  const result = await play('keepalive', {}, { signal: interruption.signal, audience: { actBegins: (act) => { if (act.id === 'cure') interruption.abort(); } } });
  expect(result.interrupted).toBe(true);
  expect(result.acts.map(({ act }) => act.id)).toEqual(['control', 'cure']);
  expect(result.acts[0]!.checks.every(({ verdict }) => verdict === 'pass')).toBe(true);
  expect(checksOf(result).filter(({ verdict }) => verdict === 'fail')).toEqual([]);
  expect(result.verdict).toBe('inconclusive');
});

test('what a backend cannot honour is unsupported with its reason, does not fail the lesson, and a lesson with nothing left is unsupported', async () => {
  const noStealing = { ...sim, unsupported: (plan: Parameters<typeof sim.unsupported>[0]) => (plan.nodes.some((node) => node.kind === 'nat' && node.box.behaviour.pinned.onConflict === 'steal') ? [{ what: 'pinned.onConflict: steal', why: 'nftables has no rule for it' }] : []) };
  const some = await play('passthrough', { backend: noStealing });
  expect(some.verdict).toBe('pass');
  const [stolen] = some.acts.filter(({ act }) => act.id === 'stolen');
  expect(stolen!.checks[0]).toMatchObject({ verdict: 'unsupported', observed: 'pinned.onConflict: steal: nftables has no rule for it', expected: expect.any(String) as string });
  const none = await play('passthrough', { backend: { ...sim, unsupported: () => [{ what: 'boxes', why: 'there are none here' }] } });
  expect(none.verdict).toBe('unsupported');
});

test('every lesson names where it is written and says what each of its parameters is', () => {
  for (const { title, teaches, refs, parameters } of lessonIds.map(lesson)) {
    expect(title).not.toBe('');
    expect(teaches).not.toBe('');
    expect(refs.filter((ref) => !/^(RFC \d+( §[\d.]+)?|draft(-[a-z\d]+)+-\d\d)$/.test(ref))).toEqual([]);
    expect(Object.values(parameters).every(({ about }) => about !== '')).toBe(true);
  }
});
