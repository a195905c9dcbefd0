/**
 * IKEv1 messages in pieces, as Cisco, Windows and strongSwan have them; there is no RFC, MS-IKEE tells it (§2.2.3.1, §3.3.5.3, §3.3.6.1). The message is cut up as
 * it stands, header and ciphertext, so that no piece proves anything: what they make is judged like any other message.
 */
import { concat } from '../../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../../core/decoded.ts';
import { after, describeDuration } from '../../core/time.ts';
import { decodeMessage, encodeMessage } from '../../wire/ike/v1/codec.ts';
import type { ClearMessage, EncryptedMessage, IsakmpHeader, Payload } from '../../wire/ike/v1/message.ts';
import { vendorIdOf, vendorIds } from '../../wire/ike/v1/vendor-ids.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { fragmentPatience, longestMessage, mostOctets } from '../fragment-size.ts';
import { all } from './payloads.ts';
import type { IsakmpSa } from './sa.ts';

type Fragment = Extract<Payload, { type: 'Fragment' }>;

// ---- whether

/** Said once, though a daemon that one is to look like says it too. */
export const fragmentationVendorId = ({ fragmentation = false, ike }: ConnectionConfig): Payload[] => {
  const isSaid = ike.version === 'v1' && ike.vendorIds?.some((id) => vendorIdOf(id) === 'fragmentation');
  return fragmentation === false || isSaid ? [] : [{ type: 'VID', data: vendorIds.fragmentation.id }];
};

/** Both want it, so that pieces may be sent: this side by its configuration, the other by its vendor ID. */
export const fragmentationAgreed = ({ fragmentation = false }: ConnectionConfig, payloads: readonly Payload[]): boolean =>
  fragmentation !== false && all({ payloads }, 'VID').some(({ data }) => vendorIdOf(data) === 'fragmentation');

// ---- cutting up

/** ISAKMP's header, a payload's, and `Fragment ID | Number | Flags`. */
const fragmentHead = 28 + 4 + 4;
/** The number has 8 bits, and begins at 1. */
const mostFragments = 255;
/** There is one message under way at a time, which its header names: the ID need not tell them apart (strongSwan has 1 throughout as well). */
const identifier = 1;

/** The message as it goes on the wire: whole where it is short, or where the peer takes no pieces. Each piece has the header of the whole, without encryption. */
export function inFragments({ fragmentation, connection, peer }: IsakmpSa, header: IsakmpHeader, message: Uint8Array): readonly Uint8Array[] {
  const longest = longestMessage(connection, peer);
  const room = longest - fragmentHead;
  const total = Math.ceil(message.length / room);
  if (!fragmentation || message.length <= longest || total > mostFragments) return [message];
  const clear = { ...header, flags: { ...header.flags, encryption: false } };
  return Array.from({ length: total }, (_, i) =>
    encodeMessage({ header: clear, payloads: [{ type: 'Fragment', identifier, number: i + 1, last: i + 1 === total, data: message.subarray(i * room, (i + 1) * room) }] }),
  );
}

// ---- putting together

/** The pieces of one message, in whatever order they come. Pure; they are nobody's until the whole is judged. */
export class Fragments {
  #name = '';
  #last: number | undefined;
  #octets = 0;
  readonly #pieces = new Map<number, Uint8Array>();

  /** Takes a piece of the message that `name` names: the whole, when it was the last one missing. MS-IKEE §3.3.5.3: one that contradicts the others ends them all. */
  add(name: string, { identifier: id, number, last, data }: Pick<Fragment, 'identifier' | 'number' | 'last' | 'data'>): Decoded<Uint8Array | undefined> {
    if (`${name} ${id}` !== this.#name) this.#begin(`${name} ${id}`);
    if (number === 0) return refused('isakmp-fragment', 'fragment 0: they are counted from 1');
    if (this.#pieces.has(number)) return refused('isakmp-fragment-again', `fragment ${number} has come before`);
    const beyond = last ? [...this.#pieces.keys()].some((other) => other > number) : number > (this.#last ?? mostFragments);
    if (beyond || (last && this.#last !== undefined)) {
      this.clear();
      return refused('isakmp-fragment', `fragment ${number}${last ? ', the last' : ''}: the others say otherwise where the message ends`);
    }
    if (this.#octets + data.length > mostOctets) {
      this.clear();
      return refused('isakmp-fragment', `a message of more than ${mostOctets} octets`);
    }
    this.#pieces.set(number, data.slice());
    this.#octets += data.length;
    if (last) this.#last = number;
    if (this.#pieces.size !== this.#last) return decoded(undefined);
    const whole = concat(...Array.from({ length: this.#last }, (_, i) => this.#pieces.get(i + 1)!));
    this.clear();
    return decoded(whole);
  }

  clear(): void {
    this.#begin('');
  }

  /** How many wait for others. */
  get waiting(): number {
    return this.#pieces.size;
  }

  #begin(name: string): void {
    this.#name = name;
    this.#last = undefined;
    this.#octets = 0;
    this.#pieces.clear();
  }
}

/** The piece that a message is, if it is one. */
export const fragmentIn = (message: ClearMessage | EncryptedMessage): Fragment | undefined => ('ciphertext' in message ? undefined : message.payloads.find((payload) => payload.type === 'Fragment'));

/** A message that was in pieces, and in how many. */
interface Whole {
  readonly bytes: Uint8Array;
  readonly fragments: number;
}

/** The message that this piece makes whole, if it does. What is wrong with it is told, and changes nothing. */
export function takeFragment(sa: IsakmpSa, message: Pick<ClearMessage, 'header' | 'payloads'>, fragment: Fragment, bytes: Uint8Array, { peer }: Path): Whole | undefined {
  const whole = gather(sa, message, fragment);
  if (whole === undefined || !('reason' in whole)) return whole;
  sa.context.drop(whole.reason, whole.detail, bytes, peer);
  return undefined;
}

function gather(sa: IsakmpSa, { header, payloads }: Pick<ClearMessage, 'header' | 'payloads'>, fragment: Fragment): Whole | Refusal | undefined {
  const { fragments } = sa;
  // the second message of aggressive mode may come in pieces, and the vendor ID is in one of them: to have said it is enough
  if ((sa.connection.fragmentation ?? false) === false) return refused('isakmp-fragment', 'a fragment, which nobody has asked for');
  if (payloads.length > 1) return refused('isakmp-fragment', 'a fragment beside other payloads');
  const pieces = fragments.waiting + 1;
  const result = fragments.add(`${header.exchange} ${header.messageId}`, fragment);
  if (fragments.waiting === 0) sa.cancel('fragments');
  else sa.alarm('fragments', after(sa.context.now, fragmentPatience), () => { giveUp(sa); });
  if (!result.ok) return result;
  if (result.value === undefined) return undefined;
  const whole = decodeMessage(result.value);
  if (whole.ok && fragmentIn(whole.value) !== undefined) return refused('isakmp-fragment', 'fragments in fragments');
  return { bytes: result.value, fragments: pieces };
}

function giveUp({ context, fragments, peer }: IsakmpSa): void {
  context.drop('isakmp-fragment-timeout', `${fragments.waiting} fragments, and no other for ${describeDuration(fragmentPatience)}`, undefined, peer);
  fragments.clear();
}
