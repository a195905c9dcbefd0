/** Quick mode from a peer that has the keys, and asks for what makes no sense, or for what nobody wants (RFC 2409 §5.5, RFC 2407 §4.4, §4.6.2). */
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/core/bytes.ts';
import { spiOctets } from '../../../src/ike/v1/payloads.ts';
import { saPayload } from '../../../src/ike/v1/phase-one.ts';
import { phaseTwoOffer } from '../../../src/ike/v1/phase2-proposals.ts';
import { behindHash, hashOne } from '../../../src/ike/v1/protected.ts';
import type { IsakmpSa } from '../../../src/ike/v1/sa.ts';
import type { Payload, Proposal } from '../../../src/wire/ike/v1/message.ts';
import { established, minutes, type Pair } from '../../support/pair.ts';
import { make } from './puppet.ts';

const spi = 0x0bad_cafe;
const id = (idType: number, ...data: number[]): Payload => ({ type: 'ID', idType, protocol: 0, port: 0, data: Uint8Array.from(data) });
const [here, there] = [id(4, 10, 98, 0, 0, 255, 255, 255, 0), id(4, 10, 99, 0, 0, 255, 255, 255, 0)];
const nonce: Payload = { type: 'Nonce', data: new Uint8Array(16).fill(7) };
const offer = (sa: IsakmpSa, change: (proposal: Proposal) => readonly Proposal[] = (proposal) => [proposal]): Payload => saPayload(change(phaseTwoOffer(sa, spi)));

/** Alice's daemon is made to send this as message 1 of a quick mode. */
function asks(payloads: (sa: IsakmpSa) => readonly Payload[]): Pair {
  const two = established({ v1: {} });
  make(two, 'alice', (sa) => {
    const exchange = sa.beginExchange('quick');
    exchange.send(behindHash(hashOne(sa, exchange.messageId), payloads(sa)));
  }).settle();
  return two;
}
const told = ({ alice }: Pair): string[] => alice.events('ike-message').filter(({ direction, exchange }) => direction === 'received' && exchange === 'informational').map(({ notation }) => notation);

function expectNothingNew(two: Pair): void {
  expect(two.gw.events('child-sa').filter(({ state }) => state === 'established')).toHaveLength(1);
  expect([two.gw.stack.size, two.gw.stack.larval]).toEqual([2, 0]);
}

test('what makes sense is answered', () => {
  const two = asks((sa) => [offer(sa), nonce, here, there]);
  expect(two.gw.events('ike-message').at(-1)).toMatchObject({ direction: 'sent', notation: 'HDR*, HASH(2), SA, Nr, IDci, IDcr' });
  expect(two.gw.stack.larval).toBe(1);
  two.pass(minutes(4)); // and forgotten, since message 3 never comes
  expectNothingNew(two);
});

describe('what contradicts itself is dropped', () => {
  test.each<[string, (sa: IsakmpSa) => readonly Payload[], string]>([
    ['nothing behind the HASH', () => [], 'the SA payload must follow the HASH'],
    ['the SA is not the first', (sa) => [nonce, offer(sa), here, there], 'the SA payload must follow the HASH'],
    ['two SAs', (sa) => [offer(sa), offer(sa), nonce, here, there], 'SA or nonce is missing, or there twice'],
    ['no nonce', (sa) => [offer(sa), here, there], 'SA or nonce is missing, or there twice'],
    ['two nonces', (sa) => [offer(sa), nonce, nonce, here, there], 'SA or nonce is missing, or there twice'],
    ['a public value that no proposal speaks of', (sa) => [offer(sa), nonce, { type: 'KE', data: new Uint8Array(64) }, here, there], 'a KE payload that the proposal does not speak of'],
  ])('%s', (_name, payloads, detail) => {
    const two = asks(payloads);
    expect(two.gw.events('drop')).toMatchObject([{ reason: 'isakmp-payloads', detail }]);
    expect(told(two)).toEqual([]);
    expectNothingNew(two);
  });
});

