import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { nattVersions } from '../../../../src/ike/config.ts';
import { concat, fromHex, toHex } from '../../../../src/core/bytes.ts';
import { vendorIdOf, vendorIds, vendorName } from '../../../../src/wire/ike/v1/vendor-ids.ts';
import type { VendorId, VendorIdKey } from '../../../../src/wire/ike/v1/vendor-ids.ts';
import { needs } from '../../../support/needs.ts';
import { tshark } from '../../../support/tshark.ts';
import { packetOf } from './packet.ts';

const rows = (Object.entries(vendorIds) as [VendorIdKey, VendorId][]).map(([key, row]) => ({ key, ...row }));

test.each(rows.filter(({ text }) => text !== undefined))('the ID of $name is the MD5 of its text, as far as that counts', ({ id, text, significant }) => {
  const length = significant ?? id.length;
  expect(toHex(id.subarray(0, length))).toBe(createHash('md5').update(text!).digest('hex').slice(0, 2 * length));
});

test('every version of NAT-T that can be configured has one', () => {
  expect(Object.keys(vendorIds)).toEqual(expect.arrayContaining([...nattVersions]));
});

test.each(rows)('$name is recognised', ({ key, id, name }) => {
  expect(vendorIdOf(id)).toBe(key);
  expect(vendorName(id)).toBe(name);
});

test.each([
  ['DPD with another version', concat(vendorIds.deadPeerDetection.id.subarray(0, 14), fromHex('0203')), 'DPD RFC 3706'],
  ['Unity as racoon and Cisco send it', fromHex('12f5f28c457168a9702d9fe274cc0204'), 'Cisco Unity'],
  ['fragmentation with capabilities', fromHex('4048b7d56ebce88525e7de7f00d6c2d3c0000000'), 'IKE fragmentation'],
  ['the version of Windows XP', fromHex('1e2b516905991c7d7c96fcbfb587e46100000004'), 'MS NT5 ISAKMPOAKLEY'],
])('%s is recognised by its beginning', (_, id, name) => {
  expect(vendorName(id)).toBe(name);
});

test.each([
  ['one octet more', concat(vendorIds['rfc-3947'].id, Uint8Array.of(0))],
  ['one octet less', vendorIds['rfc-3947'].id.subarray(1)],
  ['nothing', new Uint8Array(0)],
  ['a novel', new Uint8Array(2000)],
])('an ID that counts as a whole is none of ours with %s', (_, id) => {
  expect(vendorIdOf(id)).toBeUndefined();
  expect(vendorName(id)).toBe(toHex(id.subarray(0, 20)));
});

needs('tshark').describe('Wireshark', () => {
  /** Where it has other names than the text, and ours where there is none. */
  const itsNames: Partial<Record<VendorIdKey, string>> = {
    'rfc-3947': 'RFC 3947 Negotiation of NAT-Traversal in the IKE', fragmentation: 'Cisco Fragmentation', deadPeerDetection: 'RFC 3706 DPD (Dead Peer Detection)', xauth: 'XAUTH',
    cga: 'IKE CGA Version 1', msInitialContact: 'Microsoft Vid-Initial-Contact',
  };

  test('calls them by their texts too', () => {
    const payloads = rows.map(({ id }) => ({ type: 'VID' as const, data: id }));
    const [row] = tshark([packetOf(payloads)], ['isakmp.vid_string', '_ws.malformed']);
    const expected = rows.map(({ key, text, name }) => itsNames[key] ?? text ?? name);
    expect(row).toEqual([expected.map((text) => text.replace('\n', '\\n')).join(','), '']);
  });
});
