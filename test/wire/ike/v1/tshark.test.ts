import { describe, expect, test } from 'vitest';
import { wiresharkProfile } from '../../../../lab/report/wireshark-keys.ts';
import { ip } from '../../../../src/core/address.ts';
import { fromHex, toHex, utf8 } from '../../../../src/core/bytes.ts';
import { seeded } from '../../../../src/core/random.ts';
import { dhGroup } from '../../../../src/crypto/diffie-hellman.ts';
import { hash } from '../../../../src/crypto/hash.ts';
import { hash1, hashI } from '../../../../src/crypto/ike-v1-authentication.ts';
import { messageCipherSuite, nextIv } from '../../../../src/crypto/ike-v1-cipher.ts';
import type { MessageCipherName } from '../../../../src/crypto/ike-v1-cipher.ts';
import { encryptionKey, phaseOneIv, phaseOneKeys, phaseTwoIv, preSharedKeySkeyid } from '../../../../src/crypto/ike-v1-keys.ts';
import type { DhGroupName } from '../../../../src/crypto/transforms.ts';
import type { HashName } from '../../../../src/crypto/types.ts';
import { dissect } from '../../../../src/wire/describe.ts';
import type { Tree } from '../../../../src/wire/describe.ts';
import { encodeBody, encodeEncrypted, encodeMessage, encodePayloads } from '../../../../src/wire/ike/v1/codec.ts';
import { authenticationAlgorithms, encapsulationModes, espTransforms, exchangeTypes, notifyTypes, phaseOneAttributes, phaseTwoAttributes } from '../../../../src/wire/ike/v1/message.ts';
import type { IsakmpHeader, Payload } from '../../../../src/wire/ike/v1/message.ts';
import { needs } from '../../../support/needs.ts';
import { places, tshark } from '../../../support/tshark.ts';
import { aggressiveMode, mainMode } from '../../../vectors/strongswan-ikev1.ts';
import type { Conversation } from '../../../vectors/strongswan-ikev1.ts';
import { datagram, header, packetOf } from './packet.ts';

const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

interface Row {
  readonly payload: Payload;
  readonly exchange?: number;
  /** Fields of tshark's ISAKMP dissector and what they must hold; several values of one field are separated by commas. */
  readonly seen: Readonly<Record<string, string>>;
}

const { ENCRYPTION, HASH, AUTHENTICATION_METHOD, GROUP, LIFE_TYPE, LIFE_DURATION, KEY_LENGTH } = phaseOneAttributes;
const two = phaseTwoAttributes;

const phaseOneOffer: Payload = {
  type: 'SA', doi: 1, situation: 1,
  proposals: [{
    number: 1, protocol: 1, spi: new Uint8Array(0),
    transforms: [{
      number: 1, id: 1,
      attributes: [
        { type: ENCRYPTION, value: 7 }, { type: HASH, value: 2 }, { type: AUTHENTICATION_METHOD, value: 1 }, { type: GROUP, value: 14 }, { type: LIFE_TYPE, value: 1 },
        { type: LIFE_DURATION, value: fromHex('00015180') }, { type: KEY_LENGTH, value: 256 },
      ],
    }],
  }],
};

const phaseTwoOffer: Payload = {
  type: 'SA', doi: 1, situation: 1,
  proposals: [{
    number: 1, protocol: 3, spi: fromHex('c1a2b3d4'),
    transforms: [
      { number: 1, id: espTransforms['AES-CBC'], attributes: [{ type: two.ENCAPSULATION_MODE, value: encapsulationModes.UDP_TUNNEL }, { type: two.AUTHENTICATION, value: authenticationAlgorithms['HMAC-SHA1'] }, { type: two.KEY_LENGTH, value: 128 }] },
      { number: 2, id: espTransforms['3DES'], attributes: [{ type: two.ENCAPSULATION_MODE, value: encapsulationModes.UDP_TUNNEL_DRAFT }, { type: two.AUTHENTICATION, value: authenticationAlgorithms['HMAC-MD5'] }] },
    ],
  }],
};

/** Not 15 and 16 of drafts 04 to 08: Wireshark takes them for RFC 6407's group keys. */
const natDetection = (number: 20 | 130): Row => ({ payload: { type: 'NAT-D', number, data: octets(20) }, seen: { 'isakmp.ike.nat_hash': toHex(octets(20)) } });

