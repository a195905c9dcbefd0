import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { concat, fromHex, utf8 } from '../../../src/core/bytes.ts';
import { encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { encodeUdp } from '../../../src/wire/udp.ts';
import { encodeMessage, protectedHead } from '../../../src/wire/ike/codec.ts';
import { notifyTypes } from '../../../src/wire/ike/message.ts';
import type { IkeHeader, Payload } from '../../../src/wire/ike/message.ts';
import { tshark, tsharkMissing } from '../../support/tshark.ts';

const ends = { source: ip('192.0.2.1'), destination: ip('192.0.2.2') };
const packet = (payload: Uint8Array): Uint8Array =>
  encodeIpv4({ ...ends, protocol: 17, payload: encodeUdp({ sourcePort: 500, destinationPort: 500, payload }, ends, 'computed') });

const header: IkeHeader = {
  initiatorSpi: fromHex('0102030405060708'),
  responderSpi: fromHex('1112131415161718'),
  version: 0x20,
  exchange: 35,
  flags: { initiator: true, higherVersion: false, response: false },
  messageId: 0x01020304,
};
const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const none = fromHex('');

interface Row {
  readonly payload: Payload;
  /** Fields of tshark's IKE dissector and what they must hold; several values of one field are separated by commas. */
  readonly seen: Readonly<Record<string, string>>;
}

const rows: readonly Row[] = [
  {
    payload: {
      type: 'SA',
      proposals: [
        { number: 1, protocol: 3, spi: fromHex('c1a2b3d4'), transforms: [{ type: 1, id: 20, keyLength: 256 }, { type: 5, id: 1 }] },
        { number: 2, protocol: 3, spi: fromHex('c1a2b3d4'), transforms: [{ type: 1, id: 12, keyLength: 128 }, { type: 3, id: 12 }, { type: 4, id: 19 }, { type: 5, id: 0 }] },
      ],
    },
    seen: {
      'isakmp.prop.number': '1,2', 'isakmp.prop.protoid': '3,3', 'isakmp.spisize': '4,4', 'isakmp.spi': 'c1a2b3d4,c1a2b3d4', 'isakmp.prop.transforms': '2,4',
      'isakmp.tf.type': '1,5,1,3,4,5', 'isakmp.tf.id.encr': '20,12', 'isakmp.ike2.attr.key_length': '256,128', 'isakmp.tf.id.integ': '12',
      'isakmp.tf.id.dh': '19', 'isakmp.tf.id.esn': '1,0',
    },
  },
  { payload: { type: 'KE', group: 31, data: octets(32) }, seen: { 'isakmp.key_exchange.dh_group': '31', 'isakmp.key_exchange.data': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' } },
  { payload: { type: 'IDi', idType: 2, data: utf8('a.example') }, seen: { 'isakmp.id.type': '2', 'isakmp.id.data.fqdn': 'a.example' } },
  { payload: { type: 'IDr', idType: 1, data: Uint8Array.of(192, 0, 2, 2) }, seen: { 'isakmp.id.type': '1', 'isakmp.id.data.ipv4_addr': '192.0.2.2' } },
  { payload: { type: 'CERT', encoding: 12, data: concat(octets(20), utf8('http://a.example/')) }, seen: { 'isakmp.cert.encoding': '12', 'isakmp.cert.x509.url': 'http://a.example/' } },
  { payload: { type: 'CERTREQ', encoding: 4, data: octets(20) }, seen: { 'isakmp.certreq.type': '4', 'isakmp.ike.certreq.authority': '000102030405060708090a0b0c0d0e0f10111213' } },
  { payload: { type: 'AUTH', method: 2, data: octets(4) }, seen: { 'isakmp.auth.method': '2', 'isakmp.auth.data': '00010203' } },
  { payload: { type: 'Nonce', data: octets(16) }, seen: { 'isakmp.nonce': '000102030405060708090a0b0c0d0e0f' } },
  {
    payload: { type: 'Notify', protocol: 3, spi: fromHex('c1a2b3d4'), notifyType: notifyTypes.REKEY_SA, data: none },
    seen: { 'isakmp.notify.protoid': '3', 'isakmp.notify.msgtype': '16393', 'isakmp.spi': 'c1a2b3d4' },
  },
  { payload: { type: 'Notify', protocol: 0, spi: none, notifyType: notifyTypes.COOKIE, data: octets(3) }, seen: { 'isakmp.notify.msgtype': '16390', 'isakmp.notify.data': '000102' } },
  {
    payload: { type: 'Delete', protocol: 3, spis: [fromHex('c1a2b3d4'), fromHex('00000100')] },
    seen: { 'isakmp.delete.protoid': '3', 'isakmp.spisize': '4', 'isakmp.spinum': '2', 'isakmp.delete.spi': 'c1a2b3d4,00000100' },
  },
  { payload: { type: 'Vendor', data: octets(8) }, seen: { 'isakmp.vid_bytes': '0001020304050607' } },
  {
    payload: {
      type: 'TSi',
      selectors: [
        { protocol: 17, startPort: 1701, endPort: 1702, startAddress: ip('10.0.0.1'), endAddress: ip('10.0.0.9') },
        { protocol: 0, startPort: 0, endPort: 65535, startAddress: ip('2001:db8::'), endAddress: ip('2001:db8::ffff') },
      ],
    },
    seen: {
      'isakmp.ts.number': '2', 'isakmp.ts.type': '7,8', 'isakmp.ts.protoid': '17,0', 'isakmp.ts.selector_length': '16,40', 'isakmp.ts.start_port': '1701,0',
      'isakmp.ts.end_port': '1702,65535', 'isakmp.ts.start_ipv4': '10.0.0.1', 'isakmp.ts.end_ipv4': '10.0.0.9', 'isakmp.ts.start_ipv6': '2001:db8::',
      'isakmp.ts.end_ipv6': '2001:db8::ffff',
    },
  },
  {
    payload: { type: 'TSr', selectors: [{ protocol: 6, startPort: 80, endPort: 80, startAddress: ip('10.0.0.1'), endAddress: ip('10.0.0.1') }] },
    seen: { 'isakmp.ts.type': '7', 'isakmp.ts.start_port': '80' },
  },
  {
    payload: { type: 'CP', configuration: 2, attributes: [{ type: 1, value: Uint8Array.of(10, 98, 0, 1) }, { type: 3, value: Uint8Array.of(192, 0, 2, 53) }] },
    seen: { 'isakmp.cfg.type': '2', 'isakmp.cfg.attr.internal_ip4_address': '10.98.0.1', 'isakmp.cfg.attr.internal_ip4_dns': '192.0.2.53' },
  },
  { payload: { type: 'EAP', data: fromHex('0201 0009 01 61626364') }, seen: { 'eap.code': '2', 'eap.identity': 'abcd' } },
  { payload: { type: 'Unknown', payloadType: 200, critical: true, data: octets(2) }, seen: { 'isakmp.typepayload': '200', 'isakmp.criticalpayload': '1' } },
];

const complaints = ['_ws.malformed', '_ws.expert.message'];

describe.skipIf(tsharkMissing)('Wireshark reads', () => {
  test.each(rows.map((row) => ({ type: row.payload.type, ...row })))('$type as it was meant, and finds no fault', ({ payload, seen }) => {
    const fields = Object.keys(seen);
    const [row] = tshark([packet(encodeMessage({ header, payloads: [payload] }))], [...complaints, ...fields]);
    expect(row).toEqual(['', '', ...fields.map((field) => seen[field])]);
  });

  test('all of them in one message, in their order', () => {
    const bytes = encodeMessage({ header, payloads: rows.map(({ payload }) => payload) });
    const [row] = tshark([packet(bytes)], [...complaints, 'isakmp.length', 'isakmp.nextpayload']);
    // every Next Payload: in the header, in each payload, and the Last Substruc of proposals and transforms
    const substructures = ['2', '3', '0', '0', '3', '3', '3', '0'];
    const types = ['33', '34', '35', '36', '37', '38', '39', '40', '41', '41', '42', '43', '44', '45', '47', '48', '200', '0'];
    const [malformed, expert, length, next] = row!;
    expect([malformed, expert, length]).toEqual(['', '', String(bytes.length)]);
    expect(next!.split(',').toSorted()).toEqual([...types, ...substructures].toSorted());
  });

  test.each([
    [{ initiator: true, higherVersion: false, response: false }, '1|0|0'],
    [{ initiator: false, higherVersion: true, response: false }, '0|1|0'],
    [{ initiator: false, higherVersion: false, response: true }, '0|0|1'],
  ])('the flags %o', (flags, seen) => {
    const [row] = tshark([packet(encodeMessage({ header: { ...header, flags }, payloads: [] }))], [...complaints, 'isakmp.flag_i', 'isakmp.flag_v', 'isakmp.flag_r']);
    expect(row).toEqual(['', '', ...seen.split('|')]);
  });

  test('the header and the frame of SK', () => {
    const bytes = concat(protectedHead(header, 35, 40), octets(40));
    const fields = ['isakmp.ispi', 'isakmp.rspi', 'isakmp.version', 'isakmp.exchangetype', 'isakmp.messageid', 'isakmp.length', 'isakmp.typepayload', 'isakmp.payloadlength'];
    const [row] = tshark([packet(bytes)], ['_ws.malformed', ...fields]);
    expect(row).toEqual(['', '0102030405060708', '1112131415161718', '0x20', '35', '0x01020304', '72', '46', '44']);
  });
});
