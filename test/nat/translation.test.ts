/** What happens to the bytes: checksums, quoted packets, fragments, and packets that are none. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { setU16, u16At } from '../../src/core/bytes.ts';
import { complement, wordSum } from '../../src/wire/checksum.ts';
import { fragmentIpv4 } from '../../src/wire/fragmentation.ts';
import { presets } from '../../src/nat/presets.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { boxWith, outside } from './lab.ts';
import { echo, esp, icmp, tcp, told, udp, wrongChecksums } from './packets.ts';

const client = '10.0.0.2';
const gateway = '198.51.100.1';

/** Anything a packet may hold. */
const octets = fc.uint8Array({ maxLength: 64 });
const port = fc.integer({ min: 0, max: 65535 });
const hostIn = (network: string) => fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `${network}.${a}.${b}`);

describe('checksums', () => {
  test('are right after translation whatever the packet holds, to the last octet the same as made anew', () => {
    fc.assert(
      fc.property(hostIn('10.0'), hostIn('198.51'), port, port, octets, fc.constantFrom('udp', 'tcp', 'icmp'), (inside, remote, from, to, payload, protocol) => {
        const lab = boxWith('linux-masquerade-random');
        const packet =
          protocol === 'udp'
            ? udp(`${inside}:${from}`, `${remote}:${to}`, { payload })
            : protocol === 'tcp'
              ? tcp(`${inside}:${from}`, `${remote}:${to}`, ['syn'], payload)
              : icmp(inside, remote, { kind: 'echo-request', identifier: from, sequence: to, data: payload });
        lab.out(packet);
        expect(wrongChecksums(lab.last())).toEqual([]);
        const { outside: mapped } = lab.box.mappings(lab.now())[0]!;
        const answer =
          protocol === 'udp'
            ? udp(`${remote}:${to}`, `${outside}:${mapped.port}`, { payload })
            : protocol === 'tcp'
              ? tcp(`${remote}:${to}`, `${outside}:${mapped.port}`, ['syn', 'ack'], payload)
              : icmp(remote, outside, { kind: 'echo-reply', identifier: mapped.port, sequence: to, data: payload });
        lab.in(answer);
        expect(wrongChecksums(lab.last())).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('a UDP checksum that comes to zero is sent as all ones (RFC 768)', () => {
    const lab = boxWith('linux-masquerade');
    const packet = udp(`${client}:4500`, `${gateway}:4500`, { payload: Uint8Array.of(0, 0) });
    const translated = udp(`${outside}:4500`, `${gateway}:4500`, { payload: Uint8Array.of(0, 0) });
    // the payload that makes the checksum after translation zero: ones' complement arithmetic, by hand
    const rest = u16At(translated, 26);
    setU16(packet, 28, rest);
    setU16(packet, 26, complement((~u16At(packet, 26) & 0xffff) + rest));
    expect(wrongChecksums(packet)).toEqual([]);
    lab.out(packet);
    expect(u16At(lab.last(), 26)).toBe(0xffff);
    expect(wrongChecksums(lab.last())).toEqual([]);
  });

  test.skipIf(tsharkMissing)('are right to tshark, too', () => {
    const lab = boxWith('linux-masquerade-random');
    const packets = [udp(`${client}:500`, `${gateway}:500`), tcp(`${client}:500`, `${gateway}:80`, ['syn']), echo(client, gateway, 7)].map((packet) => {
      lab.out(packet);
      return lab.last();
    });
    const seen = tshark(packets, ['ip.src', 'ip.checksum.status', 'udp.checksum.status', 'tcp.checksum.status', 'icmp.checksum.status']);
    expect(seen).toEqual([
      [outside, '1', '1', '', ''],
      [outside, '1', '', '1', ''],
      [outside, '1', '', '', '1'],
    ]);
  });
});

test('options and what lies behind them are left alone; octets behind the total length are cut off', () => {
  const lab = boxWith('linux-masquerade');
  const options = Uint8Array.of(0x94, 4, 0, 0); // router alert
  const padded = new Uint8Array(60);
  const packet = udp(`${client}:500`, `${gateway}:500`, { options, payload: Uint8Array.of(1, 2, 3) });
  padded.set(packet);
  expect(lab.out(padded)).toBe(`udp ${outside}:500 > ${gateway}:500`);
  expect(lab.last().length).toBe(packet.length);
  expect(lab.last().subarray(20, 24)).toEqual(options);
  expect(lab.last().subarray(32)).toEqual(Uint8Array.of(1, 2, 3));
  expect(wrongChecksums(lab.last())).toEqual([]);
});

describe('ICMP errors (RFC 5508 §4)', () => {
  const withFlow = () => {
    const lab = boxWith('linux-masquerade');
    lab.out(udp('10.0.0.9:500', `${gateway}:500`));
    lab.out(udp(`${client}:500`, `${gateway}:500`));
    return { lab, sent: lab.last().slice(), sentPort: u16At(lab.last(), 20) };
  };

  test('fragmentation needed: the MTU arrives, the quoted packet is as it was sent, every checksum right', () => {
    const { lab, sent } = withFlow();
    lab.in(icmp('192.0.2.1', outside, { kind: 'fragmentation-needed', mtu: 1400, quoted: sent }));
    const arrived = lab.last();
    expect(wrongChecksums(arrived)).toEqual([]);
    expect(u16At(arrived, 26)).toBe(1400);
    expect(arrived.subarray(28)).toEqual(udp(`${client}:500`, `${gateway}:500`));
  });
  test('as little quoted as RFC 792 promises is enough, also of TCP, whose checksum lies behind', () => {
    const lab = boxWith('linux-masquerade-random');
    lab.out(tcp(`${client}:1000`, `${gateway}:80`, ['syn']));
    lab.in(icmp('192.0.2.1', outside, { kind: 'time-exceeded', what: 'ttl', quoted: lab.last().slice(0, 28) }));
    expect(wrongChecksums(lab.last())).toEqual([]);
    expect(told(lab.last().subarray(28))).toBe(`tcp ${client}:1000 > ${gateway}:80`);
  });
  test('half a TCP checksum in the quote is left as it is', () => {
    const lab = boxWith('linux-masquerade-random');
    lab.out(tcp(`${client}:1000`, `${gateway}:80`, ['syn']));
    const quoted = lab.last().slice(0, 37);
    lab.in(icmp('192.0.2.1', outside, { kind: 'time-exceeded', what: 'ttl', quoted }));
    expect(lab.last()[28 + 36]).toBe(quoted[36]);
  });
  test('about a remote that the mapping serves but that was never spoken to: dropped', () => {
    const lab = boxWith('port-restricted');
    lab.out(udp(`${client}:500`, `${gateway}:500`));
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: udp(`${outside}:500`, '198.51.100.77:500') }))).toBe('nat-no-mapping');
  });
  test('about a ping and about ESP', () => {
    const lab = boxWith('linux-masquerade-random');
    lab.out(echo(client, gateway, 77));
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: lab.last().slice() }))).toBe(`error 192.0.2.1 > ${client} about icmp ${client} > ${gateway} type 8 id 77`);
    lab.out(esp(client, gateway));
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: lab.last().slice() }))).toBe(`error 192.0.2.1 > ${client} about esp ${client} > ${gateway}`);
  });
  test('an error keeps no mapping alive', () => {
    const { lab, sent } = withFlow();
    const before = lab.box.nextWake();
    lab.wait(10);
    lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: sent }));
    expect(lab.box.nextWake()).toEqual(before);
  });
  test('one with a wrong checksum, or about a flow that is not there, is dropped', () => {
    const { lab, sent, sentPort } = withFlow();
    const wrong = icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: sent });
    wrong[wrong.length - 1]! ^= 1;
    expect(lab.in(wrong)).toBe('icmp-checksum');
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: udp(`${outside}:${sentPort}`, '198.51.100.77:500') }))).toBe('nat-no-mapping');
    expect(lab.in(icmp('192.0.2.1', outside, { kind: 'unreachable', code: 1, quoted: sent.slice(0, 27) }))).toBe('icmp-malformed');
  });
});

