/** What the lab writes as a capture, as tshark reads it with the keys beside it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { section } from '../../lab/report/pcapng.ts';
import { wiresharkProfile } from '../../lab/report/wireshark-keys.ts';
import { ip } from '../../src/core/address.ts';
import { milliseconds, seconds } from '../../src/core/time.ts';
import type { EncryptionName, IntegrityName } from '../../src/crypto/transforms.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { World } from '../../src/sim/world.ts';
import type { TraceLog } from '../../src/trace/trace.ts';
import { aesGcm, connectionName, endpointConfig } from '../support/endpoint-config.ts';
import type { Suite } from '../support/endpoint-config.ts';
import { needs } from '../support/needs.ts';
import { at, host, natBox, segment } from '../support/worlds.ts';

/** A client behind a NAT box calls a gateway and pings its inner address twice. */
function tunnelBehindNat(suite: Suite): TraceLog {
  const client = endpointConfig({ suite, name: 'client', peer: 'gateway', address: '192.168.1.10', peerAddress: '203.0.113.2', local: '10.1.0.0/24', remote: '10.2.0.0/24', innerAddress: '10.1.0.1' });
  const gateway = endpointConfig({ suite, name: 'gateway', peer: 'client', address: '203.0.113.2', local: '10.2.0.0/24', remote: '10.1.0.0/24', innerAddress: '10.2.0.1' });
  const world = new World(
    {
      segments: [segment('lan', '192.168.1.0/24'), segment('net', '203.0.113.0/24')],
      nodes: [
        host('client', ['lan 192.168.1.10/24'], ['0.0.0.0/0 192.168.1.1', '10.2.0.0/24 tunnel'], { endpoint: client }),
        natBox('box', ['lan 192.168.1.1/24', 'net 203.0.113.1/24'], [], presetNamed('linux-masquerade')!.behaviour),
        host('gateway', ['net 203.0.113.2/24'], ['10.1.0.0/24 tunnel'], { endpoint: gateway }),
      ],
    },
    { seed: 1, endpoint: createEndpoint },
  );
  world.command('client', { kind: 'initiate', connection: connectionName });
  world.run(at(1000));
  world.command('client', { kind: 'ping', ping: 'one', to: ip('10.2.0.1'), count: 2, interval: milliseconds(10), timeout: seconds(1) });
  world.run(at(30_000));
  return world.trace;
}

