import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { Capture } from '../../lab/report/capture.ts';
import { runScenario } from '../../lab/run.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import type { Act } from '../../lab/scenarios/scenario.ts';
import type { IkeMode } from '../../lab/topology/ike-version.ts';
import { lesson, lessonIds } from '../support/lessons.ts';
import { needs } from '../support/needs.ts';

needs('tshark').test('the command that --pcap tells shows a lesson decrypted and nothing wrong with any packet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt lab-')); // a space, as people have them
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'detection', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status).toBe(0);
    expect(readdirSync(`${file}.keys`).sort()).toEqual(['decode_as_entries', 'esp_sa', 'ikev1_decryption_table', 'ikev2_decryption_table', 'preferences']);
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

/** Rows of fields, as tshark prints them with the command that was told. */
function rows(command: string, filter: string, fields: readonly string[]): string[][] {
  const output = execFileSync('sh', ['-c', `${command} -n -Y '${filter}' -T fields -E separator='|' ${fields.map((field) => `-e ${field}`).join(' ')}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return output.split('\n').slice(0, -1).map((row) => row.split('|'));
}

const protectedIke = 'isakmp.typepayload == 46 && !icmp.type == 11'; // an error quotes the beginning of a message
const wrong = '_ws.malformed || ip.checksum.status == 0';

/** Lessons as one capture: of each the acts that are wanted. */
async function captured(file: string, ids: readonly string[], isWanted: (act: Act) => boolean, ike?: IkeMode): Promise<{ readonly capture: Capture; readonly comments: number }> {
  const blocks: Uint8Array[] = [];
  const capture = new Capture(file, (block) => void blocks.push(block));
  let comments = 0;
  for (const [i, id] of ids.entries()) {
    const played = lesson(id);
    await runScenario({ ...played, acts: (values) => played.acts(values).filter(isWanted) }, {
      backend: sim, values: parseSettings(id, played.parameters, [], 'virtual'), seed: i + 1, ...(ike !== undefined && { ike }),
      audience: {
        actEnds: (act) => {
          capture.add(act);
          const packets = new Set(act.trace.of('packet').map(({ seq }) => seq));
          comments += act.checks.flatMap(({ evidence }) => evidence).filter((seq) => packets.has(seq)).length;
        },
      },
    });
  }
  writeFileSync(file, Buffer.concat(blocks));
  return { capture, comments };
}

/** As an act is played without being told a version, and in either exchange of IKEv1. */
const modes = [['as it is', undefined, 1000, 400], ['v1', 'v1', 0, 700], ['v1-aggressive', 'v1-aggressive', 0, 600]] as const;

needs('tshark').test.each(modes)('every lesson opens (IKE: %s): nothing is malformed, and all IKE and ESP is decrypted', async (_, ike, leastV2, leastV1) => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'all.pcapng');
    const { capture, comments } = await captured(file, lessonIds, ({ keepsIke }) => ike === undefined || keepsIke === undefined, ike);
    const { all, ikeV1 } = await capture.writeKeys();
    expect(rows(all, wrong, ['frame.number', '_ws.expert.message'])).toEqual([]);
    const opened = rows(all, protectedIke, ['frame.number', 'isakmp.enc.decrypted']);
    expect(opened.length).toBeGreaterThanOrEqual(leastV2);
    expect(opened.filter(([, plaintext]) => plaintext === '')).toEqual([]);
    const esp = rows(all, 'esp.sequence', ['frame.number', 'esp.protocol']);
    expect(esp.length).toBeGreaterThan(1000);
    expect(esp.filter(([, inside]) => inside === '')).toEqual([]);
    expect(comments).toBeGreaterThan(300);
    expect(rows(all, 'frame.comment', ['frame.comment']).flatMap(([text]) => text!.split(/,(?=pass: )/)).length).toBe(comments);

    expect(rows(ikeV1!, wrong, ['frame.number', '_ws.expert.message'])).toEqual([]);
    const ofIkeV1 = rows(ikeV1!, 'isakmp.flag_e == 1 && !icmp.type == 11', ['frame.number', 'isakmp.hash', 'isakmp.sig']);
    expect(ofIkeV1.length).toBeGreaterThan(leastV1);
    expect(ofIkeV1.filter(([, hash, signature]) => hash === '' && signature === '')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);

needs('tshark').test('the drafts open that Wireshark does not know: ESP behind the non-IKE marker, NAT-D by its old number', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'drafts.pcapng');
    const { capture } = await captured(file, ['nat-t-versions'], ({ id }) => ['draft-00', 'draft-04'].includes(id));
    const { all, ikeV1 } = await capture.writeKeys();
    for (const command of [all, ikeV1!]) {
      const marked = rows(command, 'nat_t_drafts.non_ike_marker', ['esp.protocol']);
      expect(marked.length).toBeGreaterThan(3);
      expect(marked.filter(([inside]) => inside === '')).toEqual([]);
      expect(rows(command, 'nat_t_drafts.renumbered', ['isakmp.typepayload']).every(([types]) => /20,20$/.test(types!))).toBe(true);
      expect(rows(command, 'nat_t_drafts.renumbered', ['frame.number']).length).toBeGreaterThan(0);
      expect(rows(command, '_ws.lua.error || _ws.malformed', ['frame.number'])).toEqual([]);
    }
    // a tshark without Lua does not look into the folder: the rest is as it was
    rmSync(`${file}.keys/plugins`, { recursive: true });
    expect(rows(all, 'esp.sequence && !esp.protocol', ['frame.number'])).toEqual([]);
    expect(rows(all, 'isakmp.exchangetype == 2', ['frame.number']).length).toBeGreaterThan(10);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

needs('tshark', 'network namespaces', 'ip', 'nft', 'koffi').test('so does one on the kernel\'s own NAT', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'port-float', '--backend', 'netns', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status, lab.stderr).toBe(0);
    const command = /^To read the capture decrypted: (.*)$/m.exec(lab.stdout)![1]!;
    expect(rows(command, wrong, ['frame.number'])).toEqual([]);
    const opened = rows(command, protectedIke, ['isakmp.enc.decrypted', 'frame.interface_name']);
    expect(new Set(opened.map(([, at]) => at))).toEqual(new Set(['alice eth0', 'box eth0', 'box eth1', 'gateway eth0']));
    expect(opened.filter(([plaintext]) => plaintext === '')).toEqual([]);
    const esp = rows(command, 'esp.sequence', ['esp.protocol', 'frame.time_epoch']);
    expect(esp.length).toBe(20);
    expect(esp.filter(([inside]) => inside === '')).toEqual([]);
    expect(esp.some(([, time]) => !/000$/.test(time!)), 'nanoseconds').toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

needs('tshark').test('IKEv1 has a capture of its own, of those who begin it: all that they send and receive opens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt lab-'));
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'detection', '--ike', 'v1', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['lesson.ikev1.pcapng', 'lesson.ikev1.pcapng.keys', 'lesson.pcapng', 'lesson.pcapng.keys']);
    const command = /^And IKEv1.*: (WIRESHARK.*)$/m.exec(lab.stdout)![1]!;
    const shown = rows(command, 'isakmp.flag_e == 1', ['isakmp.exchangetype', 'isakmp.hash', '_ws.malformed']);
    const anAct = ['2', '2', '6', '6', '32', '32', '32'];
    expect(shown.map(([exchange]) => exchange)).toEqual(Array.from({ length: 6 }, () => anAct).flat());
    expect(shown.filter(([, hash, malformed]) => hash === '' || malformed !== '')).toEqual([]);
    const whole = /^To read the capture decrypted: (.*)$/m.exec(lab.stdout)![1]!;
    expect(rows(whole, '_ws.malformed', ['frame.number'])).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);

needs('tshark').test('a message in fragments of IKE is put together and opens at the last of them, certificate and all (RFC 7383)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'natt lab-'));
  try {
    const file = join(folder, 'lesson.pcapng');
    const lab = spawnSync(process.execPath, ['--import', 'tsx', 'lab/cli.ts', 'fragments', '--quiet', '--pcap', file], { encoding: 'utf8' });
    expect(lab.status).toBe(0);
    const command = /^To read the capture decrypted: (.*)$/m.exec(lab.stdout)![1]!;
    const fields = ['frame.interface_name', 'isakmp.frag.number', 'isakmp.frag.total', 'isakmp.typepayload', '_ws.malformed', 'isakmp.fragment.error'];
    const rows = execFileSync('sh', ['-c', `${command} -n -Y isakmp.frag.number -T fields ${fields.map((field) => `-e ${field}`).join(' ')}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').slice(0, -1).map((row) => row.split('\t'));
    const last = rows.filter(([, number, total]) => number === total);
    expect(new Set(rows.map(([at]) => at))).toEqual(new Set(['alice eth0', 'box eth0', 'box eth1', 'gateway eth0']));
    expect(last).toHaveLength(8); // the request and its answer, at each interface
    expect(last.filter(([, , , payloads]) => !payloads!.split(',').includes('37'))).toEqual([]);
    expect(rows.filter(([, , , , malformed, error]) => malformed !== '' || error !== '')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);
