/** What the daemons told their stacks, read from the PF_KEY messages between them. */
import type { IpAddress } from '../../src/core/address.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodePfkey } from '../../src/wire/pfkey/linux.ts';
import { ipsecModes, saTypes } from '../../src/wire/pfkey/message.ts';

export interface InstalledSa {
  readonly event: EventOf<'pfkey'>;
  readonly spi: number;
  readonly protocol: 'esp' | 'ah';
  readonly mode: 'tunnel' | 'transport';
  /** NAT-OA of the peer, then of this host; empty where the stack was told none. */
  readonly originalAddresses: readonly IpAddress[];
}

/** The SAs that a host's daemon gave keys to, in order. */
export function installedSas(trace: Trace, node: string): readonly InstalledSa[] {
  return trace.of('pfkey', node).flatMap((event) => {
    if (event.body.direction !== 'to-stack' || !['SADB_ADD', 'SADB_UPDATE'].includes(event.body.type)) return [];
    const message = decodePfkey(event.body.bytes);
    if (!message.ok || message.value.sa === undefined || (message.value.encryptionKey ?? message.value.authKey) === undefined) return [];
    const { nattOriginalAddress, nattOriginalDestination } = message.value;
    const originalAddresses = [nattOriginalAddress, nattOriginalDestination].flatMap((original) => (original === undefined ? [] : [original.address]));
    return [{ event, originalAddresses, spi: message.value.sa.spi, protocol: message.value.saType === saTypes.AH ? ('ah' as const) : ('esp' as const), mode: message.value.sa2?.mode === ipsecModes.TRANSPORT ? ('transport' as const) : ('tunnel' as const) }];
  });
}
