/** The number under which phase 1 agrees on how the two authenticate each other (RFC 2409 appendix A, draft-beaulieu-ike-xauth §7.2). */
import { authenticationMethods } from '../../wire/ike/v1/message.ts';
import type { ConnectionConfig } from '../config.ts';

const { PRE_SHARED_KEY, RSA_SIGNATURE, XAUTH_INIT_PRE_SHARED, XAUTH_INIT_RSA } = authenticationMethods;

const numbers: Record<ConnectionConfig['authentication']['method'], { readonly plain: number; readonly withPassword: number }> = {
  'pre-shared-key': { plain: PRE_SHARED_KEY, withPassword: XAUTH_INIT_PRE_SHARED },
  'rsa-signature': { plain: RSA_SIGNATURE, withPassword: XAUTH_INIT_RSA },
};

/** With XAUTH it is the initiator of phase 1, the client, that is asked for a password. */
export function authenticationMethod({ authentication, ike }: ConnectionConfig): number {
  const { plain, withPassword } = numbers[authentication.method];
  return ike.version === 'v1' && ike.xauth !== undefined && ike.xauth !== 'none' ? withPassword : plain;
}
