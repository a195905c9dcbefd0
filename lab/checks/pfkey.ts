/** What the daemons told their stacks, read from the PF_KEY messages between them. */
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodePfkey } from '../../src/wire/pfkey/linux.ts';
import { ipsecModes } from '../../src/wire/pfkey/message.ts';

export interface InstalledSa {
  readonly event: EventOf<'pfkey'>;
  readonly spi: number;
  readonly mode: 'tunnel' | 'transport';
}

/** The SAs that a host's daemon gave keys to, in order. */
export function installedSas(trace: Trace, node: string): readonly InstalledSa[] {
  return trace.of('pfkey', node).flatMap((event) => {
    if (event.body.direction !== 'to-stack' || !['SADB_ADD', 'SADB_UPDATE'].includes(event.body.type)) return [];
    const message = decodePfkey(event.body.bytes);
    if (!message.ok || message.value.sa === undefined || (message.value.encryptionKey ?? message.value.authKey) === undefined) return [];
    return [{ event, spi: message.value.sa.spi, mode: message.value.sa2?.mode === ipsecModes.TRANSPORT ? ('transport' as const) : ('tunnel' as const) }];
  });
}
