import { expect, test, vi } from 'vitest';
import { lab } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 });

const esp = (flow: string): RegExp => new RegExp(`^${flow.replaceAll(/[.[\]]/g, '\\$&')} \\n\\tesp-udp mode=tunnel spi=\\d+\\(0x[0-9a-f]{8}\\) reqid=1\\(0x00000001\\)\\n\\tE: aes-gcm-16 ( [0-9a-f]{8}){8}\\n [0-9a-f]{8}\\n\\tseq=`, 'm');

test('lab pfkey HOST prints the SAs and policies of the host after a run, in UDP once it has moved to 4500', async () => {
  const { status, stdout, stderr } = await lab(['pfkey', 'alice']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(esp('192.168.1.10[4500] 203.0.113.2[4500]'));
  expect(stdout).toMatch(esp('203.0.113.2[4500] 192.168.1.10[4500]'));
  expect(stdout.match(/state=mature /g)).toHaveLength(2);
  expect(stdout).toMatch(/^10\.98\.0\.1\[any\] 10\.99\.0\.0\/24\[any\] any\n\tout ipsec\n\tesp\/tunnel\/192\.168\.1\.10-203\.0\.113\.2\/unique:1\n/m);
  expect(stdout).not.toContain('gateway#');
  expect(stdout).not.toContain('SADB_');
});

test('without a host all of them, keys alike on both ends, of the act that was asked for', async () => {
  const { stdout } = await lab(['pfkey', '--scenario', 'detection', '--act', 'none', '--topology', 'direct']);
  expect(stdout).toContain('detection, at the end of the act none on the topology direct');
  expect(stdout.match(/^(alice|gateway)# setkey -DP?$/gm)).toHaveLength(4);
  expect(stdout).not.toContain('esp-udp');
  const keys = stdout.match(/E: .*\n.*/g)!;
  expect([keys.length, new Set(keys).size]).toEqual([4, 2]);
});

test('with --messages what daemon and stack have said, with --ike another version', async () => {
  const { stdout } = await lab(['pfkey', 'alice', '--messages', '--ike', 'v1']);
  expect(stdout).toMatch(/^ +0\.000 > SADB_REGISTER esp$/m);
  expect(stdout).toMatch(/^ +\d\.\d{3} < SADB_X_SPDADD esp out 10\.98\.0\.1 > 10\.99\.0\.0\/24 ipsec esp tunnel 192\.168\.1\.10 > 203\.0\.113\.2$/m);
  expect(stdout).toContain('\tA: hmac-sha256 ');
});

test('with --json the rows themselves, octets as hex', async () => {
  const { status, stdout, stderr } = await lab(['pfkey', 'gateway', '--json']);
  const { schema, hosts } = JSON.parse(stdout) as { schema: number; hosts: { host: string; dialect: string; sad: { type: string; nattSourcePort: number; encryptionKey: string }[]; spd: { policy: { direction: number } }[]; messages?: object[] }[] };
  expect([status, stderr, schema, hosts.length]).toEqual([0, '', 1, 1]);
  const [{ host, dialect, sad, spd, messages }] = hosts as [(typeof hosts)[0]];
  expect([host, dialect, sad.map(({ type, nattSourcePort }) => `${type} ${nattSourcePort}`), spd.map(({ policy }) => policy.direction), messages]).toEqual(['gateway', 'linux', ['SADB_DUMP 4500', 'SADB_DUMP 4500'], [1, 2], undefined]);
  expect(sad[0]!.encryptionKey).toMatch(/^[0-9a-f]{72}$/);
});
