/** What home routers call L2TP and PPTP passthrough. PPTP's messages are written out by RFC 2637 §2, its GRE by §4.1. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex, u16At } from '../../src/core/bytes.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { boxWith, outside } from './lab.ts';
import { tcp, udp, wrongChecksums } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';

const word = (n: number): string => n.toString(16).padStart(4, '0');
/** §2.7: length 168, control message type 7. */
const outgoingCallRequest = (callId: number): Uint8Array => concat(fromHex(`00a8 0001 1a2b3c4d 0007 0000 ${word(callId)} 0001 0000012c 05f5e100 00000003 00000003 0040 0000 0000 0000`), new Uint8Array(168 - 40));
/** §2.8: length 32, type 8: the server's own call ID, then the peer's. */
const outgoingCallReply = (own: number, peer: number): Uint8Array => fromHex(`0020 0001 1a2b3c4d 0008 0000 ${word(own)} ${word(peer)} 01 00 0000 05f5e100 0040 0000 00000000`);
/** §2.1: Start-Control-Connection-Request, type 1, length 156. */
const startRequest = concat(fromHex('009c 0001 1a2b3c4d 0001 0000 0100 0000 00000003 00000003 0000 0000'), new Uint8Array(156 - 28));
/** §2.12: Call-Clear-Request, type 12, length 16. */
const callClearRequest = (callId: number): Uint8Array => fromHex(`0010 0001 1a2b3c4d 000c 0000 ${word(callId)} 0000`);

const gre = (from: string, to: string, callId: number): Uint8Array => encodeIpv4({ source: ip(from), destination: ip(to), protocol: 47, payload: fromHex(`3001 880b 0004 ${word(callId)} 00000001 ff030021`) });
const control = (client: string, ...messages: Uint8Array[]) => tcp(`${client}:5000`, `${gateway}:1723`, ['ack'], concat(...messages));

describe('L2TP passthrough', () => {
  test('switched off, nothing goes out to UDP 1701; on, it is UDP like any other', () => {
    expect(boxWith('linux-masquerade', { l2tp: 'blocked' }).out(udp(`${alice}:1701`, `${gateway}:1701`))).toBe('nat-port-blocked');
    expect(boxWith('linux-masquerade').out(udp(`${alice}:1701`, `${gateway}:1701`))).toBe(`udp ${outside}:1701 > ${gateway}:1701`);
  });
});

describe('PPTP passthrough', () => {
  test('untracked: the control connection passes, GRE finds nobody; blocked: neither passes', () => {
    const untracked = boxWith('linux-masquerade');
    expect([untracked.out(control(alice, outgoingCallRequest(7))), untracked.out(gre(alice, gateway, 9))]).toEqual([`tcp ${outside}:5000 > ${gateway}:1723`, 'nat-protocol']);
    const blocked = boxWith('linux-masquerade', { pptp: 'blocked' });
    expect([blocked.out(control(alice, outgoingCallRequest(7))), blocked.out(gre(alice, gateway, 9))]).toEqual(['nat-port-blocked', 'nat-protocol']);
  });

  const tracking = () => boxWith('linux-masquerade', { pptp: 'by-call-id' });
  const callIdOf = (at: number, packet: Uint8Array): number => u16At(packet, 20 + 20 + at);

  test('a call that was announced goes both ways, under the call ID that the client chose', () => {
    const lab = tracking();
    lab.out(control(alice, startRequest, outgoingCallRequest(7)));
    expect(callIdOf(156 + 12, lab.last())).toBe(7);
    expect(lab.out(gre(alice, gateway, 900))).toBe(`47 ${outside} > ${gateway}`);
    expect(lab.in(gre(gateway, outside, 7))).toBe(`47 ${gateway} > ${alice}`);
    expect(lab.in(gre(gateway, outside, 8))).toBe('nat-no-mapping');
  });
  test('what nobody announced goes nowhere, and an attacker elsewhere gets nothing in', () => {
    const lab = tracking();
    expect(lab.out(gre(alice, gateway, 900))).toBe('nat-no-mapping');
    lab.out(control(alice, outgoingCallRequest(7)));
    expect(lab.in(gre('198.51.100.9', outside, 7))).toBe('nat-filtered');
  });
  test('a second client with the same call ID is given another; replies, GRE and the end of the call are translated both ways', () => {
    const lab = tracking();
    lab.out(control(alice, outgoingCallRequest(7)));
    lab.out(control(bob, outgoingCallRequest(7)));
    expect(wrongChecksums(lab.last())).toEqual([]);
    const given = callIdOf(12, lab.last());
    const bobsPort = u16At(lab.last(), 20);
    expect(given).toBe(8);
    expect(lab.in(tcp(`${gateway}:1723`, `${outside}:${bobsPort}`, ['ack'], outgoingCallReply(900, given)))).toBe(`tcp ${gateway}:1723 > ${bob}:5000`);
    expect(wrongChecksums(lab.last())).toEqual([]);
    expect([callIdOf(12, lab.last()), callIdOf(14, lab.last())]).toEqual([900, 7]);
    expect(lab.in(gre(gateway, outside, 8))).toBe(`47 ${gateway} > ${bob}`);
    expect(u16At(lab.last(), 26)).toBe(7);
    expect(lab.in(gre(gateway, outside, 7))).toBe(`47 ${gateway} > ${alice}`);
    lab.out(control(bob, callClearRequest(7)));
    expect(callIdOf(12, lab.last())).toBe(8);
  });
  test.skipIf(tsharkMissing)('tshark finds the call IDs where the box changed them', () => {
    const lab = tracking();
    lab.out(control(alice, outgoingCallRequest(7)));
    lab.out(control(bob, outgoingCallRequest(7)));
    expect(tshark([lab.last()], ['pptp.control_message_type', 'pptp.call_id', 'tcp.checksum.status'])).toEqual([['7', '8', '1']]);
  });
  test('messages that are cut short or none at all are left alone', () => {
    const lab = tracking();
    for (const payload of [outgoingCallRequest(7).subarray(0, 11), fromHex('00ff'.repeat(20)), outgoingCallRequest(7).subarray(0, 100)]) {
      lab.out(control(alice, payload));
      expect(lab.last().subarray(40)).toEqual(payload);
    }
    expect(lab.table().filter((row) => row.includes(':7 '))).toEqual([]);
  });
});
