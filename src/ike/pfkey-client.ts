import { refused, type Decoded } from '../core/decoded.ts';
import type { IsLocal, PfkeyDialect } from '../wire/pfkey/dialect.ts';
import { linux } from '../wire/pfkey/linux.ts';
import { pfkeyErrors, saTypes, type PfkeyMessage, type PfkeyType } from '../wire/pfkey/message.ts';
import type { ChildProtocol } from './config.ts';

/** What of a message is not filled in by the client itself. */
export type PfkeyRequest = Omit<PfkeyMessage, 'type' | 'saType' | 'errno' | 'sequence' | 'pid'>;
/** sadb_msg_satype of what child SAs are made of. */
export const saTypeOf: Readonly<Record<ChildProtocol, number>> = { esp: saTypes.ESP, ah: saTypes.AH };

type Answered = (reply: PfkeyMessage) => void;

/** The daemon's end of the PF_KEY socket (RFC 2367 §1.3): numbers its requests and finds the request that a reply belongs to. */
export class PfkeyClient {
  readonly #send: (message: Uint8Array) => void;
  readonly #dialect: PfkeyDialect;
  readonly #isLocal: IsLocal;
  readonly #waiting = new Map<number, Answered>();
  /** Answers to what the dialect has no words for. */
  #unsaid: (() => void)[] = [];
  #sequence = 0;

  /** `isLocal`: the host's own addresses. */
  constructor(send: (message: Uint8Array) => void, dialect: PfkeyDialect = linux, isLocal: IsLocal = () => false) {
    this.#send = send;
    this.#dialect = dialect;
    this.#isLocal = isLocal;
  }

  /**
   * `answered` gets the reply, which may carry an errno; without it the reply is not looked at. What the system has no words for is answered with
   * EOPNOTSUPP without being sent; where policies cannot be replaced, one is taken away and the other put in its place.
   */
  request(type: PfkeyType, body: PfkeyRequest, answered?: Answered, saType: number = saTypes.ESP): void {
    const sequence = (this.#sequence = (this.#sequence % 0x7fff_ffff) + 1);
    const message: PfkeyMessage = { type, saType, errno: 0, sequence, pid: ownPid, ...body };
    const lack = this.#dialect.lacks(message);
    if (lack === 'SADB_X_SPDUPDATE') {
      this.request('SADB_X_SPDDELETE', body, undefined, saType);
      this.request('SADB_X_SPDADD', body, answered, saType);
    } else if (lack !== undefined) {
      this.#unsaid.push(() => answered?.({ ...message, errno: pfkeyErrors.EOPNOTSUPP }));
    } else {
      if (answered !== undefined) this.#waiting.set(sequence, answered);
      this.#send(this.#dialect.encode(message, this.#isLocal));
    }
  }

  /** Answers what could not be said, once whoever asked has finished. */
  answerUnsaid(): void {
    const answers = this.#unsaid;
    if (answers.length === 0) return;
    this.#unsaid = [];
    for (const answer of answers) answer();
  }

  /** The message when it is none of our replies but news of the stack's own: ACQUIRE, EXPIRE, NEW_MAPPING. */
  receive(bytes: Uint8Array): Decoded<PfkeyMessage> | undefined {
    const message = this.#dialect.decode(bytes, this.#isLocal);
    if (!message.ok) return message;
    if (unsolicited.has(message.value.type)) return message;
    if (message.value.pid !== ownPid) return refused('pfkey-malformed', `a reply for process ${message.value.pid}`);
    const answered = this.#waiting.get(message.value.sequence);
    this.#waiting.delete(message.value.sequence);
    answered?.(message.value);
    return undefined;
  }
}

/** The stack serves one daemon. */
const ownPid = 1;
const unsolicited: ReadonlySet<PfkeyType> = new Set<PfkeyType>(['SADB_ACQUIRE', 'SADB_EXPIRE', 'SADB_X_NAT_T_NEW_MAPPING']);
