/** What was cut up, by IP or by IKE itself, is shown whole where the last of it comes, at each place. */
import { expect, test } from 'vitest';
import { keysOf } from '../support/captured.ts';
import { cutUpByIke } from '../support/cut-up-by-ike.ts';
import { play } from '../support/lessons.ts';
import { Onlooker } from '../../lab/capture/onlooker.ts';
import { Pieces } from '../../lab/capture/pieces.ts';
import { takeApart } from '../../lab/capture/packet.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { dissect } from '../../src/wire/describe.ts';
import type { Tree } from '../../src/wire/describe.ts';

const every = (tree: Tree): Tree[] => [tree, ...tree.children.flatMap(every)];

interface Shown {
  readonly place: string;
  readonly tree: Tree;
}

/** As `decode` shows a capture, packet by packet. */
function shown(trace: Trace): Shown[] {
  const onlooker = new Onlooker(keysOf(trace));
  const pieces = new Pieces();
  const places = new Map<string, number>();
  return trace.of('packet').map(({ node, at, body: { interface: name, bytes } }): Shown => {
    const place = `${node} ${name}`;
    if (!places.has(place)) places.set(place, places.size);
    const packet = takeApart(bytes)!;
    const whole = packet.fragment && pieces.add({ at: BigInt(Math.round(at * 1e6)), place: { section: 1, interface: places.get(place)! } }, bytes);
    onlooker.see(place, whole?.packet ?? packet);
    return { place, tree: dissect(whole?.ip ?? bytes, onlooker) };
  });
}

const everywhere = ['alice eth0', 'box eth0', 'box eth1', 'gateway eth0'];

/** Where certificates can be read. */
const certified = (packets: readonly Shown[]): Shown[] => packets.filter(({ tree }) => every(tree).some(({ label }) => label === 'CERT payload'));

test('IKEv2: each fragment tells its share, and the last one the message', async () => {
  const packets = shown((await cutUpByIke('v2')).trace);
  const fragments = packets.filter(({ tree }) => every(tree).some(({ label }) => label === 'SKF payload'));
  expect(fragments.length).toBe(4 * 2 * 3);
  const decrypted = fragments.filter(({ place }) => place === 'box eth1').map(({ tree }) => every(tree).find(({ label }) => label === 'Decrypted')!.value);
  expect(decrypted.slice(0, 3)).toEqual(['483 octets, a share of the message, 1 of 3 fragments so far', '483 octets, a share of the message, 2 of 3 fragments so far', '1421 octets, put together from 3 fragments, the first payload IDi']);
  expect(fragments[0]!.tree.value).toMatch(/IKE_AUTH request mid 1, fragment 1 of 3$/);
  expect(certified(packets).map(({ place }) => place).sort()).toEqual([...everywhere, ...everywhere].sort());
  expect(fragments.flatMap(({ tree }) => every(tree)).filter(({ label }) => label === 'Malformed')).toEqual([]);
});

test('IKEv1: the last piece shows the message, opened, and what comes after it opens as well', async () => {
  const packets = shown((await cutUpByIke('v1')).trace);
  const trees = packets.flatMap(({ tree }) => every(tree));
  expect(trees.filter(({ label }) => label === 'Put together')).toHaveLength(8);
  expect(trees.filter(({ label, value }) => label === 'Not yet whole' && value === '2 pieces so far')).toHaveLength(8);
  expect(trees.filter(({ label }) => label === 'Not decrypted')).toEqual([]);
  expect(certified(packets).map(({ place }) => place).sort()).toEqual([...everywhere, ...everywhere].sort());
});

test('a fragment that comes twice, or never, makes no message of two halves', async () => {
  const { trace } = await cutUpByIke('v2');
  const onlooker = new Onlooker(keysOf(trace));
  const sent = trace.of('packet', 'alice').filter(({ body }) => body.direction === 'out').map(({ body }) => body.bytes).filter((bytes) => dissect(bytes).value.includes('fragment'));
  const says = (bytes: Uint8Array, place = 'alice eth0'): string => {
    onlooker.see(place, takeApart(bytes)!);
    return every(dissect(bytes, onlooker)).find(({ label }) => label === 'Decrypted')!.value;
  };
  const [one, two, three] = sent as [Uint8Array, Uint8Array, Uint8Array];
  expect([says(one), says(one), says(three), says(three, 'box eth0')]).toEqual([
    '483 octets, a share of the message, 1 of 3 fragments so far', '483 octets, fragment 1 of 3 has come before', '455 octets, a share of the message, 2 of 3 fragments so far', '455 octets, a share of the message, 1 of 3 fragments so far',
  ]);
  expect(says(two)).toBe('1421 octets, put together from 3 fragments, the first payload IDi');
});

test.each(['v2', 'v1'] as const)('IKE%s: what IP has cut up is put together, and opens', async (ike) => {
  const { acts: [act] } = await play('fragments', {}, { ike });
  const packets = shown(act!.trace);
  expect(certified(packets).map(({ place }) => place).sort()).toEqual([...everywhere, ...everywhere].sort());
  expect(packets.flatMap(({ tree }) => every(tree)).filter(({ label }) => label === 'Not decrypted')).toEqual([]);
});