/** One row a packet, one text a field, with the keys of these acts. */
function tshark(acts: Readonly<Record<string, TraceLog>>, fields: readonly string[], options: readonly string[] = []): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const traces = Object.values(acts);
    const bodies = <Kind extends 'ike-keys' | 'isakmp-keys' | 'esp-keys'>(kind: Kind) => traces.flatMap((trace) => trace.of(kind).map(({ body }) => body));
    const profile = wiresharkProfile({ ike: bodies('ike-keys'), isakmp: bodies('isakmp-keys'), esp: bodies('esp-keys') });
    writeFileSync(join(folder, 'capture.pcapng'), Buffer.concat(Object.entries(acts).flatMap(([title, trace]) => [...section(title, trace.events)])));
    mkdirSync(join(folder, 'keys'));
    for (const [name, content] of Object.entries(profile)) writeFileSync(join(folder, 'keys', name), content);
    const output = execFileSync('tshark', ['-r', join(folder, 'capture.pcapng'), '-n', ...options, '-T', 'fields', '-E', 'separator=|', '-E', 'occurrence=a', ...fields.flatMap((field) => ['-e', field])], {
      encoding: 'utf8',
      env: { ...process.env, WIRESHARK_CONFIG_DIR: join(folder, 'keys') },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n').slice(0, -1).map((line) => line.split('|'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const suite = (name: EncryptionName, bits: 128 | 256 | undefined, integrity?: IntegrityName): Suite => {
  const chosen = { encryption: [bits === undefined ? { name } : { name, bits }], integrity: integrity ? [integrity] : [] };
  return { ike: { ...aesGcm.ike, ...chosen }, esp: { ...aesGcm.esp, ...chosen } };
};

needs('tshark').describe('a capture', () => {
  const trace = tunnelBehindNat(aesGcm);

  test('holds every packet at every interface that it passed, in its direction, at its time to the nanosecond', () => {
    const rows = tshark({ one: trace }, ['frame.interface_name', 'frame.packet_flags_direction', 'frame.time_epoch', 'frame.len']);
    const expected = trace.of('packet').map(({ at: when, node, body }) => [`${node} ${body.interface}`, { in: 1, out: 2 }[body.direction], Number((when / 1000).toFixed(9)), body.bytes.length]);
    expect(rows.map(([name, direction, time, length]) => [name, Number(direction), Number(time), Number(length)])).toEqual(expected);
    expect(new Set(rows.map(([name]) => name))).toEqual(new Set(['client eth0', 'box eth0', 'box eth1', 'gateway eth0']));
  });

  test('keeps acts apart as sections, each with interfaces of its own', () => {
    const packets = trace.of('packet').length;
    const rows = tshark({ one: trace, two: trace }, ['frame.section_number', 'frame.interface_name']);
    expect(rows.slice(packets)).toEqual(rows.slice(0, packets).map(([, name]) => ['2', name]));
    expect(rows[0]).toEqual(['1', 'client eth0']);
  });
});

needs('tshark').describe('with the keys beside the capture', () => {
  describe.each([
    ['AES-GCM with 128 bits', suite('aes-gcm-16', 128)],
    ['AES-GCM with 256 bits', suite('aes-gcm-16', 256)],
    ['3DES with HMAC-MD5', suite('3des-cbc', undefined, 'hmac-md5-96')],
    ['AES-CBC with HMAC-SHA1', suite('aes-cbc', 128, 'hmac-sha1-96')],
    ['AES-CBC with HMAC-SHA2-256', suite('aes-cbc', 256, 'hmac-sha2-256-128')],
    ['AES-CBC with HMAC-SHA2-384', suite('aes-cbc', 128, 'hmac-sha2-384-192')],
    ['AES-CBC with HMAC-SHA2-512', suite('aes-cbc', 256, 'hmac-sha2-512-256')],
  ])('%s', (_, chosen) => {
    const trace = tunnelBehindNat(chosen);
    const rows = tshark({ one: trace }, ['frame.interface_name', 'isakmp.exchangetype', 'isakmp.typepayload', 'isakmp.id.data.fqdn', 'icmp.type', 'esp.icv_good'], ['-o', 'esp.enable_authentication_check:TRUE']);
    const atGateway = rows.filter(([name]) => name === 'gateway eth0');

    test('IKE_AUTH shows who is who and what traffic is agreed on', () => {
      const auth = atGateway.filter(([, exchange]) => exchange === '35');
      expect(auth.map(([, , , identity]) => identity)).toEqual(['client,gateway', 'gateway']);
      for (const [, , payloads] of auth) expect(payloads!.split(',')).toEqual(expect.arrayContaining(['39', '33', '44', '45'])); // AUTH, SA, TSi, TSr
    });

    test('ESP shows the echo requests and answers that it hides, and its ICV is good', () => {
      expect(atGateway.filter(([, , , , icmp]) => icmp !== '').map(([, , , , icmp, icv]) => [icmp, icv])).toEqual([['8', '1'], ['0', '1'], ['8', '1'], ['0', '1']]);
    });

    test('nothing is malformed, no checksum is wrong', () => {
      expect(tshark({ one: trace }, ['frame.number', '_ws.expert.message'], ['-Y', '_ws.malformed || _ws.expert.severity >= 0x00600000 || ip.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0'])).toEqual([]);
    });
  });

  test('ESP with extended sequence numbers opens as well', () => {
    const extended = tunnelBehindNat({ ...aesGcm, esp: { ...aesGcm.esp, extendedSequenceNumbers: true } });
    const rows = tshark({ one: extended }, ['icmp.type'], ['-Y', 'frame.interface_name == "gateway eth0" && icmp']);
    expect(rows).toEqual([['8'], ['0'], ['8'], ['0']]);
  });

  test('ChaCha20-Poly1305, for which Wireshark 4.0 has no name, spoils nothing for the others', () => {
    const acts = { chacha: tunnelBehindNat(suite('chacha20-poly1305', 256)), gcm: tunnelBehindNat(aesGcm) };
    const rows = tshark(acts, ['frame.section_number', 'icmp.type', 'isakmp.exchangetype']);
    const sections = (wanted: (row: readonly string[]) => boolean): Set<string | undefined> => new Set(rows.filter(wanted).map(([number]) => number));
    expect(sections(([, icmp]) => icmp !== '')).toEqual(new Set(['2']));
    expect(sections(([, , exchange]) => exchange === '35')).toEqual(new Set(['1', '2']));
  });
});