const rows: readonly Row[] = [
  {
    payload: phaseOneOffer,
    seen: {
      'isakmp.sa.doi': '1', 'isakmp.prop.protoid': '1', 'isakmp.tf.id': '', 'isakmp.ike.attr.encryption_algorithm': '7', 'isakmp.ike.attr.hash_algorithm': '2', 'isakmp.ike.attr.authentication_method': '1',
      'isakmp.ike.attr.group_description': '14', 'isakmp.ike.attr.life_type': '1', 'isakmp.ike.attr.life_duration': '86400', 'isakmp.ike.attr.key_length': '256',
    },
  },
  {
    payload: phaseTwoOffer, exchange: exchangeTypes.QUICK_MODE,
    seen: {
      'isakmp.prop.protoid': '3', 'isakmp.spi': 'c1a2b3d4', 'isakmp.trans.id': '12,3', 'isakmp.ipsec.attr.encap_mode': '3,61443', 'isakmp.ipsec.attr.auth_algorithm': '2,1', 'isakmp.ipsec.attr.key_length': '128',
    },
  },
  { payload: { type: 'KE', data: octets(8) }, seen: { 'isakmp.key_exchange.data': toHex(octets(8)) } },
  { payload: { type: 'ID', idType: 1, protocol: 17, port: 500, data: Uint8Array.of(192, 0, 2, 1) }, seen: { 'isakmp.id.type': '1', 'isakmp.id.protoid': '17', 'isakmp.id.port': '500', 'isakmp.id.data.ipv4_addr': '192.0.2.1' } },
  { payload: { type: 'ID', idType: 3, protocol: 0, port: 0, data: utf8('a@example') }, seen: { 'isakmp.id.data.user_fqdn': 'a@example' } },
  { payload: { type: 'ID', idType: 4, protocol: 0, port: 0, data: fromHex('0a010000 ffffff00') }, seen: { 'isakmp.id.data.ipv4_addr': '10.1.0.0', 'isakmp.id.data.ipv4_subnet': '255.255.255.0' } },
  { payload: { type: 'CERTREQ', encoding: 4, data: new Uint8Array(0) }, seen: { 'isakmp.certreq.type': '4' } },
  { payload: { type: 'HASH', data: octets(20) }, seen: { 'isakmp.hash': toHex(octets(20)) } },
  { payload: { type: 'SIG', data: octets(4) }, seen: { 'isakmp.sig': toHex(octets(4)) } },
  { payload: { type: 'Nonce', data: octets(16) }, seen: { 'isakmp.nonce': toHex(octets(16)) } },
  {
    payload: { type: 'Notification', doi: 1, protocol: 1, spi: octets(16), notifyType: notifyTypes.R_U_THERE, data: fromHex('00000007') },
    seen: { 'isakmp.notify.doi': '1', 'isakmp.notify.protoid': '1', 'isakmp.notify.msgtype': '36136', 'isakmp.spi': toHex(octets(16)), 'isakmp.notify.data': '00000007' },
  },
  {
    payload: { type: 'Delete', doi: 1, protocol: 3, spis: [fromHex('c1a2b3d4'), fromHex('00000100')] },
    seen: { 'isakmp.delete.doi': '1', 'isakmp.delete.protoid': '3', 'isakmp.spinum': '2', 'isakmp.delete.spi': 'c1a2b3d4,00000100' },
  },
  {
    payload: { type: 'Attributes', configuration: 2, identifier: 0x1234, attributes: [{ type: 1, value: Uint8Array.of(10, 98, 0, 1) }, { type: 16521, value: utf8('carol') }, { type: 16527, value: 1 }] },
    seen: { 'isakmp.cfg.type': '2', 'isakmp.cfg.identifier': '4660', 'isakmp.cfg.attr.internal_ip4_address': '10.98.0.1', 'isakmp.cfg.attr.xauth.user_name': 'carol', 'isakmp.cfg.attr.xauth.status': '1' },
  },
  natDetection(20),
  natDetection(130),
  { payload: { type: 'NAT-OA', number: 21, address: ip('192.0.2.9') }, seen: { 'isakmp.ike.nat_original_address_ipv4': '192.0.2.9' } },
  { payload: { type: 'NAT-OA', number: 131, address: ip('2001:db8::9') }, seen: { 'isakmp.ike.nat_original_address_ipv6': '2001:db8::9' } },
];

