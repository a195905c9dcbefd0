/** IKE's own fragments: a long message in pieces that are encrypted and authenticated each by itself, so that IP need not cut it up (RFC 7383). */
import { concat } from '../../core/bytes.ts';
import { after, describeDuration } from '../../core/time.ts';
import { refused, type Refusal } from '../../core/decoded.ts';
import { exchangeName } from '../../wire/ike/notation.ts';
import { notifyTypes, type FragmentNumber, type Payload, type ProtectedIkeMessage } from '../../wire/ike/message.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { fragmentPatience, mostOctets } from '../fragment-size.ts';
import { notify, notifyOf } from './payloads.ts';
import type { IkeSa } from './sa.ts';

// ---- whether

/** RFC 7383 §2.3: nobody sends fragments to one who has not said this. */
export const fragmentationNotify = ({ fragmentation = false }: ConnectionConfig): Payload[] =>
  fragmentation === false ? [] : [notify(notifyTypes.IKEV2_FRAGMENTATION_SUPPORTED)];

/** Both want it: this side by its configuration, the other by what it says in IKE_SA_INIT. */
export const fragmentationAgreed = ({ fragmentation = false }: ConnectionConfig, payloads: readonly Payload[]): boolean =>
  fragmentation !== false && notifyOf(payloads, notifyTypes.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined;

// ---- putting together

/** Enough for the longest message in the shortest datagrams. */
const mostFragments = 256;

/** What stood inside SK, or inside all the SKF of a message. */
export interface Opened {
  readonly firstInner: number;
  readonly plaintext: Uint8Array;
  /** By what a retransmission is known: the message, or its first fragment (RFC 7383 §2.6.1). */
  readonly bytes: Uint8Array;
  /** In how many pieces it came. */
  readonly fragments?: number;
}

interface Piece {
  readonly firstInner: number;
  readonly plaintext: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The fragments of one message, in whatever order they come (RFC 7383 §2.6). Pure; only what is authentic may be added. */
export class Fragments {
  #messageId = -1;
  #total = 0;
  #octets = 0;
  readonly #pieces = new Map<number, Piece>();

  /** Why a fragment is of no use, told before anything is computed for it. */
  refuse(messageId: number, { number, total }: FragmentNumber): Refusal | undefined {
    if (number === 0 || total === 0 || number > total) return refused('ike-fragment', `fragment ${number} of ${total}: they are counted from 1`);
    if (total > mostFragments) return refused('ike-fragment-limit', `${total} fragments, more than the ${mostFragments} that are taken`);
    if (messageId !== this.#messageId) return undefined;
    if (total < this.#total) return refused('ike-fragment', `fragment ${number} of ${total}, after others of ${this.#total}`);
    return total === this.#total && this.#pieces.has(number) ? refused('ike-fragment-again', `fragment ${number} of ${total} has come before`) : undefined;
  }

  /** Takes a fragment that `refuse` has nothing against: the message, when it was the last one missing. */
  add(messageId: number, { number, total }: FragmentNumber, piece: Piece): Opened | Refusal | undefined {
    // RFC 7383 §2.6: of more fragments than before, so the sender has begun anew with shorter ones
    if (messageId !== this.#messageId || total > this.#total) this.#begin(messageId, total);
    if (this.#octets + piece.plaintext.length > mostOctets) {
      this.clear();
      return refused('ike-fragment-limit', `a message of more than ${mostOctets} octets`);
    }
    this.#pieces.set(number, piece);
    this.#octets += piece.plaintext.length;
    if (this.#pieces.size < total) return undefined;
    const inOrder = Array.from({ length: total }, (_, i) => this.#pieces.get(i + 1)!);
    const [{ firstInner, bytes }] = inOrder as [Piece];
    this.clear();
    return { firstInner, bytes, plaintext: concat(...inOrder.map(({ plaintext }) => plaintext)), fragments: total };
  }

  clear(): void {
    this.#begin(-1, 0);
  }

  /** `2 of 3`; undefined where nothing is kept. */
  get gathered(): string | undefined {
    return this.#pieces.size === 0 ? undefined : `${this.#pieces.size} of ${this.#total}`;
  }

  #begin(messageId: number, total: number): void {
    this.#messageId = messageId;
    this.#total = total;
    this.#octets = 0;
    this.#pieces.clear();
  }
}

/** What a message inside the window holds; of a fragment, when it makes its message whole. What is wrong with it is told, and changes nothing. */
export function open(sa: IkeSa, message: ProtectedIkeMessage, { peer }: Path): Opened | undefined {
  const { bytes, fragment } = message;
  const opened = fragment === undefined ? openWhole(sa, message) : gather(sa, message, fragment);
  if (opened === undefined || !('reason' in opened)) return opened;
  sa.context.drop(opened.reason, opened.detail, bytes, peer);
  return undefined;
}

const unauthentic = refused('ike-authentication', 'it does not pass the integrity check of its IKE SA');

function openWhole({ protection }: IkeSa, message: ProtectedIkeMessage): Opened | Refusal {
  const { bytes, firstInner } = message;
  const plaintext = protection.open(message);
  return plaintext === undefined ? unauthentic : { firstInner, plaintext, bytes };
}

function gather(sa: IkeSa, message: ProtectedIkeMessage, fragment: FragmentNumber): Opened | Refusal | undefined {
  const { bytes, firstInner, header } = message;
  const { response } = header.flags;
  const fragments = sa.fragments[response ? 'answer' : 'request'];
  if (!sa.fragmentation) return refused('ike-fragment', 'a fragment, which nobody has agreed on');
  const misfit = fragments.refuse(header.messageId, fragment);
  if (misfit !== undefined) return misfit;
  const plaintext = sa.protection.open(message);
  if (plaintext === undefined) return unauthentic;
  const result = fragments.add(header.messageId, fragment, { firstInner, plaintext, bytes });
  const alarm = `fragments of ${response ? 'an answer' : 'a request'}`;
  if (fragments.gathered === undefined) sa.cancel(alarm);
  else sa.alarm(alarm, after(sa.context.now, fragmentPatience), () => giveUp(sa, fragments, exchangeName(header.exchange)));
  return result;
}

function giveUp(sa: IkeSa, fragments: Fragments, exchange: string): void {
  sa.context.drop('ike-fragment-timeout', `${fragments.gathered ?? 'none'} fragments of ${exchange}, and no other for ${describeDuration(fragmentPatience)}`, undefined, sa.peer);
  fragments.clear();
}

/** A fragment of the request that was answered last. RFC 7383 §2.6.1: the first one, and it alone, asks for the answer again; shorter ones than before do so too. */
export function asksAgain(sa: IkeSa, message: ProtectedIkeMessage, fragment: FragmentNumber, { peer }: Path): boolean {
  if (fragment.number === 1 && sa.fragmentation && sa.protection.open(message) !== undefined) return true;
  sa.context.drop('ike-fragment-again', `fragment ${fragment.number} of ${fragment.total} of a request that has been answered`, message.bytes, peer);
  return false;
}
