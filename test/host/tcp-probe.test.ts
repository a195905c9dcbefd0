import { describe, expect, test } from 'vitest';
import { ip, type IpAddress } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { ProgramCommand } from '../../src/host/ports.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { decodeTcp } from '../../src/wire/tcp.ts';
import { tcpFlagNames } from '../../src/wire/names.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { bent, here, there, TwoPrograms } from './two-programs.ts';

const probe = (more: Partial<Extract<ProgramCommand, { kind: 'tcp-probe' }>> = {}): ProgramCommand => ({ kind: 'tcp-probe', probe: 'hello', to: there, fromPort: 40_000, timeout: seconds(10), ...more });

/** `SYN`, `PSH ACK 11`: flags, and octets of text where there are any. */
function segments(sent: readonly Uint8Array[]): string[] {
  return sent.map((packet) => {
    const packed = decodeIp(packet);
    const tcp = packed.ok ? decodeTcp(packed.value.payload, packed.value) : packed;
    if (!tcp.ok) throw new Error(tcp.detail);
    return `${tcpFlagNames(tcp.value.flags)}${tcp.value.payload.length > 0 ? ` ${tcp.value.payload.length}` : ''}`;
  });
}

test('a connection is opened, a text goes there and back, the connection is closed', () => {
  const two = new TwoPrograms().command(probe());
  expect(segments(two.sent)).toEqual(['SYN', 'SYN ACK', 'PSH ACK 11', 'PSH ACK 11', 'FIN ACK', 'FIN ACK']);
  const ends = { from: { address: here, port: 40_000 }, to: { address: there, port: 7 } };
  expect(two.told.client).toEqual([
    { kind: 'tcp-probe-sent', probe: 'hello', ...ends },
    { kind: 'tcp-probe-answered', probe: 'hello', ...ends, roundTrip: 0 },
  ]);
  expect(two.client.nextWake()).toBeUndefined();
});

test.skipIf(tsharkMissing)('tshark follows it: relative numbers fit, nothing is out of order, every checksum is good', () => {
  const { sent } = new TwoPrograms().command(probe());
  expect(tshark(sent, ['tcp.seq', 'tcp.ack', 'tcp.len', 'tcp.checksum.status', 'tcp.analysis.flags', 'echo.data'])).toEqual([
    ['0', '0', '0', '1', '', ''],
    ['0', '1', '0', '1', '', ''],
    ['1', '1', '11', '1', '', '70726f62652068656c6c6f'],
    ['1', '12', '11', '1', '', '70726f62652068656c6c6f'],
    ['12', '12', '0', '1', '', ''],
    ['12', '13', '0', '1', '', ''],
  ]);
});

test('what is lost is sent again after 1, 2, 4 s', () => {
  let lost = 0;
  const two = new TwoPrograms({ carry: (packet, from) => (from === here && lost++ < 2 ? undefined : packet) }).command(probe()).until(2999);
  expect(segments(two.sent)).toEqual(['SYN', 'SYN']);
  two.until(3000);
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-answered', roundTrip: 3000 });
});

describe('it is lost', () => {
  const carried = (carry: (packet: Uint8Array, from: IpAddress, count: number) => Uint8Array | undefined): TwoPrograms => {
    let count = 0;
    return new TwoPrograms({ carry: (packet, from) => carry(packet, from, count++) }).command(probe()).until(10_000);
  };

  test('when nobody answers', () => {
    expect(carried(() => undefined).told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-lost', why: 'no connection within 10 s' });
  });

  test('when the connection stands and the text does not come back', () => {
    expect(carried((packet, _, count) => (count < 2 ? packet : undefined)).told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-lost', why: 'connected, but no echo within 10 s' });
  });

  test('at once when the port is closed', () => {
    const two = new TwoPrograms().command(probe({ port: 80 }));
    expect(segments(two.sent)).toEqual(['SYN', 'RST ACK']);
    expect(two.told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-lost', why: '198.51.100.2 refuses: nobody answers on port 80' });
  });

  test('by its checksum, which the receiver looks at', () => {
    const two = carried((packet, from) => (from === here ? bent(packet) : packet));
    expect(two.told.server[0]).toMatchObject({ kind: 'drop', reason: 'inner-checksum' });
    expect(two.told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-lost' });
  });
});

test('a wrong checksum does not matter where ESP vouches for it', () => {
  const wrong = (packet: Uint8Array): Uint8Array => {
    const copy = packet.slice();
    copy[20 + 16]! ^= 1; // of the checksum itself
    return copy;
  };
  expect(new TwoPrograms({ carry: wrong, checksum: 'trusted' }).command(probe()).told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-answered' });
  expect(new TwoPrograms({ carry: wrong }).command(probe()).until(10_000).told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-lost' });
});

test('a reset that does not belong to the connection changes nothing', () => {
  const two = new TwoPrograms({ carry: (packet, from) => (from === there ? undefined : packet) }).command(probe());
  const closed = new TwoPrograms().command(probe({ fromPort: 40_000, port: 80 })).sent[1]!;
  expect(two.client.take(two.now, closed, 'to be verified')).toBe(true); // from another port
  two.settle();
  expect(two.told.client.map(({ kind }) => kind)).toEqual(['tcp-probe-sent']);
});

test('over IPv6, and on another port', () => {
  const [left, right] = [ip('2001:db8::1'), ip('2001:db8::2')];
  const two = new TwoPrograms({}, [left, right]);
  two.server.handle(two.now, { kind: 'serve', protocol: 'tcp', port: 8080 });
  expect(two.command(probe({ to: right, port: 8080 })).told.client.at(-1)).toMatchObject({ kind: 'tcp-probe-answered' });
});
