/** What we send, as an independent reader sees it once it has the keys. */
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { toHex, utf8 } from '../../src/core/bytes.ts';
import type { EspEvent } from '../../src/core/events.ts';
import { encodeIp, encodeUdpPacket } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { add, east, Host, inner, pair, spiToEast, suites, transportPolicy, west, type Suite } from './host.ts';

/** Wireshark's names; its version 4.0 knows neither ChaCha20-Poly1305 nor extended sequence numbers. */
const encryptions: Readonly<Record<string, string>> = { 'aes-gcm-16': 'AES-GCM with 16 octet ICV [RFC4106]', 'aes-cbc': 'AES-CBC [RFC3602]' };
const integrities: Readonly<Record<string, string>> = {
  none: 'NULL',
  'hmac-sha1-96': 'HMAC-SHA-1-96 [RFC2404]',
  'hmac-sha2-256-128': 'HMAC-SHA-256-128 [RFC4868]',
  'hmac-sha2-384-192': 'HMAC-SHA-384-192 [RFC4868]',
  'hmac-sha2-512-256': 'HMAC-SHA-512-256 [RFC4868]',
};

const readable = suites.filter(({ encryption }) => encryptions[encryption] !== undefined);
const cases = readable.flatMap((suite): [string, boolean, Suite][] => [
  [`${suite.name}, plain`, false, suite],
  [`${suite.name}, in UDP`, true, suite],
]);

test.skipIf(tsharkMissing).each(cases)('%s: tshark verifies and decrypts with the keys of our esp-keys event', (_, inUdp, suite) => {
  const { west: host } = pair({ suite, inUdp });
  const packets = [inner('10.1.0.5', '10.2.0.6', 'over IPv4'), inner('fd01::5', 'fd02::6', 'over IPv6')];
  expect(seen(host, packets)).toEqual([
    ['1', '0x04', toHex(utf8('over IPv4')), '1'],
    ['2', '0x29', toHex(utf8('over IPv6')), '1'],
  ]);
});

test.skipIf(tsharkMissing).each(cases)('%s: tshark finds the transport protocol right behind ESP in transport mode', (_, inUdp, suite) => {
  const host = new Host(ip(west));
  host.pfkey(add(spiToEast, west, east, { suite, mode: 'TRANSPORT', ...(inUdp && { ports: [4500, 4500] }) }));
  host.pfkey(transportPolicy('out', west, east));
  expect(seen(host, [inner(west, east, 'in place')])).toEqual([['1', '0x11', toHex(utf8('in place')), '1']]);
});

/** What tshark makes of the packets on their way: sequence, next header, the text of the echo datagram, whether the ICV is right. */
function seen(host: Host, packets: readonly Uint8Array[]): string[][] {
  const outer = packets.flatMap((packet) => host.outbound(packet)).flatMap((output) => {
    if (output.kind === 'esp') return [encodeIp({ source: output.source, destination: output.destination, protocol: protocols.esp, payload: output.payload })];
    return output.kind === 'datagram' ? [encodeUdpPacket(output.local, output.peer, output.payload, 'zero')] : [];
  });
  const keys = host.said.find((event) => event.kind === 'esp-keys' && event.spi === spiToEast) as Extract<EspEvent, { kind: 'esp-keys' }>;
  const row = ['IPv4', keys.source, keys.destination, `0x${keys.spi.toString(16)}`, encryptions[keys.encryption], `0x${keys.encryptionKey}`, integrities[keys.integrity], hexOrNothing(keys.integrityKey)];
  const options = ['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE', '-o', `uat:esp_sa:${row.map((text) => `"${text ?? ''}"`).join(',')}`];
  return tshark(outer, ['esp.sequence', 'esp.protocol', 'echo.data', 'esp.icv_good'], options);
}

const hexOrNothing = (hex: string): string => (hex === '' ? '' : `0x${hex}`);
