/** The page's program and style, in one HTML file without data: from the sources in a checkout, from where the package was built in an installation. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../problem.ts';

/** Made by `npm pack`: an installation has it in place of the sources. */
const built = new URL('./page.html', import.meta.url);
const source = new URL('./app/main.tsx', import.meta.url);

/** What stands in a page without data where the data goes. */
export const dataMark = '<!-- the report -->';

/** Bundling takes about a tenth of a second, so a checkout does it anew for every report: there is nothing that could be stale. */
export async function page(): Promise<string> {
  if (existsSync(built)) return readFileSync(built, 'utf8');
  const { build } = await import('esbuild').catch(() => {
    throw new Problem('the report page is made with esbuild, which is not installed: npm install');
  });
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(source)],
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
  return html(script!, style!);
}

/** For packages: puts the page beside the compiled program. */
export const writePage = async (file: string): Promise<void> => writeFile(file, await page());

/** A closing tag inside a script would end it. */
const inScript = (script: string): string => script.replaceAll('</script', '<\\/script');

/** The policy keeps the page from asking the network for anything. */
const html = (script: string, style: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<meta name="generator" content="natt-lab">
<link rel="icon" href="data:,">
<title>natt-lab report</title>
<style>${style}</style>
</head>
<body>
<div id="report"><p class="loading">The report is being unpacked …</p></div>
<noscript><p class="loading">This report needs JavaScript. It asks the network for nothing.</p></noscript>
${dataMark}
<script>${inScript(script)}</script>
</body>
</html>
`;
