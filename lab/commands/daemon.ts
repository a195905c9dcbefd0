import { stringify } from 'yaml';
import { Problem } from '../problem.ts';
import { column, lineWidth, wrap } from '../report/text.ts';
import { suggestion } from '../suggest.ts';
import { daemonNamed, daemonPresets } from '../topology/daemons.ts';

export function daemonList({ json }: { json?: true }): number {
  if (json) process.stdout.write(`${JSON.stringify(daemonPresets, null, 2)}\n`);
  else {
    const width = lineWidth(process.stdout, 120);
    const names = Math.max(...daemonPresets.map(({ name }) => name.length)) + 2;
    for (const { name, title } of daemonPresets) console.log(width < 2 * names ? `${name}\n  ${wrap(title, width, '  ')}` : `${column(name, names)}${wrap(title, width, ' '.repeat(names))}`);
  }
  return 0;
}

/** What the preset says, as a topology file would. */
export function daemonShow(name: string, { json }: { json?: true }): number {
  const preset = daemonNamed(name);
  if (preset === undefined) throw new Problem(`no daemon "${name}"; ${suggestion(name, daemonPresets.map((one) => one.name))}`);
  if (json) process.stdout.write(`${JSON.stringify(preset, null, 2)}\n`);
  else {
    const width = lineWidth(process.stdout);
    const { title, observation, ike, esp } = preset;
    console.log(`${wrap(`${name}: ${title}`, width, '  ')}\n\n${wrap(observation, width)}\n\n${stringify({ ike, esp }, { flowCollectionPadding: false, lineWidth: width })}`.trimEnd());
  }
  return 0;
}
