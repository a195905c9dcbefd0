/**
 * The commit bit (RFC 2408 §3.1): who sets it in message 2 of quick mode has the initiator wait for a fourth message, CONNECTED, before it sends by the new child SA.
 * RFC 2408 would have that in an informational exchange of the same message ID; Windows, and racoon after it, have it in quick mode itself.
 */
import { decoded, refused } from '../../core/decoded.ts';
import { lastUse, releaseHeldBack } from '../child.ts';
import { ipsecDoi, notifyTypes, type Payload } from '../../wire/ike/v1/message.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { deleteChild } from './notices.ts';
import { notificationOf, spiOctets } from './payloads.ts';
import type { PhaseTwoChoice } from './phase2-proposals.ts';
import { behindHash, hashOne, openHashed } from './protected.ts';
import type { IsakmpSa, V1Child } from './sa.ts';
import { takeOver } from './successors.ts';

// ---- the responder, who has set it

/** Message 4, when the child SA is in the stack. */
export function sayConnected(sa: IsakmpSa, exchange: Exchange, { proposal }: PhaseTwoChoice, spiIn: number): void {
  const connected: Payload = { type: 'Notification', doi: ipsecDoi, protocol: proposal.protocol, spi: spiOctets(spiIn), notifyType: notifyTypes.CONNECTED, data: new Uint8Array(0) };
  exchange.send(behindHash(hashOne(sa, exchange.messageId), [connected]));
}

// ---- the initiator, who waits

/** The responder can receive now. */
export function takeConnected(sa: IsakmpSa, exchange: Exchange, child: V1Child, received: Received): Verdict {
  const opened = openHashed(received, hashOne(sa, exchange.messageId));
  if (!opened.ok) return opened;
  if (notificationOf(opened.value, notifyTypes.CONNECTED) === undefined) return refused('isakmp-payloads', 'not the CONNECTED that the commit bit has announced');
  return decoded(() => {
    exchange.end();
    connect(child);
  });
}

/** CONNECTED has not come, however often message 3 was repeated. Packets that arrive by the child SA say as much; without them there is nobody at its other end. */
export function missConnected(child: V1Child, transmissions: number): void {
  const { ike } = child;
  if (child.state === 'gone') return;
  lastUse(ike, 'inbound', (used) => {
    if (used === undefined) deleteChild(child, `${ike.names.other} has announced that it would say when it is ready, and has not said so to ${transmissions} transmissions of message 3.`);
    else connect(child);
  }, [child]);
}

function connect(child: V1Child): void {
  if (child.state === 'gone') return;
  releaseHeldBack(child);
  takeOver(child);
}
