/** What a message means, in one sentence: what a student reads beside the ladder. */
import { notifyTypes, protocolIds, type Payload } from '../../wire/ike/v1/message.ts';
import { notifyName } from '../../wire/ike/v1/notation.ts';
import type { ExchangeName } from './exchange.ts';
import { all, errorOf, notificationOf } from './payloads.ts';

interface Said {
  readonly exchange: ExchangeName;
  readonly response: boolean;
  readonly retransmission: number;
  readonly waited?: string;
  readonly fragments?: number;
}

type Chain = { readonly payloads: readonly Payload[] };
type Sentence = (from: string, to: string, chain: Chain) => string;

const has = ({ payloads }: Chain, type: Payload['type']): boolean => payloads.some((payload) => payload.type === type);
const hashesToo = (chain: Chain): string => (has(chain, 'NAT-D') ? ', and the hashes of both addresses as it sees them' : '');
const proofToo = (chain: Chain): string => (has(chain, 'SIG') ? 'a signature over the whole exchange' : 'a hash over the whole exchange that only the pre-shared key can make');

const requests: Record<ExchangeName, Sentence> = {
  main: (from, to, chain) => {
    if (has(chain, 'SA')) return `${from} proposes an ISAKMP SA to ${to}: ways to encrypt, to hash, to authenticate; its vendor IDs say which versions of NAT-T it knows.`;
    if (has(chain, 'KE')) return `${from} sends its Diffie-Hellman value and a nonce${hashesToo(chain)}.`;
    return `${from} shows ${to} who it is, encrypted: an identity, and ${proofToo(chain)}.`;
  },
  aggressive: (from, to, chain) =>
    has(chain, 'SA')
      ? `${from} proposes an ISAKMP SA to ${to}, all at once: algorithms, a Diffie-Hellman value, a nonce, and in the clear who it is.`
      : `${from} shows ${to} that it is who it says, by ${proofToo(chain)}${hashesToo(chain)}.`,
  quick: (from, to, chain) => (has(chain, 'SA') ? `${from} asks for a child SA: how to protect, and for which traffic${has(chain, 'KE') ? ', with a Diffie-Hellman of its own' : ''}.` : `${from} confirms: it has heard ${to}'s nonce, so that this is no old exchange played again.`),
  informational: (from, to, chain) => {
    if (notificationOf(chain, notifyTypes.R_U_THERE)) return `${from} asks whether ${to} lives.`;
    if (notificationOf(chain, notifyTypes.R_U_THERE_ACK)) return `${from} has heard it, and lives.`;
    const error = errorOf(chain);
    if (error !== undefined) return `${from} tells ${to} what is wrong: ${notifyName(error.notifyType)}.`;
    const [deleted] = all(chain, 'Delete');
    if (deleted !== undefined) return deleted.protocol === protocolIds.ISAKMP ? `${from} ends the ISAKMP SA and everything under it.` : `${from} will no longer receive on this child SA: ${to} must not send on it.`;
    return `${from} informs ${to}.`;
  },
  transaction: (from, to) => `${from} asks ${to} for something, or gives it something, before there is any child SA.`,
};

const responses: Record<ExchangeName, Sentence> = {
  main: (from, to, chain) => {
    if (has(chain, 'SA')) return `${from} chooses one of the proposals, and says which versions of NAT-T it knows.`;
    if (has(chain, 'KE')) return `${from} adds its Diffie-Hellman value and nonce${hashesToo(chain)}: both have keys now.`;
    return `${from} shows ${to} who it is, by ${proofToo(chain)}: the ISAKMP SA is up.`;
  },
  aggressive: (from, to, chain) => `${from} chooses, and shows ${to} who it is by ${proofToo(chain)}, with its Diffie-Hellman value and nonce${hashesToo(chain)}.`,
  quick: (from, _to, chain) => (notificationOf(chain, notifyTypes.CONNECTED) ? `${from} is ready to receive (CONNECTED): now the child SA may be used.` : `${from} agrees to the child SA.`),
  informational: requests.informational,
  transaction: (from, to) => `${from} answers ${to}.`,
};

export function messageStory(
  { me, other }: { readonly me: string; readonly other: string },
  direction: 'sent' | 'received',
  payloads: readonly Payload[],
  { exchange, response, retransmission, waited, fragments }: Said,
): string {
  const [from, to] = direction === 'sent' ? [me, other] : [other, me];
  if (retransmission > 0 && waited === undefined) return `${from} gets the same message again, so its answer was lost or late: it sends the same octets again.`;
  if (retransmission > 0) return `No answer from ${to} for ${waited}: ${from} sends the same octets again.`;
  const inPieces = fragments === undefined ? '' : direction === 'sent' ? ` It is too long for one packet: it goes in ${fragments} fragments.` : ` It came in ${fragments} fragments.`;
  return `${(response ? responses : requests)[exchange](from, to, { payloads })}${inPieces}`;
}
