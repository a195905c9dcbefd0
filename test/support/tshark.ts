/** An independent reader of packets: what Wireshark's dissectors make of the bytes that we wrote. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, Writer } from '../../src/core/bytes.ts';

const installed = spawnSync('tshark', ['--version']).status === 0;

/** Where tshark is missing its tests are skipped; under CI they run, and fail. */
export const tsharkMissing = !installed && process.env['CI'] === undefined;

const linkTypeRaw = 101; // a packet begins with its IPv4 or IPv6 header

/** A classic pcap file of bare IP packets, or of frames of another link type. */
export function pcap(packets: readonly Uint8Array[], linkType: number = linkTypeRaw): Uint8Array {
  const header = new Writer().u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(0x40000).u32(linkType).finish();
  return concat(header, ...packets.flatMap((packet, i) => [new Writer().u32(i).u32(0).u32(packet.length).u32(packet.length).finish(), packet]));
}

const verifyChecksums = ['ip.check_checksum', 'udp.check_checksum', 'tcp.check_checksum'].flatMap((name) => ['-o', `${name}:TRUE`]);

/** One row a packet, one text a field, as tshark prints them with `-T fields`; checksums are verified (`….checksum.status` is 1 when good). */
export function tshark(packets: readonly Uint8Array[], fields: readonly string[], options: readonly string[] = []): string[][] {
  const output = run(packets, [...options, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((field) => ['-e', field])]);
  return output.split('\n').slice(0, -1).map((line) => line.split('|'));
}

/** A field by Wireshark's name for it, with its first octet and the one behind its last. */
export interface Place {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Where tshark sees fields in each of the packets. */
export function places(packets: readonly Uint8Array[]): Place[][] {
  const field = /<field name="([^"]+)"[^>]* size="(\d+)" pos="(\d+)"/g;
  const documents = run(packets, ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-T', 'pdml']).split('<packet>').slice(1);
  return documents.map((document) => Array.from(document.matchAll(field), ([, name = '', size, pos]) => ({ name, from: Number(pos), to: Number(pos) + Number(size) })));
}

function run(packets: readonly Uint8Array[], options: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'packets.pcap');
    writeFileSync(file, pcap(packets));
    return execFileSync('tshark', ['-r', file, '-n', ...verifyChecksums, ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
