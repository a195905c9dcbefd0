/** What a message means, in one sentence: what a student reads beside the ladder. */
import { notifyTypes, type ExchangeName, type Payload } from '../../wire/ike/message.ts';
import { notifyName } from '../../wire/ike/notation.ts';
import { errorOf, has, notifyOf } from './payloads.ts';

interface Said {
  readonly exchange: ExchangeName;
  readonly response: boolean;
  readonly messageId: number;
  readonly retransmission: number;
  readonly waited?: string;
  readonly fragments?: number;
}

type Sentence = (from: string, to: string, payloads: readonly Payload[]) => string;

const requests: Record<ExchangeName, Sentence> = {
  IKE_SA_INIT: (from, to, payloads) =>
    notifyOf(payloads, notifyTypes.COOKIE)
      ? `${from} proposes an IKE SA again, with the cookie that shows that it is reached where it says.`
      : `${from} proposes an IKE SA to ${to}: algorithms, a Diffie-Hellman value, a nonce${natDetectionToo(payloads)}.`,
  IKE_AUTH: (from, to, payloads) => `${from} shows ${to} who it is by signing its first message${has(payloads, 'CP') ? ', asks for an inner address' : ''}${childToo(payloads)}.`,
  CREATE_CHILD_SA: (from, _to, payloads) => {
    if (notifyOf(payloads, notifyTypes.REKEY_SA)) return `${from} wants fresh keys for a child SA.`;
    return has(payloads, 'TSi') ? `${from} asks for another child SA.` : `${from} wants a new IKE SA in place of this one.`;
  },
  INFORMATIONAL: (from, to, payloads) => {
    const error = errorOf(payloads);
    if (error) return `${from} tells ${to} what is wrong: ${notifyName(error.notifyType)}.`;
    const deleted = payloads.find((payload) => payload.type === 'Delete');
    if (deleted) return deleted.protocol === 1 ? `${from} ends the IKE SA and everything under it.` : `${from} will no longer receive on this child SA: ${to} must not send on it.`;
    return payloads.length === 0 ? `${from} asks whether ${to} lives.` : `${from} informs ${to}.`;
  },
};

const responses: Record<ExchangeName, Sentence> = {
  IKE_SA_INIT: (from, to, payloads) =>
    notifyOf(payloads, notifyTypes.COOKIE)
      ? `${from} is busy: before it computes anything, ${to} must show with this cookie that it is reached where it says.`
      : notifyOf(payloads, notifyTypes.INVALID_KE_PAYLOAD)
        ? `${from} wants another Diffie-Hellman group than the one ${to} guessed.`
        : `${from} chooses the algorithms and adds its Diffie-Hellman value and nonce${natDetectionToo(payloads)}: both have keys now, and do not know yet with whom.`,
  IKE_AUTH: (from, to, payloads) => `${from} shows ${to} who it is${has(payloads, 'CP') ? ', gives it an inner address' : ''}${has(payloads, 'SA') ? ' and accepts the child SA: the tunnel is up' : ', without a child SA'}.`,
  CREATE_CHILD_SA: (from) => `${from} agrees: fresh keys are there.`,
  INFORMATIONAL: (from, _to, payloads) => (has(payloads, 'Delete') ? `${from} has deleted its half too.` : `${from} has heard it, and lives.`),
};

const natDetectionToo = (payloads: readonly Payload[]): string =>
  notifyOf(payloads, notifyTypes.NAT_DETECTION_SOURCE_IP) ? ', and the hashes of both addresses as it sees them' : '';
const childToo = (payloads: readonly Payload[]): string => (has(payloads, 'SA') ? ', and proposes a child SA for the traffic' : '');

export function messageStory(
  { me, other }: { readonly me: string; readonly other: string },
  direction: 'sent' | 'received',
  payloads: readonly Payload[],
  { exchange, response, retransmission, waited, fragments }: Said,
): string {
  const [from, to] = direction === 'sent' ? [me, other] : [other, me];
  if (retransmission > 0 && response) return `${from} gets the same request again, so its answer was lost or late: it sends the same octets again.`;
  if (retransmission > 0) return `No answer from ${to}${waited === undefined ? '' : ` for ${waited}`}: ${from} sends the same octets again.`;
  const error = response ? errorOf(payloads) : undefined;
  const refusal = error !== undefined && error.notifyType !== notifyTypes.INVALID_KE_PAYLOAD && !has(payloads, 'AUTH');
  if (refusal) return `${from} refuses: ${notifyName(error.notifyType)}.`;
  const inPieces = fragments === undefined ? '' : direction === 'sent' ? ` It is too long for one packet: it goes in ${fragments} fragments, each encrypted and authenticated by itself.` : ` It came in ${fragments} fragments.`;
  return `${(response ? responses : requests)[exchange](from, to, payloads)}${inPieces}`;
}
