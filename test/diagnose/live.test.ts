/** What somebody does to a live lab, as a capture of it shows: what the wire can tell is told, and what it cannot is said, too. */
import { expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { Session } from '../../lab/live/session.ts';
import { runLine } from '../../lab/live/verbs.ts';
import { topologyWith } from '../../lab/run.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import { causesSeen, sightsSeen } from '../support/captured.ts';
import type { Vantage } from '../support/captured.ts';
import { bare } from '../support/ladder.ts';

async function after(...lines: readonly string[]): Promise<Parameters<typeof causesSeen>[0]> {
  const topology = topologyWith('home');
  const trace = new TraceLog();
  const session = new Session({ lab: await sim.open(topology.plan, { seed: 1, trace }), backend: 'sim', topology, trace, say: () => undefined, canvas: { theme: bare, width: 80 } });
  for (const line of lines) await runLine(session, line);
  return { trace, topology, act: { title: 'a live lab' } as never };
}

const begun = ['connect alice', 'ping alice server'];

test.each<readonly [string, readonly string[], Readonly<Record<Exclude<Vantage, 'boxes'>, readonly string[]>>]>([
  ['nothing', ['wait 3min', 'ping gateway alice'], { whole: [], clients: [], gateway: [] }],
  ['a line that is cut under a conversation', ['cut box', 'ping alice server 3', 'wait 30s'], { whole: ['line-dead'], clients: ['way-back-dead'], gateway: [] }],
  ['a line that is cut while all are silent', ['cut box', 'wait 3min'], { whole: ['line-dead'], clients: [], gateway: [] }],
  ['a line that is cut, and the client asks whether the gateway lives', ['cut box', 'alive alice', 'wait 5min'], { whole: ['line-dead'], clients: ['way-back-dead'], gateway: [] }],
  ['a line that is cut, and the gateway asks whether the client lives', ['cut box', 'alive gateway', 'wait 5min'], { whole: ['line-dead'], clients: [], gateway: ['no-keepalives'] }],
  ['a box that is rebooted, and the gateway speaks first', ['nat reboot', 'ping gateway alice 3', 'wait 5s'], { whole: ['mapping-lost'], clients: [], gateway: ['nothing-returns'] }],
  ['a box whose table is flushed, and the gateway speaks first', ['nat flush', 'ping gateway alice 3', 'wait 5s'], { whole: ['mapping-lost'], clients: [], gateway: ['nothing-returns'] }],
  ['a box whose table is flushed, and the client speaks first', ['nat flush', 'ping alice server 3'], { whole: [], clients: [], gateway: [] }],
])('%s', async (_, lines, expected) => {
  const act = await after(...begun, ...lines);
  const seen = (from: Vantage): string[] => causesSeen(act, { from }).map(({ finding }) => finding.id);
  expect({ whole: seen('whole'), clients: seen('clients'), gateway: seen('gateway') }).toEqual(expected);
});

test.each(['nat reboot', 'nat flush'])('somebody who watches the box alone sees its mapping lost after %s', async (line) => {
  const act = await after(...begun, line, 'ping gateway alice 3', 'wait 5s');
  expect(causesSeen(act, { from: 'boxes' }).map(({ finding, says }) => `${finding.id}: ${says}`)).toEqual(['mapping-lost: What 203.0.113.2 sends to port 4500 of 203.0.113.1 comes to box eth1 and goes no further.']);
});

test('a dead line is told with its two ends, and when it died', async () => {
  const asked = await after(...begun, 'wait 10s', 'cut box', 'ping alice server 2', 'wait 5s');
  expect(causesSeen(asked, { from: 'whole' })[0]!.says).toMatch(/^What leaves box eth1 came to gateway eth0 until 0\.1 s \(frame \d+\), and nothing does since\.$/);
  const silent = await after(...begun, 'wait 50s', 'cut box', 'wait 2min');
  expect(causesSeen(silent, { from: 'whole' })[0]!.says).toMatch(/came to gateway eth0 until 4\d\.\d s \(frame \d+\), and nothing does since\. Only keepalives have tried\.$/);
});

test('a line that was dead from the beginning looks like a peer that does not answer, and it is told how far the question came', async () => {
  const [cause] = causesSeen(await after('cut box', 'connect alice'), { from: 'whole' });
  expect([cause!.finding.id, cause!.says]).toEqual(['nobody-answers', expect.stringMatching(/without an answer\. It leaves box eth1\.$/)]);
});

test('dead-peer detection that hears nothing is told with what came of it, whatever the cause', async () => {
  const told = async (from: Vantage, ...lines: readonly string[]): Promise<readonly string[]> => sightsSeen(await after(...begun, ...lines), { from }).flatMap(({ id, says }) => (id === 'dead-peer' ? [says] : []));
  expect(await told('clients', 'cut box', 'alive alice', 'wait 5min')).toEqual([expect.stringMatching(/^alice eth0 asks 203\.0\.113\.2 \d times within \d+ s whether it lives, hears nothing, and (has given it up|begins anew in frame \d+)\.$/)]);
  expect(await told('gateway', 'cut box', 'alive gateway', 'wait 5min')).toEqual([expect.stringMatching(/^gateway eth0 asks 203\.0\.113\.1 \d times within \d+ s whether it lives, hears nothing, and has given it up\.$/)]);
  expect(await told('clients', 'alive alice', 'wait 5min')).toEqual([]);
});

test('a capture of one side says that it is one', async () => {
  const flushed = await after(...begun, 'nat flush', 'ping gateway alice 3', 'wait 5s');
  const oneSided = (from: Vantage): string[] => sightsSeen(flushed, { from }).flatMap(({ id, says }) => (id === 'one-sided' ? [says] : []));
  expect(oneSided('clients')).toEqual([expect.stringMatching(/^All of this was captured at one place, alice eth0: .*capture there, too: a box that has lost or moved its mapping shows there only\.$/)]);
  expect(oneSided('whole')).toEqual([]);
  expect(oneSided('gateway')).toEqual([]); // something is open there
});

test('what was lost until the client spoke again is told, and that its mapping has moved', async () => {
  const rebooted = await after(...begun, 'nat reboot', 'ping gateway alice 3', 'ping alice server', 'ping gateway alice');
  const moved = await after(...begun, 'nat move 203.0.113.77', 'ping alice server');
  const told = (act: typeof moved): string[] => sightsSeen(act, { from: 'gateway' }).map(({ id, says }) => `${id}: ${says}`);
  expect(told(rebooted)).toContainEqual(expect.stringMatching(/^interrupted: 3 questions of 203\.0\.113\.2 to 203\.0\.113\.1, at gateway eth0 from [\d.]+ to [\d.]+ s, got no answer; later ones did\.$/));
  expect(told(moved)).toContainEqual(expect.stringMatching(/^rebound: .* comes to gateway eth0 from 203\.0\.113\.77:\d+, before it came from 203\.0\.113\.1:4500\.$/));
});
