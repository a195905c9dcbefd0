/** Somebody who holds the keys of an IKE SA: for messages that our own daemon would never write. */
import { fromHex } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { decodeHeader, decodeMessage, decodePayloads } from '../../src/wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, type ExchangeName, type IkeHeader, type Payload } from '../../src/wire/ike/message.ts';
import { Protection } from '../../src/ike/v2/protect.ts';
import type { Datagram, Party, PartyName } from './pair.ts';

/** The keys as a party's `ike-keys` event tells them; AES-GCM-128, as the pair has unless told otherwise. */
function protection(party: Party, role: 'initiator' | 'responder', sa: number): Protection {
  const { skEi, skEr, skAi, skAr } = party.events('ike-keys').at(sa)!;
  const none = new Uint8Array(0);
  const keys = { skD: none, skPi: none, skPr: none, skEi: fromHex(skEi), skEr: fromHex(skEr), skAi: fromHex(skAi), skAr: fromHex(skAr) };
  return new Protection(cipherSuite('aes-gcm-16', 128, 'none'), keys, role, seeded(77));
}

/** A message of an IKE SA that a party knows, written as its initiator or its responder would; on port 500. */
export function forged(party: Party, as: 'initiator' | 'responder', message: Forged, payloads: readonly Payload[], sa = -1): Uint8Array {
  return protection(party, as, sa).seal(headerOf(party, as, message, sa), payloads);
}

/** The same in fragments of no more than `longest` octets. */
export const forgedFragments = (party: Party, as: 'initiator' | 'responder', message: Forged, payloads: readonly Payload[], longest: number, sa = -1): readonly Uint8Array[] =>
  protection(party, as, sa).sealFitting(headerOf(party, as, message, sa), payloads, longest);

interface Forged {
  readonly exchange: ExchangeName;
  readonly response: boolean;
  readonly messageId: number;
}

function headerOf(party: Party, as: 'initiator' | 'responder', message: Forged, sa: number): IkeHeader {
  const { initiatorSpi, responderSpi } = party.events('ike-keys').at(sa)!;
  return {
    initiatorSpi: fromHex(initiatorSpi), responderSpi: fromHex(responderSpi), version: ikeVersion2, exchange: exchangeTypes[message.exchange],
    flags: { initiator: as === 'initiator', higherVersion: false, response: message.response }, messageId: message.messageId,
  };
}

/** What stands inside SK of a message on the wire. */
export function opened(party: Party, { payload }: Datagram, writtenBy: 'initiator' | 'responder', sa = -1): readonly Payload[] {
  const bytes = payload.subarray(0, 4).every((octet) => octet === 0) ? payload.subarray(4) : payload;
  const message = decodeMessage(bytes);
  if (!message.ok || !('bodyAt' in message.value)) throw new Error('not under SK');
  const plaintext = protection(party, writtenBy === 'initiator' ? 'responder' : 'initiator', sa).open(message.value);
  const payloads = plaintext && decodePayloads(message.value.firstInner, plaintext);
  if (!payloads?.ok) throw new Error('not with these keys');
  return payloads.value;
}

/** Exchange names of what a party sent, `CREATE_CHILD_SA` for a request and `CREATE_CHILD_SA answer` for an answer. */
export const ladder = (wire: readonly Datagram[]): [PartyName, string][] =>
  wire.map(({ from, payload }) => {
    const bytes = payload.subarray(0, 4).every((octet) => octet === 0) ? payload.subarray(4) : payload;
    const header = decodeHeader(bytes);
    if (!header.ok) return [from, 'keepalive'];
    const name = Object.entries(exchangeTypes).find(([, id]) => id === header.value.exchange)?.[0] ?? '?';
    return [from, header.value.flags.response ? `${name} answer` : name];
  });