const complaints = ['_ws.malformed', '_ws.expert.message'];

needs('tshark').describe('Wireshark reads', () => {
  test.each(rows.map((row) => ({ type: row.payload.type, ...row })))('$type as it was meant, and finds no fault: $seen', ({ payload, exchange, seen }) => {
    const fields = Object.keys(seen).filter((field) => seen[field] !== '');
    const [row] = tshark([packetOf([payload], { exchange: exchange ?? exchangeTypes.MAIN_MODE })], [...complaints, ...fields]);
    expect(row).toEqual(['', '', ...fields.map((field) => seen[field])]);
  });

  test.each([
    [{ encryption: false, commit: true, authenticationOnly: false }, '0|1|0'],
    [{ encryption: false, commit: false, authenticationOnly: true }, '0|0|1'],
  ])('the flags %o', (flags, seen) => {
    const [row] = tshark([packetOf([], { flags })], ['isakmp.flag_e', 'isakmp.flag_c', 'isakmp.flag_a']);
    expect(row!.join('|')).toBe(seen);
  });
});

const isakmp = (cookie: Uint8Array, encryption: string, key: Uint8Array) => ({
  kind: 'isakmp-keys' as const, connection: '', role: 'initiator' as const, initiatorSpi: toHex(cookie), responderSpi: '', encryption, encryptionKey: toHex(key),
});

/** What each packet shows with the table of keys that the lab writes for Wireshark. */
const decrypted = (packets: readonly Uint8Array[], keys: ReturnType<typeof isakmp>, fields: readonly string[]): string[][] => {
  const { ikev1_decryption_table: table } = wiresharkProfile({ ike: [], isakmp: [keys], esp: [] });
  return tshark(packets, fields, ['-o', `uat:ikev1_decryption_table:${table!.trim()}`]);
};

