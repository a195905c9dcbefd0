/** What the peer tells without waiting for an answer (RFC 2409 §5.7). In the clear anybody could have written it: it changes nothing. */
import { decoded, refused } from '../../core/decoded.ts';
import { sameBytes } from '../../core/bytes.ts';
import { notifyTypes, protocolIds, type ClearMessage, type EncryptedMessage, type Payload } from '../../wire/ike/v1/message.ts';
import { notifyName } from '../../wire/ike/v1/notation.ts';
import type { Path } from '../any-ike-sa.ts';
import { removeChild } from '../child.ts';
import { answerProbe, refusalOfProbe, takeProbeAnswer } from './dead-peer-detection.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { bequeath } from './heirs.ts';
import { forgetOthers } from './initial-contact.ts';
import { all, cookiesOf, protocolIdOf, spiFrom } from './payloads.ts';
import { hashOne, openHashed } from './protected.ts';
import type { IsakmpSa } from './sa.ts';

type Notification = Extract<Payload, { type: 'Notification' }>;
type Delete = Extract<Payload, { type: 'Delete' }>;

const informing: ReadonlySet<Payload['type']> = new Set(['Notification', 'Delete', 'VID', 'Unknown']);

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
  // RFC 2409 §5.7. HASH(1) of quick mode is made alike: without this its first message would pass for one of these, under another exchange type
  if (payloads.length === 0 || !payloads.every(({ type }) => informing.has(type))) return refused('isakmp-payloads', 'an informational message informs of something, and negotiates nothing');
  for (const payload of all({ payloads }, 'Notification')) {
    const wrong = refusalOfProbe(sa, payload);
    if (wrong !== undefined) return wrong;
  }
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

/** RFC 2408 §5.15. What is deleted has been made with the same peer, though perhaps under another ISAKMP SA. Before phase 1 is over there is nothing to delete. */
function hearDelete(sa: IsakmpSa, { protocol, spis }: Delete): void {
  const { other } = sa.names;
  const family = [sa, ...sa.kin];
  if (protocol === protocolIds.ISAKMP) {
    const named = family.filter((it) => spis.some((spi) => sameBytes(spi, cookiesOf(it))));
    for (const it of named) {
      bequeath(it);
      it.close('deleted', `${other} has deleted the ISAKMP SA.`);
    }
    if (named.length === 0) sa.context.drop('isakmp-payloads', `${other} deletes an ISAKMP SA that is not here`, undefined, sa.peer);
    return;
  }
  const spisOut = spis.map(spiFrom);
  const named = family.flatMap(({ children }) => [...children]).filter((child) => protocolIdOf[child.protocol] === protocol && spisOut.includes(child.spiOut));
  for (const child of named) removeChild(child, 'deleted', `${other} has deleted the child SA.`);
  if (named.length === 0) sa.context.drop('isakmp-payloads', `${other} deletes child SAs that are not here`, undefined, sa.peer);
}

function hearNotification(sa: IsakmpSa, { notifyType, spi, data }: Notification): void {
  const { other } = sa.names;
  if (notifyType < 16384) {
    hearError(sa, notifyName(notifyType), spi);
    return;
  }
  switch (notifyType) {
    case notifyTypes.R_U_THERE:
      answerProbe(sa, data);
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
  const wish = (named === undefined ? undefined : sa.wishes.get(named)) ?? (sa.wishes.size === 1 ? [...sa.wishes.values()][0] : undefined);
  if (wish !== undefined) wish.fail(`${other} makes no child SA: ${error}.`);
  else sa.context.drop('isakmp-payloads', `${other} says ${error} of nothing that is under way`, undefined, sa.peer);
}
