import { wrap } from '../report/text.ts';
import { scenarios } from '../scenarios/index.ts';
import { describeParameter } from '../scenarios/parameters.ts';

export function list({ json }: { json?: true }): number {
  if (json) {
    const listed = scenarios.map(({ id, title, teaches, refs, parameters }) => ({ id, title, teaches, refs, parameters }));
    process.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return 0;
  }
  const width = Math.min(process.stdout.columns || 100, 100);
  for (const { id, title, teaches, parameters } of scenarios) {
    console.log(`${id}\n  ${wrap(title, width - 2, '  ')}\n  ${wrap(teaches, width - 2, '  ')}`);
    for (const [name, parameter] of Object.entries(parameters)) console.log(`  --set ${name}=${describeParameter(parameter)}: ${parameter.about}`);
    console.log('');
  }
  return 0;
}
