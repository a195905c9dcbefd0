/** The prompt's commands, on the simulator: what each does, and what is said when a line is wrong. */
import { beforeEach, describe, expect, test } from 'vitest';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sim } from '../../lab/backends/sim/backend.ts';
import { BrokenOff, Session } from '../../lab/live/session.ts';
import { completions, runLine, verbs } from '../../lab/live/verbs.ts';
import { Problem } from '../../lab/problem.ts';
import { topologyWith } from '../../lab/run.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import { bare } from '../support/ladder.ts';
import { hours, seconds } from '../../src/core/time.ts';

let session: Session;
let said: string[];

async function open(name: string, width = 120): Promise<void> {
  const topology = topologyWith(name);
  const trace = new TraceLog();
  said = [];
  session = new Session({ lab: await sim.open(topology.plan, { seed: 1, trace }), backend: 'sim', topology, trace, say: (text) => said.push(text), canvas: { theme: bare, width } });
}

const line = async (...lines: readonly string[]): Promise<void> => {
  for (const one of lines) await runLine(session, one);
};
const refusal = async (text: string): Promise<string> => {
  const error = await runLine(session, text).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Problem);
  return (error as Problem).message;
};

beforeEach(() => open('home'));

test('ladder draws all that has passed, or the last of it', async () => {
  await line('ladder', 'connect alice', 'wait 28s', 'ladder', 'ladder 20s', 'ladder 1s');
  const [before, all, last, nothing] = said.filter((text) => !text.startsWith('alice'));
  expect([before, nothing]).toEqual(['Nothing has passed.', 'Nothing has passed.']);
  expect(all!.split('\n')[0]!.trim().split(/ +/)).toEqual(['alice', 'box', 'gateway']);
  expect(all).toContain('IKE_AUTH response 1');
  expect(last).toMatch(/│ keepalive: one octet 0xFF, refreshes 192\.168\.1\.10:4500/);
  expect(last).not.toContain('IKE_AUTH');
  expect(await refusal('ladder long')).toBe('the ladder of how long? For example 30s, 2min or 1h, not "long"');
});

describe('tunnels', () => {
  test('connect waits until the client is in; clients and ping tell so; disconnect ends it', async () => {
    await line('clients', 'connect alice', 'clients', 'ping alice server', 'ping gateway alice', 'disconnect alice', 'clients');
    expect(said.map((text) => text.split('\n')[1])).toEqual([
      'alice   192.168.1.10  none    –    –',
      'alice   192.168.1.10  established  in UDP  10.98.0.1',
      'alice   192.168.1.10  deleted  –    –',
    ]);
    expect(session.trace.of('ping-answered').map(({ node, body }) => [node, body.to])).toEqual([['alice', '10.99.0.10'], ['gateway', '10.98.0.1']]);
  });

  test('connect without a name connects all; who gives up is waited for too', async () => {
    await open('museum');
    await line('connect');
    const ends = session.cast.clients.map(({ name }) => session.trace.of('ike-sa', name).at(-1)?.body.state);
    expect(ends.every((state) => state === 'established' || state === 'failed')).toBe(true);
  });

  test.each(['ike', 'child'] as const)('rekey %s: both sides have a new SA', async (what) => {
    await line('connect', `rekey alice ${what}`);
    expect(session.trace.of(`${what}-sa`, 'alice').map(({ body }) => body.state)).toContain('rekeyed');
  });

  test('alive tells a peer that answers from one that does not', async () => {
    await line('connect', 'alive alice', 'cut box', 'alive alice');
    expect(said).toEqual(["alice's peer answers.", 'The segment internet is down.', "alice's peer has not answered for 30 s."]);
  });

  test('what has no tunnel says so instead of waiting in silence', async () => {
    await line('disconnect alice', 'rekey alice ike');
    expect(said).toEqual(['alice has no tunnel, or heard no answer to its DELETE.', 'Nothing was rekeyed: alice has no tunnel, or its peer does not answer.']);
  });
});

describe('the network', () => {
  test('the table of a box is empty after a reboot, and full again after a keepalive', async () => {
    await line('connect', 'nat table', 'nat reboot', 'nat table', 'wait 30 s', 'nat table box');
    expect(session.trace.of('table').map(({ body }) => body.mappings.length)).toEqual([2, 0, 1]);
  });

  test.each([['nat flush', 'flush'], ['nat reboot', 'reboot'], ['nat move 203.0.113.77', 'change-address'], ['nat fill', 'fill']])('%s', async (text, control) => {
    await line(text);
    expect(session.trace.of('nat-control').map(({ body }) => body.control)).toEqual([control]);
  });

  test('nothing passes a segment that is cut, until it is mended', async () => {
    await line('connect', 'cut internet', 'ping alice server', 'mend internet', 'ping alice server');
    expect([...session.trace.of('ping-lost'), ...session.trace.of('ping-answered')]).toHaveLength(2);
    expect(session.trace.of('ping-answered')).toHaveLength(1);
  });

  test('a node\'s name stands for its way out: a box\'s outside, a host\'s first segment', async () => {
    await line('cut box', 'cut alice', 'cut server');
    expect(said).toEqual(['The segment internet is down.', 'The segment home is down.', 'The segment office is down.']);
  });

  test('time passes by wait, and by nothing else', async () => {
    await line('wait 1h', 'wait 500 ms', 'clients');
    expect(session.now).toBe(3_600_500);
  });

  test('a wait that is broken off ends at once, and the lab goes on', async () => {
    await line('connect'); // keepalives give the simulator something to do
    const waiting = expect(runLine(session, 'wait 10000h')).rejects.toBeInstanceOf(BrokenOff);
    setTimeout(() => session.breakOff(), 20);
    await waiting;
    expect(session.now).toBeLessThan(hours(10_000));
    await line('ping alice server');
    expect(session.trace.of('ping-answered')).toHaveLength(1);
  });
});

