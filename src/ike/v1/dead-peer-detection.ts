/** Dead-peer detection: R-U-THERE is asked of a peer that has been silent, and R-U-THERE-ACK shows that it lives (RFC 3706). */
import { sameBytes } from '../../core/bytes.ts';
import { refused, type Refusal } from '../../core/decoded.ts';
import { after, type Instant } from '../../core/time.ts';
import { notifyTypes, type Payload } from '../../wire/ike/v1/message.ts';
import { notifyName } from '../../wire/ike/v1/notation.ts';
import { lastUse } from '../child.ts';
import { inform } from './notices.ts';
import { cookiesOf, notification, spiFrom, spiOctets } from './payloads.ts';
import { waitAfter } from './retransmission.ts';
import type { IsakmpSa } from './sa.ts';

const name = 'dead-peer detection';
const answer = 'R-U-THERE-ACK';

export function watchLiveness(sa: IsakmpSa): void {
  const silence = sa.context.config.deadPeerDetection;
  if (silence !== 'off' && sa.answersProbes) sa.alarm(name, after(sa.lastHeard, silence), () => silent(sa));
}

/** No IKE message for so long; ESP that passes its check proves as much, and the stack knows of it (RFC 3706 §5.4). */
function silent(sa: IsakmpSa): void {
  const silence = sa.context.config.deadPeerDetection;
  if (silence === 'off' || sa.state !== 'established') return;
  if (after(sa.lastHeard, silence) > sa.context.now) {
    watchLiveness(sa);
    return;
  }
  lastUse(sa, 'inbound', (used) => {
    const heard = Math.max(sa.lastHeard, Math.min(used ?? 0, sa.context.now)) as Instant;
    if (after(heard, silence) > sa.context.now) {
      sa.alarm(name, after(heard, silence), () => silent(sa));
      return;
    }
    probe(sa);
    sa.alarm(name, after(sa.context.now, silence), () => silent(sa));
  });
}

/** Asks whether the peer lives; while the question is open it is not asked a second time. */
export function probe(sa: IsakmpSa): void {
  if (sa.probes !== undefined) return;
  // RFC 3706 §6: numbers that nobody can guess, the highest bit clear lest they wrap around
  const first = sa.lastProbe === undefined ? sa.context.random.uint32() >>> 1 : sa.lastProbe + 1;
  sa.probes = { first, last: first };
  ask(sa, first);
}

function ask(sa: IsakmpSa, sequence: number): void {
  const { context, probes } = sa;
  const { retransmission } = context.config;
  const asked = sequence - probes!.first;
  probes!.last = sequence;
  sa.lastProbe = sequence;
  inform(sa, [notification(notifyTypes.R_U_THERE, { spi: cookiesOf(sa), data: spiOctets(sequence) })]);
  sa.alarm(answer, after(context.now, waitAfter(retransmission, asked)), () => {
    if (asked < retransmission.tries) ask(sa, sequence + 1);
    else sa.unanswered('R-U-THERE', asked + 1);
  });
}

/** The peer asks: the answer has the same number (RFC 3706 §5.4). */
export function answerProbe(sa: IsakmpSa, data: Uint8Array): void {
  sa.peersLastProbe = spiFrom(data);
  inform(sa, [notification(notifyTypes.R_U_THERE_ACK, { spi: cookiesOf(sa), data })]);
}

export function takeProbeAnswer(sa: IsakmpSa): void {
  sa.probes = undefined;
  sa.cancel(answer);
}

/** Why a question or an answer is not one (RFC 3706 §5.3, §6.2): a question that is older than the last, an answer to none that is open. Others are none of this. */
export function refusalOfProbe(sa: IsakmpSa, { notifyType, spi, data }: Extract<Payload, { type: 'Notification' }>): Refusal | undefined {
  if (notifyType !== notifyTypes.R_U_THERE && notifyType !== notifyTypes.R_U_THERE_ACK) return undefined;
  const [name, sequence] = [notifyName(notifyType), spiFrom(data)];
  if (sequence === undefined) return refused('isakmp-payloads', `${name} with a sequence number of ${data.length} octets`);
  if (!sameBytes(spi, cookiesOf(sa))) return refused('isakmp-payloads', `${name} about another ISAKMP SA`);
  const { probes, peersLastProbe } = sa;
  // some ask again by the same number
  const isCurrent = notifyType === notifyTypes.R_U_THERE ? peersLastProbe === undefined || sequence >= peersLastProbe : probes !== undefined && sequence >= probes.first && sequence <= probes.last;
  return isCurrent ? undefined : refused('isakmp-message-id', `${name} with sequence number ${sequence}, which is not one of now`);
}
