/** A page's program and style, in one HTML file without data: from the sources in a checkout, from where the package was built in an installation. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../problem.ts';

export interface PageSource {
  /** Made by `npm pack`: an installation has it in place of the sources. */
  readonly built: URL;
  readonly source: URL;
  /** Until the page's program gives it one. */
  readonly title: string;
  readonly waiting: string;
  readonly withoutScript: string;
  /** What the page may do beside running itself, as a Content-Security-Policy says it. */
  readonly policy?: string;
}

/** What stands in a page without data where the data goes. */
export const dataMark = '<!-- the data -->';

export const reportPage: PageSource = {
  built: new URL('./page.html', import.meta.url),
  source: new URL('./app/main.tsx', import.meta.url),
  title: 'natt-lab report',
  waiting: 'The report is being unpacked …',
  withoutScript: 'This report needs JavaScript. It asks the network for nothing.',
};

/** Bundling takes about a tenth of a second, so a checkout does it anew for every page: there is nothing that could be stale. */
export async function page(from: PageSource): Promise<string> {
  if (existsSync(from.built)) return readFileSync(from.built, 'utf8');
  const { build } = await import('esbuild').catch(() => {
    throw new Problem('pages are made with esbuild, which is not installed: npm install');
  });
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(from.source)],
    outdir: 'out',
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: ['chrome115', 'firefox128', 'safari17'],
    legalComments: 'none',
    logLevel: 'silent',
  });
  const [script, style] = ['.js', '.css'].map((ending) => outputFiles.find(({ path }) => path.endsWith(ending))!.text);
  return html(from, script!, style!);
}

/** For packages: puts the page where an installation looks for it, below `root` as it is below the sources' root. */
export const writePage = async (from: PageSource, file: string): Promise<void> => writeFile(file, await page(from));

/** A closing tag inside a script would end it. */
const inScript = (script: string): string => script.replaceAll('</script', '<\\/script');

/** The policy keeps the page from asking the network for anything. */
const html = ({ title, waiting, withoutScript, policy = '' }: PageSource, script: string, style: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:${policy && `; ${policy}`}">
<meta name="generator" content="natt-lab">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<div id="page"><p class="loading">${waiting}</p></div>
<noscript><p class="loading">${withoutScript}</p></noscript>
${dataMark}
<script>${inScript(script)}</script>
</body>
</html>
`;
