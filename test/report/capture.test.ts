import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs } from '../support/needs.ts';

needs('tshark').test('the command that --pcap tells shows a lesson decrypted and nothing wrong with any packet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt lab-')); // a space, as people have them
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'detection', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status).toBe(0);
    expect(readdirSync(`${file}.keys`).sort()).toEqual(['esp_sa', 'ikev1_decryption_table', 'ikev2_decryption_table', 'preferences']);
    const command = /^To read the capture decrypted: (.*)$/m.exec(lab.stdout)?.[1];
    const shown = (filter: string): string[] =>
      execFileSync('sh', ['-c', `${command} -n -Y '${filter}'`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').filter((line) => line !== '');
    expect(shown('isakmp.typepayload == 44 && frame.interface_name == "alice eth0"').length).toBeGreaterThan(0);
    expect(shown('icmp.type == 0 && udpencap && frame.interface_name == "alice eth0"').length).toBeGreaterThan(0);
    expect(shown('_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 20_000);

needs('tshark').test('of IKEv1 there is a capture of each client in each act, and all that the client sent and received opens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt lab-'));
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'detection', '--ike', 'v1', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status).toBe(0);
    const captures = readdirSync(`${file}.ikev1`).filter((name) => name.endsWith('.pcapng'));
    expect(captures.sort()).toEqual(['both', 'double', 'initiator', 'no-nat-t', 'none', 'responder'].map((act) => `${act}-alice.pcapng`));
    const command = /^And IKEv1.*: (WIRESHARK.*)$/m.exec(lab.stdout)![1]!;
    for (const capture of captures) {
      const read = command.replaceAll('none-alice.pcapng', capture);
      const shown = execFileSync('sh', ['-c', `${read} -n -Y 'isakmp.flag_e == 1' -T fields -e isakmp.exchangetype -e isakmp.hash -e _ws.malformed`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').slice(0, -1).map((row) => row.split('\t'));
      expect(shown.map(([exchange]) => exchange), capture).toEqual(['2', '2', '6', '6', '32', '32', '32']);
      expect(shown.filter(([, hash, malformed]) => hash === '' || malformed !== ''), capture).toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);
