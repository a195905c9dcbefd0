import { refused, type Decoded } from '../core/decoded.ts';
import { decodePfkey, encodePfkey } from '../wire/pfkey/linux.ts';
import { saTypes, type PfkeyMessage, type PfkeyType } from '../wire/pfkey/message.ts';

/** What of a message is not filled in by the client itself. */
export type PfkeyRequest = Omit<PfkeyMessage, 'type' | 'saType' | 'errno' | 'sequence' | 'pid'>;
type Answered = (reply: PfkeyMessage) => void;

/** The daemon's end of the PF_KEY socket (RFC 2367 §1.3): numbers its requests and finds the request that a reply belongs to. */
export class PfkeyClient {
  readonly #send: (message: Uint8Array) => void;
  readonly #waiting = new Map<number, Answered>();
  #sequence = 0;

  constructor(send: (message: Uint8Array) => void) {
    this.#send = send;
  }

  /** `answered` gets the reply, which may carry an errno; without it the reply is not looked at. */
  request(type: PfkeyType, body: PfkeyRequest, answered?: Answered, saType: number = saTypes.ESP): void {
    const sequence = (this.#sequence = (this.#sequence % 0x7fff_ffff) + 1);
    if (answered !== undefined) this.#waiting.set(sequence, answered);
    this.#send(encodePfkey({ type, saType, errno: 0, sequence, pid: ownPid, ...body }));
  }

  /** The message when it is none of our replies but news of the stack's own: ACQUIRE, EXPIRE, NEW_MAPPING. */
  receive(bytes: Uint8Array): Decoded<PfkeyMessage> | undefined {
    const message = decodePfkey(bytes);
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
