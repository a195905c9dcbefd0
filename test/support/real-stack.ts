/** The real IPsec stack where the pair has its double: for what the daemon says by PF_KEY. No packets go through it. */
import type { IpAddress } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { start } from '../../src/core/time.ts';
import { IpsecStack } from '../../src/ipsec/stack.ts';
import { decodePfkey, encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { saTypes, type PfkeyMessage, type PfkeyType } from '../../src/wire/pfkey/message.ts';
import { StackDouble } from './stack-double.ts';

export class RealStack extends StackDouble {
  readonly #stack: IpsecStack;
  /** Requests that were refused: `SADB_ADD 17`. */
  readonly refusals: string[] = [];

  constructor(address: IpAddress, seed: number) {
    super(0);
    this.#stack = new IpsecStack({ addresses: [address], random: seeded(seed, `stack of ${address}`) });
  }

  override handle(bytes: Uint8Array): Uint8Array {
    const [answer] = this.#ask(bytes);
    const message = decoded(answer!);
    this.heard.push(decoded(bytes));
    if (message.errno !== 0) this.refusals.push(`${message.type} ${message.errno}`);
    return answer!;
  }

  /** Everything of a table, as DUMP gives it; empty when there is nothing. */
  dump(type: Extract<PfkeyType, 'SADB_DUMP' | 'SADB_X_SPDDUMP'>): PfkeyMessage[] {
    return this.#ask(encodePfkey({ type, saType: saTypes.UNSPEC, errno: 0, sequence: 1, pid: 1 })).map(decoded).filter(({ errno }) => errno === 0);
  }

  #ask(message: Uint8Array): Uint8Array[] {
    this.#stack.handle(start, { kind: 'pfkey', message });
    return drain(this.#stack).flatMap((output) => (output.kind === 'pfkey' ? [output.message] : []));
  }
}

function decoded(bytes: Uint8Array): PfkeyMessage {
  const message = decodePfkey(bytes);
  if (!message.ok) throw new Error(message.detail);
  return message.value;
}
