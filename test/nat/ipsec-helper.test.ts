/** Boxes that take NAT traversal out of IKE: on messages that strongSwan sent. */
import { describe, expect, test } from 'vitest';
import { concat, fromHex, setU32, toHex, u16At, u32At } from '../../src/core/bytes.ts';
import type { IpsecHelp } from '../../src/nat/behaviour.ts';
import { decodeMessage } from '../../src/wire/ike/codec.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { tshark, tsharkMissing } from '../support/tshark.ts';
import { aggressiveMode, mainMode } from '../vectors/strongswan-ikev1.ts';
import { conversation } from '../vectors/strongswan-ikev2.ts';
import { boxWith, outside } from './lab.ts';
import { udp, wrongChecksums } from './packets.ts';

const alice = '10.0.0.2';
const gateway = '198.51.100.1';

function through(helpers: readonly IpsecHelp[], message: Uint8Array, checksum: 'computed' | 'zero' = 'computed') {
  const lab = boxWith('linux-masquerade', { helpers });
  lab.out(udp(`${alice}:500`, `${gateway}:500`, { payload: message, checksum }));
  return { lab, packet: lab.last(), message: lab.last().subarray(28) };
}

describe("IKEv1's vendor IDs of NAT traversal", () => {
  const [first] = mainMode.messages;

  test('are gone from main mode message 1, and everything else is as it was', () => {
    const { packet, message } = through(['strip-vendor-ids'], first!.bytes);
    expect(wrongChecksums(packet)).toEqual([]);
    expect(decodeIpv4(packet).ok && u16At(packet, 24)).toBe(packet.length - 20);
    expect(u32At(message, 24)).toBe(message.length);
    // RFC 3947 §3.1, and draft 02 with and without its newline, beside what is not about NAT
    const hex = toHex(message);
    expect(toHex(first!.bytes)).toContain('4a131c81070358455c5728f20e95452f');
    for (const natTraversal of ['4a131c81070358455c5728f20e95452f', '90cb80913ebb696e086381b5ec427b1f', 'cd60464335df21f87cfdb2fc68b6a448']) expect(hex).not.toContain(natTraversal);
    for (const kept of ['09002689dfd6b712', 'afcad71368a1f1c96b8696fc77570100']) if (toHex(first!.bytes).includes(kept)) expect(hex).toContain(kept);
    expect(hex.slice(0, 32)).toBe(toHex(first!.bytes).slice(0, 32));
  });
  test.skipIf(tsharkMissing)('tshark reads what is left without complaint', () => {
    const { packet } = through(['strip-vendor-ids'], first!.bytes);
    const [vendorIds] = tshark([packet], ['isakmp.vid_string', '_ws.malformed', 'udp.checksum.status', 'isakmp.length']);
    expect(vendorIds![0]).not.toMatch(/NAT/);
    expect(vendorIds!.slice(1)).toEqual(['', '1', String(packet.length - 28)]);
  });
  test('one that stands first leaves the chain to begin with what follows it', () => {
    const vendorId = fromHex('01 00 0014 4a131c81070358455c5728f20e95452f'); // followed by an SA payload, number 1
    const vendorFirst = concat(first!.bytes.subarray(0, 16), Uint8Array.of(13), first!.bytes.subarray(17, 28), vendorId, first!.bytes.subarray(28));
    setU32(vendorFirst, 24, vendorFirst.length);
    expect(toHex(through(['strip-vendor-ids'], vendorFirst).message)).toBe(toHex(through(['strip-vendor-ids'], first!.bytes).message));
  });
  test('a checksum that was zero stays zero', () => expect(u16At(through(['strip-vendor-ids'], first!.bytes, 'zero').packet, 26)).toBe(0));
  test('aggressive mode has them, too', () => {
    const { message } = through(['strip-vendor-ids'], aggressiveMode.messages[0]!.bytes);
    expect(message.length).toBeLessThan(aggressiveMode.messages[0]!.bytes.length);
  });
  test('what comes back is stripped as well', () => {
    const { lab } = through(['strip-vendor-ids'], first!.bytes);
    lab.in(udp(`${gateway}:500`, `${outside}:500`, { payload: mainMode.messages[1]!.bytes }));
    expect(toHex(lab.last())).not.toContain('4a131c81070358455c5728f20e95452f');
    expect(wrongChecksums(lab.last())).toEqual([]);
  });
  test('encrypted messages, other versions and malformed ones pass as they are', () => {
    const encrypted = mainMode.messages.find(({ bytes }) => (bytes[19]! & 1) === 1)!.bytes;
    const broken = concat(first!.bytes);
    setU32(broken, 28, 0xffff_ffff);
    for (const message of [encrypted, conversation[0]!.bytes, broken, first!.bytes.subarray(0, 40), first!.bytes.subarray(0, 20)]) {
      expect(toHex(through(['strip-vendor-ids'], message).message)).toBe(toHex(message));
    }
  });
  test('only on port 500', () => {
    const lab = boxWith('linux-masquerade', { helpers: ['strip-vendor-ids'] });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`, { payload: first!.bytes }));
    expect(toHex(lab.last().subarray(28))).toBe(toHex(first!.bytes));
  });
});

describe("IKEv2's NAT_DETECTION notifies", () => {
  const notifies = (message: Uint8Array): number[] => {
    const decoded = decodeMessage(message);
    if (!decoded.ok || !('payloads' in decoded.value)) throw new Error('not in the clear');
    return decoded.value.payloads.flatMap((payload) => (payload.type === 'Notify' ? [payload.notifyType] : []));
  };
  test('are gone from IKE_SA_INIT, the other notifies are not', () => {
    const { packet, message } = through(['strip-nat-detection'], conversation[0]!.bytes);
    expect(notifies(conversation[0]!.bytes)).toEqual([16388, 16389, 16430, 16431, 16406]);
    expect(notifies(message)).toEqual([16430, 16431, 16406]);
    expect(wrongChecksums(packet)).toEqual([]);
  });
  test('IKEv1 is another helper’s business', () => {
    const [first] = mainMode.messages;
    expect(toHex(through(['strip-nat-detection'], first!.bytes).message)).toBe(toHex(first!.bytes));
  });
});
