/** How each way of negotiating says what the lessons are about: which messages open it, where it moves, who answers whom. */
import { sameBytes } from '../../src/core/bytes.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { exchangeTypes as v2Exchanges } from '../../src/wire/ike/message.ts';
import { exchangeTypes as v1Exchanges } from '../../src/wire/ike/v1/message.ts';
import type { IkeMode } from '../topology/ike-version.ts';
import { isEncrypted } from './phase-one.ts';
import { isIke, seenAt } from './wire.ts';
import type { SeenIke } from './wire.ts';

export interface Negotiation {
  /** What stays on port 500 in any case, and what moves to 4500 when there is a NAT. */
  readonly opening: string;
  readonly moving: string;
  /** The messages that carry the initiator's hashes, and the responder's. */
  readonly hashes: { readonly request: string; readonly response: string };
  /** How a hash is made. */
  readonly hash: string;
  readonly refs: { readonly detection: string; readonly move: string };
  /** Of a message as it passed an interface of its initiator. */
  isOpening(seen: SeenIke): boolean;
}

const v1Refs = { detection: 'RFC 3947 §3.2', move: 'RFC 3947 §4' } as const;
const v1Hash = 'HASH(CKY-I | CKY-R | address | port) with the hash that was negotiated';

export const negotiations: Readonly<Record<IkeMode, Negotiation>> = {
  v2: {
    opening: 'IKE_SA_INIT',
    moving: 'IKE_AUTH',
    hashes: { request: 'IKE_SA_INIT request', response: 'IKE_SA_INIT response' },
    hash: 'SHA-1(SPIi | SPIr | address | port)',
    refs: { detection: 'RFC 7296 §2.23', move: 'RFC 7296 §2.23' },
    isOpening: ({ content }) => content.header.exchange === v2Exchanges.IKE_SA_INIT,
  },
  v1: {
    opening: 'Main mode messages 1 to 4',
    moving: 'main mode message 5',
    hashes: { request: 'main mode message 3', response: 'main mode message 4' },
    hash: v1Hash,
    refs: v1Refs,
    isOpening: (seen) => seen.content.header.exchange === v1Exchanges.MAIN_MODE && !isEncrypted(seen),
  },
  'v1-aggressive': {
    opening: 'Aggressive mode messages 1 and 2',
    moving: 'aggressive mode message 3',
    hashes: { request: 'aggressive mode message 3', response: 'aggressive mode message 2' },
    hash: v1Hash,
    refs: v1Refs,
    // message 3 may be encrypted or not; it is the initiator's second one, and the first that knows the responder's cookie
    isOpening: ({ content, event }) =>
      content.header.exchange === v1Exchanges.AGGRESSIVE_MODE && (event.body.direction === 'in' || content.header.responderSpi.every((octet) => octet === 0)),
  },
};

/** What a node says by itself, and what it says because it was asked, with the question. IKEv2 has a flag for it; in IKEv1 who began an exchange is known by its message ID. */
export function saidBy(trace: Trace, node: string): { readonly questions: readonly SeenIke[]; readonly answers: readonly { readonly answer: SeenIke; readonly to: SeenIke | undefined }[] } {
  const messages = seenAt(trace, { node }).filter(isIke);
  const questions: SeenIke[] = [];
  const answers: { answer: SeenIke; to: SeenIke | undefined }[] = [];
  for (const [i, said] of messages.entries()) {
    if (said.event.body.direction !== 'out') continue;
    const to = messages.slice(0, i).findLast((heard) => heard.event.body.direction === 'in' && isOfSameExchange(heard, said));
    const answersSomething = isVersion1(said) ? to !== undefined && !beganIt(messages, said) : said.content.header.flags.response;
    if (answersSomething) answers.push({ answer: said, to });
    else questions.push(said);
  }
  return { questions, answers };
}

const isVersion1 = ({ content }: SeenIke): boolean => content.header.version >> 4 === 1;

const isOfSameExchange = (heard: SeenIke, said: SeenIke): boolean =>
  heard.content.header.messageId === said.content.header.messageId &&
  heard.content.header.exchange === said.content.header.exchange &&
  sameBytes(heard.content.header.initiatorSpi, said.content.header.initiatorSpi) &&
  (isVersion1(said) || !heard.content.header.flags.response);

/** Whether the first message of this exchange went out of this node. */
const beganIt = (messages: readonly SeenIke[], said: SeenIke): boolean =>
  messages.find((message) => message === said || isOfSameExchange(message, said))!.event.body.direction === 'out';
