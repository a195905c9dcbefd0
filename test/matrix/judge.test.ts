/** What is green: all that came out as foreseen, be it that the lesson fails. */
import { describe, expect, test } from 'vitest';
import { judge, together, verdictOf } from '../../lab/matrix/judge.ts';
import type { Kind } from '../../lab/matrix/judge.ts';
import { playCell } from '../../lab/matrix/play.ts';
import { play } from '../support/lessons.ts';
import { cell } from './cells.ts';

const kindOf = async (over: Parameters<typeof cell>[0]) => {
  const { kind, acts, reason } = await playCell({ cell: cell(over), folders: [] });
  return { kind, why: acts[0]?.why ?? reason };
};

describe('a cell', () => {
  test.each([
    ['whose lesson holds behind its own boxes works', {}, 'works', undefined],
    ['behind a box that must break it fails as foreseen', { nat: 'udp-4500-blocked' }, 'fails-as-foreseen', 'the box lets nothing out to UDP 4500'],
    ['behind a box that the lesson is not about does not apply', { scenario: 'passthrough', acts: ['without-nat-t'], nat: 'linux-masquerade' }, 'does-not-apply', 'the box lets a second client use port 500 as well'],
    ['behind a box for IPv6 is played in a home that has such a box', { nat: 'nat64' }, 'works', undefined],
    ['in a network that cannot be is unsupported', { scenario: 'multi-client', acts: ['together'], nat: 'nat64' }, 'unsupported', 'hotel (varied), nats.box: hotel has IPv4, and nat64 is a gateway from IPv6 inside to IPv4 outside'],
  ] as const)('%s', async (_, over, kind, why) => {
    expect(await kindOf(over)).toEqual({ kind, why });
  });

  test('of which some acts cannot be is what becomes of the others', async () => {
    const { kind, acts, result } = await playCell({ cell: cell({ scenario: 'detection', nat: 'nat64', acts: ['both', 'initiator'] }), folders: [] });
    expect([kind, acts.map((one) => [one.act, one.kind]), result!.acts]).toEqual(['works', [['initiator', 'works'], ['both', 'unsupported']], [expect.objectContaining({ id: 'initiator' })]]);
  });

  test('that fails behind the lesson\'s own boxes is unforeseen', async () => {
    const { acts } = await play('port-float', { preset: 'udp-4500-blocked' });
    expect(judge({ scenario: 'port-float', nat: 'own' }, acts[0]!, 'virtual')).toMatchObject({ kind: 'unforeseen', expected: 'all that it claims holds' });
  });

  test.each([
    ['is late, and the box makes it so', [], 'virtual', 'works'],
    ['works, and the box must break it', [500], 'virtual', 'unforeseen'],
    ['works, and the box must break it, where time is real', [500], 'real', 'unforeseen'],
  ] as const)('that %s', async (_, blockedUdpPorts, clock, kind) => {
    const { acts } = await play('passthrough', { preset: 'passthrough-500' });
    const played = acts.find(({ act }) => act.id === 'with-nat-t')!;
    const nodes = played.topology.plan.nodes.map((node) => (node.kind === 'nat' ? { ...node, box: { ...node.box, behaviour: { ...node.box.behaviour, blockedUdpPorts } } } : node));
    expect(judge({ scenario: 'passthrough', nat: 'passthrough-500' }, { ...played, topology: { ...played.topology, plan: { ...played.topology.plan, nodes } } }, clock).kind).toBe(kind);
  });

  test('that is late though nothing is in its way is unforeseen where time is virtual; where it is real the machine may have been busy', async () => {
    const { acts } = await play('passthrough', { preset: 'passthrough-500' });
    const late = acts.find(({ act }) => act.id === 'with-nat-t')!;
    const judged = (clock: 'virtual' | 'real') => judge({ scenario: 'port-float', nat: 'linux-masquerade' }, { ...late, act: { ...late.act, id: 'float' } }, clock).kind;
    expect([judged('virtual'), judged('real')]).toEqual(['unforeseen', 'works']);
  });
});

test('the worst act decides', () => {
  const of = (...kinds: Kind[]) => together(kinds.map((kind) => ({ act: 'x', kind, expected: '', observed: '' })));
  expect([of('works', 'does-not-apply'), of('works', 'fails-as-foreseen'), of('unforeseen', 'works'), of('inconclusive', 'unforeseen'), of('unsupported', 'works'), of('unsupported')]).toEqual(['works', 'fails-as-foreseen', 'unforeseen', 'unforeseen', 'works', 'unsupported']);
  expect(Object.entries(verdictOf).filter(([, verdict]) => verdict === 'fail').map(([kind]) => kind)).toEqual(['unforeseen', 'overran', 'broke']);
});
