/** The number under which phase 1 agrees on how the two authenticate each other (RFC 2409 appendix A, draft-beaulieu-ike-xauth §7.2). */
import { authenticationMethods } from '../../wire/ike/v1/message.ts';
import type { Role } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';

const { PRE_SHARED_KEY, RSA_SIGNATURE, XAUTH_INIT_PRE_SHARED, XAUTH_RESP_PRE_SHARED, XAUTH_INIT_RSA, XAUTH_RESP_RSA } = authenticationMethods;

/** Who is asked for a password: nobody, the initiator of phase 1, its responder. */
const numbers: Record<ConnectionConfig['authentication']['method'], Record<'nobody' | Role, number>> = {
  'pre-shared-key': { nobody: PRE_SHARED_KEY, initiator: XAUTH_INIT_PRE_SHARED, responder: XAUTH_RESP_PRE_SHARED },
  'rsa-signature': { nobody: RSA_SIGNATURE, initiator: XAUTH_INIT_RSA, responder: XAUTH_RESP_RSA },
};

/** For this side in its role in phase 1. It is always the client that is asked; a gateway begins where it replaces an ISAKMP SA. */
export function authenticationMethod({ authentication, ike }: ConnectionConfig, role: Role): number {
  const xauth = (ike.version === 'v1' ? ike.xauth : undefined) ?? 'none';
  const other = role === 'initiator' ? 'responder' : 'initiator';
  return numbers[authentication.method][xauth === 'none' ? 'nobody' : 'user' in xauth ? role : other];
}
