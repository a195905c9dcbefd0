/** Somebody who watches a capture from its beginning, with keys or without: what one packet says is often known from those before it. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint, IpAddress } from '../../src/core/address.ts';
import { sameBytes, toHex } from '../../src/core/bytes.ts';
import { hash, hashById } from '../../src/crypto/hash.ts';
import { messageCipherSuiteById } from '../../src/crypto/ike-v1-cipher.ts';
import type { MessageCipherSuite } from '../../src/crypto/ike-v1-cipher.ts';
import { phaseOneIv, phaseTwoIv } from '../../src/crypto/ike-v1-keys.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';
import type { Hash } from '../../src/crypto/types.ts';
import { IvChain } from '../../src/ike/v1/iv-chain.ts';
import { authenticate, takeTrailerOff } from '../../src/ipsec/esp.ts';
import { decodeEsp } from '../../src/wire/esp.ts';
import { decodeMessage as decodeV2 } from '../../src/wire/ike/codec.ts';
import { decodeMessage as decodeV1 } from '../../src/wire/ike/v1/codec.ts';
import { phaseOneAttributes } from '../../src/wire/ike/v1/message.ts';
import type { EncryptedMessage, Payload } from '../../src/wire/ike/v1/message.ts';
import type { Inside, Insight } from '../../src/wire/insight.ts';
import { Bounded } from './bounded.ts';
import { IkeFragments } from './ike-fragments.ts';
import type { KeyRing } from './keys.ts';
import type { TakenApart } from './packet.ts';
import { privateEndpoint } from './private-endpoint.ts';

/** What phase 1 of an ISAKMP SA has told in the clear, and the vectors of what it encrypts. */
interface PhaseOne {
  hash: Hash | undefined;
  suite: MessageCipherSuite | undefined;
  readonly publicValues: Uint8Array[];
  readonly chains: Bounded<number, IvChain>;
  /** By message: each passes several interfaces, and may be sent again. */
  readonly opened: Bounded<string, Opened>;
}

interface Counts {
  readonly ike: { seen: number; opened: number };
  readonly esp: { seen: number; opened: number };
}

type Opened = Inside | string;

export class Onlooker implements Insight {
  readonly #keys: KeyRing;
  readonly #phaseOnes = new Bounded<string, PhaseOne>(1024);
  readonly #endpoints = new Bounded<string, Endpoint>(4096);
  readonly #hashes = new Bounded<string, string>(4096);
  /** Where the packet was captured that was seen last, and who sent it. */
  #place = '';
  readonly #fragments = new IkeFragments();
  #searches: number;
  /** How much that is encrypted was seen and opened. */
  readonly counts: Counts;

  /** `searches` for private addresses take long: so many, and then no more. */
  constructor(keys: KeyRing, counts: Counts = { ike: { seen: 0, opened: 0 }, esp: { seen: 0, opened: 0 } }, searches = 4) {
    this.#keys = keys;
    this.#searches = searches;
    this.counts = counts;
  }

  /** Has a look at a packet before anybody asks about it; `place` names the interface. */
  see(place: string, { from, to, content }: TakenApart): void {
    this.#place = `${place} ${from.address}`;
    for (const endpoint of [from, to]) this.#endpoints.set(describeEndpoint(endpoint), endpoint);
    if (content.kind === 'ike' && content.message[17]! >>> 4 === 1) this.#followPhaseOne(content.message);
  }

  /** Opens a message that nobody asks about, for the sake of those behind it. */
  follow(message: Uint8Array): void {
    const whole = this.together(message);
    this.ike(whole instanceof Uint8Array ? whole : message);
  }

  ike(message: Uint8Array): Opened | undefined {
    const opened = message[17]! >>> 4 === 1 ? this.#openV1(message) : this.#openV2(message);
    this.counts.ike.seen++;
    if (typeof opened === 'object') this.counts.ike.opened++;
    return opened;
  }

  esp(packet: Uint8Array): { readonly nextHeader: number; readonly payload: Uint8Array } | undefined {
    const esp = decodeEsp(packet);
    if (!esp.ok) return undefined;
    this.counts.esp.seen++;
    for (const keying of this.#keys.esp.get(esp.value.spi) ?? []) {
      const plaintext = authenticate(keying, esp.value.sequence, esp.value.body);
      const inside = plaintext && takeTrailerOff(plaintext);
      if (inside?.ok !== true) continue;
      this.counts.esp.opened++;
      return inside.value;
    }
    return undefined;
  }

  together(message: Uint8Array): Uint8Array | string | undefined {
    return this.#fragments.together(message);
  }

  natDetection(message: Uint8Array, wanted: Uint8Array): string | undefined {
    const name = toHex(message.subarray(0, 16)) + toHex(wanted);
    const known = this.#hashes.get(name);
    if (known !== undefined) return known;
    const found = this.#searched(message, wanted);
    const said = found === undefined ? 'no address of this capture: its sender means another one, or makes the hash fail on purpose' : describeEndpoint(found);
    this.#hashes.set(name, said);
    return said;
  }

