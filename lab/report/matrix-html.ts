/** The matrix as a page, one file: a grid of lessons and boxes, where each cell opens what was claimed and what was seen. It has no script: cells are buttons that open popovers. */
import { kinds } from '../matrix/judge.ts';
import type { CellResult } from '../matrix/play.ts';
import { commandOf } from '../matrix/reproduce.ts';
import type { Verdict } from '../checks/check.ts';
import type { Cell } from '../matrix/cell.ts';
import { boxesOf, boxName, rowsOf, summary } from './matrix-table.ts';
import { describeCell, looks } from './matrix-words.ts';
import { marks } from './theme.ts';

type JsonCheck = NonNullable<CellResult['result']>['checks'][number];

export function matrixHtml(cells: readonly Cell[], results: readonly CellResult[], folders: readonly string[]): string {
  const boxes = boxesOf(results);
  const rows = rowsOf(results);
  const ids = new Map(results.map((result, i) => [result, `cell${i}`]));
  const legend = kinds.filter((kind) => results.some((one) => one.kind === kind)).map((kind) => `<li><span class="${kind}">${looks[kind].sign}</span> ${looks[kind].words}</li>`);
  const head = boxes.map((box) => `<th scope="col"><span>${escaped(boxName(box))}</span></th>`);
  const body = rows.map(({ name, byBox }) => `<tr><th scope="row">${escaped(name)}</th>${boxes.map((box) => cellOf(byBox.get(box), ids)).join('')}</tr>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>natt-lab: ${escaped(summary(cells, results))}</title>
<style>${style}</style>
</head>
<body>
<header><h1>natt-lab matrix</h1><p>${escaped(summary(cells, results))}</p><ul class="legend">${legend.join('')}</ul></header>
<main>
<div class="grid" role="region" aria-label="The grid" tabindex="0"><table>
<thead><tr><td></td>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>
${results.map((result) => detailsOf(result, ids.get(result)!, folders)).join('\n')}
</main>
</body>
</html>
`;
}

function cellOf(result: CellResult | undefined, ids: ReadonlyMap<CellResult, string>): string {
  if (result === undefined) return '<td></td>';
  const { sign, words } = looks[result.kind];
  return `<td><button class="${result.kind}" popovertarget="${ids.get(result)!}" aria-label="${escaped(`${describeCell(result.cell)}: ${words}`)}">${sign}</button></td>`;
}

function detailsOf(result: CellResult, id: string, folders: readonly string[]): string {
  const { cell, kind, acts, reason, trace } = result;
  const judgements = acts.map(({ act, kind: its, expected, observed }) => `<h3><span class="${its}">${looks[its].sign}</span> ${escaped(act)}: ${looks[its].words}</h3>
<dl><dt>expected</dt><dd>${escaped(expected)}</dd><dt>observed</dt><dd>${escaped(observed)}</dd></dl>
${checksOf((result.result?.checks ?? []).filter((check) => check.id.startsWith(`${act}/`)))}`);
  return `<article id="${id}" popover aria-labelledby="${id}-title">
<h2 id="${id}-title"><span class="${kind}">${looks[kind].sign}</span> ${escaped(describeCell(cell))}: ${looks[kind].words}</h2>
${reason === undefined ? '' : `<p>${escaped(reason)}</p>`}
${judgements.join('\n')}
<p>Again: <code>${escaped(commandOf(result, folders))}</code></p>
${trace === undefined ? '' : `<p>Trace: <code>${escaped(trace)}</code></p>`}
<button class="close" popovertarget="${id}" popovertargetaction="hide">Close</button>
</article>`;
}

const checksOf = (checks: readonly JsonCheck[]): string => (checks.length === 0 ? '' : `<ul class="checks">${checks.map(checkOf).join('')}</ul>`);

function checkOf({ claim, ref, verdict, expected, observed }: JsonCheck): string {
  const wanted = verdict === 'fail' || verdict === 'inconclusive' ? `<br><small>expected: ${escaped(expected)}</small>` : '';
  return `<li><span class="${verdict}" title="${verdict}">${marks[verdict].sign}</span> <span>${escaped(claim)}${ref === undefined ? '' : ` <small>(${escaped(ref)})</small>`}${wanted}<br><small>${escaped(observed)}</small></span></li>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => entities[one]!);

/** Tones of cells and of checks alike: light first, then dark. */
const tones: Readonly<Record<CellResult['kind'] | Verdict, readonly [text: string, ground: string]>> = {
  'works': ['light-dark(#17603a, #7fd6a4)', 'light-dark(#e3f3e9, #173325)'],
  'pass': ['light-dark(#17603a, #7fd6a4)', 'transparent'],
  'fails-as-foreseen': ['light-dark(#6b4e00, #e6c565)', 'light-dark(#faf0d2, #3a2f10)'],
  'does-not-apply': ['light-dark(#5a6068, #a3abb5)', 'transparent'],
  'unsupported': ['light-dark(#5a6068, #a3abb5)', 'transparent'],
  'unforeseen': ['light-dark(#a3161b, #ff9a9a)', 'light-dark(#fde4e3, #47191b)'],
  'fail': ['light-dark(#a3161b, #ff9a9a)', 'transparent'],
  'inconclusive': ['light-dark(#a3161b, #ff9a9a)', 'light-dark(#fde4e3, #47191b)'],
  'overran': ['light-dark(#a3161b, #ff9a9a)', 'light-dark(#fde4e3, #47191b)'],
  'broke': ['light-dark(#a3161b, #ff9a9a)', 'light-dark(#fde4e3, #47191b)'],
};

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; color: light-dark(#1c2126, #e4e7ea); background: light-dark(#fff, #14171a); }
body { margin: 0; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0 0 .5rem; } h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0 1rem; list-style: none; }
.grid { overflow: auto; max-height: 85vh; }
table { border-collapse: separate; border-spacing: 2px; }
thead th { position: sticky; top: 0; z-index: 1; background: light-dark(#fff, #14171a); vertical-align: bottom; font-weight: 400; padding: .25rem 0; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
tbody th { position: sticky; left: 0; background: light-dark(#fff, #14171a); text-align: left; font-weight: 600; white-space: nowrap; padding-right: 1rem; }
td button { width: 1.9rem; height: 1.9rem; border: 0; border-radius: 4px; font: inherit; font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid light-dark(#1f5fbf, #8ab8ff); outline-offset: 1px; }
article { max-width: min(46rem, 92vw); max-height: 84vh; overflow: auto; padding: 1.25rem 1.5rem; border: 1px solid light-dark(#c9ced4, #3a4149); border-radius: 8px; color: inherit; background: light-dark(#fff, #1b1f23); }
article::backdrop { background: rgb(0 0 0 / .35); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: 0 0 .5rem; } dt { color: light-dark(#5a6068, #a3abb5); } dd { margin: 0; }
.checks { padding: 0; margin: 0; list-style: none; } .checks li { display: flex; gap: .5rem; margin: .25rem 0; }
small { color: light-dark(#5a6068, #a3abb5); font-size: .9em; }
code { font: .9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.close { font: inherit; padding: .3rem .9rem; }
@media print { .grid { max-height: none; overflow: visible; } }
${Object.entries(tones).map(([name, [text, ground]]) => `.${name} { color: ${text}; background: ${ground}; }`).join('\n')}
`;
