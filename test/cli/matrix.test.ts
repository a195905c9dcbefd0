/** `lab matrix`: what it says, to whom, with which exit status, and what it leaves. */
import { execSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { commandOf } from '../../lab/matrix/reproduce.ts';
import { playCell } from '../../lab/matrix/play.ts';
import { cell } from '../matrix/cells.ts';
import { lab, root } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-matrix-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const failures = at('lab.matrix.failed.json');
beforeEach(() => rmSync(failures, { force: true }));

interface Result {
  readonly schema: number;
  readonly verdict: string;
  readonly checks: readonly { readonly id: string; readonly verdict: string }[];
  readonly cell: { readonly id: string; readonly kind: string; readonly verdict: string };
}
const results = (text: string): readonly Result[] => JSON.parse(text) as Result[];

describe('a matrix', () => {
  test('is a table, a plain line a cell in a pipe, and green when lessons fail as they must', async () => {
    const { stdout, stderr, status } = await lab(['matrix', '--scenario', 'port-float', '--nat', 'own,udp-4500-blocked', '--ike', 'own', '--ike', 'v1', '--json', at('out.json')]);
    expect(stdout).toMatch(/^≈ \d\/4 port-float\/udp-4500-blocked\/v1\/sim {2}fails as foreseen {2}\d+\.\d s$/m);
    expect(stdout).toMatch(/^port-float v1 +✓ works +≈ fails as foreseen$/m);
    expect(stdout).toMatch(/^ {4}the box lets nothing out to UDP 4500 \(2\)$/m);
    expect(stdout).toMatch(/^4 cells: 2 work, 2 fail as foreseen$/m);
    expect([stderr, status]).toEqual(['', 0]);
    const written = results(readFileSync(at('out.json'), 'utf8'));
    expect(written.map(({ schema, verdict, cell: { id, kind, verdict: judged } }) => [schema, id, kind, judged, verdict])).toEqual([
      [1, 'port-float/own/own/sim', 'works', 'pass', 'pass'],
      [1, 'port-float/own/v1/sim', 'works', 'pass', 'pass'],
      [1, 'port-float/udp-4500-blocked/own/sim', 'fails-as-foreseen', 'pass', 'fail'],
      [1, 'port-float/udp-4500-blocked/v1/sim', 'fails-as-foreseen', 'pass', 'fail'],
    ]);
  });

  test('keeps to 40 columns', async () => {
    const { stdout } = await lab(['matrix', '--scenario', 'ah', '--nat', 'own,udp-blocked,linux-masquerade,symmetric', '--json', at('narrow.json')], { COLUMNS: '40' });
    const table = stdout.slice(stdout.indexOf('\n\n'));
    expect(table.split('\n').filter((line) => line.length > 40)).toEqual([]);
    expect(table).toMatch(/^ah +✓/m);
  });

  test('says why a cell cannot be played here', async () => {
    const { stdout, status } = await lab(['matrix', '--scenario', 'multi-client', '--nat', 'nat64', '--json', at('none.json')]);
    expect(stdout).toContain('– unsupported here');
    expect(stdout).toMatch(/has IPv4, and nat64 is a gateway from IPv6/);
    expect(status).toBe(3);
  });

  test.for([
    [['--scenario', 'keepaliv'], '--scenario: no scenario "keepaliv"; did you mean "keepalive"?'],
    [['--nat', 'own,simmetric'], '--nat: no NAT preset "simmetric"; did you mean "symmetric"?'],
    [['--ike', 'v3'], '--ike: no version of IKE "v3"; did you mean "v2"?'],
    [['--backend', 'smi'], '--backend: no backend "smi"; did you mean "sim"?'],
    [['--shard', '6/5'], '--shard 6/5: expected a part of a whole, such as 2/5'],
    [['--parallel', '0'], '--parallel 0: expected a whole number'],
    [['--seed', 'x'], '--seed x: expected a whole number'],
    [['--set', 'cleints=3'], 'did you mean "clients"?'],
    [['--format', 'gitlab'], '--format gitlab: there is: github'],
    [['--only-failed', '--nat', 'own'], '--only-failed plays the last failures as they were; leave --nat out'],
    [['--only-failed', '--json', at('nowhere/x.json')], 'so nothing came out wrong, or no matrix has been played here'],
    [['--json', '/nowhere/x.json'], 'cannot write /nowhere/x.json'],
    [['--timeout', '5'], '--timeout 5: expected a duration of a day at the most, such as "90 s" or "10 min"'],
    [['--timeout', '25 h'], '--timeout 25 h: expected a duration of a day at the most'],
    [['--jobs', '4'], '--jobs says how many --format github cuts'],
    [['--format', 'github', '--shard', '1/2'], '--format github cuts the whole matrix into shards; leave --shard out'],
  ] as const)('lab matrix %s', async ([words, message]) => {
    const { status, stdout, stderr } = await lab(['matrix', ...words]);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([stdout, status]).toEqual(['', 2]);
  });
});

describe('parts of a matrix', () => {
  const wide = ['--scenario', 'port-float,udp-blocked', '--nat', 'all'] as const;
  const ids = async (...words: readonly string[]): Promise<string[]> => (await lab(['matrix', ...wide, '--list', ...words])).stdout.trimEnd().split('\n').map((line) => line.split(' ')[0]!);

  test('--list tells the cells without playing them; the shards are together the whole', async () => {
    const [whole, ...shards] = await Promise.all([ids(), ids('--shard', '1/3'), ids('--shard', '2/3'), ids('--shard', '3/3')]);
    expect(whole.length).toBeGreaterThan(30);
    expect(shards.flat().sort()).toEqual([...whole].sort());
  });

  test('--format github is a matrix of jobs whose arguments are together the whole', async () => {
    const { stdout, status } = await lab(['matrix', ...wide, '--format', 'github', '--jobs', '2']);
    const { include } = JSON.parse(stdout) as { include: { name: string; args: string; cells: number }[] };
    expect(include.map(({ name, args }) => [name, args])).toEqual([['sim 1/2', '--backend sim --shard 1/2'], ['sim 2/2', '--backend sim --shard 2/2']]);
    const lists = await Promise.all(include.map(({ args }) => ids(...args.split(' '))));
    expect(lists.map(({ length }) => length)).toEqual(include.map(({ cells }) => cells));
    expect([lists.flat().sort(), status, stdout.trimEnd().includes('\n')]).toEqual([(await ids()).sort(), 0, false]);
  });

  test('a shard without cells has results all the same: none', async () => {
    const { stdout, stderr, status } = await lab(['matrix', '--scenario', 'ah', '--shard', '2/2', '--json', '-']);
    expect([results(stdout), stderr, status]).toEqual([[], 'no cell of the matrix is in this shard\n', 0]);
  });

  test('results of shards are together those of the whole', async () => {
    const played = async (...words: readonly string[]) => results((await lab(['matrix', '--scenario', 'port-float,udp-blocked,ah', '--ike', 'v1,v2', '--json', '-', '--quiet', ...words])).stdout);
    const plain = (all: readonly Result[]) => all.map((one) => JSON.stringify(one).replace(/"wallMs":\d+/g, '')).sort();
    const [whole, one, two] = await Promise.all([played(), played('--shard', '1/2'), played('--shard', '2/2')]);
    expect(plain([...one, ...two])).toEqual(plain(whole));
    expect(Math.abs(one.length - two.length)).toBeLessThanOrEqual(1);
  });
});

test('the command that reproduces a cell does: the same claims, with the same verdicts', async () => {
  const result = await playCell({ cell: cell({ nat: 'udp-4500-blocked', ike: 'v1', seed: 7 }), folders: [] });
  expect(commandOf(result, [])).toBe('npm run lab -- port-float --act float --nat udp-4500-blocked --ike v1 --seed 7');
  const stdout = execSync(`${commandOf(result, [])} --json - 2>/dev/null || true`, { cwd: root, encoding: 'utf8' });
  const [again] = results(stdout.slice(stdout.indexOf('[')));
  expect(again!.checks).toEqual(result.result!.checks);
  expect(again!.verdict).toBe('fail');
});

describe('--only-failed', () => {
  const broken = cell({ nat: 'udp-4500-blocked' });
  const kept = () => (JSON.parse(readFileSync(failures, 'utf8')) as { cells: { id: string }[] }).cells.map(({ id }) => id);

  test('plays what the file beside the results names, as it was, and takes from it what comes out right', async () => {
    writeFileSync(failures, JSON.stringify({ schema: 1, cells: [broken] }));
    const { stdout, status } = await lab(['matrix', '--only-failed', '--json', at('again.json')]);
    expect(stdout).toContain('1/1 port-float/udp-4500-blocked/own/sim');
    expect([kept(), status]).toEqual([[], 0]);
    expect((await lab(['matrix', '--only-failed', '--json', at('again.json')])).stdout).toBe('nothing came out wrong the last time\n');
  });

  test('is not for other machines', async () => {
    writeFileSync(failures, JSON.stringify({ schema: 1, cells: [broken] }));
    const { stdout, stderr, status } = await lab(['matrix', '--only-failed', '--format', 'github', '--json', at('again.json')]);
    expect([stdout, stderr, status]).toEqual(['', 'lab: --format github is for other machines, which do not have what failed here; leave --only-failed out\n', 2]);
  });

  test('does not take another lab\'s word for it', async () => {
    writeFileSync(failures, JSON.stringify({ schema: 1, cells: [{ ...broken, nat: 'gone' }] }));
    const { stderr, status } = await lab(['matrix', '--only-failed', '--json', at('again.json')]);
    expect(stderr).toContain('is not what a matrix of this lab has left (cells.0.nat');
    expect(status).toBe(2);
  });
});

test('leaves nothing in the lab\'s own folder', () => {
  expect(existsSync(join(root, 'lab.matrix.failed.json'))).toBe(false);
});
