import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex, toHex, utf8 } from '../../src/core/bytes.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { hash } from '../../src/crypto/hash.ts';
import { hash1, hash2, hash3, hashI, hashR } from '../../src/crypto/ike-v1-authentication.ts';
import { messageCipherSuite, messageCipherSuiteById, nextIv } from '../../src/crypto/ike-v1-cipher.ts';
import { encryptionKey, phaseOneIv, phaseOneKeys, phaseTwoIv, preSharedKeySkeyid, quickModeKeys, signatureSkeyid } from '../../src/crypto/ike-v1-keys.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';
import { behindFirst } from '../../src/wire/ike/v1/codec.ts';
import { exchangeTypes, protocolIds } from '../../src/wire/ike/v1/message.ts';
import type { Payload } from '../../src/wire/ike/v1/message.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import type { Ipv4Packet } from '../../src/wire/ipv4.ts';
import { openConversation } from '../support/ikev1-conversation.ts';
import type { OpenedMessage } from '../support/ikev1-conversation.ts';
import { aggressiveMode, mainMode, preSharedKey } from '../vectors/strongswan-ikev1.ts';
import type { Conversation } from '../vectors/strongswan-ikev1.ts';

describe('NIST CAVP, SP 800-135 IKEv1 KDF (the first of 256-bit g^xy, as libreswan has them in programs/cavp)', () => {
  const prf = hash('sha1').prf;

  test('authentication with signatures (ikev1_dsa)', () => {
    const exchange = {
      prf,
      sharedSecret: fromHex('8ba4cbc73c0187301dc19a975823854dbd641c597f637f8d053a83b9514673eb'),
      nonceI: fromHex('69a62284195f1680'), nonceR: fromHex('80c94ba25c8abda5'),
      cookieI: fromHex('8c3bcd3a69831d7f'), cookieR: fromHex('d2d9a7ff4fbe95a7'),
    };
    expect(phaseOneKeys(signatureSkeyid(exchange), exchange)).toEqual({
      skeyid: fromHex('707197817fb2d90cf54d1842606bdea59b9f4823'),
      skeyidD: fromHex('384be709a8a5e63c3ed160cfe3921c4b37d5b32d'),
      skeyidA: fromHex('48b327575abe3adba0f279849e289022a13e2b47'),
      skeyidE: fromHex('a4a415c8e0c38c0da847c356cc61c24df8025560'),
    });
  });

  test('authentication with a pre-shared key (ikev1_psk)', () => {
    const exchange = {
      prf,
      sharedSecret: fromHex('739003ba2c11c982946c65e26acf661fbf8ebb78011a9fead79efa12fe3e71cc'),
      nonceI: fromHex('b9a2d0e922dc66dd'), nonceR: fromHex('2130166863b5ddef'),
      cookieI: fromHex('83d374c30b3b5082'), cookieR: fromHex('5afc0da06c728029'),
    };
    expect(phaseOneKeys(preSharedKeySkeyid(exchange, fromHex('75')), exchange)).toEqual({
      skeyid: fromHex('62b04d112877e442fc3282fc37c076997718a0b9'),
      skeyidD: fromHex('369e5aad1bdb5faf6a3d929d500cdc236710a9ab'),
      skeyidA: fromHex('588e957d8d790d093b3a39f121473473af78e9bb'),
      skeyidE: fromHex('cd74b0c048219db81384d3fda8f6cda51e398a2b'),
    });
  });
});

// NIST's ACVP server, gen-val/json-files/kdf-components-IKEv1-1.0, test case 4500: public key encryption, whose SKEYID is another, and the rest is not.
test('NIST ACVP, SHA2-512: SKEYID_d, _a and _e of a given SKEYID', () => {
  const skeyid = fromHex('DD3A8D4C3799C3B4A3F9B13746F5952BF9FF3576AE0A2B15E79D375ACA47A7CEDA5C3F04A63F67BA9B47940C7830D60B898355BD634D85E029115E81714B779A');
  const exchange = {
    prf: hash('sha2-512').prf,
    sharedSecret: fromHex('1B40754A477A43443EC89C5DFFD7502CB1CBE1BB52F8E0B8AF34FF51'),
    nonceI: new Uint8Array(0), nonceR: new Uint8Array(0), // in SKEYID
    cookieI: fromHex('493747BAA023A654'), cookieR: fromHex('2D6975984A717A19'),
  };
  expect(phaseOneKeys(skeyid, exchange)).toEqual({
    skeyid,
    skeyidD: fromHex('D5D1C38169E3DF23DD4BA318045220960AC225C45D4F1C2360E8D0C31459B6AD88E425F7D4B2D12D82D1E40668D9A50E376630DB2EBEE21225E38B0CDD64CEEE'),
    skeyidA: fromHex('070A6F4E62D34A6A20D686761FCD12D006664DFFDF7D2BF7BAFBCD1E5DFD75F65A4C7D50D9211D7CFDDBA40140F4FE086FE9BE2849434A61C839FA80B591F65F'),
    skeyidE: fromHex('A342159497DF4BFADF4D5DB0D631D56776595A0C976AC07A1A0D4CEF396B9214A6351912E349B62D8DB07ABFDB953445B6367EE3349994D362F48305FE49881B'),
  });
});