describe('fragments', () => {
  const large = udp(`${client}:500`, `${gateway}:500`, { payload: new Uint8Array(3000).fill(7), identification: 99 });
  const pieces = fragmentIpv4(large, 1500) as Uint8Array[];

  test('in any order they leave as the one packet that they are, translated once', () => {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
      const lab = boxWith('linux-masquerade-random');
      const results = order.map((i) => lab.out(pieces[i]!));
      expect(results.slice(0, 2)).toEqual(['nothing', 'nothing']);
      expect(results[2]).toMatch(/^udp 203\.0\.113\.1:\d+ > 198\.51\.100\.1:500$/);
      expect(lab.last().length).toBe(large.length);
      expect(wrongChecksums(lab.last())).toEqual([]);
    }
  });
  test('those whose rest never comes are dropped after 30 s, at the time that the box asked to be woken', () => {
    const lab = boxWith('linux-masquerade');
    lab.out(pieces[0]!);
    expect(lab.box.nextWake()).toEqual({ at: 30_000, reason: 'fragments wait for the rest of their packet no longer' });
    lab.wait(30);
    expect(lab.drops()).toEqual(['ip-reassembly-timeout']);
    expect(lab.box.nextWake()).toBeUndefined();
  });
  test('a box that drops them drops them', () => expect(boxWith('linux-masquerade', { fragments: 'drop' }).out(pieces[0]!)).toBe('nat-fragment'));
});

