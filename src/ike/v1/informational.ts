/** What the peer tells without waiting for an answer (RFC 2409 §5.7). In the clear anybody could have written it: it changes nothing. */
import { decoded, refused } from '../../core/decoded.ts';
import { sameBytes } from '../../core/bytes.ts';
import { notifyTypes, protocolIds, type ClearMessage, type EncryptedMessage, type Payload } from '../../wire/ike/v1/message.ts';
import { notifyName } from '../../wire/ike/v1/notation.ts';
import type { Path } from '../any-ike-sa.ts';
import { removeChild } from '../child.ts';
import { answerProbe, isOpen, takeProbeAnswer } from './dead-peer-detection.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { forgetOthers } from './initial-contact.ts';
import { all, cookiesOf, protocolIdOf, spiFrom } from './payloads.ts';
import { hashOne, openHashed } from './protected.ts';
import type { IsakmpSa } from './sa.ts';

type Notification = Extract<Payload, { type: 'Notification' }>;
type Delete = Extract<Payload, { type: 'Delete' }>;

/** A message of an informational exchange, whose message ID was never seen. */
export function hearInformational(sa: IsakmpSa, message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): void {
  if (!('ciphertext' in message)) {
    const said = all(message, 'Notification').map(({ notifyType }) => notifyName(notifyType)).join(', ') || 'something';
    sa.context.drop('isakmp-unprotected', `${said}, in the clear: anybody could have written it`, bytes, path.peer);
    return;
  }
  const exchange = sa.peersExchange('informational', message.header.messageId);
  exchange.listen((received) => judge(sa, exchange, received));
  exchange.receive(message, bytes, path);
}

function judge(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const opened = openHashed(received, hashOne(sa, exchange.messageId));
  if (!opened.ok) return opened;
  const { payloads } = opened.value;
  const stale = payloads.find((payload) => payload.type === 'Notification' && payload.notifyType === notifyTypes.R_U_THERE_ACK && !isOpen(sa, payload.data));
  if (stale !== undefined) return refused('isakmp-message-id', 'R-U-THERE-ACK to a question that is not open');
  return decoded(() => {
    sa.keep(exchange);
    exchange.end();
    for (const payload of payloads) {
      if (sa.isGone) return;
      if (payload.type === 'Delete') hearDelete(sa, payload);
      if (payload.type === 'Notification') hearNotification(sa, payload);
    }
  });
}

/** RFC 2408 §5.15. Before phase 1 is over there is nothing to delete. */
function hearDelete(sa: IsakmpSa, { protocol, spis }: Delete): void {
  const { other } = sa.names;
  if (protocol === protocolIds.ISAKMP) {
    const isThis = spis.some((spi) => sameBytes(spi, cookiesOf(sa)));
    if (isThis) sa.close('deleted', `${other} has deleted the ISAKMP SA.`);
    return;
  }
  const named = spis.map(spiFrom);
  for (const child of sa.children) {
    if (protocol === protocolIdOf[child.protocol] && named.includes(child.spiOut)) removeChild(child, 'deleted', `${other} has deleted the child SA.`);
  }
}

function hearNotification(sa: IsakmpSa, { notifyType, spi, data }: Notification): void {
  const { other } = sa.names;
  if (notifyType < 16384) {
    hearError(sa, notifyName(notifyType), spi);
    return;
  }
  switch (notifyType) {
    case notifyTypes.R_U_THERE:
      if (sameBytes(spi, cookiesOf(sa))) answerProbe(sa, data);
      return;
    case notifyTypes.R_U_THERE_ACK:
      takeProbeAnswer(sa);
      return;
    case notifyTypes.INITIAL_CONTACT:
      if (sa.state === 'established') forgetOthers(sa);
      return;
    default:
      sa.context.drop('isakmp-payloads', `${other} says ${notifyName(notifyType)}, which changes nothing`, undefined, sa.peer);
  }
}

/** Of phase 1 while it lasts; later of the quick mode whose SPI it names, or of the only one there is. */
function hearError(sa: IsakmpSa, error: string, spi: Uint8Array): void {
  const { me, other } = sa.names;
  if (sa.state === 'connecting') {
    sa.close('failed', `${other} does not let ${me} in: ${error}.`);
    return;
  }
  const named = spiFrom(spi);
  const refuse = (named === undefined ? undefined : sa.wishes.get(named)) ?? (sa.wishes.size === 1 ? [...sa.wishes.values()][0] : undefined);
  if (refuse !== undefined) refuse(error);
  else sa.context.drop('isakmp-payloads', `${other} says ${error} of nothing that is under way`, undefined, sa.peer);
}
