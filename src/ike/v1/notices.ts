/** What one side tells the other without waiting for an answer: deletes, errors (RFC 2409 §5.7, RFC 2408 §3.14, §3.15). */
import { ipsecDoi, protocolIds, type Payload } from '../../wire/ike/v1/message.ts';
import { removeChild, wantedProtocol } from '../child.ts';
import { cookiesOf, notification, protocolIdOf, spiOctets } from './payloads.ts';
import { behindHash, hashOne } from './protected.ts';
import type { IsakmpSa, V1Child } from './sa.ts';

/** One message of an informational exchange; whether it arrives is not known. */
export function inform(sa: IsakmpSa, payloads: readonly Payload[]): void {
  const exchange = sa.beginExchange('informational');
  exchange.send(behindHash(hashOne(sa, exchange.messageId), payloads));
}

/** A note about one exchange of phase 2 that comes to nothing: the SPI is the one that its initiator proposed. */
export const refuseChild = (sa: IsakmpSa, notifyType: number, spi: Uint8Array): void =>
  inform(sa, [{ type: 'Notification', doi: ipsecDoi, protocol: protocolIdOf[wantedProtocol(sa)], spi, notifyType, data: new Uint8Array(0) }]);

/** The other side has proved who it is, and is not let in: both have keys by now, so that it can believe the refusal. */
export function refusePeer(sa: IsakmpSa, notifyType: number, story: string): void {
  inform(sa, [notification(notifyType, { spi: cookiesOf(sa) })]);
  sa.close('failed', story);
}

/** Ends the ISAKMP SA and everything under it. Each delete is said once. */
export function deleteIsakmpSa(sa: IsakmpSa, story: string, state: 'deleted' | 'failed' = 'deleted'): void {
  if (sa.isGone) return;
  if (sa.state !== 'connecting') {
    for (const child of sa.children) deleteChild(child, 'Its ISAKMP SA ends, and the child SA with it.');
    inform(sa, [{ type: 'Delete', doi: ipsecDoi, protocol: protocolIds.ISAKMP, spis: [cookiesOf(sa)] }]);
  }
  sa.close(state, story);
}

/** Ends one child SA: the peer must not send to this SPI any more. */
export function deleteChild(child: V1Child, story: string): void {
  if (child.state === 'gone') return;
  inform(child.ike, [{ type: 'Delete', doi: ipsecDoi, protocol: protocolIdOf[child.protocol], spis: [spiOctets(child.spiIn)] }]);
  removeChild(child, 'deleted', story);
}
