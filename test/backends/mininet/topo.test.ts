import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, describe, expect, test as anywhere } from 'vitest';
import type { TopoDescription } from '../../../lab/backends/mininet/topo-description.ts';
import { topoAsTopology, topologyOf } from '../../../lab/backends/mininet/topo.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';

type Link = readonly [a: string, b: string, more?: { readonly ips?: readonly [string | null, string | null]; readonly options?: Readonly<Record<string, string | number>> }];

/** As topo.py tells it: ports count up at each node, names that begin with s are switches. */
function built(ips: Readonly<Record<string, string | null>>, links: readonly Link[]): TopoDescription {
  const ports = new Map<string, number>();
  const end = (node: string, ip: string | null): TopoDescription['links'][number]['ends'][0] => {
    const port = ports.get(node) ?? 0;
    ports.set(node, port + 1);
    return { node, port, ip };
  };
  const switches = [...new Set(links.flatMap(([a, b]) => [a, b]))].filter((node) => node.startsWith('s'));
  return {
    hosts: Object.entries(ips).map(([name, ip]) => ({ name, ip })),
    switches,
    links: links.map(([a, b, { ips: [ipA, ipB] = [null, null], options = {} } = {}]) => ({ ends: [end(a, ipA), end(b, ipB)], options })),
  };
}

const planned = (topo: TopoDescription, map: string): string[] => {
  const { plan } = planTopology(topologyOf(topo, 'nets.py:Net', map));
  return plan.nodes.map(({ kind, name, interfaces }) => `${kind} ${name}: ${interfaces.map(({ segment, address, prefixLength }) => `${segment} ${address}/${prefixLength}`).join(', ')}`);
};

const home: readonly Link[] = [['h1', 's1'], ['r1', 's1'], ['r1', 's2'], ['h2', 's2']];
const silent = { h1: null, h2: null, r1: null };

describe('what a class of mininet builds becomes a plan', () => {
  anywhere('where it writes no addresses, they are planned as in any topology; a gateway with one link protects a network of its own', () => {
    expect(planned(built(silent, home), 'client=h1,box=r1,gateway=h2')).toEqual([
      'nat r1: s1 192.168.1.1/24, s2 203.0.113.1/24',
      'host h1: s1 192.168.1.10/24',
      'host h2: s2 203.0.113.2/24, protected 10.99.0.1/24',
    ]);
  });

  anywhere('addresses that it writes are kept: the node\'s is that of its first link', () => {
    const topo = built({ h1: '10.1.0.100/16', h2: '198.51.100.9/28', r1: '10.1.0.254/16' }, [home[0]!, home[1]!, ['r1', 's2', { ips: ['198.51.100.1/28', null] }], home[3]!]);
    expect(planned(topo, 'client=h1,box=r1,gateway=h2').map((line) => line.replace(/, protected.*/, ''))).toEqual([
      'nat r1: s1 10.1.0.254/16, s2 198.51.100.1/28',
      'host h1: s1 10.1.0.100/16',
      'host h2: s2 198.51.100.9/28',
    ]);
  });

  anywhere('linked switches are one network, a link between hosts is one, too; who has several links and no role is a router', () => {
    const topo = built({ c: null, b: null, core: null, g: null, web: null }, [['c', 's1'], ['s1', 's2'], ['b', 's2'], ['b', 'core'], ['core', 'g'], ['g', 's3'], ['web', 's3']]);
    expect(planned(topo, 'client=c,box=b,gateway=g')).toEqual([
      'nat b: s1 192.168.1.1/24, b-core 203.0.113.1/24',
      'router core: b-core 203.0.113.2/24, core-g 198.51.100.1/24',
      'host c: s1 192.168.1.10/24',
      'host g: core-g 198.51.100.2/24, s3 10.99.0.1/24',
      'host web: s3 10.99.0.10/24',
    ]);
  });

  anywhere('a box between two ways out is told which is its outside', () => {
    const topo = built({ ...silent, r2: null }, [...home, ['r1', 's3'], ['r2', 's3'], ['r2', 's2']]);
    expect(() => planned(topo, 'client=h1,box=r1,gateway=h2')).toThrow('nets.py:Net: r1 stands on s1 and s2 and s3, and which is its outside cannot be told: write box=r1@s3, for example');
    expect(planned(topo, 'client=h1,box=r1@s3,router=r2,gateway=h2')[0]).toBe('nat r1: s1 192.168.1.1/24, s2 192.168.2.1/24, s3 203.0.113.1/24');
  });

  anywhere('delay, jitter and loss of its links are those of the network: of two links where there is a switch', () => {
    const options = { delay: '5ms', jitter: '500us', loss: 10 };
    const { file } = topologyOf(built(silent, [['h1', 's1', { options }], ['r1', 's1', { options }], ['r1', 'h2', { options: { delay: '1s' } }]]), 'nets.py:Net', 'client=h1,box=r1,gateway=h2');
    expect(file.segments.s1).toMatchObject({ latency: 10, jitter: 1, loss: 0.19 });
    expect(file.segments['r1-h2']).toEqual({ latency: 1000 });
  });
});

