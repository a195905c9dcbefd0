/** The SAs and policies of an endpoint at a moment, as its stack has told its daemon over PF_KEY by then. */
import type { IpAddress } from '../../../../src/core/address.ts';
import type { EventOf, Trace } from '../../../../src/trace/trace.ts';
import { describePfkey } from '../../../../src/wire/pfkey/describe.ts';
import { pfkeyDialects } from '../../../../src/wire/pfkey/dialects.ts';
import { policyDirections } from '../../../../src/wire/pfkey/message.ts';
import type { PfkeyMessage } from '../../../../src/wire/pfkey/message.ts';
import type { NetworkNode } from '../../../ladder/network.ts';

export interface Said {
  readonly event: EventOf<'pfkey'>;
  readonly message: PfkeyMessage | undefined;
  /** One line. */
  readonly text: string;
}

/** All that daemon and stack of a host have said to each other. */
export function pfkeyOf(trace: Trace, { name, system = 'linux', interfaces }: NetworkNode): readonly Said[] {
  const dialect = pfkeyDialects[system];
  const own = new Set<IpAddress>(interfaces.map(({ address }) => address as IpAddress));
  return trace.of('pfkey', name).flatMap((event): Said[] => {
    if (event.body.direction === 'to-setkey') return [];
    const decoded = dialect.decode(event.body.bytes, (address) => own.has(address));
    return [decoded.ok ? { event, message: decoded.value, text: describePfkey(decoded.value) } : { event, message: undefined, text: `${event.body.type}: ${decoded.detail}` }];
  });
}

export interface Association {
  readonly spi: number;
  readonly from: string;
  readonly to: string;
  readonly inUdp: boolean;
  readonly since: number;
  readonly text: string;
}

export interface Policy {
  readonly direction: 'in' | 'out' | 'forward';
  readonly selector: string;
  readonly since: number;
}

export interface Databases {
  readonly sad: readonly Association[];
  readonly spd: readonly Policy[];
}

const directionNames: Readonly<Record<number, Policy['direction']>> = { [policyDirections.INBOUND]: 'in', [policyDirections.OUTBOUND]: 'out', [policyDirections.FORWARD]: 'forward' };

/** What the stack's answers add up to by event `seq`. */
export function databasesAt(said: readonly Said[], seq: number): Databases {
  const sad = new Map<number, Association>();
  const spd = new Map<string, Policy>();
  for (const { event, message } of said) {
    if (event.seq > seq) break;
    if (message === undefined || message.errno !== 0 || event.body.direction !== 'to-daemon') continue;
    const { type, sa } = message;
    if ((type === 'SADB_ADD' || type === 'SADB_UPDATE') && sa !== undefined) sad.set(sa.spi, association(message, sad.get(sa.spi)?.since ?? event.at));
    else if ((type === 'SADB_DELETE' || (type === 'SADB_EXPIRE' && message.lifetimeHard !== undefined)) && sa !== undefined) sad.delete(sa.spi);
    else if (type === 'SADB_FLUSH') sad.clear();
    else if (type === 'SADB_X_SPDFLUSH') spd.clear();
    else if (message.policy !== undefined && (type === 'SADB_X_SPDADD' || type === 'SADB_X_SPDUPDATE')) {
      const policy = policyOf(message, event.at);
      spd.set(`${policy.direction} ${policy.selector}`, policy);
    } else if (message.policy !== undefined && type === 'SADB_X_SPDDELETE') {
      const { direction, selector } = policyOf(message, event.at);
      spd.delete(`${direction} ${selector}`);
    }
  }
  return { sad: [...sad.values()], spd: [...spd.values()] };
}

function association(message: PfkeyMessage, since: number): Association {
  const { sa, source, destination, newSource, newDestination, nattType = 0, nattSourcePort, nattDestinationPort } = message;
  const inUdp = nattType !== 0;
  const end = (address: string | undefined, port: number | undefined): string => `${address ?? '?'}${inUdp && port !== undefined ? `:${port}` : ''}`;
  return {
    spi: sa!.spi,
    from: end((newSource ?? source)?.address, nattSourcePort),
    to: end((newDestination ?? destination)?.address, nattDestinationPort),
    inUdp,
    since,
    text: describePfkey(message),
  };
}

function policyOf({ policy, source, destination }: PfkeyMessage, since: number): Policy {
  const selector = (one: PfkeyMessage['source']): string => (one === undefined ? 'any' : `${one.address}${one.prefixLength === (one.address.includes(':') ? 128 : 32) ? '' : `/${one.prefixLength}`}${one.port === 0 ? '' : `[${one.port}]`}`);
  return { direction: directionNames[policy!.direction] ?? 'out', selector: `${selector(source)} → ${selector(destination)}`, since };
}
