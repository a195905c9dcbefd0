/** Every act of every lesson, as captures show it: those that fail get their cause, from the clients' side alone too, and those that work get none. */
import { describe, expect, test, vi } from 'vitest';
import { findings } from '../../lab/diagnose/findings/index.ts';
import { sim } from '../../lab/backends/sim/backend.ts';
import { runScenario } from '../../lab/run.ts';
import type { ActResult } from '../../lab/run.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import type { Act } from '../../lab/scenarios/scenario.ts';
import { causesSeen, sightsSeen } from '../support/captured.ts';
import type { Watching } from '../support/captured.ts';
import { lesson, lessonIds, play } from '../support/lessons.ts';

vi.setConfig({ testTimeout: 60_000 });

/** What is said of a capture of everything, and of one of all clients. */
interface Expected {
  readonly whole: readonly string[];
  readonly clients: readonly string[];
}

const both = (...causes: readonly string[]): Expected => ({ whole: causes, clients: causes });

/** The acts whose point is that something fails. All others must get no cause from anywhere. */
const failing: Readonly<Record<string, Expected>> = {
  'keepalive/control': both('no-keepalives'),
  'keepalive/just-too-late': both('keepalives-too-slow'),
  'passthrough/without-nat-t': both('second-client-swallowed'),
  'passthrough/stolen': both('mapping-stolen'),
  'ike-mapping-timeout/probe-lost': both('no-keepalives'),
  'ike-mapping-timeout/rekey-lost': both('no-keepalives'),
  'ike-mapping-timeout/delete-lost': both('no-keepalives'),
  'rebind/silent': { whole: ['mapping-lost'], clients: [] }, // three quiet seconds, and nothing that a client could see
  'address-change/kept-alive': both('way-back-dead'),
  'address-change/noticed': both('way-back-dead'),
  'l2tp/together': both('equal-selectors'),
  'l2tp/any-daemon': both('equal-selectors'),
  'overlap/together': both('equal-selectors'),
  'carrier/runs-out': both('no-port-left'),
  'helper/stripped': { whole: ['helper-strips-nat-t', 'second-client-swallowed'], clients: ['second-client-swallowed'] },
  'helper/ikev2': both('helper-strips-nat-t'),
  'hairpin/none': { whole: ['swallowed'], clients: ['nobody-answers'] },
  'hairpin/internal': both('answered-from-elsewhere'),
  'udp-blocked/silent': { whole: ['swallowed'], clients: ['nobody-answers'] },
  'udp-blocked/told': both('refused-by-icmp'),
  'udp-blocked/moved': both('udp-4500-blocked'),
  'split-ports/strict': { whole: ['two-outside-addresses'], clients: ['identity-refused'] },
  'zero-checksum/spoiled': both('udp-checksum-spoiled'),
  'fragments/first-only': both('fragments-lost'),
  'fragments/dropped': both('fragments-lost'),
  'forced-encapsulation/closed': both('plain-esp-blocked'),
  'raw-esp/together': both('plain-esp-many-clients'),
  'raw-esp/race': both('plain-esp-crossed'),
  'checksum/control': both('transport-checksum'),
  'checksum/withheld': both('transport-checksum'),
  'identity/strict': both('identity-refused'),
  'identity/key-of-an-address-behind-nat': { whole: ['no-key-for-address'], clients: ['nobody-answers'] },
  'ah/blocked': both('ah-through-nat'),
  'ah/passed': both('ah-through-nat'),
  'ipv6-udp-encap/firewalled': both('plain-esp-blocked'),
  'ipv6-udp-encap/zero': both('zero-checksum-over-ipv6'),
  'ike-port-fixed/translated': { whole: ['port-not-500'], clients: ['nobody-answers'] },
  'ike-port-fixed/by-luck': { whole: ['port-not-500'], clients: ['second-client-swallowed'] },
  'ike-port-fixed/pinned': both('second-client-swallowed'),
  // museums: of the clients without a version in common the box serves one
  ...Object.fromEntries(['rfc-3947', 'of-today', 'nothing'].map((gateway) => [`nat-t-versions/${gateway}`, both('plain-esp-many-clients')])),
  'remote-access/wrong-password': both('password-refused'),
  'remote-access/everything': both('destination-behind-the-tunnel-silent'),
  'remote-access/one-at-a-time': both('second-client-swallowed'),
};

/** What the same act shows in the exchanges of IKEv1, where that differs. */
const inIkeV1: Readonly<Record<string, Expected>> = {
  'passthrough/stolen': { whole: ['mapping-stolen'], clients: [] }, // nobody says that he knows no such SA
  'ike-mapping-timeout/rekey-lost': { whole: ['mapping-lost'], clients: [] }, // the SA lives on, and the client speaks again
};
const inAggressiveMode: Readonly<Record<string, Expected>> = {
  ...inIkeV1,
  'identity/strict': both('nobody-answers'), // the first message has the identity, and is not answered
  'fragments/dropped': { whole: ['fragments-lost'], clients: ['nobody-answers'] }, // it is the answer that has the certificate
};

