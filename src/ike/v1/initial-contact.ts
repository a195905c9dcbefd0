/** INITIAL-CONTACT: whoever has lost its memory says so, and the other side forgets what was before (RFC 2407 §4.6.3.3). */
import { notifyTypes, type Payload } from '../../wire/ike/v1/message.ts';
import { cookiesOf, notification } from './payloads.ts';
import type { IsakmpSa } from './sa.ts';

/** For the initiator's last message of phase 1; nothing where this is not the only ISAKMP SA with the peer. */
export function initialContact(sa: IsakmpSa): Payload[] {
  const { context, handshake } = sa;
  return handshake?.predecessor === undefined && context.sas.isFirstContact(sa) ? [notification(notifyTypes.INITIAL_CONTACT, { spi: cookiesOf(sa) })] : [];
}

/** Before XAUTH all members of a group have one identity, and a newcomer cannot speak for them. Nor could it know of what came up after it had begun. */
export function forgetOthers(sa: IsakmpSa): void {
  const { peerIdentity, settings: { xauth = 'none' }, context } = sa;
  if (peerIdentity === undefined || xauth !== 'none') return;
  const { me, other } = sa.names;
  for (const older of context.sas.ofPeer(peerIdentity)) {
    if (older !== sa && (older.made ?? sa.begun) <= sa.begun) older.close('deleted', `${other} says that it knows of no other ISAKMP SA with ${me}: it has started anew, and the old one is forgotten (INITIAL-CONTACT).`);
  }
}