describe('errors name the node or the link', () => {
  anywhere.each<readonly [map: string, links: readonly Link[], message: string]>([
    ['client=h1,box', home, '--mininet-map client=h1,box: "box" is not ROLE=HOST, such as client=h1'],
    ['client=h1,bx=r1,gateway=h2', home, 'no role "bx"; did you mean "box"?'],
    ['client=h1,box=r9,gateway=h2', home, 'no host "r9"; did you mean "r1"?'],
    ['client=s1,gateway=h2', home, 's1 is a switch, and only hosts have roles'],
    ['client=h1,box=h1,gateway=h2', home, 'h1 has two roles'],
    ['box=r1,gateway=h2', home, 'there is no client='],
    ['client=h1,box=r1', home, 'there must be one gateway=, and only one'],
    ['client=h1,gateway=h2,gateway=r1', home, 'there must be one gateway=, and only one'],
    ['client=r1,box=h1,gateway=h2', home, 'nets.py:Net: h1 stands on s1 only, and a NAT box needs two'],
    ['client=h1,router=r1,gateway=h2', [home[0]!, home[3]!, ['r1', 's1'], ['r1', 's3']], 'nets.py:Net: h2 is reached by no client: there is no way of links, routers and NAT boxes between them'],
    ['client=h1,box=r1@s9,gateway=h2', home, 'nets.py:Net: r1 has no link to s9; did you mean "s1"?'],
    ['client=h1,box=r1,gateway=h2', [...home, ['h1', 's1']], 'nets.py:Net: the link h1 – s1 is h1\'s second to one network, and the lab gives it one interface there'],
    ['client=h1,box=r1,gateway=h2', [['h1', 's1', { options: { bw: 10 } }], ['r1', 's1', { options: { bw: 10 } }], home[2]!, home[3]!], 'nets.py:Net: the link h1 – s1 has bw=10, which the lab\'s links have not: leave it out'],
    ['client=h1,box=r1,gateway=h2', [['h1', 's1', { options: { loss: 1 } }], ...home.slice(1)], 'nets.py:Net: the link r1 – s1 has no options, and h1 – s1 loss=1: on one network of the lab all links are alike'],
    ['client=h1,box=r1,gateway=h2', [['r1', 'h1', { options: { delay: 'soon' } }], ...home.slice(2)], 'nets.py:Net: the link r1 – h1 has delay=soon, and not a time such as 5ms'],
    ['client=h1,box=r1,gateway=h2', [...home.slice(0, 3), ['s1', 's3', { options: { delay: '1ms' } }], home[3]!], 'nets.py:Net: the link s1 – s3 has delay=1ms, and between switches the lab\'s links have none: they are one network'],
    ['client=h1,box=r1,gateway=h2', [['h1', 's1', { ips: ['here', null] }], ...home.slice(1)], 'nets.py:Net: h1 "here" on s1 is no address such as 192.168.1.1/24'],
    ['client=h1,box=r1,gateway=h2', [['h1', 's1', { ips: ['10.0.0.1/8', null] }], ['r1', 's1', { ips: ['10.0.0.2/24', null] }], ...home.slice(2)], 'nets.py:Net: r1 10.0.0.2/24 is not on s1\'s 10.0.0.0/8, where h1 is'],
    ['client=h1,box=r1,gateway=h2', [home[0]!, ['r1', 's1', { ips: ['10.0.0.2/24', null] }], ...home.slice(2)], 'nets.py:Net: r1 has an address on s1 and none on s2: give it one there (params1, params2), or none at all'],
  ])('%s', (map, links, message) => {
    expect(() => planned(built(silent, links), map)).toThrow(message);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-topo-'));
afterAll(() => rmSync(folder, { recursive: true }));
const cli = fileURLToPath(new URL('../../../lab/cli.ts', import.meta.url));
const lab = (...words: readonly string[]) => execa(...endingWithUs('node', '--import', 'tsx', cli, ...words), { reject: false, stdin: 'ignore' });

needs('mininet').describe('a file of somebody\'s own', () => {
  const { test } = needs('mininet');
  const file = join(folder, 'nets.py');
  const map = 'client=h1,client=h2,box=r1,gateway=h3';
  writeFileSync(
    file,
    `from mininet.topo import Topo
from mininet.link import TCLink

print("hello")

class Branch(Topo):
    def build(self):
        clients = [self.addHost(f"h{i}", ip=f"10.7.0.{i}/24") for i in (1, 2)]
        box, gateway = self.addHost("r1", ip="10.7.0.254/24"), self.addHost("h3", ip="198.51.100.3/24")
        switch = self.addSwitch("s1")
        for node in [*clients, box]:
            self.addLink(node, switch, cls=TCLink, delay="2ms")
        self.addLink(box, gateway, params1={"ip": "198.51.100.1/24"}, intfName1="r1-wan")

class Lone(Topo):
    def build(self):
        self.addLink(self.addHost("h1", ip="10.7.0.1/24"), self.addHost("r1", ip="10.7.0.254/24"))
        self.addLink("r1", self.addHost("h3", ip="198.51.100.3/24"), params1={"ip": "198.51.100.1/24"})

class Broken(Topo):
    def build(self):
        self.addLink("h1", self.addSwitch("s1"), port1=1 // 0)

class Other: pass

topos = {"branch": lambda: Branch()}
`,
  );

  test('is run on what mininet builds of it, and on the simulator, to the same verdicts', { timeout: 60_000 }, async () => {
    const words = ['multi-client', '--set', 'clients=2', '--mininet-topo', `${file}:Branch`, '--mininet-map', map, '--json', '-', '--quiet'];
    const [sim, mininet] = await Promise.all([lab(...words), lab(...words, '--backend', 'mininet')]);
    const verdicts = ({ stdout }: { readonly stdout: string }): unknown => (JSON.parse(stdout) as { checks: { id: string; verdict: string }[] }[]).map(({ checks }) => checks.map(({ id, verdict }) => `${id} ${verdict}`));
    expect(verdicts(mininet)).toEqual(verdicts(sim));
    expect([sim.exitCode, mininet.exitCode]).toEqual([0, 0]);
  });

  test.concurrent.each([
    [['zoo', 'port-float', '--nat', 'udp-4500-blocked'], 0, /^udp-4500-blocked +fails a +fails a$[^]*all as the boxes' behaviour lets one expect$/m],
    [['pfkey', 'h1'], 0, /^port-float, at the end of the act float on the topology Lone\n[^]*198\.51\.100\.3\[4500\] 10\.7\.0\.1\[4500\]/],
    [['up', '--script', join(folder, 'connect.lab')], 0, /^Lone {2}What .*:Lone builds, on sim\.[^]*The first child SA is there/],
  ] as const)('stands wherever a topology is asked for: lab %j', async (words, status, says) => {
    writeFileSync(join(folder, 'connect.lab'), 'connect h1\n');
    const { stdout, stderr, exitCode } = await lab(...words, '--mininet-topo', `${file}:Lone`, '--mininet-map', 'client=h1,box=r1,gateway=h3');
    expect(stderr).toBe('');
    expect(stdout).toMatch(says);
    expect(exitCode).toBe(status);
  });

  test('cannot have a client with a written address stand for many', async () => {
    const { stderr, exitCode } = await lab('multi-client', '--set', 'clients=3', '--mininet-topo', `${file}:Lone`, '--mininet-map', 'client=h1,box=r1,gateway=h3');
    expect(stderr).toBe('lab: Lone: h1 has an address of its own and cannot stand for 3 clients: leave its address out, or have 3 clients');
    expect(exitCode).toBe(2);
  });

  test('may name what it builds in "topos", as for mn --custom', () => {
    expect(Object.keys(topoAsTopology(`${file}:branch`, map).file.nats)).toEqual(['r1']);
  });

  test.each([
    [`${file}:Brunch`, map, `${file}: no class Brunch; did you mean "Branch"?`],
    [`${file}:Other`, map, `${file}: Other: TypeError: Other is no mininet.topo.Topo`],
    [`${file}:Broken`, map, `${file}:22: Broken: ZeroDivisionError: integer division or modulo by zero`],
    [`${file}:Branch`, undefined, '--mininet-topo: who is who? For example --mininet-map client=h1,gateway=h2, and box= for each host that is a NAT box'],
    [join(folder, 'none.py:Net'), map, `--mininet-topo ${join(folder, 'none.py:Net')}: no file ${join(folder, 'none.py')}`],
    ['Branch', map, '--mininet-topo Branch: expected FILE.py:CLASS, such as nets.py:Branch'],
  ])('%s with %s is refused', (topo, roles, message) => {
    expect(() => topoAsTopology(topo, roles)).toThrow(message);
  });

  test.each([
    [['--mininet-map', map], '--mininet-map says who is who in --mininet-topo FILE.py:CLASS; name that as well'],
    [['--mininet-topo', `${file}:Branch`, '--mininet-map', map, '--topology', 'home'], 'the topology home and --mininet-topo: one of them is enough'],
    [['--mininet-topo', `${file}:Branch`, '--mininet-map', `${map}@s1`], `${file}:Branch: h3 has no link to s1; did you mean "r1"?`],
  ])('port-float %j', async (words, message) => {
    const { stderr, exitCode } = await lab('port-float', ...words);
    expect(stderr).toBe(`lab: ${message}`);
    expect(exitCode).toBe(2);
  });
});