/** The body of the first payload of its kind in the whole conversation, or in the messages given. */
function bodyOf(messages: readonly OpenedMessage[], type: Payload['type'], which = 0): Uint8Array {
  const found = messages.flatMap(({ payloads, bodies }) => bodies.filter((_, i) => payloads[i]!.type === type));
  if (found[which] === undefined) throw new Error(`no ${type} ${which}`);
  return found[which];
}

/** What stood inside ESP, without its trailer (RFC 4303 §2). */
function innerPacket(plaintext: Uint8Array): Ipv4Packet {
  const packet = decodeIpv4(plaintext.subarray(0, -2 - plaintext.at(-2)!));
  if (!packet.ok) throw new Error(packet.detail);
  return packet.value;
}

describe.each<Conversation>([mainMode, aggressiveMode])('two strongSwan daemons, $about', (conversation) => {
  const { secrets, quickMode } = conversation;
  const messages = openConversation(conversation);
  const negotiated = hash(conversation.hash);
  const { prf } = negotiated;
  const cipherOf = messageCipherSuite(conversation.cipher, conversation.bits);
  const espSuite = conversation === mainMode ? cipherSuite('3des-cbc', undefined, 'hmac-md5-96') : cipherSuite('aes-cbc', 128, 'hmac-sha1-96');
  const [cookieI, cookieR] = [messages[1]!.header.initiatorCookie, messages[1]!.header.responderCookie];
  const phaseOne = messages.filter(({ header }) => header.messageId === 0);
  const [publicI, publicR] = [bodyOf(phaseOne, 'KE', 0), bodyOf(phaseOne, 'KE', 1)];
  const exchange = { prf, sharedSecret: secrets.sharedSecret, nonceI: bodyOf(phaseOne, 'Nonce', 0), nonceR: bodyOf(phaseOne, 'Nonce', 1), cookieI, cookieR };

  test('the secrets of the ISAKMP SA', () => {
    const { skeyid, skeyidD, skeyidA, skeyidE } = secrets;
    expect(phaseOneKeys(preSharedKeySkeyid(exchange, utf8(preSharedKey)), exchange)).toEqual({ skeyid, skeyidD, skeyidA, skeyidE });
  });

  test('the encryption key, longer than SKEYID_e or a part of it (RFC 2409 appendix B)', () => {
    expect(encryptionKey(prf, secrets.skeyidE, cipherOf.keyLength)).toEqual(secrets.encryptionKey);
  });

  test('the first IV', () => {
    expect(phaseOneIv(negotiated, publicI, publicR, cipherOf.blockLength)).toEqual(secrets.initialIv);
  });

  test('HASH_I and HASH_R', () => {
    const transcript = { publicI, publicR, cookieI, cookieR, saI: bodyOf(phaseOne, 'SA') };
    const hashes = [hashI(prf, secrets.skeyid, transcript, bodyOf(phaseOne, 'ID', 0)), hashR(prf, secrets.skeyid, transcript, bodyOf(phaseOne, 'ID', 1))];
    const received = [bodyOf(phaseOne, 'HASH', 0), bodyOf(phaseOne, 'HASH', 1)];
    expect(hashes.map(toHex)).toEqual((conversation === mainMode ? received : received.toReversed()).map(toHex));
  });

  test('the hash of the destination, the first NAT-D; that of the source they invent (RFC 3947 §3.2)', () => {
    const at = (address: string, port: number): string => toHex(natDetectionHash(cookieI, cookieR, ip(address), port, negotiated));
    const detecting = phaseOne.filter(({ payloads }) => payloads.some(({ type }) => type === 'NAT-D'));
    // in aggressive mode the responder is the first, and the initiator has moved by then
    const expected = conversation === mainMode ? [at('192.0.2.2', 500), at('192.0.2.1', 500)] : [at('192.0.2.1', 500), at('192.0.2.2', 4500)];
    expect(detecting.map((message) => toHex(bodyOf([message], 'NAT-D')))).toEqual(expected);
  });

  test('the hashes of quick mode', () => {
    const [one, two, three] = messages.filter(({ header }) => header.exchange === exchangeTypes.QUICK_MODE);
    const { messageId } = one!.header;
    const [nonceI, nonceR] = [bodyOf([one!], 'Nonce'), bodyOf([two!], 'Nonce')];
    expect(hash1(prf, secrets.skeyidA, messageId, behindFirst(one!))).toEqual(one!.bodies[0]);
    expect(hash2(prf, secrets.skeyidA, messageId, nonceI, behindFirst(two!))).toEqual(two!.bodies[0]);
    expect(hash3(prf, secrets.skeyidA, messageId, nonceI, nonceR)).toEqual(three!.bodies[0]);
  });

  test('the hash of every other exchange of phase 2', () => {
    const others = messages.filter(({ header }) => header.messageId !== 0 && header.exchange !== exchangeTypes.QUICK_MODE);
    expect(others.length).toBeGreaterThan(0);
    for (const message of others) expect(hash1(prf, secrets.skeyidA, message.header.messageId, behindFirst(message))).toEqual(message.bodies[0]);
  });

  test('the keys of ESP, in either direction', () => {
    const [one, two] = messages.filter(({ header }) => header.exchange === exchangeTypes.QUICK_MODE);
    const [nonceI, nonceR] = [bodyOf([one!], 'Nonce'), bodyOf([two!], 'Nonce')];
    const keys = (chosenBy: OpenedMessage) => {
      const sa = chosenBy.payloads.find((payload) => payload.type === 'SA');
      const spi = sa!.proposals[0]!.spi;
      return quickModeKeys({ prf, keyLengths: espSuite, skeyidD: secrets.skeyidD, sharedSecret: quickMode.sharedSecret, protocol: protocolIds.ESP, spi, nonceI, nonceR });
    };
    expect(keys(two!)).toEqual({ encryption: quickMode.encryptionI, integrity: quickMode.integrityI });
    expect(keys(one!)).toEqual({ encryption: quickMode.encryptionR, integrity: quickMode.integrityR });
  });

  test('those keys open what went through the tunnel', () => {
    const inner = (packet: Uint8Array, encryption: Uint8Array, integrity: Uint8Array): Uint8Array => espSuite.create(encryption, integrity).open(packet.subarray(8), { associated: packet.subarray(0, 8) })!;
    const { initiator, responder } = conversation.espPackets;
    const [request, reply] = [inner(initiator, quickMode.encryptionI, quickMode.integrityI), inner(responder, quickMode.encryptionR, quickMode.integrityR)].map(innerPacket);
    expect(request).toMatchObject({ protocol: 1, destination: '10.2.0.1' });
    expect(reply).toMatchObject({ protocol: 1, source: '10.2.0.1', destination: request!.source });
  });

  test('the first encrypted message is written again octet for octet', () => {
    const cipher = cipherOf.create(secrets.encryptionKey);
    const { plaintext, captured } = messages.find((message) => message.plaintext !== undefined)!;
    expect(toHex(cipher.encrypt(secrets.initialIv, plaintext!))).toBe(toHex(captured.bytes.subarray(28)));
  });
});

