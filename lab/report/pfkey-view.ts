import type { Instant } from '../../src/core/time.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { pfkeyDialects } from '../../src/wire/pfkey/dialects.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';

/** What `setkey` on a host was told, and what daemon and stack have said to each other. */
export interface PfkeyView {
  readonly host: string;
  readonly dialect: string;
  /** When it was asked. */
  readonly at: Instant;
  readonly sad: readonly PfkeyMessage[];
  readonly spd: readonly PfkeyMessage[];
  readonly messages: readonly { readonly at: Instant; readonly direction: 'to-stack' | 'to-daemon'; readonly message: PfkeyMessage }[];
}

/** The host's answers to the command `setkey`, from event number `since` on. */
export function viewOf({ name, system = 'linux', ike }: EndpointConfig, trace: Trace, since = 0): PfkeyView {
  const dialect = pfkeyDialects[system];
  const read = ({ body }: EventOf<'pfkey'>): PfkeyMessage => {
    const decoded = dialect.decode(body.bytes, (address) => address === ike.address);
    if (!decoded.ok) throw new Error(`${name} has said what its dialect does not have: ${decoded.detail}`);
    return decoded.value;
  };
  const events = trace.of('pfkey', name).filter(({ seq }) => seq >= since);
  const dumped = events.filter(({ body }) => body.direction === 'to-setkey');
  const rows = (type: PfkeyMessage['type']): PfkeyMessage[] => dumped.filter(({ body }) => body.type === type).map(read).filter(({ errno }) => errno === 0);
  return {
    host: name,
    dialect: system,
    at: dumped[0]!.at,
    sad: rows('SADB_DUMP'),
    spd: rows('SADB_X_SPDDUMP'),
    messages: events.flatMap((event) => (event.body.direction === 'to-setkey' ? [] : [{ at: event.at, direction: event.body.direction, message: read(event) }])),
  };
}