describe('what nobody wants is refused, and the peer hears why', () => {
  test.each<[string, (sa: IsakmpSa) => readonly Payload[], string]>([
    ['one identity', (sa) => [offer(sa), nonce, here], 'INVALID_ID_INFORMATION'],
    ['three identities', (sa) => [offer(sa), nonce, here, there, there], 'INVALID_ID_INFORMATION'],
    ['the ends the other way round', (sa) => [offer(sa), nonce, there, here], 'INVALID_ID_INFORMATION'],
    ['a mask with holes', (sa) => [offer(sa), nonce, id(4, 10, 98, 0, 0, 255, 255, 127, 0), there], 'INVALID_ID_INFORMATION'],
    ['a range that ends before it begins', (sa) => [offer(sa), nonce, id(7, 10, 98, 0, 9, 10, 98, 0, 1), there], 'INVALID_ID_INFORMATION'],
    ['a name where there are blocks', (sa) => [offer(sa), nonce, id(2, 97, 98), there], 'INVALID_ID_INFORMATION'],
    ['everything', (sa) => [offer(sa), nonce, id(4, 0, 0, 0, 0, 0, 0, 0, 0), id(4, 0, 0, 0, 0, 0, 0, 0, 0)], 'INVALID_ID_INFORMATION'],
    ['SPI zero', (sa) => [offer(sa, (proposal) => [{ ...proposal, spi: spiOctets(0) }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
    ['AH and ESP at once', (sa) => [offer(sa, (proposal) => [proposal, { ...proposal, protocol: 2 }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
    ['a protocol that nobody has', (sa) => [offer(sa, (proposal) => [{ ...proposal, protocol: 99 }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
    ['an attribute that is not known', (sa) => [offer(sa, (proposal) => [{ ...proposal, transforms: proposal.transforms.map((transform) => ({ ...transform, attributes: [...transform.attributes, { type: 99, value: 1 }] })) }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
    ['an algorithm said twice', (sa) => [offer(sa, (proposal) => [{ ...proposal, transforms: proposal.transforms.map((transform) => ({ ...transform, attributes: [{ type: 5, value: 1 }, ...transform.attributes] })) }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
    ['an attribute of three octets', (sa) => [offer(sa, (proposal) => [{ ...proposal, transforms: proposal.transforms.map((transform) => ({ ...transform, attributes: transform.attributes.map(({ type }) => ({ type, value: new Uint8Array(3) })) })) }]), nonce, here, there], 'NO_PROPOSAL_CHOSEN'],
  ])('%s', (_name, payloads, notify) => {
    const two = asks(payloads);
    expect(told(two)).toEqual([`HDR*, HASH(1), N(${notify})`]);
    expect(two.gw.events('child-sa').at(-1)).toMatchObject({ state: 'failed' });
    expectNothingNew(two);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(minutes(1));
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });
});

test('1000 transforms in eight proposals, of which the last is wanted', () => {
  const two = asks((sa) => [offer(sa, (proposal) => {
    const unknown = { ...proposal.transforms[0]!, id: 250 };
    const transforms = Array.from({ length: 125 }, (_, i) => ({ ...unknown, number: i + 1 }));
    return Array.from({ length: 8 }, (_, i) => ({ ...proposal, number: i + 1, transforms: i < 7 ? transforms : [...transforms.slice(1), proposal.transforms[0]!] }));
  }), nonce, here, there]);
  expect(two.gw.events('ike-message').at(-1)).toMatchObject({ direction: 'sent', exchange: 'quick' });
});

test('an SPI that its stack sends with already is not given to a second child SA', () => {
  const two = established({ v1: {} });
  const [child] = two.gw.events('child-sa');
  make(two, 'alice', (sa) => {
    const exchange = sa.beginExchange('quick');
    exchange.send(behindHash(hashOne(sa, exchange.messageId), [saPayload([phaseTwoOffer(sa, child!.spiOut)]), nonce, here, there]));
  }).pass(minutes(4));
  expect(two.gw.stack.to(two.alice.config.address).map(({ sa }) => sa!.spi)).toEqual([child!.spiOut]);
});

test('identities without octets that they need are no identities', () => {
  const two = asks((sa) => [offer(sa), nonce, { type: 'Unknown', payloadType: 5, data: concat(Uint8Array.of(4, 0, 0, 0), Uint8Array.of(10, 98)) }, there]);
  expect(two.gw.events('drop')).toMatchObject([{ reason: 'isakmp-authentication', detail: expect.stringContaining('ID Type 4 with 2 octets') as unknown }]);
  expectNothingNew(two);
});
