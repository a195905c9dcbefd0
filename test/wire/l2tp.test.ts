/** L2TP's control messages. Octets by hand from the drawings of RFC 2661 §3.1, §4.1 and §4.4; what tshark makes of ours is the proof from outside. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { decodeL2tp, encodeL2tp, type L2tpControl } from '../../src/wire/l2tp.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';

const vectors: readonly { readonly what: string; readonly message: L2tpControl; readonly octets: string }[] = [
  {
    what: 'SCCRQ', // Message Type 1, Protocol Version 1.0, Framing Capabilities synchronous, Host Name, Assigned Tunnel ID, Receive Window Size
    message: { type: 'SCCRQ', tunnelId: 0, ns: 0, nr: 0, hostName: 'pc', assignedTunnelId: 0x1234 },
    octets: `
      c802 003e 0000 0000 0000 0000
      8008 0000 0000 0001
      8008 0000 0002 0100
      800a 0000 0003 00000001
      8008 0000 0007 7063
      8008 0000 0009 1234
      8008 0000 000a 0004`,
  },
  {
    what: 'SCCRP',
    message: { type: 'SCCRP', tunnelId: 0x1234, ns: 0, nr: 1, hostName: 'lns', assignedTunnelId: 7 },
    octets: `
      c802 003f 1234 0000 0000 0001
      8008 0000 0000 0002
      8008 0000 0002 0100
      800a 0000 0003 00000001
      8009 0000 0007 6c6e73
      8008 0000 0009 0007
      8008 0000 000a 0004`,
  },
  { what: 'SCCCN', message: { type: 'SCCCN', tunnelId: 7, ns: 1, nr: 1 }, octets: 'c802 0014 0007 0000 0001 0001 8008 0000 0000 0003' },
  { what: 'HELLO', message: { type: 'HELLO', tunnelId: 7, ns: 2, nr: 1 }, octets: 'c802 0014 0007 0000 0002 0001 8008 0000 0000 0006' },
  { what: 'StopCCN', message: { type: 'StopCCN', tunnelId: 7, ns: 3, nr: 1, assignedTunnelId: 0x1234, resultCode: 1 }, octets: 'c802 0024 0007 0000 0003 0001 8008 0000 0000 0004 8008 0000 0009 1234 8008 0000 0001 0001' },
  { what: 'ZLB', message: { type: 'ZLB', tunnelId: 0x1234, ns: 1, nr: 2 }, octets: 'c802 000c 1234 0000 0001 0002' },
];

test.each(vectors)('$what is encoded', ({ message, octets }) => {
  expect(toHex(encodeL2tp(message))).toBe(toHex(fromHex(octets)));
});

test.each(vectors)('$what is decoded', ({ message, octets }) => {
  expect(decodeL2tp(fromHex(octets))).toEqual({ ok: true, value: message });
});

/** With what a dial-up client says besides: bearer capabilities, firmware revision, vendor name, none of which must be understood. */
const talkative = `
  c802 0064 0000 0000 0000 0000
  8008 0000 0000 0001 8008 0000 0002 0100 800a 0000 0003 00000001 800a 0000 0004 00000000
  0008 0000 0006 0a00 8008 0000 0007 7063 000f 0000 0008 4d6963726f736f6674 0008 0000 000e 0000 8008 0000 0009 0001
  8008 0000 000a 0008`;

test('attributes that need not be understood are passed over', () => {
  const octets = fromHex(talkative);
  octets[3] = octets.length;
  expect(decodeL2tp(octets)).toEqual({ ok: true, value: { type: 'SCCRQ', tunnelId: 0, ns: 0, nr: 0, hostName: 'pc', assignedTunnelId: 1 } });
});

test.skipIf(tsharkMissing)('tshark reads each as we do', () => {
  const [from, to] = [{ address: ip('192.168.1.10'), port: 1701 }, { address: ip('203.0.113.2'), port: 1701 }];
  const rows = tshark(
    vectors.map(({ message }) => encodeUdpPacket(from, to, encodeL2tp(message), 'computed')),
    ['l2tp.type', 'l2tp.version', 'l2tp.tunnel', 'l2tp.Ns', 'l2tp.Nr', 'l2tp.avp.message_type', 'l2tp.avp.host_name', 'l2tp.avp.assigned_tunnel_id', 'l2tp.avp.protocol_version', '_ws.malformed'],
  );
  expect(rows).toEqual([
    ['1', '2', '0', '0', '0', '1', 'pc', '4660', '1', ''],
    ['1', '2', '4660', '0', '1', '2', 'lns', '7', '1', ''],
    ['1', '2', '7', '1', '1', '3', '', '', '', ''],
    ['1', '2', '7', '2', '1', '6', '', '', '', ''],
    ['1', '2', '7', '3', '1', '4', '', '4660', '', ''],
    ['1', '2', '4660', '1', '2', '', '', '', '', ''],
  ]);
});

