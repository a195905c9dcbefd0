/** IPv6 prefix translation, with the addresses of RFC 6296's own example. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, addressFromBytes, inPrefix, ip, prefix, type IpAddress } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import type { Side } from '../../src/core/events.ts';
import { start } from '../../src/core/time.ts';
import { PrefixTranslator } from '../../src/nat/nptv6.ts';
import { folded, wordSum } from '../../src/wire/checksum.ts';
import { decodeIcmpv6, encodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { encodeIpv6 } from '../../src/wire/ipv6.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp, encodeUdp } from '../../src/wire/udp.ts';

const site = { kind: 'nptv6', inside: prefix('fd01:203:405::/48'), outside: prefix('2001:db8:1::/48') } as const;
const far = ip('2001:db8:9::1');

const datagram = (source: IpAddress, destination: IpAddress): Uint8Array =>
  encodeIpv6({ source, destination, nextHeader: protocols.udp, payload: encodeUdp({ sourcePort: 500, destinationPort: 500, payload: Uint8Array.of(1, 2, 3) }, { source, destination }, 'computed') });

/** Where it came out and as what, or why it did not. */
function through(box: PrefixTranslator, from: Side, packet: Uint8Array): string {
  box.handle(start, { kind: 'packet', from, packet: packet.slice() });
  const [output] = drain(box);
  if (output?.kind !== 'forward') return output?.event.kind === 'drop' ? output.event.reason : 'nothing';
  const read = decodeIp(output.packet);
  if (!read.ok) return read.reason;
  if (read.value.protocol === protocols.udp) expect(decodeUdp(read.value.payload, read.value).ok, 'its checksum is right').toBe(true);
  return `${output.to}: ${read.value.source} > ${read.value.destination}`;
}

describe('the example of RFC 6296 §3.1', () => {
  test('a host gets its outside address', () => {
    expect(new PrefixTranslator('box', site).outsideOf(ip('fd01:203:405:1::1234'))).toBe('2001:db8:1:d550::1234');
  });
  test('a packet out and its answer', () => {
    const box = new PrefixTranslator('box', site);
    expect(through(box, 'inside', datagram(ip('fd01:203:405:1::1234'), far))).toBe(`outside: 2001:db8:1:d550::1234 > ${far}`);
    expect(through(box, 'outside', datagram(far, ip('2001:db8:1:d550::1234')))).toBe(`inside: ${far} > fd01:203:405:1::1234`);
  });
  test('a subnet that would become 0xFFFF becomes 0, and 0 leads back to it', () => {
    const box = new PrefixTranslator('box', site); // 2ab0 + d54f = ffff
    expect(box.outsideOf(ip('fd01:203:405:2ab0::1'))).toBe('2001:db8:1::1');
    expect(through(box, 'outside', datagram(far, ip('2001:db8:1::1')))).toBe(`inside: ${far} > fd01:203:405:2ab0::1`);
  });
  test('nobody needs to have spoken first', () => {
    expect(through(new PrefixTranslator('box', site), 'outside', datagram(far, ip('2001:db8:1:d550::1')))).toBe(`inside: ${far} > fd01:203:405:1::1`);
  });
});

test('whatever the prefixes and the host, sums stay as they are, and the way back leads to the host', () => {
  const words = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(words, words, words, fc.integer({ min: 16, max: 64 }), (a, b, c, length) => {
      const [inside, outside] = [prefix(`${addressFromBytes(a)}/${length}`), prefix(`${addressFromBytes(b)}/${length}`)];
      const host = addressFromBytes(addressBytes(inside.address).map((octet, i) => octet | (8 * i >= length ? c[i]! : c[i]! & (0xff >>> Math.min(8, length - 8 * i)))));
      const box = new PrefixTranslator('box', { kind: 'nptv6', inside, outside });
      const mapped = box.outsideOf(host);
      if (mapped === undefined) return;
      expect(inPrefix(mapped, outside)).toBe(true);
      // 0x0000 and 0xFFFF are one number to a checksum
      expect(folded(wordSum(addressBytes(mapped))) % 0xffff).toBe(folded(wordSum(addressBytes(host))) % 0xffff);
      if (inPrefix(far, inside) || inPrefix(far, outside)) return;
      expect(through(box, 'outside', datagram(far, mapped))).toBe(`inside: ${far} > ${host}`);
    }),
    { numRuns: 300 },
  );
});

