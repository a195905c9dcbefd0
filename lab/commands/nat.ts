import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { column, lineWidth, wrap } from '../report/text.ts';
import { boxNamed } from './asked.ts';
import type { Named } from './asked.ts';

interface NatCommandLine extends Named {
  readonly json?: true;
}

export async function natList({ json, scenarios }: NatCommandLine): Promise<number> {
  const { presets: zoo } = await loadCatalogue(scenarios);
  if (json) process.stdout.write(`${JSON.stringify(zoo, null, 2)}\n`);
  else {
    const width = lineWidth(process.stdout, 120);
    const names = Math.max(...zoo.map(({ name }) => name.length)) + 2;
    for (const { name, title } of zoo) console.log(width < 2 * names ? `${name}\n  ${wrap(title, width, '  ')}` : `${column(name, names)}${wrap(title, width, ' '.repeat(names))}`);
  }
  return 0;
}

export async function natShow(name: string, { json, scenarios }: NatCommandLine): Promise<number> {
  const preset = boxNamed(name, await loadCatalogue(scenarios));
  if (json) {
    process.stdout.write(`${JSON.stringify(preset, null, 2)}\n`);
    return 0;
  }
  const width = lineWidth(process.stdout);
  console.log(`${wrap(`${preset.name}: ${preset.title}`, width, '  ')}\n`);
  console.log(wrap(`Met: ${preset.met}`, width, '  '));
  for (const { says, where } of preset.sources) console.log(wrap(`Sourced: ${says} (${where}).`, width, '  '));
  console.log(`${wrap(`Modelled: ${preset.modelled}`, width, '  ')}\n`);
  if (preset.ipv6 !== 'nptv6') show(preset.behaviour, '', width);
  return 0;
}

/** Every knob on a line, durations in words: the names are those of a topology file's `behaviour`. */
function show(knobs: object, path: string, width: number): void {
  for (const [knob, value] of Object.entries(knobs) as [string, unknown][]) {
    const name = path === '' ? knob : `${path}.${knob}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) show(value, name, width);
    else console.log(`  ${width < 60 ? `${name}\n    ` : column(name, 26)}${spell(value, name.startsWith('timeouts.'))}`);
  }
}

function spell(value: unknown, isDuration: boolean): string {
  if (isDuration && typeof value === 'number') return describeDuration(value as Duration);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return typeof value === 'object' ? 'none' : `${value as string | number | boolean}`;
}
