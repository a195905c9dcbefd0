/** Boxes that translate IPv6, on namespaces: the kernel routes both versions, the machine stands between them. */
import { describe, expect } from 'vitest';
import type { LinuxLab } from '../../../lab/backends/linux/lab.ts';
import { openNamespaces } from '../../../lab/backends/netns/lab.ts';
import { loadTopology } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { seconds } from '../../../src/core/time.ts';
import { ip } from '../../../src/core/address.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { needs } from '../../support/needs.ts';

const { test } = needs('network namespaces', 'koffi', 'tun', 'ping', 'ip');

const open = (topology: string, trace = new TraceLog()): LinuxLab => openNamespaces(planTopology(loadTopology(topology)).plan, { seed: 1, trace });

/** Whether a ping of a real program is answered. */
const answers = async (lab: LinuxLab, from: string, to: string): Promise<boolean> => (await lab.exec(from, ['ping', '-c', '1', '-W', '1', to])).status === 0;

async function up(lab: LinuxLab, trace: TraceLog): Promise<void> {
  const since = trace.nextSeq;
  lab.command('alice', { kind: 'initiate', connection: 'gateway' });
  const met = await lab.until({ describe: 'a child SA', sees: ({ node, body }) => node === 'alice' && body.kind === 'child-sa' && body.state === 'established' }, seconds(60), since);
  expect(met).toBe('met');
}

describe('nat64', () => {
  test('pings of an IPv6 host arrive as IPv4, and a tunnel comes up through it', { timeout: 30_000 }, async () => {
    const trace = new TraceLog();
    await using lab = open('nat64', trace);
    expect(await answers(lab, 'alice', '64:ff9b::203.0.113.2')).toBe(true);
    expect(await answers(lab, 'alice', '64:ff9b::203.0.113.77'), 'nobody has that address').toBe(false);
    await up(lab, trace);
    expect((await lab.mappings('box')).map(({ protocol, inside }) => `${protocol} ${inside.address}`)).toEqual(expect.arrayContaining(['udp 2001:db8:1::a', 'icmp 2001:db8:1::a']));
    expect(await answers(lab, 'alice', '10.99.0.10'), 'through the tunnel').toBe(true);
  });

  test('hops are counted as one router counts them, either way', { timeout: 30_000 }, async () => {
    await using lab = open('nat64');
    expect((await lab.exec('alice', ['ping', '-c', '1', '-W', '1', '-t', '1', '64:ff9b::203.0.113.2'])).stdout).toContain('Time exceeded: Hop limit');
    const { stdout } = await lab.exec('alice', ['ping', '-c', '1', '-W', '1', '-t', '2', '64:ff9b::203.0.113.2']);
    expect(stdout).toContain('ttl=63');
  });

  test('another outside address takes over, and the old one is nobody', { timeout: 30_000 }, async () => {
    await using lab = open('nat64');
    await lab.control('box', { kind: 'change-address', address: ip('203.0.113.77') });
    expect(await answers(lab, 'alice', '64:ff9b::203.0.113.2')).toBe(true);
    expect((await lab.mappings('box'))[0]?.outside.address).toBe('203.0.113.77');
  });
});

describe('nptv6', () => {
  test('hosts keep what follows the prefix; whoever knows it gets in; a tunnel comes up', { timeout: 30_000 }, async () => {
    const trace = new TraceLog();
    await using lab = open('nptv6', trace);
    expect(await answers(lab, 'alice', '2001:db8:2::2')).toBe(true);
    // RFC 6296 §3.5: fd01:203:405:1 + ~(2001:db8:1:1) = d54f, taken into the first word of the interface identifier
    expect(await answers(lab, 'gateway', '2001:db8:1:1:d54f::a')).toBe(true);
    expect(await answers(lab, 'gateway', '2001:db8:1:1:d54f::b')).toBe(false);
    await up(lab, trace);
    expect(await answers(lab, 'alice', 'fd99::a'), 'through the tunnel').toBe(true);
  });

  test('with another prefix outside the old one leads nowhere', { timeout: 30_000 }, async () => {
    await using lab = open('nptv6');
    await lab.control('box', { kind: 'change-address', address: ip('2001:db8:77:1::') });
    expect(await answers(lab, 'gateway', '2001:db8:1:1:d54f::a')).toBe(false);
  });
});