needs('tshark').describe('with the key that the lab writes, Wireshark decrypts', () => {
  test.each<Conversation>([mainMode, aggressiveMode])('strongSwan’s messages: $about', ({ secrets, messages }) => {
    const keys = isakmp(messages[0]!.bytes.subarray(0, 8), '', secrets.encryptionKey);
    const shown = decrypted(messages.map(({ bytes, from }) => datagram(bytes, from)), keys, ['isakmp.hash', '_ws.malformed']);
    const encrypted = shown.filter((_, i) => (messages[i]!.bytes[19]! & 1) !== 0);
    expect(encrypted.every(([hash, malformed]) => hash !== '' && malformed === '')).toBe(true);
  });

  test.each<[string, HashName, DhGroupName, MessageCipherName, 128 | 256 | undefined, number]>([
    ['AES-256 under SHA-1, whose key is expanded', 'sha1', 'modp-1536', 'aes-cbc', 256, 5],
    ['AES-128 under SHA2-256', 'sha2-256', 'ecp-256', 'aes-cbc', 128, 19],
    ['3DES under MD5', 'md5', 'modp-1024', '3des-cbc', undefined, 2],
  ])('our fifth message of main mode and our first of quick mode: %s', (_, hashName, groupName, encryption, bits, groupId) => {
    const random = seeded(1, 'tshark');
    const negotiated = hash(hashName);
    const { prf } = negotiated;
    const suite = messageCipherSuite(encryption, bits);
    const [i, r] = [dhGroup(groupName).generate(random), dhGroup(groupName).generate(random)];
    const [nonceI, nonceR] = [random.bytes(16), random.bytes(16)];
    const cookies = { initiatorCookie: random.bytes(8), responderCookie: random.bytes(8) };

    const attributes = [{ type: ENCRYPTION, value: suite.id }, { type: HASH, value: negotiated.id }, { type: AUTHENTICATION_METHOD, value: 1 }, { type: GROUP, value: groupId }];
    const sa: Payload = {
      type: 'SA', doi: 1, situation: 1,
      proposals: [{ number: 1, protocol: 1, spi: new Uint8Array(0), transforms: [{ number: 1, id: 1, attributes: bits === undefined ? attributes : [...attributes, { type: KEY_LENGTH, value: bits }] }] }],
    };
    const clear = (payloads: readonly Payload[], changes: Partial<IsakmpHeader> = {}): Uint8Array => encodeMessage({ header: { ...header, ...cookies, ...changes }, payloads });
    const ladder = [
      clear([sa], { responderCookie: new Uint8Array(8) }),
      clear([sa]),
      clear([{ type: 'KE', data: i.publicValue }, { type: 'Nonce', data: nonceI }]),
      clear([{ type: 'KE', data: r.publicValue }, { type: 'Nonce', data: nonceR }]),
    ];

    const exchange = { prf, sharedSecret: i.agree(r.publicValue)!, nonceI, nonceR, cookieI: cookies.initiatorCookie, cookieR: cookies.responderCookie };
    const { skeyid, skeyidA, skeyidE } = phaseOneKeys(preSharedKeySkeyid(exchange, utf8('secret')), exchange);
    const key = encryptionKey(prf, skeyidE, suite.keyLength);
    const cipher = suite.create(key);
    const encrypt = (iv: Uint8Array, payloads: readonly Payload[], changes: Partial<IsakmpHeader> = {}): Uint8Array => {
      const { first, bytes } = encodePayloads(payloads);
      return encodeEncrypted({ header: { ...header, ...cookies, ...changes }, first, ciphertext: cipher.encrypt(iv, bytes) });
    };
    const identity: Payload = { type: 'ID', idType: 2, protocol: 0, port: 0, data: utf8('initiator.example') };
    const transcript = { publicI: i.publicValue, publicR: r.publicValue, cookieI: cookies.initiatorCookie, cookieR: cookies.responderCookie, saI: encodeBody(sa) };
    const fifth = encrypt(phaseOneIv(negotiated, i.publicValue, r.publicValue, cipher.blockLength), [identity, { type: 'HASH', data: hashI(prf, skeyid, transcript, encodeBody(identity)) }]);
    // in the place of the sixth, which would be the responder's
    const lastBlock = nextIv(cipher, fifth);
    const rest: readonly Payload[] = [phaseTwoOffer, { type: 'Nonce', data: nonceI }];
    const messageId = 0x01020304;
    const quick = encrypt(phaseTwoIv(negotiated, lastBlock, messageId, cipher.blockLength), [{ type: 'HASH', data: hash1(prf, skeyidA, messageId, encodePayloads(rest).bytes) }, ...rest], {
      exchange: exchangeTypes.QUICK_MODE, messageId,
    });

    const shown = decrypted([...ladder, fifth, quick].map((message, at) => datagram(message, at === 1 || at === 3 ? 'responder' : 'initiator')), isakmp(cookies.initiatorCookie, suite.name, key), ['isakmp.id.data.fqdn', 'isakmp.spi', 'isakmp.trans.id', '_ws.malformed', '_ws.expert.message']);
    expect(shown.slice(4)).toEqual([['initiator.example', '', '', '', ''], ['', 'c1a2b3d4', '12,3', '', '']]);
  });
});

// ---- the tree ---------------------------------------------------------------------------------------------------------------

/** Our name of a field, and Wireshark's. */
const wiresharkNames: Readonly<Record<string, RegExp>> = {
  'Initiator cookie': /^isakmp\.ispi$/,
  'Responder cookie': /^isakmp\.rspi$/,
  'Exchange type': /^isakmp\.exchangetype$/,
  'Message ID': /^isakmp\.messageid$/,
  'Payload length': /^isakmp\.payloadlength$/,
  DOI: /^isakmp\.(sa|notify|delete)\.doi$/,
  Situation: /^isakmp\.sa\.situation$/,
  'Proposal number': /^isakmp\.prop\.number$/,
  'Number of transforms': /^isakmp\.prop\.transforms$/,
  'Transform number': /^isakmp\.trans\.number$/,
  'Transform ID': /^isakmp\.trans\.id$/,
  'Key exchange data': /^isakmp\.key_exchange\.data$/,
  Nonce: /^isakmp\.nonce$/,
  Hash: /^isakmp\.hash$/,
  Signature: /^isakmp\.sig$/,
  'ID type': /^isakmp\.id\.type$/,
  Port: /^isakmp\.id\.port$/,
  'Notify type': /^isakmp\.notify\.msgtype$/,
  'Notification data': /^isakmp\.notify\.data$/,
  'Vendor ID': /^isakmp\.vid_bytes$/,
  Identifier: /^isakmp\.cfg\.identifier$/,
  'Hash of cookies, address and port': /^isakmp\.ike\.nat_hash$/,
  SPI: /^isakmp\.(spi|delete\.spi)$/,
};

