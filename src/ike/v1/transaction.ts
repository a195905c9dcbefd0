/**
 * Transaction exchanges of Mode-Config (draft-ietf-ipsec-isakmp-mode-cfg §3), on which XAUTH rides too:
 * ```
 *   HDR*, HASH, ATTR(CFG_REQUEST or CFG_SET)   -->
 *               <--   HDR*, HASH, ATTR(CFG_REPLY or CFG_ACK)
 * ```
 */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import { configurationTypes, type ClearMessage, type EncryptedMessage, type Payload } from '../../wire/ike/v1/message.ts';
import type { Path } from '../any-ike-sa.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { only } from './payloads.ts';
import { behindHash, hashOne, openHashed } from './protected.ts';
import type { IsakmpSa } from './sa.ts';

export type Configuration = Extract<Payload, { type: 'Attributes' }>;
type Attributes = readonly DataAttribute[];

const { REQUEST, REPLY, SET, ACK } = configurationTypes;
/** What answers what. */
const answers: ReadonlyMap<number, number> = new Map([[REQUEST, REPLY], [SET, ACK]]);

/** Asks for something, or gives it; the answer is awaited, and without one the peer is taken for dead. */
export function transact(sa: IsakmpSa, configuration: typeof REQUEST | typeof SET, attributes: Attributes, answered: (attributes: Attributes) => void): void {
  const exchange = sa.beginExchange('transaction', (transmissions) => sa.unanswered('transaction', transmissions));
  const identifier = sa.context.random.uint32() & 0xffff;
  const asked: Configuration = { type: 'Attributes', configuration, identifier, attributes };
  exchange.send(behindHash(hashOne(sa, exchange.messageId), [asked]), (received) => {
    const read = readConfiguration(sa, exchange, received);
    if (!read.ok) return read;
    // Not the identifier: the message ID says which transaction it is, and strongSwan answers XAUTH with zero.
    if (read.value.configuration !== answers.get(configuration)) return refused('isakmp-payloads', 'not the answer to what was asked');
    return decoded(() => {
      exchange.end();
      answered(read.value.attributes);
    });
  });
}

/** What is answered, and what is done when the answer is on its way. */
export interface Answer {
  readonly attributes: Attributes;
  readonly then?: () => void;
}

/** A transaction of the peer's, whose message ID was never seen. */
export function answerTransaction(sa: IsakmpSa, message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path, answer: (asked: Configuration) => Decoded<() => Answer>): void {
  const exchange = sa.peersExchange('transaction', message.header.messageId);
  exchange.listen((received) => judge(sa, exchange, received, answer));
  exchange.receive(message, bytes, path);
}

function judge(sa: IsakmpSa, exchange: Exchange, received: Received, answer: (asked: Configuration) => Decoded<() => Answer>): Verdict {
  const read = readConfiguration(sa, exchange, received);
  if (!read.ok) return read;
  const { configuration, identifier } = read.value;
  const kind = answers.get(configuration);
  if (kind === undefined) return refused('isakmp-payloads', 'a transaction begins with CFG_REQUEST or CFG_SET');
  const judged = answer(read.value);
  if (!judged.ok) return judged;
  return decoded(() => {
    const { attributes, then } = judged.value();
    sa.keep(exchange);
    exchange.send(behindHash(hashOne(sa, exchange.messageId), [{ type: 'Attributes', configuration: kind, identifier, attributes }]));
    then?.();
  });
}

function readConfiguration(sa: IsakmpSa, exchange: Exchange, received: Received): Decoded<Configuration> {
  const opened = openHashed(received, hashOne(sa, exchange.messageId));
  if (!opened.ok) return opened;
  const configuration = only(opened.value, 'Attributes');
  return configuration === undefined ? refused('isakmp-payloads', 'no attributes, or two payloads of them') : decoded(configuration);
}
