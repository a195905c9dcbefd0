/** Captures of the lab and of others, printed as trees. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/core/bytes.ts';
import { mainMode } from '../vectors/strongswan-ikev1.ts';
import { ip } from '../../src/core/address.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { pcap } from '../support/tshark.ts';
import { lab } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

interface Decoded {
  readonly packets: readonly { readonly frame: number; readonly name?: string; readonly kind: string; readonly tree: Node }[];
  readonly frames: number;
  readonly remarks: readonly string[];
}

interface Node {
  readonly label: string;
  readonly value: string;
  readonly children: readonly Node[];
}

const every = (tree: Node): Node[] => [tree, ...tree.children.flatMap(every)];

describe.each(['v2', 'v1'])('a lesson in IKE%s', (ike) => {
  const capture = join(folder, `${ike}.pcapng`);
  let all: Decoded;

  beforeAll(async () => {
    await lab(['detection', '--set', 'position=initiator', '--ike', ike, '--quiet', '--pcap', capture]);
    all = JSON.parse((await lab(['decode', capture, '--json'])).stdout) as Decoded;
  }, 60_000);

  test('is decrypted at every interface with the keys beside it', () => {
    const places = new Set(all.packets.map(({ name }) => name));
    expect(places).toEqual(new Set(['alice eth0', 'box eth0', 'box eth1', 'gateway eth0']));
    const closed = all.packets.filter(({ tree }) => {
      const nodes = every(tree);
      return nodes.some(({ label }) => ['SK payload', 'Encrypted payloads', 'ESP'].includes(label)) && !nodes.some(({ label }) => label === 'Decrypted');
    });
    expect(closed.map(({ frame }) => frame)).toEqual([]);
    const decrypted = all.packets.flatMap(({ tree }) => every(tree)).filter(({ label }) => label === 'Decrypted');
    expect(decrypted.length).toBeGreaterThan(15);
    expect(decrypted.flatMap(every).some(({ value }) => value === '"alice.example"')).toBe(true);
    expect(decrypted.flatMap(every).some(({ value }) => value === '8 (echo request)')).toBe(true);
  });

  test('is drawn as a ladder, each packet once on its way through the box', async () => {
    const { status, stdout } = await lab(['decode', capture, '--ladder'], { COLUMNS: '80' });
    const lines = stdout.split('\n');
    expect(lines.map((line) => line.trim().replace(/ +/g, ' '))).toContain('alice box gateway');
    expect(lines.filter((line) => /[►◄]/.test(line)).length).toBe(new Set(all.packets.flatMap(({ frame, name }) => (name === 'box eth0' ? [frame] : []))).size);
    expect(lines.filter((line) => /│ 500 ─+► 500 │ 500 ─+► 500 │$/.test(line)).length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(status).toBe(0);
  });

  test('shows whose addresses the hashes of NAT detection are of, those before the box included', () => {
    const fits = (place: string): string[] => all.packets.filter(({ name }) => name === place).flatMap(({ tree }) => every(tree)).flatMap(({ label, value }) => (label === 'Fits' ? [value] : []));
    expect(fits('gateway eth0').slice(0, 4).sort()).toEqual(['192.168.1.10:500', '203.0.113.1:500', '203.0.113.2:500', '203.0.113.2:500']);
  });

  test('says nothing of what is inside without its keys, and that others do not fit', async () => {
    const { stdout } = await lab(['decode', file(`lone-${ike}.pcapng`, await import('node:fs').then(({ readFileSync }) => readFileSync(capture)))]);
    expect(stdout).not.toContain('Decrypted');
    const wrong = join(folder, `wrong-${ike}`);
    await import('node:fs').then(({ mkdirSync }) => mkdirSync(wrong, { recursive: true }));
    writeFileSync(join(wrong, 'ikev2_decryption_table'), `0011223344556677,0011223344556677,${'00'.repeat(20)},${'00'.repeat(20)},"AES-GCM-128 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"\nnonsense\n`);
    const { status, stderr } = await lab(['decode', capture, '--keys', wrong, '--brief']);
    expect(stderr).toContain('A key left out: ikev2_decryption_table, row 2:');
    expect(stderr.replace(/\s+/g, ' ')).toContain(`No key in ${wrong} fits anything in this capture`);
    expect(status).toBe(3);
  }, 30_000);
});

test('a ladder of a capture without names has the addresses for columns', async () => {
  const [from, to] = [{ address: ip('192.0.2.10'), port: 500 }, { address: ip('192.0.2.20'), port: 500 }];
  const frames = mainMode.messages.slice(0, 2).map(({ bytes }, i) => (i === 0 ? encodeUdpPacket(from, to, bytes, 'computed') : encodeUdpPacket(to, from, bytes, 'computed')));
  const { stdout, status } = await lab(['decode', file('nameless.pcap', pcap(frames)), '--ladder'], { COLUMNS: '60' });
  expect(stdout.split('\n').filter((line) => /192|►|◄/.test(line))).toEqual([
    '192.0.2.10                                        192.0.2.20',
    ' │ 192.0.2.10:500 ───────────────────────► 192.0.2.20:500 │',
    ' │ 192.0.2.10:500 ◄─────────────────────── 192.0.2.20:500 │',
  ]);
  expect(status).toBe(0);
});

test('a ladder needs no keys and knows no trees', async () => {
  expect(await lab(['decode', 'any.pcap', '--ladder', '--json'])).toEqual({ status: 2, stdout: '', stderr: 'lab: --ladder draws what is seen without keys, and --json is about trees; leave one of them out\n' });
});

test('finds the private address behind a hash by trying, where the capture does not show it', async () => {
  const capture = join(folder, 'gateway.pcapng');
  await lab(['detection', '--set', 'position=initiator', '--quiet', '--pcap', join(folder, 'whole.pcapng')]);
  const whole = JSON.parse((await lab(['decode', join(folder, 'whole.pcapng'), '--json'])).stdout) as { packets: { name: string; tree: Node; frame: number }[] };
  const { readFileSync } = await import('node:fs');
  const { CaptureReader } = await import('../../src/wire/pcap/capture-reader.ts');
  const frames = [...new CaptureReader().push(readFileSync(join(folder, 'whole.pcapng')))].flatMap((item) => (item.kind === 'frame' && item.frame.place.name === 'gateway eth0' ? [item.frame.bytes] : []));
  writeFileSync(capture, pcap(frames));
  expect(whole.packets.length).toBeGreaterThan(frames.length);
  const { stdout } = await lab(['decode', capture, '--frames', '1']);
  expect(stdout).toContain('Fits: 192.168.1.10:500  [RFC 7296 §2.23]');
}, 30_000);

test('a conversation of another implementation reads from its first message on', async () => {
  const [from, to] = [{ address: ip('192.0.2.1'), port: 500 }, { address: ip('192.0.2.2'), port: 500 }];
  const capture = file('strongswan.pcap', pcap(mainMode.messages.slice(0, 2).map(({ bytes }, i) => (i === 0 ? encodeUdpPacket(from, to, bytes, 'computed') : encodeUdpPacket(to, from, bytes, 'computed')))));
  const { status, stdout, stderr } = await lab(['decode', capture]);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^#1 {2}0\.000 s {2}192\.0\.2\.1:500 > 192\.0\.2\.2:500 IKE v1 main mode: SA, VID/m);
  expect(stdout).toContain('[RFC 2408 §3.4]');
  expect((await lab(['decode', capture, '--brief', '--frames', '2-'])).stdout).toMatch(/^#2 .*\n$/);
});

test('a capture of 96 octets a packet shows what it has', async () => {
  const [from, to] = [{ address: ip('192.0.2.1'), port: 500 }, { address: ip('192.0.2.2'), port: 500 }];
  const packet = encodeUdpPacket(from, to, mainMode.messages[0]!.bytes, 'computed');
  const capture = pcap([packet.slice(0, 96)]);
  new DataView(capture.buffer).setUint32(24 + 12, packet.length);
  const { status, stdout, stderr } = await lab(['decode', file('snapped.pcap', capture)]);
  expect(status).toBe(0);
  expect(stdout).toContain(`192.0.2.1:500 > 192.0.2.2:500 IKE v1 main mode, the first 96 octets of ${packet.length}`);
  expect(stdout).toContain('Initiator cookie: 0x9cfd3ebf0c6c8593');
  expect(stdout).toContain('Cut short: 40 octets of it here');
  expect(stderr.replace(/\s+/g, ' ')).toContain('1 packet captured in part only');
}, 30_000);

describe.concurrent('what is no good is told in a sentence', () => {
  const good = pcap([encodeUdpPacket({ address: ip('192.0.2.1'), port: 500 }, { address: ip('192.0.2.2'), port: 500 }, mainMode.messages[0]!.bytes, 'computed')]);

  test.each([
    [['decode', join(folder, 'nowhere.pcap')], 2, 'nowhere.pcap: no such file'],
    [['decode', folder], 2, 'it is a folder'],
    [['decode', file('empty.pcap', '')], 2, 'is no capture: it has no octets'],
    [['decode', file('page.html', '<html></html>')], 2, 'is no capture: it begins with 3c68746d'],
    [['decode', file('cut.pcap', good.slice(0, -5))], 2, 'ends in the middle of a block that begins at octet 24'],
    [['decode', file('twice.pcap', concat(good, new Uint8Array(40).fill(0xee)))], 2, `is damaged at octet ${good.length}: a packet that claims to have`],
    [['decode', file('wifi.pcap', pcap([new Uint8Array(40)], 105))], 3, 'captured on a link of type 105 (IEEE 802.11)'],
    [['decode', file('none.pcap', pcap([]))], 0, 'a capture without any packet'],
    [['decode', file('good.pcap', good), '--keys', '/nowhere'], 2, 'cannot read the keys in /nowhere'],
    [['decode', file('good2.pcap', good), '--keys', folder], 2, 'has no keys: expected a Wireshark profile with'],
    [['decode', file('good3.pcap', good), '--keys', file('a-file', '')], 2, 'is a file; name the folder that it is in'],
    [['decode', file('good4.pcap', good), '--frames', '9-3'], 2, '--frames 9-3: expected a number or a range'],
  ] as const)('%s', async (words, status, message) => {
    const said = await lab([...words]);
    expect(said.stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(said.stderr).toMatch(/^lab: /);
    expect(said.stderr).not.toMatch(/^\s+at /m);
    expect(said.status).toBe(status);
  }, 30_000);

  test('what came before the damage is told', async () => {
    expect((await lab(['decode', file('cut2.pcap', concat(good, good.slice(24, -5))), '--brief'])).stdout).toMatch(/^#1 .*main mode/);
  }, 30_000);

  test('on a terminal 40 columns wide no line is longer, but for words that are', async () => {
    const { stdout } = await lab(['decode', file('narrow.pcap', good)], { COLUMNS: '40' });
    expect(stdout.split('\n').filter((line) => line.length > 40 && line.trim().includes(' ') && line.trim().split(' ').every((word) => word.length < 30))).toEqual([]);
  }, 30_000);
});
