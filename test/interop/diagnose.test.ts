/** Captures in which nothing is the lab's: two strongSwans, the kernel's own NAT between them, tcpdump, and no keys. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { noKeys } from '../../lab/capture/keys.ts';
import { Walk } from '../../lab/capture/walk.ts';
import type { NetworkNamespace } from '../../lab/backends/linux/namespace.ts';
import { Diagnosis } from '../../lab/diagnose/diagnosis.ts';
import { ip } from '../../src/core/address.ts';
import { preSharedKey } from '../support/endpoint-config.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { StrongSwan } from '../support/strongswan.ts';
import { clientInner, clientNetwork, gatewayAddress, gatewayInner, gatewayNetwork, Home, watchingStrongSwan } from './home.ts';

/** Watches until it is told to end. */
async function watching(namespace: NetworkNamespace, ...argv: readonly string[]): Promise<() => Promise<void>> {
  const tcpdump = namespace.inside(() => spawn(...endingWithUs('tcpdump', '-U', '--immediate-mode', '-Z', 'root', ...argv), { stdio: ['ignore', 'ignore', 'pipe'] }));
  await once(tcpdump.stderr, 'data'); // it says that it listens
  return async () => {
    const ended = once(tcpdump, 'exit');
    tcpdump.kill('SIGINT');
    await ended;
  };
}

async function diagnosed(file: string): Promise<{ readonly causes: readonly string[]; readonly sights: readonly string[] }> {
  const diagnosis = new Diagnosis(noKeys);
  for await (const batch of new Walk(file).batches()) for (const passed of batch) diagnosis.see(passed);
  const { causes, sights } = diagnosis.end()!;
  return { causes: causes.map(({ finding }) => finding.id), sights: sights.map(({ id }) => id) };
}

watchingStrongSwan.test.each(['v2', 'v1'] as const)('IKE%s: what works has no cause, and where the box has no line any more it says so itself, seen from the client and on the box', async (version) => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  await using home = new Home();
  home.client.addAddress('lo', { address: ip(clientInner), length: 32 });
  home.gateway.addAddress('lo', { address: ip(gatewayInner), length: 32 });
  const common = {
    ...(version === 'v1' && { exchange: 'main' as const }), preSharedKey, proposals: [version === 'v1' ? 'aes128-sha256-ecp256' : 'aes128gcm16-prfsha256-ecp256'], espProposals: ['aes128gcm16'],
    retransmission: { timeout: 0.3, base: 1.5, tries: 5 }, mobike: false,
  };
  await using gateway = await StrongSwan.start(home.gateway.namespace, { ...common, id: 'gateway', peerId: 'client', localSelectors: [gatewayNetwork], remoteSelectors: [clientNetwork] });
  await using client = await StrongSwan.start(home.client.namespace, { ...common, id: 'client', peerId: 'gateway', peerAddress: gatewayAddress, localSelectors: [clientNetwork], remoteSelectors: [gatewayNetwork], deadPeerDetection: '1s', onDeadPeer: 'clear' });
  try {
    const files = ['works-client', 'works-box', 'cut-client', 'cut-box'].map((name) => join(folder, `${name}.pcap`)) as [string, string, string, string];
    const whole = await Promise.all([watching(home.client.namespace, '-i', 'eth0', '-w', files[0]), watching(home.box.namespace, '-i', 'any', '-w', files[1])]);
    const both = await Promise.all([watching(home.client.namespace, '-i', 'eth0', '-w', files[2]), watching(home.box.namespace, '-i', 'any', '-w', files[3])]);
    await client.initiate();
    await gateway.until('a tunnel', ([sa]) => sa?.children[0]?.state === 'INSTALLED');
    expect(await home.ping('client')).toBe('answered');
    await Promise.all(whole.map((end) => end()));
    home.cut();
    for (let n = 0; n < 3; n++) expect(await home.ping('client', 1)).toBe('lost');
    await client.until('given up', (sas) => sas.length === 0, 15_000);
    await Promise.all(both.map((end) => end()));
    const [worksClient, worksBox, cutClient, cutBox] = await Promise.all(files.map(diagnosed));
    expect([worksClient!.causes, worksBox!.causes]).toEqual([[], []]);
    expect(worksClient!.sights).toEqual(expect.arrayContaining(['nat', 'moved', 'esp', 'one-sided']));
    expect(worksBox!.sights).toEqual(expect.arrayContaining(['nat', 'moved', 'esp']));
    expect({ cutClient: cutClient!.causes, cutBox: cutBox!.causes, dead: cutClient!.sights.includes('dead-peer') }).toEqual({ cutClient: ['no-way'], cutBox: ['no-way'], dead: version === 'v2' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
