/** Messages in the notation of RFC 2409 §3.2, for people. */
import { namesOf } from '../../names.ts';
import { configurationTypes, exchangeTypes, notifyTypes, payloadTypes } from './message.ts';
import type { IsakmpHeader, Payload } from './message.ts';

const exchangeNames = namesOf(exchangeTypes);
const notifyNames = namesOf(notifyTypes);
const configurationNames = namesOf(configurationTypes);
const payloadNames = namesOf(payloadTypes);

/** `main mode`; a number that has no name: `exchange 99`. */
export const exchangeName = (exchange: number): string => exchangeNames[exchange]?.toLowerCase().replaceAll('_', ' ') ?? `exchange ${exchange}`;

/** `INITIAL_CONTACT`; a number that has no name stays one. */
export const notifyName = (notifyType: number): string => notifyNames[notifyType] ?? String(notifyType);

/** Who sent the message, in the exchange that it belongs to: its header does not say. */
export type Sender = 'initiator' | 'responder';

/** `HDR, KE, Ni, NAT-D, NAT-D`; `HDR*, HASH(1), SA, Ni, IDci, IDcr` where the encryption bit is set; in pieces `HDR*, IDii, CERT, SIG_I, in 3 fragments`. */
export const notation = (header: IsakmpHeader, payloads: readonly Payload[], sender: Sender, fragments?: number): string =>
  [header.flags.encryption ? 'HDR*' : 'HDR', symbols(header, payloads, sender), fragments === undefined ? '' : `in ${fragments} fragments`].filter((part) => part !== '').join(', ');

/** `SA, VID x6`: the payloads alone; without a sender they are those of either. */
export function symbols(header: IsakmpHeader, payloads: readonly Payload[], sender?: Sender): string {
  const all = payloads.map((payload, i) => symbol(header, payloads, payload, i, sender));
  const told: string[] = [];
  for (const [i, text] of all.entries()) {
    if (text !== 'VID') told.push(text);
    else if (all[i - 1] !== 'VID') told.push(vendorIds(all.slice(i)));
  }
  return told.join(', ');
}

/** As many as stand at the beginning. */
function vendorIds(rest: readonly string[]): string {
  const other = rest.findIndex((text) => text !== 'VID');
  const count = other === -1 ? rest.length : other;
  return count === 1 ? 'VID' : `VID x${count}`;
}

function symbol(header: IsakmpHeader, all: readonly Payload[], payload: Payload, at: number, sender: Sender | undefined): string {
  const side = sender === undefined ? '' : sender === 'initiator' ? 'i' : 'r';
  switch (payload.type) {
    case 'ID':
      return header.messageId === 0 ? (side === '' ? 'ID' : `IDi${side}`) : all.findIndex(({ type }) => type === 'ID') === at ? 'IDci' : 'IDcr';
    case 'Nonce':
      return side === '' ? 'Nonce' : `N${side}`;
    case 'HASH':
      return hashSymbol(header, all, sender);
    case 'SIG':
      return side === '' ? 'SIG' : `SIG_${side.toUpperCase()}`;
    case 'Notification':
      return `N(${notifyName(payload.notifyType)})`;
    case 'Delete':
      return 'D';
    case 'Attributes': {
      const name = configurationNames[payload.configuration];
      return `ATTR(${name === undefined ? payload.configuration : `CFG_${name}`})`;
    }
    case 'Fragment':
      return `fragment ${payload.number}${payload.last ? ', the last' : ''}`;
    case 'Unknown':
      return payloadNames[payload.payloadType] ?? `payload ${payload.payloadType}`;
    case 'SA':
    case 'KE':
    case 'CERT':
    case 'CERTREQ':
    case 'VID':
    case 'NAT-D':
    case 'NAT-OA':
      return payload.type;
  }
}

/** RFC 2409 §5: HASH_I and HASH_R; §5.5: HASH(1), (2), (3) of quick mode; its fourth message, CONNECTED, has the commit bit made. */
function hashSymbol({ messageId, exchange }: IsakmpHeader, all: readonly Payload[], sender: Sender | undefined): string {
  if (sender === undefined) return 'HASH';
  if (messageId === 0) return sender === 'initiator' ? 'HASH_I' : 'HASH_R';
  switch (exchange) {
    case exchangeTypes.QUICK_MODE: {
      const negotiates = all.some(({ type }) => type === 'SA');
      return `HASH(${(negotiates ? 1 : 3) + (sender === 'initiator' ? 0 : 1)})`;
    }
    case exchangeTypes.INFORMATIONAL:
      return 'HASH(1)';
    default:
      return 'HASH';
  }
}
