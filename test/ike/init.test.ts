import { expect, test } from 'vitest';
import { seeded } from '../../src/core/random.ts';
import { decodeHeader, decodeMessage, encodeMessage } from '../../src/wire/ike/codec.ts';
import { notifyTypes, type Payload } from '../../src/wire/ike/message.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair } from '../support/pair.ts';

const notations = (two: Pair): string[] => two.alice.events('ike-message').map(({ notation }) => notation);
const payloadsOf = ({ payload }: Datagram): readonly Payload[] => {
  const message = decodeMessage(payload);
  return message.ok && 'payloads' in message.value ? message.value.payloads : [];
};
/** An answer that anybody on the way could write: it knows the initiator's SPI, no more. */
function forge(two: Pair, notifyType: number, data = new Uint8Array(0)): void {
  const header = decodeHeader(two.wire[0]!.payload);
  if (!header.ok) throw new Error('no first message');
  const answer = { ...header.value, flags: { initiator: false, higherVersion: false, response: true } };
  const { source, destination } = two.wire[0]!;
  two.deliver('alice', destination, source, encodeMessage({ header: answer, payloads: [{ type: 'Notify', protocol: 0, spi: new Uint8Array(0), notifyType, data }] }));
}

test('under load the responder asks for a COOKIE before it keeps or computes anything, and knows it again', () => {
  const two = established({ gwDaemon: { cookieThreshold: 0 } });
  // 1  HDR, SAi1, KEi, Ni             -->
  // 2              <--  HDR, N(COOKIE)
  // 3  HDR, N(COOKIE), SAi1, KEi, Ni  -->
  expect(notations(two).slice(0, 3)).toEqual([
    'HDR, SAi1, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP)',
    'HDR, N(COOKIE)',
    'HDR, N(COOKIE), SAi1, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP)',
  ]);
  expect(payloadsOf(two.wire[2]!).slice(1)).toEqual(payloadsOf(two.wire[0]!)); // RFC 7296 §2.6: all else unchanged
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  expect(two.gw.drops()).toEqual(['ike-cookie']);
});

test('a cookie of another address is none', () => {
  const two = pair({ gwDaemon: { cookieThreshold: 0 } }).initiate();
  two.settle();
  const { destination, payload } = two.wire[2]!;
  const before = two.wire.length;
  two.deliver('gw', { address: '203.0.113.99' as never, port: 500 }, destination, payload);
  expect(two.gw.drops()).toEqual(['ike-cookie', 'ike-cookie']);
  expect(payloadsOf(two.wire[before]!)).toMatchObject([{ notifyType: notifyTypes.COOKIE }]);
});

test('a cookie is good for as long as its secret and the next one live, and no longer', () => {
  const two = pair({ gwDaemon: { cookieThreshold: 0 } }).initiate().settle();
  const { destination, payload } = two.wire[2]!;
  const again = (port: number): void => void two.deliver('gw', { address: two.alice.config.address, port }, destination, payload);
  two.pass(minutes(6));
  again(501);
  expect(two.gw.drops()).toEqual(['ike-cookie']); // the one at the start
  two.pass(minutes(6));
  again(502);
  expect(two.gw.drops()).toEqual(['ike-cookie', 'ike-cookie']);
  const idle = pair({ gwDaemon: { cookieThreshold: 0 } }).initiate().settle();
  const old = idle.wire[2]!;
  idle.pass(minutes(12)).deliver('gw', { address: idle.alice.config.address, port: 503 }, old.destination, old.payload);
  expect(idle.gw.drops()).toEqual(['ike-cookie', 'ike-cookie']);
});

test('the responder wants another group: the same proposals go again with it', () => {
  const two = established({ gw: { proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['ecp-256'] }] } });
  expect(notations(two)[1]).toBe('HDR, N(INVALID_KE_PAYLOAD)');
  const [first, second] = [payloadsOf(two.wire[0]!), payloadsOf(two.wire[2]!)];
  expect(first.find(({ type }) => type === 'KE')).toMatchObject({ group: 31 });
  expect(second.find(({ type }) => type === 'KE')).toMatchObject({ group: 19 });
  expect(second.find(({ type }) => type === 'SA')).toEqual(first.find(({ type }) => type === 'SA'));
  expect(two.alice.states()).toEqual(['connecting', 'established']);
});

test('COOKIE and INVALID_KE_PAYLOAD one after the other', () => {
  const two = established({ gwDaemon: { cookieThreshold: 0 }, gw: { proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['ecp-256'] }] } });
  expect(notations(two).map((text) => text.split(', ')[1])).toEqual(['SAi1', 'N(COOKIE)', 'N(COOKIE)', 'N(INVALID_KE_PAYLOAD)', 'N(COOKIE)', 'SAr1', 'SK {IDi', 'SK {IDr']);
  expect(two.alice.states()).toEqual(['connecting', 'established']);
});

test('a forged INVALID_KE_PAYLOAD cannot talk the initiator down to a group that it has not offered', () => {
  const two = pair().initiate();
  forge(two, notifyTypes.INVALID_KE_PAYLOAD, Uint8Array.of(0, 2)); // MODP 1024
  forge(two, notifyTypes.INVALID_KE_PAYLOAD, Uint8Array.of(0, 31)); // the one that was tried
  expect(two.alice.drops()).toEqual(['ike-syntax', 'ike-syntax']);
  expect(two.wire).toHaveLength(1);
  expect(two.settle().alice.states()).toEqual(['connecting', 'established']);
});

