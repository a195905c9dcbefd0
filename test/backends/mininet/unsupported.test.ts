import { expect } from 'vitest';
import { mininet } from '../../../lab/backends/mininet/backend.ts';
import { hasNetem } from '../../../lab/backends/mininet/netem.ts';
import { loadTopology, vary } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { needs } from '../../support/needs.ts';

const { test } = needs('user namespaces', 'ip');

const withInternet = (internet: object): ReturnType<typeof mininet.unsupported> => mininet.unsupported(planTopology(vary(loadTopology('home'), { segments: { internet } })).plan, 'auto');

test('what mininet\'s links never do is refused, with a way out', () => {
  const why = 'mininet\'s links have no such thing; run it on sim';
  expect(withInternet({ duplication: 0.1, reordering: 0.1 })).toEqual([{ what: 'internet: duplication', why }, { what: 'internet: reordering', why }]);
});

test('loss is refused where an attempt has shown that the kernel has no netem, and only there', () => {
  const why = 'mininet\'s links lose packets by tc-netem, and this kernel let nobody add it: sudo modprobe sch_netem, or run it on sim';
  expect(withInternet({ loss: 0.1 })).toEqual(hasNetem() ? [] : [{ what: 'internet: loss', why }]);
  expect(withInternet({})).toEqual([]);
});
