/** How a box treats checksums of zero, ICMP errors, TCP that nobody asked for, forged sources; and whom it tells that it refused. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { u16At } from '../../src/core/bytes.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { decodeTcp, tcpFlags } from '../../src/wire/tcp.ts';
import { boxWith, outside } from './lab.ts';
import { icmp, tcp, told, udp, wrongChecksums } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';

describe('a UDP checksum of zero', () => {
  const through = (zeroChecksum: 'kept' | 'computed' | 'adjusted') => {
    const lab = boxWith('linux-masquerade', { zeroChecksum });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`, { checksum: 'zero', payload: Uint8Array.of(1, 2, 3) }));
    const outwards = told(lab.last());
    lab.in(udp(`${gateway}:4500`, `${outside}:4500`, { checksum: 'zero' }));
    return [outwards, told(lab.last())].map((text) => text.split(' ')[0]);
  };
  test('is left alone', () => expect(through('kept')).toEqual(['udp:zero', 'udp:zero']));
  test('or computed, and is right then', () => expect(through('computed')).toEqual(['udp', 'udp']));
  test('or adjusted as if it were a sum, which no receiver believes', () => expect(through('adjusted')).toEqual(['udp:wrong', 'udp:wrong']));
  test('one that is there is adjusted rightly by such a box, too', () => {
    const lab = boxWith('linux-masquerade-random', { zeroChecksum: 'adjusted' });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    expect(wrongChecksums(lab.last())).toEqual([]);
  });
  test('turned around, it is right as well', () => {
    const lab = boxWith('full-cone', { zeroChecksum: 'computed' });
    lab.out(udp(`${alice}:5000`, `${gateway}:500`));
    expect(lab.out(udp(`${bob}:6000`, `${outside}:5000`, { checksum: 'zero' }))).toBe(`back in: udp ${outside}:6000 > ${alice}:5000`);
  });
});

describe('ICMP errors (RFC 5508)', () => {
  const about = (icmpErrors: 'translated' | 'outer-only' | 'dropped') => {
    const lab = boxWith('linux-masquerade-random', { icmpErrors });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    const sent = lab.last().slice();
    const result = lab.in(icmp('192.0.2.1', outside, { kind: 'fragmentation-needed', mtu: 1400, quoted: sent }));
    return { result, sent: told(sent), wrong: lab.passed() ? wrongChecksums(lab.last()) : [] };
  };
  test('with only their own addresses translated they quote a packet that their reader never sent', () => {
    const { result, sent, wrong } = about('outer-only');
    expect(result).toBe(`error 192.0.2.1 > ${alice} about ${sent}`);
    expect(wrong).toEqual([]);
  });
  test('or are dropped', () => expect(about('dropped').result).toBe('nat-icmp-error'));
  test('about a packet that was turned around they are turned around (REQ-7)', () => {
    const lab = boxWith('full-cone');
    lab.out(udp(`${alice}:5000`, `${gateway}:500`));
    lab.out(udp(`${bob}:6000`, `${outside}:5000`));
    const arrived = lab.last().slice();
    expect(lab.out(icmp(alice, outside, { kind: 'unreachable', code: 3, quoted: arrived }))).toBe(`back in: error ${outside} > ${bob} about udp ${bob}:6000 > ${outside}:5000`);
    expect(wrongChecksums(lab.last())).toEqual([]);
  });
});

describe('who gets no mapping', () => {
  const refusedBy = (refusals: 'silent' | 'icmp') => {
    const lab = boxWith('linux-masquerade', { refusals, hostLimit: 1 });
    lab.out(udp(`${alice}:1`, `${gateway}:9`));
    lab.out(udp(`${alice}:2`, `${gateway}:9`));
    return lab;
  };
  test('is told so with ICMP unreachable, code 13 (RFC 5508 REQ-8), about the packet as it was sent', () => {
    const lab = refusedBy('icmp');
    expect(lab.drops()).toEqual(['nat-host-limit']);
    expect(lab.passed()?.to).toBe('inside');
    const packet = decodeIpv4(lab.last());
    const message = packet.ok && decodeIcmp(packet.value.payload);
    expect(packet.ok && `${packet.value.source} ${packet.value.destination}`).toBe(`${outside} ${alice}`);
    expect(message && message.ok && message.value).toMatchObject({ kind: 'unreachable', code: 13, quoted: udp(`${alice}:2`, `${gateway}:9`) });
  });
  test('or is not', () => expect(refusedBy('silent').passed()).toBeUndefined());
});

describe('TCP (RFC 5382)', () => {
  const knock = (unsolicitedSyn: 'dropped' | 'reset' | 'icmp-after-6-s') => {
    const lab = boxWith('port-restricted', { tcp: { unsolicitedSyn } });
    lab.in(tcp(`${gateway}:80`, `${outside}:4000`, ['syn']));
    return lab;
  };
  test('a SYN that nobody waits for is dropped', () => {
    const lab = knock('dropped');
    expect(lab.passed()).toBeUndefined();
    expect(lab.box.nextWake()).toBeUndefined();
  });
  test('or reset, as a closed port does', () => {
    const lab = knock('reset');
    const packet = decodeIpv4(lab.last());
    const segment = packet.ok && decodeTcp(packet.value.payload, packet.value);
    expect(lab.passed()?.to).toBe('outside');
    expect(told(lab.last())).toBe(`tcp ${outside}:4000 > ${gateway}:80`);
    expect(segment && segment.ok && segment.value).toMatchObject({ flags: tcpFlags.rst | tcpFlags.ack, acknowledgment: 1 });
  });
  test('or answered with port unreachable 6 s later, not earlier (REQ-4)', () => {
    const lab = knock('icmp-after-6-s');
    expect(lab.passed()).toBeUndefined();
    expect(lab.box.nextWake()?.at).toBe(6000);
    lab.wait(6);
    expect(told(lab.last())).toBe(`error ${outside} > ${gateway} about tcp ${gateway}:80 > ${outside}:4000`);
    expect(u16At(lab.last(), 20)).toBe(0x0303);
  });
  test('unless a SYN to that very remote went out meanwhile: a simultaneous open is translated, and the first SYN forgotten (REQ-2)', () => {
    const lab = knock('icmp-after-6-s');
    lab.wait(2);
    expect(lab.out(tcp(`${alice}:4000`, `${gateway}:80`, ['syn']))).toBe(`tcp ${outside}:4000 > ${gateway}:80`);
    expect(lab.in(tcp(`${gateway}:80`, `${outside}:4000`, ['syn']))).toBe(`tcp ${gateway}:80 > ${alice}:4000`);
    const before = lab.events.length;
    lab.wait(6);
    expect(lab.events).toHaveLength(before);
    expect(lab.passed()).toMatchObject({ to: 'inside' });
  });
  test('a flood of SYNs leaves as many answers as the box will hold, no more', () => {
    const lab = boxWith('port-restricted', { tcp: { unsolicitedSyn: 'icmp-after-6-s' } });
    for (let n = 0; n < 3000; n++) lab.in(tcp(`${gateway}:${1 + n}`, `${outside}:4000`, ['syn']));
    lab.wait(6);
    expect(lab.allPassed()).toHaveLength(1024);
  });
  test('a segment of a connection that the box has forgotten makes a mapping, or none', () => {
    const adopted = (midStream: 'adopted' | 'dropped') => boxWith('linux-masquerade', { tcp: { midStream } }).out(tcp(`${alice}:4000`, `${gateway}:80`, ['ack']));
    expect([adopted('adopted'), adopted('dropped')]).toEqual([`tcp ${outside}:4000 > ${gateway}:80`, 'nat-no-mapping']);
  });
});

describe('addresses that cannot be (RFC 1812 §5.3.7)', () => {
  test.each([
    ['loopback', '127.0.0.1'], ['this network', '0.0.0.1'], ['multicast', '224.0.0.5'], ['reserved', '240.0.0.1'], ['limited broadcast', '255.255.255.255'],
  ])('%s is neither a source nor a destination', (_, address) => {
    const lab = boxWith('full-cone', {}, { forwards: [{ protocol: 'udp', port: 500, to: { address: ip(bob), port: 500 } }] });
    expect(lab.out(udp(`${alice}:500`, `${address}:500`))).toBe('ip-martian');
    expect(lab.out(udp(`${address}:500`, `${gateway}:500`))).toBe('ip-martian');
    expect(lab.in(udp(`${address}:500`, `${outside}:500`))).toBe('ip-martian');
    expect(lab.table()).toEqual([]);
  });
  test('nobody outside has an address of the inside, or the box own', () => {
    const lab = boxWith('full-cone');
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(lab.in(udp(`${bob}:500`, `${outside}:500`))).toBe('ip-martian');
    expect(lab.in(udp(`${outside}:500`, `${outside}:500`))).toBe('ip-martian');
  });
});