test.each(['NO_PROPOSAL_CHOSEN', 'INVALID_SYNTAX', 'AUTHENTICATION_FAILED', 'INVALID_MAJOR_VERSION'] as const)('a forged %s does not stop the initiator', (name) => {
  const two = pair().initiate();
  forge(two, notifyTypes[name]);
  expect(two.alice.drops()).toEqual(['ike-syntax']);
  expect(two.settle().alice.states()).toEqual(['connecting', 'established']);
});

test('without a common proposal the responder says so and keeps nothing; the initiator asks until it gives up', () => {
  const two = pair({ gw: { proposals: [{ encryption: [{ name: 'aes-cbc', bits: 256 }], integrity: ['hmac-sha2-256-128'], prf: ['hmac-sha2-256'], groups: ['ecp-256'] }] } });
  two.initiate().pass(minutes(5));
  expect(two.gw.events('ike-sa')).toEqual([]);
  expect(payloadsOf(two.wire[1]!)).toMatchObject([{ notifyType: notifyTypes.NO_PROPOSAL_CHOSEN }]);
  expect(two.alice.states()).toEqual(['connecting', 'failed']);
});

test('half-open IKE SAs are forgotten after a while, and no more than the limit are borne', () => {
  const two = pair({ gwDaemon: { halfOpenLimit: 1 } });
  two.link = (datagram) => (datagram.from === 'gw' ? [] : [datagram]);
  two.initiate().settle();
  const { destination, payload } = two.wire[0]!;
  const other = payload.slice();
  other.set(seeded(9).bytes(8)); // another initiator SPI
  two.deliver('gw', { address: '203.0.113.8' as never, port: 500 }, destination, other);
  expect(two.gw.drops()).toEqual(['ike-half-open-limit']);
  two.link = () => [];
  two.pass(seconds(31));
  expect(two.gw.states()).toEqual(['connecting', 'failed']);
  expect(two.gw.stack.larval).toBe(0);
});

test('a version that nobody speaks yet is refused with the highest that we do', () => {
  const two = pair().initiate();
  const future = two.wire[0]!.payload.slice();
  future[17] = 0x30;
  two.deliver('gw', two.wire[0]!.source, two.wire[0]!.destination, future);
  expect(two.gw.drops()).toEqual(['ike-version']);
  expect(payloadsOf(two.wire[1]!)).toMatchObject([{ notifyType: notifyTypes.INVALID_MAJOR_VERSION }]);
  expect(two.wire[1]!.payload[17]).toBe(0x20);
});

test('a message of an IKE SA that is not here is told so in the clear, seldom, and who hears that does not believe it', () => {
  const two = established();
  const stray = two.wire[2]!.payload.slice();
  stray[15]! ^= 1; // the responder's SPI
  for (let i = 0; i < 5; i++) two.deliver('gw', two.wire[2]!.source, two.wire[2]!.destination, stray);
  expect(two.gw.drops()).toEqual(Array(5).fill('ike-unknown-spi'));
  expect(two.wire).toHaveLength(5); // one answer to five
  two.settle();
  expect(two.alice.drops()).toEqual(['ike-unknown-spi']);
  expect(two.alice.states()).toEqual(['connecting', 'established']);
});

test.each([
  ['aes-cbc', 256, ['hmac-sha2-256-128'], 'hmac-sha2-256', 'ecp-256'],
  ['aes-cbc', 128, ['hmac-sha1-96'], 'hmac-sha1', 'modp-2048'],
  ['aes-cbc', 256, ['hmac-sha2-512-256'], 'hmac-sha2-512', 'ecp-384'],
  ['aes-gcm-16', 256, [], 'hmac-sha2-384', 'ecp-384'],
  ['chacha20-poly1305', undefined, [], 'hmac-sha2-256', 'curve25519'],
] as const)('an IKE SA with %s %s %j, %s, %s', (name, bits, integrity, prf, group) => {
  const proposals = [{ encryption: [bits === undefined ? { name } : { name, bits }], integrity, prf: [prf], groups: [group] }];
  const child = { proposals: [{ encryption: proposals[0]!.encryption, integrity, groups: [group], extendedSequenceNumbers: true }] };
  const base = pair();
  const two = established({
    alice: { proposals, child: { ...base.alice.config.connections[0]!.child, ...child } },
    gw: { proposals, child: { ...base.gw.config.connections[0]!.child, ...child } },
  });
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  expect(two.gw.events('child-sa')).toMatchObject([{ state: 'established' }]);
  expect(two.gw.events('ike-keys')[0]).toMatchObject({ ...two.alice.events('ike-keys')[0], role: 'responder' });
  const keys = (stack: typeof two.gw.stack): string[] => [...stack.sas.values()].map(({ sa, encryptionKey, authKey }) => `${sa!.spi} ${Buffer.from(encryptionKey!).toString('hex')} ${Buffer.from(authKey ?? []).toString('hex')}`).sort();
  expect(keys(two.gw.stack)).toEqual(keys(two.alice.stack));
});
