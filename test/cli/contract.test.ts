/** The command line's contract: exit statuses, what goes to which stream, what is said when something is wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { headlines, scenarios } from '../../lab/scenarios/index.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';
import { argvOf, lab, root } from './lab.ts';

// Each test starts a process or two, several at a time, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, maxConcurrency: 3 });

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const written = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

const quick = ['detection', '--set', 'position=none'] as const;
const home = readFileSync(`${root}topologies/home.yaml`, 'utf8');

const verdict = z.enum(['pass', 'fail', 'inconclusive', 'unsupported']);
const results = z.array(
  z.object({
    schema: z.literal(1),
    scenario: z.string(),
    title: z.string().min(1),
    backend: z.literal('sim'),
    topology: z.string().min(1),
    nat: z.record(z.string(), z.string()),
    engine: z.record(z.string(), z.literal('machine')),
    parameters: z.record(z.string(), z.union([z.string(), z.number()])),
    seed: z.int(),
    verdict,
    checks: z.array(z.object({ id: z.string(), claim: z.string(), ref: z.string().optional(), verdict, expected: z.string(), observed: z.string(), evidence: z.array(z.int()) })).min(1),
    time: z.object({ clock: z.literal('virtual'), elapsedMs: z.int(), wallMs: z.int() }),
  }),
);

describe.concurrent('exit status', () => {
  test.for([
    [0, 'all verdicts pass', [...quick]],
    [1, 'a check failed', ['detection', '--set', 'position=initiator', '--nat', 'zero-checksum-adjusted']],
  ] as const)('%i: %s', async ([expected, , words]) => {
    const { status, stderr } = await lab([...words]);
    expect(status).toBe(expected);
    expect(stderr).toBe('');
  });

  needs('user namespaces', 'koffi', 'nft', 'tun').test('3: nothing of what was asked can be tried here', async () => {
    const { status, stdout } = await lab(['multi-client', '--nat', 'full-cone', '--backend', 'netns', '--nat-engine', 'kernel']);
    expect(status).toBe(3);
    expect(stdout).toContain('UNSUPPORTED');
    expect(stdout).toContain('box: full-cone, engine=kernel');
    expect(stdout).toContain('not possible here: box: filtering: conntrack lets in what answers a flow');
  });
});

describe.concurrent('what is wrong on the command line exits 2, says the nearest name that is right, prints nothing else and no stack trace', () => {
  test.for([
    [['keepaliv'], 'no scenario or command "keepaliv"; did you mean "keepalive"?'],
    [['keepalive', '--topology', 'direct'], 'the act "control" needs 1 NAT box, and the topology direct has none'],
    [['passthrough', '--topology', 'home'], 'the act "without-nat-t" needs 2 clients, and the topology home has 1'],
    [['lsit'], 'did you mean "list"?'],
    [['something-else'], 'there are: detection, port-float'],
    [['run'], 'run what? Name scenarios, or --all'],
    [['run', 'detection', 'portfloat'], 'no scenario "portfloat"; did you mean "port-float"?'],
    [['run', '--all', 'detection'], '--all runs every scenario; leave the names out'],
    [['detection', '--nat', 'simmetric'], 'no NAT preset "simmetric"; did you mean "symmetric"?'],
    [['detection', '--set', 'positon=both'], 'detection has no parameter "positon"; did you mean "position"?'],
    [['detection', '--set', 'position=bot'], 'did you mean "both"?'],
    [['detection', '--set', 'position'], 'give it a value, such as --set position=all'],
    [['multi-client', '--set', 'clients=1'], 'expected a whole number from 2 to 1000'],
    [['run', '--all', '--set', 'cleints=3'], 'has a parameter "cleints"; did you mean "clients"?'],
    [['detection', '--nat-engine', 'kernel'], '--nat-engine kernel: on sim every box runs on the machine; leave the option out'],
    [['detection', '--backend', 'netns', '--nat-engine', 'kernle'], 'no NAT engine "kernle"; did you mean "kernel"?'],
    [['detection', '--seed', '-1'], '--seed -1: expected a whole number'],
    [['detection', '--backend', 'smi'], 'no backend "smi"; did you mean "sim"?'],
    [['detection', '--bakend', 'sim'], 'unknown option \'--bakend\'; did you mean "--backend"?'],
    [['detection', '--topology', 'hom'], 'no topology "hom"; did you mean "home"?'],
    [['detection', '--topology', './nowhere.yaml'], 'cannot read the topology ./nowhere.yaml: no such file'],
    [['detection', '--json', '/nowhere/x.json'], 'cannot write /nowhere/x.json'],
    [['detection', '--trace', '/nowhere/x.jsonl'], 'cannot write /nowhere/x.jsonl'],
    [['nat', 'show', 'simetric'], 'no NAT preset "simetric"; did you mean "symmetric"?'],
    [['nat', 'shwo', 'symmetric'], 'did you mean "show"?'],
    [['explain', 'keepaliv'], 'did you mean "keepalive"?'],
    [['pfkey', '--scenario', 'keepaliv'], 'did you mean "keepalive"?'],
    [['pfkey', 'alcie'], 'no host "alcie" with an IPsec stack in the topology home; did you mean "alice"?'],
    [['pfkey', 'server'], 'no host "server" with an IPsec stack in the topology home; there are: alice, gateway'],
    [['pfkey', 'alice', '--act', 'no-nta'], 'port-float has no act "no-nta"; did you mean "no-nat"?'],
    [['pfkey', 'alice', '--topology', 'hom'], 'no topology "hom"; did you mean "home"?'],
    [['pfkey', 'alice', '--scenario', 'keepalive', '--topology', 'direct'], 'the act "control" needs 1 NAT box, and the topology direct has none'],
    [['pfkey', 'alice', '--nat', 'simmetric'], 'did you mean "symmetric"?'],
    [['pfkey', 'alice', '--ike', 'v3'], '--ike v3: did you mean "v2"?'],
    [['pfkey', 'alice', '--backend', 'smi'], 'no backend "smi"; did you mean "sim"?'],
    [['pfkey', 'alice', '--seed', 'x'], '--seed x: expected a whole number'],
    [['pfkey', 'alice', 'gateway'], "too many arguments for 'pfkey'"],
    [['explain'], "missing required argument 'scenario'"],
    [['topology', 'check', written('typo.yaml', home.replace('preset:', 'prest:'))], 'typo.yaml:7:43: unknown key "prest" in nats.box; did you mean "preset"?'],
    [['detection', '--topology', written('address.yaml', home.replace('192.168.1.0/24', '192.168.1.0/240'))], 'address.yaml:3:15: segments.home.prefix: expected an address prefix'],
    [['topology', 'check', written('broken.yaml', 'title: [')], 'broken.yaml:'],
  ] as const)('lab %s', async ([words, message]) => {
    const { status, stdout, stderr } = await lab([...words]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^lab: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe.concurrent('what cannot work is warned of on standard error', () => {
  const ah = home.replaceAll('connectsTo: gateway', 'connectsTo: gateway, esp: { protocol: ah }').replace('protects: office', 'protects: office, esp: { protocol: ah }');

  test.each([
    [['topology', 'check', written('ah.yaml', ah)], 0, /^warning: .*ah\.yaml:\d+:\d+: AH covers the addresses, and box changes them/],
    [['detection', '--set', 'position=initiator', '--nat', 'udp-4500-blocked', '--quiet'], 1, /^warning: home \(varied\), hosts\.alice\.ike: box blocks UDP port 4500/],
    [['detection', '--set', 'position=initiator', '--quiet'], 0, /^$/],
  ] as const)('lab %s', async ([...words], exit, warning) => {
    const { status, stdout, stderr } = await lab(words);
    expect(stderr).toMatch(warning);
    expect(stdout).not.toContain('warning');
    expect(status).toBe(exit);
  });
});

describe.concurrent('results for programs', () => {
  test('--json - puts the JSON and nothing else on standard output, and what is for people on standard error', async () => {
    const { status, stdout, stderr } = await lab(['run', 'detection', 'port-float', '--seed', '7', '--json', '-']);
    const parsed = results.parse(JSON.parse(stdout));
    expect(parsed.map(({ scenario, seed, verdict: said }) => [scenario, seed, said])).toEqual([['detection', 7, 'pass'], ['port-float', 7, 'pass']]);
    expect(stderr).toContain('detection: PASS');
    expect(status).toBe(0);
  });

  test('--json FILE and --trace FILE: the checks point to events of the trace', async () => {
    const { status, stdout } = await lab([...quick, '--json', at('out.json'), '--trace', at('out.jsonl')]);
    const [result] = results.parse(JSON.parse(readFileSync(at('out.json'), 'utf8')));
    const lines = readFileSync(at('out.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { seq: number; act: string; body: { kind: string } });
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i));
    expect(result!.checks.flatMap(({ evidence }) => evidence).filter((seq) => lines[seq] === undefined)).toEqual([]);
    expect(new Set(lines.map(({ act }) => act))).toEqual(new Set(['none']));
    expect(stdout).toContain('detection: PASS');
    expect(status).toBe(0);
  });

  test.for(['list', 'nat list', 'nat show symmetric', 'pfkey', 'doctor'])('%s --json', async (words) => {
    const { status, stdout, stderr } = await lab([...words.split(' '), '--json']);
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe.concurrent('a full disk costs the file and not the run: the verdict is told, the others are written, and the exit status is 2', () => {
  test.for(['--json', '--trace', '--pcap', '--report'])('%s /dev/full', async (option) => {
    const other = at(`beside-${option}.json`);
    const { status, stdout, stderr } = await lab([...quick, option, '/dev/full', ...(option === '--json' ? ['--trace', other] : ['--json', other])]);
    expect(stderr).toMatch(/^lab: cannot write \/dev\/full: .*no space left on device.*\n$/);
    expect(stdout).toContain('detection: PASS');
    expect(readFileSync(other, 'utf8')).toMatch(/\n$/);
    expect(status).toBe(2);
  });
});

describe.concurrent('text for people', () => {
  test('has no colour in a pipe, nor with --no-color', async () => {
    for (const words of [[...quick], [...quick, '--no-color']]) expect((await lab(words)).stdout).not.toContain('\u001b[');
  });

  test.for([[...quick], ['passthrough'], ['list'], ['explain', 'keepalive'], ['nat', 'list'], ['nat', 'show', 'symmetric']])('keeps to 40 columns: lab %s', async (words) => {
    const { stdout } = await lab([...words], { COLUMNS: '40' });
    const wide = stdout.split('\n').filter((line) => line.length > 40);
    // A word that is wider than what is left after its indentation stays whole.
    expect(wide.filter((line) => line.trim().split(' ').length > 1)).toEqual([]);
  });

  test('--quiet says the verdicts and nothing else', async () => {
    const { stdout } = await lab([...quick, '--quiet']);
    expect(stdout).toMatch(/^detection: PASS {2}8 checks: 8 passed \(sim, \d+\.\d s\)\n$/);
  });

  test('a failure is told with what was expected, what was seen, and the events that show it', async () => {
    const { stdout, status } = await lab(['port-float', '--nat', 'udp-4500-blocked']);
    expect(stdout).toContain('✗ ESP travels in UDP between ports 4500');
    expect(stdout).toContain('      expected: every ESP packet of the client in UDP, from and to 4500');
    expect(stdout).toContain('      observed: no ESP at all');
    expect(stdout).toContain('port-float: FAIL');
    expect(status).toBe(1);
  });

  test.for([['--help'], ['help'], ['help', 'run'], ['detection', '--help']])('lab %s tells every option of a run', async (words) => {
    const { stdout, status } = await lab([...words]);
    const options = ['--backend', '--topology', '--nat', '--set', '--seed', '--json', '--trace', '--pcap', '--report', '--quiet', '--no-color'];
    expect(options.filter((option) => !stdout.includes(option))).toEqual([]);
    expect(status).toBe(0);
  });

  test('--help tells every command and the exit statuses', async () => {
    const { stdout } = await lab(['--help']);
    expect(['run', 'list', 'explain', 'nat', 'topology', 'pfkey', 'doctor', 'Exit status: 0'].filter((word) => !stdout.includes(word))).toEqual([]);
  });

  test('explain tells of every act its topology, its boxes, and its claims with their sections', async () => {
    const { stdout } = await lab(['explain', 'passthrough']);
    expect(['without-nat-t:', 'stolen-after-the-move:', 'topology hotel-passthrough', '(NAT box, passthrough-500)', '- The second client gives up'].filter((text) => !stdout.includes(text))).toEqual([]);
  });
});

describe.concurrent('a run', () => {
  test('without a name tells all the headline lessons, briefly', async () => {
    const { stdout, status } = await lab([]);
    expect(stdout.match(/^[a-z-]+: PASS/gm)).toEqual(['detection: PASS', 'port-float: PASS', 'keepalive: PASS', 'multi-client: PASS', 'passthrough: PASS']);
    expect(stdout).not.toContain('IKE_SA_INIT request 0');
    expect(status).toBe(0);
  });

  test('--all runs every one, on a box of one\'s choice', async () => {
    const { stdout, status } = await lab(['run', '--all', '--nat', 'udp-4500-blocked', '--quiet']);
    const told = [...stdout.matchAll(/^([a-z0-9-]+): ([A-Z]+)/gm)];
    expect(told.map(([, name]) => name)).toEqual(scenarios.map(({ id }) => id));
    expect(told.filter(([, name]) => headlines.some(({ id }) => id === name)).map(([, , verdict]) => verdict)).toEqual(headlines.map(() => 'FAIL'));
    expect(status).toBe(1);
  });

  test('takes a topology of one\'s own', async () => {
    const { stdout, status } = await lab(['keepalive', '--set', 'minutes=1', '--topology', written('mine.yaml', home.replace('192.168.1.0/24', '10.1.2.0/24'))]);
    expect(stdout).toContain('10.1.2.10:500');
    expect(stdout).toContain('on the topology "mine"');
    expect(status).toBe(0);
  });
});

describe.concurrent('an end before the end', () => {
  test('Ctrl-C leaves with what was learned so far, valid JSON included, and 130', async () => {
    const child = spawn(...endingWithUs(process.execPath, ...argvOf('keepalive', '--set', 'minutes=1440', '--json', '-')), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes('  cure  ') && !child.killed) child.kill('SIGINT');
    });
    const [status] = (await once(child, 'close')) as [number | null];
    expect(status).toBe(130);
    expect(stderr).toContain('interrupted: this is what had been learned by then');
    expect(stderr).not.toMatch(/^\s+at /m);
    const [result] = results.parse(JSON.parse(stdout));
    expect(result!.checks.filter(({ verdict: said }) => said === 'fail')).toEqual([]);
    expect(result!.checks[0]).toMatchObject({ id: 'control/worked', verdict: 'pass' });
  });

  test('Ctrl-C is heard between short acts too: the zoo leaves with the rows that it has, and 130', async () => {
    const child = spawn(...endingWithUs(process.execPath, ...argvOf('zoo', 'port-float', 'multi-client', 'passthrough', '--json', '-')), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes('full-cone') && !child.killed) child.kill('SIGINT');
    });
    const [status] = (await once(child, 'close')) as [number | null];
    const { cells } = z.object({ cells: z.array(z.object({ lesson: z.string() })) }).parse(JSON.parse(stdout));
    expect(status).toBe(130);
    expect(cells.length).toBeGreaterThan(0);
    expect(cells.map(({ lesson }) => lesson)).not.toContain('passthrough');
  });

  test.for([['keepalive'], ['list'], ['pfkey'], ['keepalive', '--json', '-']])('who stops reading sees no stack trace: lab %s | head -1', async (words) => {
    const child = spawn(...endingWithUs(process.execPath, ...argvOf(...words)), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.destroy();
    const [status] = (await once(child, 'close')) as [number | null];
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toContain('EPIPE');
    expect(status).toBe(141);
  });
});

describe.concurrent('the zoo', () => {
  test('is a table with a row for each box that is asked for, and reasons below', async () => {
    const { stdout, status } = await lab(['zoo', 'port-float', '--nat', 'linux-masquerade', '--nat', 'udp-4500-blocked']);
    expect(stdout).toMatch(/^linux-masquerade +works +works$/m);
    expect(stdout).toMatch(/^udp-4500-blocked +fails a +fails a$/m);
    expect(stdout).toMatch(/^ {2}a {2}the box lets nothing out to UDP 4500$/m);
    expect(stdout).toContain("4 cells, 2 of them work; all as the boxes' behaviour lets one expect");
    expect(status).toBe(0);
  });

  test('goes to standard output as JSON, and the table to people', async () => {
    const { stdout, stderr } = await lab(['zoo', 'passthrough', '--nat', 'passthrough-500', '--json', '-']);
    const cells = z.object({ schema: z.literal(1), cells: z.array(z.object({ act: z.string(), preset: z.string(), asForeseen: z.boolean() })) }).parse(JSON.parse(stdout)).cells;
    expect(cells.map(({ act, asForeseen }) => [act, asForeseen])).toEqual([['without-nat-t', true], ['with-nat-t', true], ['start-on-4500', true]]);
    expect(stderr).toMatch(/works after 48 s/);
  });

  test('refuses boxes and lessons that there are not, and names the nearest', async () => {
    const [box, lesson] = await Promise.all([lab(['zoo', '--nat', 'pfsens']), lab(['zoo', 'port-flot'])]);
    expect([box.stderr, lesson.stderr]).toEqual(['lab: no NAT preset "pfsens"; did you mean "pfsense"?\n', 'lab: no scenario "port-flot"; did you mean "port-float"?\n']);
    expect([box.status, lesson.status]).toEqual([2, 2]);
  });
});