describe('the ciphers of IKEv1', () => {
  const iv = new Uint8Array(16);

  // the first two blocks of F.2.1 and F.2.5; 3DES is what the daemons in main mode spoke
  test.each([
    [128, '2b7e151628aed2a6abf7158809cf4f3c', '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2'],
    [256, '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d'],
  ] as const)('AES-CBC-%i (NIST SP 800-38A, F.2)', (bits, key, ciphertext) => {
    const cipher = messageCipherSuite('aes-cbc', bits).create(fromHex(key));
    const first = fromHex('000102030405060708090a0b0c0d0e0f');
    const plaintext = fromHex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51');
    expect(toHex(cipher.encrypt(first, plaintext))).toBe(ciphertext);
    expect(cipher.decrypt(first, fromHex(ciphertext))).toEqual(plaintext);
    expect(nextIv(cipher, fromHex(ciphertext))).toEqual(fromHex(ciphertext).subarray(16));
  });

  test('what is not whole blocks does not decrypt', () => {
    const cipher = messageCipherSuite('aes-cbc', 128).create(new Uint8Array(16));
    for (const length of [0, 1, 15, 17, 31]) expect(cipher.decrypt(iv, new Uint8Array(length))).toBeUndefined();
    const tripleDes = messageCipherSuite('3des-cbc', undefined).create(new Uint8Array(24).map((_, i) => i));
    expect(tripleDes.decrypt(iv.subarray(8), new Uint8Array(12))).toBeUndefined();
    expect(tripleDes.decrypt(iv.subarray(8), new Uint8Array(8))).toHaveLength(8);
  });

  test.each([
    ['3DES', 5, undefined, '3des-cbc', 24],
    ['AES with 128 bits', 7, 128, 'aes-cbc-128', 16],
    ['AES with 256 bits', 7, 256, 'aes-cbc-256', 32],
  ])('attributes name a cipher: %s', (_, id, bits, name, keyLength) => {
    const suite = messageCipherSuiteById(id, bits)!;
    expect(suite).toMatchObject({ name, keyLength });
    expect(() => suite.create(new Uint8Array(keyLength - 1))).toThrow(RangeError);
  });

  test.each([
    ['AES without a key length', 7, undefined],
    ['AES with 192 bits', 7, 192],
    ['3DES with a key length', 5, 192],
    ['DES', 1, undefined],
  ])('attributes name nothing we have: %s', (_, id, bits) => {
    expect(messageCipherSuiteById(id, bits)).toBeUndefined();
  });

  test('a configuration that names no cipher is told so', () => {
    expect(() => messageCipherSuite('aes-cbc', undefined)).toThrow('no such cipher: aes-cbc, no key bits');
  });
});

test('another message has another IV', () => {
  const block = new Uint8Array(16);
  expect(phaseTwoIv(hash('sha1'), block, 1, 16)).not.toEqual(phaseTwoIv(hash('sha1'), block, 2, 16));
});
