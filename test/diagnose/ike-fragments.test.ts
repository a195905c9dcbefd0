/** Messages that IKE has cut up by itself: whole, with one fragment lost on the way, and seen from one side. */
import { expect, test } from 'vitest';
import type { ActResult } from '../../lab/run.ts';
import { takeApart } from '../../lab/capture/packet.ts';
import { seconds } from '../../src/core/time.ts';
import type { Instant } from '../../src/core/time.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import type { EventOf } from '../../src/trace/trace.ts';
import { fragmentIn } from '../../src/ike/v1/fragmentation.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { decodeMessage as decodeMessageV1 } from '../../src/wire/ike/v1/codec.ts';
import { causesSeen } from '../support/captured.ts';
import type { Watching } from '../support/captured.ts';
import { cutUpByIke } from '../support/cut-up-by-ike.ts';

function fragmentOf(bytes: Uint8Array): number | undefined {
  const content = takeApart(bytes)?.content;
  if (content?.kind !== 'ike') return undefined;
  const read = decodeMessage(content.message);
  if (read.ok && 'bodyAt' in read.value) return read.value.fragment?.number;
  const readV1 = decodeMessageV1(content.message);
  return readV1.ok ? fragmentIn(readV1.value)?.number : undefined;
}

/** As it would have gone on if one fragment of what `sender` says were always lost in the box: it is all sent again, and nothing comes after. */
function losing(act: ActResult, number: number, sender: 'alice' | 'gateway'): ActResult {
  const packets = act.trace.of('packet');
  const all = packets.filter(({ body }) => fragmentOf(body.bytes) !== undefined);
  const begins = all.find(({ node, body }) => node === sender && body.direction === 'out')!;
  const ofSender = all.filter(({ body, seq }) => seq >= begins.seq && goesToAlice(body.bytes) === (sender === 'gateway'));
  const before = packets.filter(({ seq }) => seq < begins.seq);
  const beyond = new Set(['alice', 'gateway'].filter((name) => name !== sender));
  const isLost = ({ node, body }: EventOf<'packet'>): boolean => fragmentOf(body.bytes) === number && (beyond.has(node) || (node === 'box' && body.direction === 'out'));
  const passing = ofSender.filter((event) => !isLost(event));
  const trace = new TraceLog();
  for (const { at, node, layer, body } of act.trace.events) if (body.kind !== 'packet') trace.record(at, node, { layer, body } as never);
  for (const { at, node, body } of before) trace.record(at, node, { layer: 'link', body });
  // whoever waits for the answer sends its question again
  const question = sender === 'gateway' ? before.filter(({ body }) => fragmentOf(body.bytes) !== undefined) : [];
  for (const wait of [0, 2, 6, 14]) {
    const again = [...(wait === 0 ? [] : question), ...passing];
    for (const { at, node, body } of again) trace.record((at + seconds(wait)) as Instant, node, { layer: 'link', body });
  }
  return { ...act, trace };
}

const goesToAlice = (bytes: Uint8Array): boolean => takeApart(bytes)!.from.address === '203.0.113.2';

const causes = (act: ActResult, watching: Watching): readonly string[] => causesSeen(act, watching).map(({ finding, says, certainty }) => `${finding.id}, ${certainty}: ${says}`);

test.each(['v2', 'v1'] as const)('IKE%s: nothing is wrong with fragments that all arrive', async (ike) => {
  const act = await cutUpByIke(ike);
  expect(act.trace.of('packet').filter(({ body }) => fragmentOf(body.bytes) !== undefined).length).toBeGreaterThan(8);
  for (const from of ['whole', 'clients', 'gateway'] as const) expect(causes(act, { from })).toEqual([]);
});

test('IKEv2: the one that is lost of a request is named, where it is known', async () => {
  const act = losing(await cutUpByIke('v2'), 2, 'alice');
  expect(causes(act, { from: 'whole' })).toEqual(['ike-fragments-lost, seen: IKE_AUTH is cut up by IKE into 3 fragments; some of them come to box eth1, and number 2 does not. Without it the others say nothing.']);
  expect(causes(act, { from: 'gateway' })).toEqual(['ike-fragments-lost, seen: IKE_AUTH is cut up by IKE into 3 fragments; some of them come to gateway eth0, and number 2 does not. Without it the others say nothing.']);
  expect(causes(act, { from: 'clients' })).toEqual([expect.stringMatching(/^udp-4500-blocked, likely: /)]); // nothing short was ever answered there
});

test('IKEv2: so is that of an answer', async () => {
  const act = losing(await cutUpByIke('v2'), 3, 'gateway');
  expect(causes(act, { from: 'whole' })).toEqual([expect.stringMatching(/^ike-fragments-lost, seen: IKE_AUTH .* come to box eth0, and number 3 does not/)]);
  expect(causes(act, { from: 'clients' })).toEqual([expect.stringMatching(/^ike-fragments-lost, seen: IKE_AUTH .* come to alice eth0, and number 3 does not/)]);
});

test('IKEv1: so is that of main mode, and without the last one nobody knows how many there are', async () => {
  const act = await cutUpByIke('v1');
  expect(causes(losing(act, 1, 'alice'), { from: 'whole' })).toEqual([expect.stringMatching(/^ike-fragments-lost, seen: main mode is cut up by IKE into 3 fragments; some of them come to box eth1, and number 1 does not/)]);
  expect(causes(losing(act, 3, 'alice'), { from: 'gateway' })).toEqual([expect.stringMatching(/^ike-fragments-lost, seen: main mode is cut up by IKE; some of them come to gateway eth0, and the last does not/)]);
});
