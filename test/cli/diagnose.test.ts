/** "Why does my VPN fail behind this NAT?", asked at the command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { pcap } from '../support/tshark.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { argvOf, lab, root } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
const capture = join(folder, 'passthrough.pcapng');
beforeAll(() => lab(['passthrough', '--quiet', '--pcap', capture]), 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

interface Diagnosed {
  readonly schema: number;
  readonly frames: number;
  readonly damagedAt?: number;
  readonly sections: readonly { readonly title: string; readonly causes: readonly { readonly id: string; readonly evidence: readonly number[]; readonly next: string }[]; readonly sights: readonly { readonly id: string }[] }[];
}

test('names the cause act by act, with the packets and what to do, and 1 is the exit status', async () => {
  const { status, stdout, stderr } = await lab(['diagnose', capture]);
  expect([status, stderr]).toEqual([1, '']);
  expect(stdout).toContain('✗ A second client behind the same box gets nothing out on port 500 (RFC 3947 §4, RFC 4787 §4.2)');
  expect(stdout).toMatch(/goes in at box eth0 and does not come out\. \[frames \d+, \d+/);
  expect(stdout).toContain('Next: Switch "VPN passthrough" off');
  expect(stdout.match(/✓ Nothing wrong is seen/g)).toHaveLength(3);
  expect(stdout).toContain('a NAT stands in front of the initiator');
}, 30_000);

test('says the same as JSON', async () => {
  const diagnosed = JSON.parse((await lab(['diagnose', capture, '--json'])).stdout) as Diagnosed;
  expect(diagnosed.sections.map(({ causes }) => causes.map(({ id }) => id))).toEqual([['second-client-swallowed'], [], [], ['mapping-stolen'], []]);
  expect(diagnosed.sections.flatMap(({ causes }) => causes).every(({ evidence, next }) => evidence.length > 0 && next !== '')).toBe(true);
  expect(diagnosed.sections[1]!.sights.map(({ id }) => id)).toEqual(expect.arrayContaining(['nat', 'moved', 'esp', 'keepalives']));
}, 30_000);

describe('a file that is no good', () => {
  const other = pcap([encodeUdpPacket({ address: ip('192.0.2.1'), port: 53 }, { address: ip('192.0.2.2'), port: 53 }, new Uint8Array(20), 'computed')]);

  test('that ends early is judged as far as it goes', async () => {
    const bytes = readFileSync(capture);
    const { status, stdout, stderr } = await lab(['diagnose', file('cut.pcapng', bytes.subarray(0, Math.floor(bytes.length / 2) + 1)), '--json']);
    const diagnosed = JSON.parse(stdout) as Diagnosed;
    expect(diagnosed.sections[0]!.causes.map(({ id }) => id)).toEqual(['second-client-swallowed']);
    expect(diagnosed.damagedAt).toBeGreaterThan(0);
    expect([status, stderr]).toEqual([2, '']);
  }, 30_000);

  test.each([
    ['empty', new Uint8Array(0), 2, 'is no capture: it has no octets'],
    ['of another link type', pcap([new Uint8Array(40)], 105), 3, 'type 105 (IEEE 802.11), which the lab cannot read'],
    ['of DNS', other, 3, ''],
    ['cut in the middle of a packet', other.slice(0, -3), 2, 'ends in the middle of a block that begins at octet 24'],
  ] as const)('%s is told in a sentence', async (name, bytes, status, message) => {
    const said = await lab(['diagnose', file(`${name}.pcap`, bytes)], { COLUMNS: '40' });
    expect(said.stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(said.stderr).not.toMatch(/^\s+at /m);
    expect(said.status).toBe(status);
    if (name === 'of DNS') expect(said.stdout.replace(/\s+/g, ' ')).toContain('No IKE, no ESP, no AH among 1 packet: nothing to judge.');
  }, 30_000);
});

test('what comes through a pipe is read to its end, also where Ctrl-C ends who writes it', async () => {
  const child = spawn(...endingWithUs(process.execPath, ...argvOf('decode', '-', '--brief', '--all')), { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const bytes = readFileSync(capture);
  child.stdin.write(bytes.subarray(0, 20_000));
  let said = String((await once(child.stdout, 'data'))[0]);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.kill('SIGINT');
  child.stdin.end(bytes.subarray(20_000));
  const [status] = (await once(child, 'close')) as [number];
  expect(status).toBe(0);
  const { frames } = JSON.parse((await lab(['diagnose', capture, '--json'])).stdout) as Diagnosed;
  expect(said).toContain(`#${frames}  `);
}, 30_000);
