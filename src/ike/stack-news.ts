/** What the stack says unasked: ACQUIRE, EXPIRE, NEW_MAPPING (RFC 2367 §3.1.6, §3.1.8). */
import type { PfkeyMessage } from '../wire/pfkey/message.ts';
import type { ConnectionConfig } from './config.ts';
import type { IkeContext } from './context.ts';
import { espCameFrom } from './peer-address.ts';
import { saTypeOf } from './pfkey-client.ts';

/** `wanted` is told of the connection that traffic asks for. */
export function hearStack({ children, traps }: IkeContext, message: PfkeyMessage, wanted: (connection: ConnectionConfig) => void): void {
  const { type, saType, sa, sa2, policy, lifetimeSoft, destination, nattDestinationPort } = message;
  switch (type) {
    case 'SADB_ACQUIRE': {
      const connection = traps.connectionOf(sa2?.reqid ?? policy?.requests[0]?.reqid ?? 0);
      if (connection !== undefined) wanted(connection);
      return;
    }
    case 'SADB_EXPIRE': {
      const reqid = sa2?.reqid ?? 0; // OpenBSD does not say it here
      const child = (reqid === 0 ? children.all() : children.ofReqid(reqid)).find(({ protocol, spiIn, spiOut }) => saTypeOf[protocol] === saType && (spiIn === sa?.spi || spiOut === sa?.spi));
      child?.ike.childExpires(child, lifetimeSoft === undefined ? 'hard' : 'soft');
      return;
    }
    case 'SADB_X_NAT_T_NEW_MAPPING': {
      const child = children.bySpi('esp', sa?.spi ?? 0);
      if (child !== undefined && destination !== undefined) espCameFrom(child, { address: destination.address, port: nattDestinationPort ?? destination.port });
      return;
    }
    default:
      return;
  }
}
