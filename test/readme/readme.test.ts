import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { readPresets } from '../../lab/catalogue/preset-files.ts';
import { runScenario } from '../../lab/run.ts';
import { keepalive } from '../../lab/scenarios/keepalive.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { castOf } from '../../lab/topology/cast.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { ownShelf } from '../../lab/topology/shelf.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { reboot } from './examples/natt/reboot.ts';
import { pageText, pages, partOf, withoutWallTime } from './parts.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readmes = ['README.md', 'topologies/README.md', 'src/README.md', 'lab/README.md', 'test/README.md'];
const fences = (text: string, language: string): string[] => [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, its, content]) => (its === language ? [content!] : []));

describe('what a page says of the code is made by the code; stale parts are mended with `npm run readme`', () => {
  const parts = Object.entries(pages).flatMap(([page, makers]) => Object.entries(makers).map(([name, make]) => ({ page, name, make })));
  test.each(parts)('$page: $name', async ({ page, name, make }) => {
    const written = partOf(pageText(page), name);
    expect(written, `the markers of ${name} are in ${page}`).toBeDefined();
    expect(withoutWallTime(written!), `stale: npm run readme`).toBe(withoutWallTime(await make()));
  });
});

describe('the examples in the pages work', () => {
  const topologies = readmes.flatMap((page) => fences(pageText(page), 'yaml').map((text, i) => ({ page, text, nth: i + 1 })));
  test('there are topologies among them', () => expect(topologies.length).toBeGreaterThan(0));
  test.each(topologies)('$page: topology $nth can be planned and has a client and a gateway', ({ page, text }) => {
    expect(castOf(planTopology(parseTopology(text, page))).clients.length).toBeGreaterThan(0);
  });

  test.each(topologies)('$page: the keepalive lesson holds on topology $nth', async ({ text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
    writeFileSync(join(folder, 'example.yaml'), text);
    const result = await runScenario(keepalive, { backend: sim, values: parseSettings(keepalive.id, keepalive.parameters, [], 'virtual'), seed: 1, topology: join(folder, 'example.yaml') });
    rmSync(folder, { recursive: true });
    expect(result.verdict).toBe('pass');
  });

  test('the example preset turns the knobs that it names', () => {
    expect(readPresets(join(root, 'test/readme/examples/natt/presets'), ownShelf.presets).at(-1)!.behaviour.timeouts).toMatchObject({ unreplied: 15_000, replied: 15_000, repliedAfter: 2000 });
  });

  test('the example scenario passes on the simulator, each of its claims', async () => {
    const result = await runScenario(reboot, { backend: sim, values: parseSettings(reboot.id, reboot.parameters, [], 'virtual'), seed: 1 });
    expect(result.acts.flatMap(({ checks }) => checks.map(({ id, verdict }) => `${id} ${verdict}`))).toEqual(['off-and-on/lost pass', 'off-and-on/spoke pass', 'off-and-on/works pass']);
  });
});

describe('what the pages point to is there', () => {
  const links = readmes.flatMap((page) => [...pageText(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, to]) => ({ page, to: to! })));
  test.each(links)('$page links to $to', ({ page, to }) => expect(existsSync(join(root, dirname(page), to))).toBe(true));

  test('every npm script that a page names exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const named = readmes.flatMap((page) => [...pageText(page).matchAll(/npm run (?:--silent |-s )?([a-z]+)/g)].map(([, name]) => name!));
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  test('test/README.md names every package that a test may want', () => {
    const wanted = [...readFileSync(join(root, 'test/support/needs.ts'), 'utf8').matchAll(/apt-get install ([\w -]+)/g)].flatMap(([, packages]) => packages!.trim().split(' '));
    expect([...new Set(wanted)].filter((one) => !pageText('test/README.md').includes(one))).toEqual([]);
  });

  test('src/ike/README.md names every file of the daemon, and no other', () => {
    const files = ['', 'v1/', 'v2/'].flatMap((folder) => readdirSync(join(root, 'src/ike', folder)).flatMap((file) => (file.endsWith('.ts') ? [`${folder}${file}`] : [])));
    const named = [...pageText('src/ike/README.md').matchAll(/(?:v[12]\/)?[a-z0-9-]+\.ts/g)].map(([file]) => file);
    expect([...new Set(named)].sort()).toEqual(files.sort());
  });

  test('src/README.md and lab/README.md name every folder beside them', () => {
    const missing = ['src', 'lab'].flatMap((folder) =>
      readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() && !pageText(`${folder}/README.md`).includes(`${entry.name}/`) ? [`${folder}/${entry.name}`] : [])),
    );
    expect(missing).toEqual([]);
  });
});
