import { describePrefix } from '../../src/core/address.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { column } from '../report/text.ts';
import { castOf } from '../topology/cast.ts';
import { loadTopology } from '../topology/load.ts';
import { planTopology } from '../topology/plan.ts';
import { warn } from '../warn.ts';
import type { Named } from './asked.ts';

/** Says what a correct file means, and what cannot work in it; a wrong one throws its Problem. */
export async function topologyCheck(nameOrFile: string, { scenarios }: Named): Promise<number> {
  const topology = planTopology(loadTopology(nameOrFile, await loadCatalogue(scenarios)));
  castOf(topology);
  warn(topology.warnings);
  console.log(`${topology.name}: ${topology.title}`);
  for (const { name, prefix } of topology.plan.segments) console.log(`  ${column(name, 12)} ${describePrefix(prefix)}`);
  for (const node of topology.plan.nodes) {
    const what = node.kind === 'nat' ? `nat, ${topology.presets[node.name]!}` : node.kind === 'host' && node.image !== undefined ? `image ${node.image.name}` : node.kind;
    console.log(`  ${column(node.name, 12)} ${column(what, 26)} ${node.interfaces.map(({ segment, address }) => `${segment} ${address}`).join(', ')}`);
  }
  return 0;
}