const modes = [['as it is', undefined, {}], ['IKEv1', 'v1', inIkeV1], ['aggressive mode', 'v1-aggressive', inAggressiveMode]] as const;

/** What was asked inside a tunnel got no answer, or there is no tunnel: said by the daemons and programs, not by the wire. */
const hasFailed = ({ trace }: ActResult): boolean => trace.of('ping-lost').length > 0 || trace.of('ike-sa').some(({ body }) => body.state === 'failed');

/** The gateway says goodbye and is heard: what the client then asks goes nowhere, and everybody knows. */
const takenDown = 'ike-mapping-timeout/delete-kept';

/** The other museums differ by a vendor ID. */
const omitted = /^nat-t-versions\/draft/;

const ids = (act: ActResult, watching: Watching): string[] => causesSeen(act, watching).map(({ finding }) => finding.id);

describe.each(lessonIds)('%s', (id) => {
  test.each(modes)('each act gets the cause that it is about, or none (%s)', async (_, ike, otherwise: Readonly<Record<string, Expected>>) => {
    const scenario = lesson(id);
    // what works is tried in main mode; aggressive mode has its own ways to fail
    const isPlayed = (act: Act): boolean => ike === undefined || (act.keepsIke === undefined && (ike === 'v1' || `${id}/${act.id}` in failing));
    const { acts } = await runScenario({ ...scenario, acts: (values) => scenario.acts(values).filter(isPlayed) }, { backend: sim, values: parseSettings(id, scenario.parameters, [], 'virtual'), seed: 1, audience: {}, ...(ike !== undefined && { ike }) });
    if (ike === undefined) expect(acts.map(({ act }) => act.id)).toEqual(expect.arrayContaining(Object.keys(failing).flatMap((name) => (name.startsWith(`${scenario.id}/`) ? [name.slice(scenario.id.length + 1)] : []))));
    for (const act of acts) {
      const name = `${id}/${act.act.id}`;
      if (omitted.test(name)) continue;
      const expected = otherwise[name] ?? failing[name] ?? both();
      // what has failed has a cause, or was mended in the end, and that is told
      if (hasFailed(act) && expected.whole.length === 0 && name !== takenDown) expect(sightsSeen(act, { from: 'whole' }).map((sight) => sight.id), `${name} fails, and nobody says so`).toContain('interrupted');
      expect(ids(act, { from: 'whole' }), `${name}, whole`).toEqual(expected.whole);
      expect(ids(act, { from: 'clients' }), `${name}, at the clients`).toEqual(expected.clients);
      // with less to go by less is said, and nothing of what works
      for (const watching of [{ from: 'clients', keys: false }, { from: 'whole', keys: false }, { from: 'clients', plain: true }, { from: 'gateway' }, { from: 'boxes' }] as const) {
        if (failing[name] === undefined) expect(ids(act, watching), `${name}, ${JSON.stringify(watching)}`).toEqual([]);
      }
      for (const { says, evidence, finding } of causesSeen(act, { from: 'whole' })) {
        expect(evidence.length, `${name}: ${finding.id}`).toBeGreaterThan(0);
        expect(says).toMatch(/^[A-Z0-9a-z].*\.$/);
        expect(says).not.toMatch(/undefined|NaN/);
      }
    }
  });
});

test('each finding has been seen', () => {
  const seen = new Set(Object.values(failing).flatMap(({ whole, clients }) => [...whole, ...clients]));
  const general = ['nothing-returns', 'ike-fragments-lost', 'line-dead', 'peer-declared-dead', 'no-way']; // see the next test, ike-fragments.test.ts, live.test.ts and interop/diagnose.test.ts
  expect(findings.map(({ id }) => id).filter((id) => !seen.has(id) && !general.includes(id))).toEqual([]);
  expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
});

test('from the gateway alone, without keys, or as tcpdump writes it much is told as well', async () => {
  const of = async (id: string, act: string): Promise<ActResult> => (await play(id)).acts.find((played) => played.act.id === act)!;
  const [checksum, rekey, fixed, keepalive, strict] = await Promise.all([of('checksum', 'control'), of('ike-mapping-timeout', 'rekey-lost'), of('ike-port-fixed', 'translated'), of('keepalive', 'control'), of('split-ports', 'strict')]);
  expect(ids(checksum, { from: 'clients', keys: false })).toEqual(['nothing-returns']);
  expect(ids(rekey, { from: 'gateway' })).toEqual(['no-keepalives']);
  expect(ids(rekey, { from: 'clients', plain: true })).toEqual(['no-keepalives']);
  expect(ids(keepalive, { from: 'gateway' })).toEqual(['no-keepalives']);
  expect(ids(fixed, { from: 'gateway' })).toEqual(['port-not-500']);
  expect(ids(strict, { from: 'gateway' })).toEqual(['two-outside-addresses']);
});