describe('what is no packet', () => {
  test.each([
    ['nothing at all', new Uint8Array(), 'ip-malformed'],
    ['IPv6', Uint8Array.of(0x60, ...new Uint8Array(39)), 'ip-malformed'],
    ['a header that says it is longer than the packet', Uint8Array.of(0x4f, ...udp(`${client}:1`, `${gateway}:1`).subarray(1)), 'ip-malformed'],
    ['a wrong header checksum', Uint8Array.from(udp(`${client}:1`, `${gateway}:1`), (octet, i) => (i === 10 ? octet ^ 1 : octet)), 'ip-checksum'],
  ] as const)('%s', (_, bytes, reason) => {
    expect(boxWith('full-cone').out(bytes)).toBe(reason);
    expect(boxWith('full-cone').in(bytes)).toBe(reason);
  });

  const cut = (packet: Uint8Array, length: number): Uint8Array => {
    const shorter = packet.slice(0, length);
    setU16(shorter, 2, length);
    setU16(shorter, 10, 0);
    setU16(shorter, 10, complement(wordSum(shorter, 0, 20)));
    return shorter;
  };
  test.each([
    ['UDP', cut(udp(`${client}:1`, `${gateway}:1`), 27), 'udp-malformed'],
    ['TCP', cut(tcp(`${client}:1`, `${gateway}:1`, ['syn']), 39), 'tcp-malformed'],
    ['ICMP', cut(echo(client, gateway, 1), 27), 'icmp-malformed'],
    ['ESP', cut(esp(client, gateway), 27), 'esp-malformed'],
  ] as const)('a %s header cut short', (_, packet, reason) => expect(boxWith('full-cone').out(packet)).toBe(reason));

  test('whatever octets arrive, nothing is thrown, and a drop changes no row', () => {
    const good = [udp(`${client}:500`, `${gateway}:500`), tcp(`${client}:500`, `${gateway}:80`, ['syn']), echo(client, gateway, 7), esp(client, gateway), icmp(client, gateway, { kind: 'unreachable', code: 3, quoted: udp(`${gateway}:500`, `${client}:500`) })];
    const mend = (packet: Uint8Array): Uint8Array => {
      const headerLength = (packet[0]! & 15) * 4;
      if (packet.length >= 20 && headerLength <= packet.length) {
        setU16(packet, 10, 0);
        setU16(packet, 10, complement(wordSum(packet, 0, headerLength)));
      }
      return packet;
    };
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 4 }), fc.nat(80)).map(([packet, changes, length]) => {
        const changed = packet.slice(0, Math.max(20, length));
        for (const [at, octet] of changes) if (at < changed.length) changed[at] = octet;
        return mend(changed);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...presets.map(({ name }) => name)), fc.array(fc.tuple(fc.boolean(), hostile), { maxLength: 20 }), (preset, packets) => {
        const lab = boxWith(preset, { timeouts: { byRemotePort: {} } }, { forwards: [{ protocol: 'udp', port: 500, to: { address: ip('10.0.0.9'), port: 500 } }] });
        for (const [fromInside, packet] of packets) {
          const before = lab.rows();
          const result = fromInside ? lab.out(packet) : lab.in(packet);
          if (!result.includes(' ')) expect(lab.rows()).toEqual(before);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
