import { loadCatalogue } from '../catalogue/catalogue.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { describeParameter } from '../scenarios/parameters.ts';
import type { Named } from './asked.ts';

export async function list({ json, scenarios: folders }: Named & { readonly json?: true }): Promise<number> {
  const { scenarios } = await loadCatalogue(folders);
  if (json) {
    const listed = scenarios.map(({ id, chapter, title, teaches, refs, parameters }) => ({ id, chapter, title, teaches, refs, parameters }));
    process.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return 0;
  }
  const width = lineWidth(process.stdout);
  for (const { id, chapter, title, teaches, parameters } of scenarios) {
    console.log(`${id}\n  ${wrap(title, width, '  ')}\n  ${wrap(teaches, width, '  ')}`);
    if (chapter !== undefined) console.log(`  ${wrap(`Chapter: ${chapter}`, width, '  ')}`);
    for (const [name, parameter] of Object.entries(parameters)) console.log(`  ${wrap(`--set ${name}=${describeParameter(parameter)}: ${parameter.about}`, width, '    ')}`);
    console.log('');
  }
  return 0;
}