  /** The address and port that a hash is of: one of this capture, a private one that is easily guessed, or undefined. */
  #searched(message: Uint8Array, wanted: Uint8Array): Endpoint | undefined {
    const [spiI, spiR] = [message.subarray(0, 8), message.subarray(8, 16)];
    const negotiated = this.hashOf(message);
    const fits = ({ address, port }: Endpoint): boolean => sameBytes(natDetectionHash(spiI, spiR, address, port, negotiated), wanted);
    const seen = [...this.#endpoints.values()];
    const addresses = new Set<IpAddress>(seen.map(({ address }) => address));
    const ports = new Set([500, 4500, ...seen.map(({ port }) => port)].slice(0, 64));
    const found = seen.find(fits) ?? [...addresses].flatMap((address) => [...ports].map((port) => ({ address, port }))).find(fits);
    if (found !== undefined || this.#searches-- <= 0) return found;
    return privateEndpoint(spiI, spiR, wanted, negotiated);
  }

  /** The hash that phase 1 agreed on; of IKEv2 always SHA-1. */
  hashOf(message: Uint8Array): Hash {
    const sha1 = hash('sha1');
    return message[17]! >>> 4 === 1 ? (this.#phaseOnes.get(toHex(message.subarray(0, 8)))?.hash ?? sha1) : sha1;
  }

  #openV2(bytes: Uint8Array): Opened | undefined {
    const message = decodeV2(bytes);
    if (!message.ok) return undefined;
    const keys = this.#keys.ike.get(toHex(bytes.subarray(0, 16)));
    if (keys === undefined) return undefined;
    if (!('bodyAt' in message.value)) return undefined;
    const { header, firstInner, fragment } = message.value;
    const payloads = (header.flags.initiator ? keys.initiator : keys.responder).open(message.value);
    if (payloads === undefined) return 'the keys of this SA do not fit';
    return fragment === undefined ? { first: firstInner, payloads } : this.#fragments.add(this.#place, message.value, fragment, payloads);
  }

  // ---- IKEv1, in which each message is encrypted behind the one before -----------------------------------------------------

  #phaseOneOf(message: Uint8Array): PhaseOne {
    const cookie = toHex(message.subarray(0, 8));
    let known = this.#phaseOnes.get(cookie);
    if (known === undefined) this.#phaseOnes.set(cookie, (known = { hash: undefined, suite: undefined, publicValues: [], chains: new Bounded(256), opened: new Bounded(256) }));
    return known;
  }

  #followPhaseOne(bytes: Uint8Array): void {
    const message = decodeV1(bytes);
    if (!message.ok || !('payloads' in message.value)) return;
    const whole = this.#fragments.addV1(this.#place, bytes, message.value);
    const read = whole === undefined ? message : decodeV1(whole);
    if (!read.ok || !('payloads' in read.value)) return;
    const phaseOne = this.#phaseOneOf(bytes);
    for (const payload of read.value.payloads) {
      if (payload.type === 'SA') choose(phaseOne, payload);
      else if (payload.type === 'KE' && phaseOne.publicValues.length < 2 && !phaseOne.publicValues.some((known) => sameBytes(known, payload.data))) phaseOne.publicValues.push(payload.data.slice());
    }
  }

  #openV1(bytes: Uint8Array): Opened | undefined {
    const message = decodeV1(bytes);
    const key = this.#keys.isakmp.get(toHex(bytes.subarray(0, 8)));
    if (!message.ok || key === undefined || !('ciphertext' in message.value)) return undefined;
    const phaseOne = this.#phaseOneOf(bytes);
    const name = `${message.value.header.messageId} ${toHex(message.value.ciphertext.subarray(-16))}`;
    const known = phaseOne.opened.get(name);
    if (known !== undefined) return known;
    const opened = open(phaseOne, key, message.value);
    phaseOne.opened.set(name, opened);
    return opened;
  }
}

/** The first transform of the last SA payload: an offer may have many, the answer has one. */
function choose(phaseOne: PhaseOne, { proposals }: Extract<Payload, { type: 'SA' }>): void {
  const attributes = proposals[0]?.transforms[0]?.attributes ?? [];
  const valueOf = (wanted: number): number | undefined => attributes.flatMap(({ type, value }) => (type === wanted && typeof value === 'number' ? [value] : []))[0];
  phaseOne.hash = hashById(valueOf(phaseOneAttributes.HASH) ?? 0);
  phaseOne.suite = messageCipherSuiteById(valueOf(phaseOneAttributes.ENCRYPTION) ?? 0, valueOf(phaseOneAttributes.KEY_LENGTH));
}

function open(phaseOne: PhaseOne, key: Uint8Array, message: EncryptedMessage): Opened {
  const { hash: negotiated, suite, publicValues: [ofInitiator, ofResponder], chains } = phaseOne;
  if (negotiated === undefined || suite === undefined || ofInitiator === undefined || ofResponder === undefined) return 'its phase 1 is not in this capture, or negotiates what the lab has not';
  if (key.length !== suite.keyLength) return `a key of ${key.length} octets, and phase 1 has agreed on ${suite.name}`;
  const cipher = suite.create(key);
  const inPhaseOne = chains.get(0) ?? new IvChain(cipher, phaseOneIv(negotiated, ofInitiator, ofResponder, cipher.blockLength));
  const { messageId } = message.header;
  const chain = messageId === 0 ? inPhaseOne : (chains.get(messageId) ?? new IvChain(cipher, phaseTwoIv(negotiated, inPhaseOne.last, messageId, cipher.blockLength)));
  const opened = chain.open(message);
  if (!opened.ok) return 'the key does not fit, or a message before it is missing';
  chain.follow(message);
  chains.set(0, inPhaseOne);
  chains.set(messageId, chain);
  return { first: message.first, payloads: opened.value.bytes };
}
