/** A whole life of an ISAKMP SA between two of our daemons, as tshark reads it at the client with the keys that the lab writes beside a capture. */
import { describe, expect, test } from 'vitest';
import { wiresharkProfile } from '../../lab/report/wireshark-keys.ts';
import { ip, prefix } from '../../src/core/address.ts';
import { milliseconds, seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { V1Settings } from '../../src/ike/config.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { World } from '../../src/sim/world.ts';
import type { TraceLog } from '../../src/trace/trace.ts';
import { connectionName, endpointConfig } from '../support/endpoint-config.ts';
import type { Suite } from '../support/endpoint-config.ts';
import { needs } from '../support/needs.ts';
import { tshark } from '../support/tshark.ts';
import { at, host, natBox, segment } from '../support/worlds.ts';

const aes: Suite = {
  ike: { encryption: [{ name: 'aes-cbc', bits: 256 }], integrity: [], prf: ['hmac-sha1'], groups: ['modp-1024'] },
  esp: { encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha1-96'], groups: ['modp-1024'], extendedSequenceNumbers: false },
};

/** The client is asked for its password, given an address, makes fresh keys for its child SA, asks a silent gateway whether it lives, and deletes all. */
function life(exchange: V1Settings['exchange']): TraceLog {
  const ike: V1Settings = { version: 'v1', exchange, natt: { offers: ['rfc-3947'], accepts: ['rfc-3947'] }, natOriginalAddress: 'sent', commitBit: true };
  const client = endpointConfig({
    suite: aes, name: 'client', peer: 'gateway', address: '192.168.1.10', peerAddress: '203.0.113.2', local: 'dynamic', remote: '10.2.0.0/24',
    connection: { ike: { ...ike, xauth: { user: 'carol', password: 'open sesame' } }, virtualAddress: 'request' }, ike: { deadPeerDetection: seconds(10) },
  });
  const gateway = endpointConfig({
    suite: aes, name: 'gateway', peer: 'client', address: '203.0.113.2', local: '10.2.0.0/24', remote: 'dynamic', innerAddress: '10.2.0.1',
    connection: { ike: { ...ike, xauth: { users: { carol: 'open sesame' } }, gifts: { dns: [ip('10.2.0.53')] } }, virtualAddress: { pool: prefix('10.1.0.0/24') } },
  });
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
  world.command('client', { kind: 'ping', ping: 'one', to: ip('10.2.0.1'), count: 1, interval: milliseconds(10), timeout: seconds(1) });
  world.run(at(2000));
  world.command('client', { kind: 'rekey', connection: connectionName, what: 'child' });
  world.run(at(25_000));
  world.command('client', { kind: 'terminate', connection: connectionName });
  world.run(at(26_000));
  return world.trace;
}

/** The numbers of RFC 2408 §3.1, and of the exchanges that RFC 2409 and Mode-Config add. */
const exchanges: Readonly<Record<string, string>> = { 2: 'main', 4: 'aggressive', 5: 'informational', 6: 'transaction', 32: 'quick' };

needs('tshark').describe('Wireshark opens all that the daemons encrypt', () => {
  describe.each(['main', 'aggressive'] as const)('%s mode', (exchange) => {
    const trace = life(exchange);
    const packets = trace.of('packet', 'client').map(({ body }) => body.bytes);
    const [keys] = trace.of('isakmp-keys', 'client');
    const { ikev1_decryption_table: table } = wiresharkProfile({ ike: [], isakmp: [keys!.body], esp: [] });
    const fields = ['isakmp.exchangetype', 'isakmp.hash', '_ws.malformed', '_ws.expert.message', 'isakmp.id.data.fqdn', 'isakmp.cfg.attr.xauth.user_name', 'isakmp.cfg.attr.internal_ip4_address', 'isakmp.trans.id', 'isakmp.notify.msgtype', 'isakmp.delete.protoid'];
    const shown = tshark(packets, ['isakmp.flag_e', ...fields], ['-o', `uat:ikev1_decryption_table:${table!.trim()}`]).filter(([encrypted]) => encrypted === '1').map(([, ...row]) => row);

    test('and finds no fault with any of it', () => {
      expect(shown.every(([, hash, malformed, complaint]) => hash !== '' && malformed === '' && complaint === '')).toBe(true);
    });

    test('who it is, the password, the address, the child SA and its fresh keys, the probe, the end', () => {
      const story = shown.map(([number, , , , ...seen]) => [exchanges[number!], ...seen.filter((text) => text !== '')].join(' '));
      const phaseOne = exchange === 'main' ? ['main client 24578', 'main gateway'] : ['aggressive 24578']; // INITIAL-CONTACT (RFC 2407 §4.6.3)
      const childSa = ['quick 12', 'quick 12', 'quick', 'quick 16384']; // AES-CBC (RFC 3602 §5.1), CONNECTED (RFC 2408 §3.14.1)
      expect(story).toEqual([
        ...phaseOne,
        'transaction', 'transaction carol', 'transaction', 'transaction', 'transaction', 'transaction 10.1.0.1',
        ...childSa, ...childSa, 'informational 3', // the replaced SA of ESP is deleted
        'informational 36136', 'informational 36137', 'informational 36136', 'informational 36137', // R-U-THERE (RFC 3706 §5.3)
        'informational 3', 'informational 1',
      ]);
    });
  });
});
