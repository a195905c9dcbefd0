/** Messages that IKE has cut up by itself, put together at each place by itself: IKEv2's pieces are encrypted each alone (RFC 7383), IKEv1's are of what is encrypted. */
import { sameBytes, toHex } from '../../src/core/bytes.ts';
import { fragmentIn, Fragments as FragmentsV1 } from '../../src/ike/v1/fragmentation.ts';
import { Fragments } from '../../src/ike/v2/fragmentation.ts';
import type { FragmentNumber, ProtectedIkeMessage } from '../../src/wire/ike/message.ts';
import { decodeMessage as decodeV1 } from '../../src/wire/ike/v1/codec.ts';
import type { ClearMessage } from '../../src/wire/ike/v1/message.ts';
import type { Inside } from '../../src/wire/insight.ts';
import { plural } from '../wording.ts';
import { Bounded } from './bounded.ts';

/** Of so many sides at so many places. */
const most = 256;

export class IkeFragments {
  readonly #v2 = new Bounded<string, Fragments>(most);
  readonly #v1 = new Bounded<string, FragmentsV1>(most);
  /** What has become of the piece of an IKEv1 message that was seen last. */
  #last: { readonly piece: Uint8Array; readonly whole: Uint8Array | string } | undefined;

  /** The message of which this opened fragment was the last one missing, else its share alone. */
  add(place: string, { bytes, header: { messageId, flags }, firstInner }: ProtectedIkeMessage, fragment: FragmentNumber, share: Uint8Array): Inside {
    const fragments = kept(this.#v2, `${place} ${toHex(bytes.subarray(0, 16))} ${flags.initiator} ${flags.response}`, () => new Fragments());
    const whole = fragments.refuse(messageId, fragment) ?? fragments.add(messageId, fragment, { firstInner, plaintext: share.slice(), bytes: bytes.slice() });
    if (whole === undefined) return { share, gathered: `a share of the message, ${fragments.gathered!} fragments so far` };
    return 'reason' in whole ? { share, gathered: whole.detail } : { first: whole.firstInner, payloads: whole.plaintext, fragments: fragment.total };
  }

  /** The whole of an IKEv1 message, where `bytes` was the last piece missing. */
  addV1(place: string, bytes: Uint8Array, message: ClearMessage): Uint8Array | undefined {
    this.#last = undefined;
    const fragment = fragmentIn(message);
    if (fragment === undefined) return undefined;
    const { initiatorCookie, responderCookie, exchange, messageId } = message.header;
    const fragments = kept(this.#v1, `${place} ${toHex(initiatorCookie)} ${toHex(responderCookie)}`, () => new FragmentsV1());
    const put = fragments.add(`${exchange} ${messageId}`, fragment);
    const whole = put.ok ? put.value : undefined;
    const read = whole && decodeV1(whole);
    const isNested = read?.ok === true && fragmentIn(read.value) !== undefined;
    this.#last = { piece: bytes.slice(), whole: isNested ? 'pieces in pieces' : (whole ?? (put.ok ? `${plural(fragments.waiting, 'piece')} so far` : put.detail)) };
    return isNested ? undefined : whole;
  }

  /** What has become of this piece, which was the last one added. */
  together(piece: Uint8Array): Uint8Array | string | undefined {
    return this.#last !== undefined && sameBytes(this.#last.piece, piece) ? this.#last.whole : undefined;
  }
}

function kept<Value>(all: Map<string, Value>, name: string, fresh: () => Value): Value {
  const value = all.get(name) ?? fresh();
  all.set(name, value);
  return value;
}
