import { backendNames } from '../backends/backend.ts';
import { loadBackend } from '../backends/index.ts';
import { sign, themeFor } from '../report/theme.ts';

/** Always 0: it tells, it does not judge. */
export async function doctor({ json }: { json?: true }): Promise<number> {
  const reports = await Promise.all(backendNames.map(async (name) => ({ backend: name, ...(await (await loadBackend(name)).probe()) })));
  if (json) {
    process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
    return 0;
  }
  const theme = themeFor(process.stdout, true);
  for (const { backend, usable, requirements } of reports) {
    console.log(`${sign(theme, usable ? 'pass' : 'fail')} ${theme.strong(backend)}  ${usable ? 'works here' : 'cannot run here'}`);
    for (const { name, present, detail, remedy } of requirements) {
      console.log(`    ${sign(theme, present ? 'pass' : 'fail')} ${name}: ${detail}`);
      if (!present && remedy !== undefined) console.log(`        get it with: ${remedy}`);
    }
  }
  return 0;
}