describe('looking', () => {
  test('network lists every interface of every node', async () => {
    await line('network');
    const rows = said[0]!.split('\n').slice(1);
    expect(rows).toHaveLength(session.nodes.flatMap(({ interfaces }) => interfaces).length);
    expect(rows[1]).toMatch(/^ +eth1 +internet +203\.0\.113\.1\/24$/);
  });

  test('sad and spd show what there is now, not what was asked for before', async () => {
    await line('sad alice', 'connect', 'sad alice', 'rekey alice child', 'sad alice', 'spd alice');
    expect(said[0]).toBe('No SAD entries.');
    expect(said[1]!.match(/esp-udp mode=tunnel/g)).toHaveLength(2);
    expect(said[2]!.match(/spi=/g)).toHaveLength(2);
    expect(said[2]).not.toBe(said[1]);
    expect(said[3]).toContain('\tout ipsec\n\tesp/tunnel/');
  });

  test('capture writes what has passed so far, and how to read it', async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), 'natt-lab-up-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'so far.pcapng');
    await line('connect', `capture "${file}"`);
    expect([...readFileSync(file).subarray(0, 4)]).toEqual([0x0a, 0x0d, 0x0d, 0x0a]);
    expect(said[0]).toContain(`tshark -r '${file}'`);
    expect(await refusal('capture /nowhere/at/all')).toMatch(/^cannot write \/nowhere\/at\/all: /);
    expect(existsSync('/nowhere')).toBe(false);
  });

  test('on a terminal 40 columns wide nothing is wider, and all is there', async () => {
    await open('home', 40);
    await line('help', 'clients', 'network');
    for (const row of said.join('\n').split('\n')) expect(row.length, row).toBeLessThanOrEqual(40);
    const [help, clients, network] = said as [string, string, string];
    for (const { does } of verbs) expect(help.replaceAll(/\s+/g, ' ')).toContain(does);
    expect(clients).toBe('alice\n  address: 192.168.1.10\n  IKE SA: none\n  ESP: –\n  inner address: –');
    expect(network.match(/interface: eth/g)).toHaveLength(session.nodes.flatMap(({ interfaces }) => interfaces).length);
  });

  test('help lists every command with what it takes, or tells one', async () => {
    await line('help', 'help nat table');
    const listed = said[0]!.split('\n');
    for (const { name, does } of verbs) expect(listed.filter((row) => row.startsWith(name) && row.endsWith(does))).toHaveLength(1);
    expect(said[1]).toBe('nat table [BOX]  shows the mappings of a box as of now');
  });
});

describe('a wrong line', () => {
  test.each([
    ['conect alice', 'no command "conect"; did you mean "connect"?'],
    ['natt', 'no command "natt"; did you mean "nat"?'],
    ['connect alicia', 'no client "alicia"; did you mean "alice"?'],
    ['ping alice', 'expected: ping HOST ADDRESS|HOST [COUNT]'],
    ['ping alice server 1 2', 'expected: ping HOST ADDRESS|HOST [COUNT]'],
    ['ping alice nobody', 'no host or address "nobody"; there are: alice, gateway, server'],
    ['ping alice server 0', 'ping how often? A number from 1 to 999, not "0"'],
    ['ping server alice', 'no host with an IPsec stack "server"; there are: alice, gateway'],
    ['nat', 'nat what? table, flush, reboot, fill, move'],
    ['nat table bax', 'no NAT box "bax"; did you mean "box"?'],
    ['nat move there', '"there" is no address; expected one of the box\'s outside network'],
    ['rekey alice esp', 'rekey what? ike or child, not "esp"'],
    ['wait', 'expected: wait TIME…'],
    ['wait long', 'wait how long? For example 30s, 500ms, 2min or 1h, not "long"'],
    ['cut wire', 'no segment or node "wire"; there are: home, internet, office, box, alice, gateway, server'],
    ['exec alice uname', 'on sim the nodes are simulated and run no programs of this machine; lab up with --backend netns has real ones'],
    ['sad server', 'no host with an IPsec stack "server"; there are: alice, gateway'],
  ])('%s', async (text, message) => {
    expect(await refusal(text)).toBe(message);
  });

  test('where there are several boxes one must be named', async () => {
    await open('double-nat');
    expect(await refusal('nat table')).toBe(`which box? There are: ${session.cast.boxes.map(({ name }) => name).join(', ')}`);
  });
});

test('empty lines and comments do nothing', async () => {
  await line('', '   ', '# connect alice');
  expect([said, session.trace.events]).toEqual([[], []]);
});

describe('completion offers', () => {
  test.each([
    ['con', ['connect ']],
    ['nat ', ['table ', 'flush ', 'reboot ', 'fill ', 'move ']],
    ['connect al', ['alice ']],
    ['ping alice ', ['alice ', 'gateway ', 'server ']],
    ['rekey gateway c', ['child ']],
    ['nat table ', ['box ']],
    ['wait ', []],
    ['nonsense ', []],
    ['q', ['quit ']],
  ])('after "%s": %j', (typed, offered) => {
    expect(completions(session, typed)[0]).toEqual(offered);
  });
});

test('an expectation that is met is told from one whose time is over', async () => {
  await expect(session.expect({ describe: 'nothing', sees: () => false }, seconds(1))).resolves.toBe(false);
  await expect(session.expect({ describe: 'anything', sees: () => true }, seconds(1), () => session.command('alice', { kind: 'initiate', connection: session.client('alice').connection }))).resolves.toBe(true);
});