const leaves = (tree: Tree): Tree[] => (tree.children.length === 0 ? [tree] : tree.children.flatMap(leaves));

needs('tshark').describe('the tree of a message', () => {
  test('has every field where Wireshark sees it', () => {
    const clear = [...mainMode.messages, ...aggressiveMode.messages].filter(({ bytes }) => (bytes[19]! & 1) === 0).map(({ bytes }) => datagram(bytes));
    const packets = [...clear, packetOf(rows.map(({ payload }) => payload)), packetOf([phaseTwoOffer], { exchange: exchangeTypes.QUICK_MODE })];
    const seen = new Set<string>();
    for (const [i, theirs] of places(packets).entries()) {
      for (const { label, from, to } of leaves(dissect(packets[i]!))) {
        const name = wiresharkNames[label];
        if (name === undefined || to === from) continue;
        seen.add(label);
        expect(theirs.filter((place) => name.test(place.name)), `${label} in packet ${i}`).toContainEqual(expect.objectContaining({ from, to }));
      }
    }
    expect(Object.keys(wiresharkNames).filter((label) => !seen.has(label))).toEqual([]);
  });
});

describe('the tree of a message, and its line', () => {
  const on = (message: Uint8Array): Tree => dissect(datagram(message));
  const find = (tree: Tree, ...labels: string[]): string => {
    let at = tree;
    for (const label of labels) at = at.children.find((child) => child.label === label) ?? expect.fail(`no ${label} among ${at.children.map((child) => child.label).join(', ')}`);
    return at.value;
  };

  test.each([
    [1, 'IKE v1 main mode: SA, VID x6'],
    [3, 'IKE v1 main mode: KE, Nonce, NAT-D, NAT-D'],
    [5, 'IKE v1 main mode: encrypted'],
    [7, 'IKE v1 quick mode mid 1776354300: encrypted'],
  ])('message %i reads %s', (n, line) => {
    expect(on(mainMode.messages[n - 1]!.bytes).value).toBe(`192.0.2.1:500 > 192.0.2.2:500 ${line}`);
  });

  test.each([
    ['the exchange', 1, ['Header', 'Exchange type'], '2 (MAIN_MODE)'],
    ['that there is no responder cookie yet', 1, ['Header', 'Responder cookie'], 'none yet'],
    ['what is proposed', 1, ['SA payload'], 'ISAKMP with 1 transform'],
    ['a cipher by name', 1, ['SA payload', 'Proposal 1', 'Transform 1', '1 (encryption)'], '5 (3DES-CBC)'],
    ['a vendor by name', 1, ['VID payload'], 'XAUTH'],
    ['NAT-D with its number', 3, ['NAT-D payload'], 'payload 20, 16 octets'],
    ['what encryption hides', 5, ['Encrypted payloads'], '72 octets, the first payload inside is 5 (ID)'],
    ['the flags', 5, ['Header', 'Flags'], 'encrypted'],
  ] as const)('shows %s', (_, n, path, value) => {
    expect(find(on(mainMode.messages[n - 1]!.bytes), 'IKE', ...path)).toBe(value);
  });

  test('a payload that is no good says why', () => {
    const bytes = mainMode.messages[0]!.bytes.slice();
    bytes[28 + 4 + 3] = 2; // the DOI
    expect(find(on(bytes), 'IKE', 'SA payload')).toMatch(/^malformed: SA: DOI 2/);
    expect(find(on(bytes), 'IKE', 'VID payload')).toBe('XAUTH');
    expect(on(bytes).value).toMatch(/IKE v1 main mode, malformed: SA: DOI 2$/);
  });
});
