/**
 * Message IDs, retransmission, cached answers (RFC 7296 §2.1 to §2.3). The window is one request in each direction: the next one waits for
 * the answer to the one before.
 */
import { sameBytes } from '../../core/bytes.ts';
import { after, describeDuration, scaled, type Duration } from '../../core/time.ts';
import type { ExchangeName, Payload } from '../../wire/ike/message.ts';
import type { Path } from '../any-ike-sa.ts';
import type { IkeSa } from './sa.ts';

/** A request that waits for its turn, or for its answer. */
export interface Request {
  readonly exchange: ExchangeName;
  /** Made when its turn comes, so that it says what is true then. Undefined: no longer wanted. */
  payloads(): readonly Payload[] | undefined;
  /** The authenticated answer; of IKE_SA_INIT the unauthenticated one. */
  answered(payloads: readonly Payload[]): void;
}

interface Outstanding {
  readonly request: Request;
  readonly messageId: number;
  /** Whole, or its fragments. */
  messages: readonly Uint8Array[];
  payloads: readonly Payload[];
  retransmission: number;
}

interface Answered {
  readonly exchange: ExchangeName;
  /** As it stood on the wire, or its first fragment: a retransmission is the same bit for bit (RFC 7296 §2.1). */
  readonly request: Uint8Array;
  /** RFC 7296 §2.11: the answer goes to where the request came from, from where it came to. */
  readonly path: Path;
  /** Undefined while the answer is being made. */
  answer: { readonly messages: readonly Uint8Array[]; readonly payloads: readonly Payload[]; retransmission: number } | undefined;
}

export class Window {
  readonly #sa: IkeSa;
  readonly #waiting: Request[] = [];
  #outstanding: Outstanding | undefined;
  #nextRequest = 0;
  #nextExpected = 0;
  #last: Answered | undefined;

  constructor(sa: IkeSa) {
    this.#sa = sa;
  }

  // ---- our requests

  /** Sends the request when those before it have been answered. */
  ask(request: Request): void {
    this.#waiting.push(request);
    this.#next();
  }

  /** The request that waits for its answer, if it is of this exchange and this message ID. */
  awaits(exchange: ExchangeName, messageId: number): boolean {
    return this.#outstanding?.messageId === messageId && this.#outstanding.request.exchange === exchange;
  }

  /** Whether a request of this exchange waits for its answer. */
  asks(exchange: ExchangeName): boolean {
    return this.#outstanding?.request.exchange === exchange;
  }

  /** What has not been sent yet goes by the window of the IKE SA that takes over. */
  handOver(successor: Window): void {
    for (const request of this.#waiting.splice(0)) successor.ask(request);
  }

  get idle(): boolean {
    return this.#outstanding === undefined && this.#waiting.length === 0;
  }

  /** Says the outstanding request again in other words, under the same message ID: what COOKIE and INVALID_KE_PAYLOAD ask for (RFC 7296 §2.6, §1.2). */
  askAgain(): void {
    if (this.#outstanding !== undefined) this.#send(this.#outstanding.request, this.#outstanding.messageId);
  }

  /** The answer has come: it ends the retransmissions, and the next request may go. */
  takeAnswer(payloads: readonly Payload[]): void {
    const request = this.#outstanding?.request;
    this.#outstanding = undefined;
    this.#sa.cancel('retransmission');
    request?.answered(payloads);
    this.#next();
  }

  // ---- the peer's requests

  /**
   * What a request with this message ID is: `new`, the `same` again (its answer goes out once more), `like-last` if it has the ID of the same and is not
   * the same, or `outside`: too old, or ahead of the window.
   */
  judge(messageId: number, request: Uint8Array): 'new' | 'same' | 'like-last' | 'outside' {
    if (messageId === this.#nextExpected && (this.#last === undefined || this.#last.answer !== undefined)) return 'new';
    if (messageId !== this.#nextExpected - 1 || this.#last === undefined) return 'outside';
    return sameBytes(this.#last.request, request) ? 'same' : 'like-last';
  }

  /** A fresh authenticated request: from now on the next one is expected. */
  accept(exchange: ExchangeName, request: Uint8Array, path: Path): void {
    this.#nextExpected++;
    this.#last = { exchange, request, path, answer: undefined };
  }

  answer(payloads: readonly Payload[]): void {
    const last = this.#last!;
    const messageId = this.#nextExpected - 1;
    const messages = this.#sa.encode(last.exchange, { response: true, messageId }, payloads);
    last.answer = { messages, payloads, retransmission: 0 };
    this.#sa.send(messages, payloads, { exchange: last.exchange, response: true, messageId, retransmission: 0 }, last.path);
  }

  /** The answer was lost, or the request came twice: the same octets again (RFC 7296 §2.1). */
  answerAgain(path: Path): void {
    const last = this.#last;
    if (last?.answer === undefined) return; // still being made
    const { messages, payloads } = last.answer;
    const retransmission = ++last.answer.retransmission;
    this.#sa.send(messages, payloads, { exchange: last.exchange, response: true, messageId: this.#nextExpected - 1, retransmission }, path);
  }

  // ---- the end

  close(): void {
    this.#sa.cancel('retransmission');
    this.#outstanding = undefined;
    this.#waiting.length = 0;
  }

  #next(): void {
    while (this.#outstanding === undefined) {
      const request = this.#waiting.shift();
      if (request === undefined || this.#sa.isGone) return;
      this.#send(request, this.#nextRequest);
    }
  }

  #send(request: Request, messageId: number): void {
    const payloads = request.payloads();
    if (payloads === undefined) return;
    const messages = this.#sa.encode(request.exchange, { response: false, messageId }, payloads);
    this.#outstanding = { request, messageId, messages, payloads, retransmission: 0 };
    this.#nextRequest = messageId + 1;
    this.#sa.send(messages, payloads, { exchange: request.exchange, response: false, messageId, retransmission: 0 });
    this.#rewind(0);
  }

  #wait(retransmission: number): Duration {
    const { first, factor } = this.#sa.context.config.retransmission;
    return scaled(first, factor ** retransmission);
  }

  #rewind(retransmission: number): void {
    this.#sa.alarm('retransmission', after(this.#sa.context.now, this.#wait(retransmission)), () => this.#noAnswer());
  }

  #noAnswer(): void {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) return;
    const { request, messages, messageId, payloads } = outstanding;
    if (outstanding.retransmission >= this.#sa.context.config.retransmission.tries) {
      this.#sa.unanswered(request.exchange, outstanding.retransmission);
      return;
    }
    const waited = describeDuration(this.#wait(outstanding.retransmission));
    const retransmission = ++outstanding.retransmission;
    this.#sa.send(messages, payloads, { exchange: request.exchange, response: false, messageId, retransmission, waited });
    this.#rewind(retransmission);
  }
}
