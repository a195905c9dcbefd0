/** What comes between phase 1 and the first child SA: the client's password, its inner address (XAUTH, Mode-Config). */
import { refused, type Decoded } from '../../core/decoded.ts';
import { after, seconds } from '../../core/time.ts';
import { configurationTypes } from '../../wire/ike/v1/message.ts';
import { answerRequest, pushAddress, requestAddress, takeAddress } from './mode-config.ts';
import { deleteIsakmpSa } from './notices.ts';
import { createChildren } from './quick-mode.ts';
import { succeed } from './rekey.ts';
import type { IsakmpSa } from './sa.ts';
import type { Answer, Configuration } from './transaction.ts';
import { answerPassword, askForPassword, asksForPassword, hasPassword, hearStatus, isXauth } from './xauth.ts';

/** How long a client waits to be asked for its password. */
const patience = seconds(30);

/** The ISAKMP SA is up: who has to ask for something does. */
export function afterPhaseOne(sa: IsakmpSa): void {
  if (asksForPassword(sa)) {
    sa.admitted = false;
    askForPassword(sa, () => {
      succeed(sa); // only now it is known who of the group this is
      admit(sa);
    });
  } else if (hasPassword(sa)) {
    sa.admitted = false; // the gateway begins
    sa.alarm('XAUTH', after(sa.context.now, patience), () => deleteIsakmpSa(sa, `${sa.names.other} has asked for no password.`, 'failed'));
  } else {
    admit(sa);
  }
}

/** From now on there may be child SAs. */
function admit(sa: IsakmpSa): void {
  const { connection, role, settings, inherits } = sa;
  sa.admitted = true;
  sa.cancel('XAUTH');
  if (inherits) return;
  const isPushed = settings.modeConfig === 'push';
  if (connection.virtualAddress === 'request') {
    if (!isPushed) requestAddress(sa, () => createChildren(sa));
  } else if (connection.virtualAddress === 'none') {
    if (role === 'initiator') createChildren(sa);
  } else if (isPushed) {
    pushAddress(sa);
  }
}

/** What the peer asks for, or gives. */
export function judgeConfiguration(sa: IsakmpSa, asked: Configuration): Decoded<() => Answer> {
  const isClient = sa.connection.virtualAddress === 'request';
  if (isXauth(asked)) {
    if (asked.configuration === configurationTypes.REQUEST) return answerPassword(sa, asked);
    return hasPassword(sa) && !sa.admitted ? hearStatus(sa, asked, () => admit(sa)) : refused('isakmp-exchange', 'the outcome of an XAUTH that is not under way');
  }
  if (!sa.admitted) return refused('isakmp-exchange', 'Mode-Config before XAUTH is over');
  if (asked.configuration === configurationTypes.REQUEST) return answerRequest(sa, asked);
  return isClient ? takeAddress(sa, asked, () => createChildren(sa)) : refused('isakmp-exchange', 'an inner address that nobody wants');
}
