import { expect } from 'vitest';
import { seconds } from '../../../src/core/time.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { tunnelUp } from '../../../lab/checks/waiting.ts';
import { openNamespaces } from '../../../lab/backends/netns/lab.ts';
import { castOf } from '../../../lab/topology/cast.ts';
import { loadTopology } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { needs } from '../../support/needs.ts';

const { test } = needs('network namespaces', 'koffi', 'tun', 'nft', 'ping');

test("the machine's own ping reaches the protected network from a client's namespace, through the tunnel", { timeout: 30_000 }, async () => {
  const topology = planTopology(loadTopology('home'));
  const { clients: [alice], server, gateway } = castOf(topology);
  const trace = new TraceLog();
  await using lab = openNamespaces(topology.plan, { seed: 1, trace });
  lab.command(alice!.name, { kind: 'initiate', connection: alice!.connection });
  expect(await lab.until(tunnelUp(alice!.name), seconds(50), 0)).toBe('met');

  const { status, stdout } = await lab.exec(alice!.name, ['ping', '-c', '3', '-i', '0.2', '-W', '2', server]);
  expect(stdout).toContain('3 packets transmitted, 3 received, 0% packet loss');
  expect(status).toBe(0);
  await lab.settle();
  // It went as ESP in UDP, and in the clear only behind the gateway.
  const protectedOnes = trace.of('inner', alice!.name).filter(({ body }) => body.direction === 'protected');
  expect(protectedOnes).toHaveLength(3);
  const onTheInternet = trace.of('packet', gateway.name).filter(({ body }) => body.interface === 'eth0' && body.bytes[9] === 1);
  expect(onTheInternet).toEqual([]);
});

test('a program that is not there ends with 127, as a shell says it', { timeout: 30_000 }, async () => {
  const topology = planTopology(loadTopology('direct'));
  await using lab = openNamespaces(topology.plan, { seed: 1, trace: new TraceLog() });
  expect(await lab.exec('alice', ['no-such-program'])).toMatchObject({ status: 127 });
});