describe('prefixes longer than 48 bits (§3.5)', () => {
  const box = new PrefixTranslator('box', { kind: 'nptv6', inside: prefix('fd00:0:0:1::/64'), outside: prefix('2001:db8:0:1::/64') });
  test('take the difference out of the interface identifier', () => {
    // fd00 + ~(2001 + 0db8) = fd00 + d246 = cf47, by hand
    expect(box.outsideOf(ip('fd00:0:0:1::1'))).toBe('2001:db8:0:1:cf47::1');
  });
  test('of the first word that is not 0xFFFF', () => expect(box.outsideOf(ip('fd00:0:0:1:ffff:0:0:1'))).toBe('2001:db8:0:1:ffff:cf47:0:1'));
  test('where there is none the host has no address outside', () => {
    expect(box.outsideOf(ip('fd00:0:0:1:ffff:ffff:ffff:ffff'))).toBeUndefined();
    expect(through(box, 'inside', datagram(ip('fd00:0:0:1:ffff:ffff:ffff:ffff'), far))).toBe('nat-no-mapping');
  });
});

describe('what goes no further', () => {
  const box = new PrefixTranslator('box', site);
  test.each([
    ['a source that is not inside', 'inside', datagram(ip('fd02::1'), far), 'nat-not-inside'],
    ['a destination of another prefix', 'outside', datagram(far, ip('2001:db8:2::1')), 'nat-no-mapping'],
    ['a source from outside that stands inside', 'outside', datagram(ip('fd01:203:405:1::1'), ip('2001:db8:1:d550::1')), 'ip-martian'],
    ['the subnet 0xFFFF, which the RFC gives away', 'inside', datagram(ip('fd01:203:405:ffff::1'), far), 'nat-no-mapping'],
    ['what is no IPv6', 'inside', Uint8Array.of(0x45, 0), 'ip-malformed'],
  ] as const)('%s', (_, from, packet, reason) => expect(through(box, from, packet)).toBe(reason));

  test('any octets are translated or dropped, behind any header', () => {
    const ends = fc.constantFrom(ip('fd01:203:405:1::1'), ip('2001:db8:1:d550::1'), far);
    fc.assert(
      fc.property(ends, ends, fc.constantFrom(...Object.values(protocols)), fc.uint8Array({ maxLength: 120 }), fc.nat(160), fc.constantFrom<Side>('inside', 'outside'), (source, destination, nextHeader, payload, length, from) => {
        box.handle(start, { kind: 'packet', from, packet: encodeIpv6({ source, destination, nextHeader, payload }).subarray(0, length) });
        expect(drain(box)).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});

test('two hosts inside meet by their outside addresses, and see each other there', () => {
  const box = new PrefixTranslator('box', site);
  expect(through(box, 'inside', datagram(ip('fd01:203:405:1::1'), ip('2001:db8:1:d550::2')))).toBe('inside: 2001:db8:1:d550::1 > fd01:203:405:1::2');
});

test('an ICMPv6 error quotes the packet as its reader sent it, and its checksum is right', () => {
  const box = new PrefixTranslator('box', site);
  const mapped = ip('2001:db8:1:d550::1234');
  const addresses = { source: far, destination: mapped };
  const error = encodeIpv6({ ...addresses, nextHeader: protocols.icmpv6, payload: encodeIcmpv6({ kind: 'packet-too-big', mtu: 1280, quoted: datagram(mapped, far) }, addresses) });
  box.handle(start, { kind: 'packet', from: 'outside', packet: error });
  const [output] = drain(box);
  const read = output?.kind === 'forward' ? decodeIp(output.packet) : undefined;
  const message = read?.ok ? decodeIcmpv6(read.value.payload, read.value) : undefined;
  expect(message).toMatchObject({ ok: true, value: { kind: 'packet-too-big', mtu: 1280 } });
  const quoted = message?.ok && message.value.kind === 'packet-too-big' ? decodeIp(message.value.quoted) : undefined;
  expect(quoted).toMatchObject({ ok: true, value: { source: 'fd01:203:405:1::1234', destination: far } });
});

test('with another prefix outside every host has another address, at once', () => {
  const box = new PrefixTranslator('box', site);
  box.handle(start, { kind: 'control', control: { kind: 'change-address', address: ip('2001:db8:77::') } });
  expect(drain(box)).toMatchObject([{ event: { kind: 'nat-control', control: 'change-address' } }]);
  expect(through(box, 'inside', datagram(ip('fd01:203:405:1::1'), far))).toMatch(/^outside: 2001:db8:77:/);
  expect(through(box, 'outside', datagram(far, ip('2001:db8:1:d550::1')))).toBe('nat-no-mapping');
});

test('what cannot be a translator is none', () => {
  expect(() => new PrefixTranslator('box', { ...site, outside: prefix('2001:db8::/32') })).toThrow('one length');
  expect(() => new PrefixTranslator('box', { ...site, inside: prefix('fd00::/96'), outside: prefix('2001:db8::/96') })).toThrow('64 at the most');
  expect(() => new PrefixTranslator('box', { ...site, inside: prefix('10.0.0.0/8') })).toThrow('IPv6');
});
