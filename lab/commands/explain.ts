/** A lesson without running it: generated from what would run, so that it cannot say anything else. */
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { topologyOf } from '../run.ts';
import { parseSettings, describeParameter } from '../scenarios/parameters.ts';
import { castOf } from '../topology/cast.ts';
import { scenarioNamed } from './asked.ts';
import type { Named } from './asked.ts';

export async function explain(name: string, options: Named): Promise<number> {
  const catalogue = await loadCatalogue(options.scenarios);
  const scenario = scenarioNamed(name, catalogue);
  const width = lineWidth(process.stdout);
  const say = (text: string, indent = ''): void => console.log(indent + wrap(text, width, indent));
  say(`${scenario.id}: ${scenario.title}`);
  console.log('');
  say(scenario.teaches);
  say(`Read: ${scenario.refs.join(', ')}`);
  for (const [parameter, kind] of Object.entries(scenario.parameters)) say(`Parameter ${parameter}: ${kind.about}; ${describeParameter(kind)}`);
  for (const act of scenario.acts(parseSettings(scenario.id, scenario.parameters, [], 'virtual'))) {
    const topology = topologyOf(act, { shelf: catalogue });
    console.log('');
    say(`${act.id}: ${act.title}`);
    say(`topology ${topology.name}: ${topology.title}`, '  ');
    for (const node of topology.plan.nodes) {
      const where = node.interfaces.map(({ segment, address, prefixLength }) => `${segment} ${address}/${prefixLength}`).join(', ');
      say(`${node.name}: ${where}${node.kind === 'nat' ? ` (NAT box, ${topology.presets[node.name]!})` : ''}`, '    ');
    }
    for (const { claim, ref } of act.checks(castOf(topology))) say(`- ${claim}${ref === undefined ? '' : ` (${ref})`}`, '  ');
  }
  return 0;
}