const body = '8008 0000 0000 0001 8008 0000 0002 0100 8008 0000 0007 7063 8008 0000 0009 1234';
test.each([
  ['nothing at all', '', /0 octets are too few/],
  ['a header cut short', 'c802 000c 1234 0000 0001', /10 octets are too few/],
  ['a data message', '0002 1234 0001 0002 0003 ff03', /a data message/],
  ['another version', 'c803 000c 1234 0000 0001 0002', /version 3/],
  ['a control message without sequence numbers', 'c002 000c 1234 0000 0001 0002', /flags c002/],
  ['a control message with an offset', 'ca02 000c 1234 0000 0001 0002', /flags ca02/],
  ['a length below that of the header', 'c802 000b 1234 0000 0001 0002', /length 11 in 12/],
  ['a length beyond the datagram', 'c802 ffff 1234 0000 0001 0002', /length 65535 in 12/],
  ['a session', 'c802 000c 1234 0001 0001 0002', /a session/],
  ['an AVP cut short', 'c802 0010 0007 0000 0001 0001 8008 0000', /4 octets are too few for an AVP/],
  ['an AVP of no length', 'c802 0014 0007 0000 0001 0001 8000 0000 0000 0003', /attribute 0: length 0/],
  ['an AVP of the greatest length', 'c802 0014 0007 0000 0001 0001 83ff 0000 0000 0003', /attribute 0: length 1023, 8 there/],
  ['a message type behind others', 'c802 001c 0007 0000 0001 0001 8008 0000 0009 1234 8008 0000 0000 0003', /attribute 9 in front of the message type/],
  ['a message type of one octet', 'c802 0013 0007 0000 0001 0001 8007 0000 0000 03', /messageType of 1 octets/],
  ['a message about a session', 'c802 0014 0007 0000 0001 0001 8008 0000 0000 000a', /message type 10/],
  ['a hidden value', `c802 002c 0000 0000 0000 0000 ${body.replace('8008 0000 0007', 'c008 0000 0007')}`, /attribute 7 is hidden/],
  ['an attribute that must be understood and is not', 'c802 001c 0007 0000 0001 0001 8008 0000 0000 0003 8008 0009 0001 0000', /attribute 1 of vendor 9 must be understood/],
  ['a reserved bit in an attribute that must be understood', 'c802 0014 0007 0000 0001 0001 8408 0000 0000 0003', /attribute 0 of vendor 0 must be understood/],
  ['another protocol version', `c802 002c 0000 0000 0000 0000 ${body.replace('0002 0100', '0002 0200')}`, /protocol version 2\.0/],
  ['an assigned tunnel ID of 0', `c802 002c 0000 0000 0000 0000 ${body.replace('0009 1234', '0009 0000')}`, /assigned tunnel ID is 0/],
  ['no host name', 'c802 0024 0000 0000 0000 0000 8008 0000 0000 0001 8008 0000 0002 0100 8008 0000 0009 1234', /no hostName/],
])('%s is refused', (_, octets, detail) => {
  expect(decodeL2tp(fromHex(octets))).toMatchObject({ ok: false, reason: 'l2tp-malformed', detail: expect.stringMatching(detail) as string });
});

test('a value that is too long for an AVP is a bug', () => {
  expect(() => encodeL2tp({ type: 'SCCRQ', tunnelId: 0, ns: 0, nr: 0, hostName: 'x'.repeat(1018), assignedTunnelId: 1 })).toThrow(RangeError);
});

describe('any octets', () => {
  const header = { tunnelId: fc.nat(0xffff), ns: fc.nat(0xffff), nr: fc.nat(0xffff) };
  const id = fc.integer({ min: 1, max: 0xffff });
  const message: fc.Arbitrary<L2tpControl> = fc.oneof(
    fc.record({ ...header, type: fc.constantFrom('ZLB' as const, 'SCCCN' as const, 'HELLO' as const) }),
    fc.record({ ...header, type: fc.constantFrom('SCCRQ' as const, 'SCCRP' as const), hostName: fc.string({ maxLength: 100, unit: 'grapheme' }), assignedTunnelId: id }),
    fc.record({ ...header, type: fc.constant('StopCCN' as const), assignedTunnelId: id, resultCode: fc.nat(0xffff) }),
  );
  const decodes = (bytes: Uint8Array): void => {
    const decoded = decodeL2tp(bytes);
    if (!decoded.ok) expect(decoded.reason).toBe('l2tp-malformed');
  };

  test('that we have written are read back', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeL2tp(encodeL2tp(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test('decode or are refused, behind a good header, too', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), decodes));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => decodes(Uint8Array.of(0xc8, 2, 0, 12 + tail.length, 0, 7, 0, 0, 0, 1, 0, 1, ...tail))));
  });

  test('decode or are refused when bits are turned over or the end is missing', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), fc.nat(), (value, flips, end) => {
        const bytes = encodeL2tp(value);
        expect(decodeL2tp(bytes.subarray(0, end % bytes.length)).ok).toBe(false);
        for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
        decodes(bytes);
      }),
    );
  });
});
