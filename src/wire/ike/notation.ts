/** Messages in the notation of RFC 7296 §1.2, for people. */
import { namesOf } from '../names.ts';
import { configurationTypes, exchangeTypes, notifyTypes, payloadTypes } from './message.ts';
import type { IkeHeader, Payload } from './message.ts';

const exchangeNames = namesOf(exchangeTypes);
const notifyNames = namesOf(notifyTypes);
const configurationNames = namesOf(configurationTypes);
const payloadNames = namesOf(payloadTypes);

/** `IKE_SA_INIT`; a number that has no name: `exchange 99`. */
export const exchangeName = (exchange: number): string => exchangeNames[exchange] ?? `exchange ${exchange}`;

/** `NAT_DETECTION_SOURCE_IP`; a number that has no name stays one. */
export const notifyName = (notifyType: number): string => notifyNames[notifyType] ?? String(notifyType);

/**
 * `HDR, SAi1, KEi, Ni, N(NAT_DETECTION_SOURCE_IP)`; with `inner`, what stood inside SK: `HDR, SK {IDi, AUTH, SAi2, TSi, TSr}`,
 * in `fragments` `HDR, SKF x3 {IDi, AUTH, SAi2, TSi, TSr}` (RFC 7383 §2.5).
 * i and r follow the exchange: CREATE_CHILD_SA may be started by either side.
 */
export function notation(header: IkeHeader, payloads: readonly Payload[], inner?: readonly Payload[], fragments?: number): string {
  const clear = ['HDR', ...payloads.map((payload) => symbol(header, payload))];
  if (inner === undefined) return clear.join(', ');
  return [...clear, `${fragments === undefined ? 'SK' : `SKF x${fragments}`} {${inner.map((payload) => symbol(header, payload)).join(', ')}}`].join(', ');
}

/** RFC 7296 §1.2: SA carries the number of its exchange while the first two pass, none later (§1.3). */
const saNumbers: Readonly<Record<number, string>> = { [exchangeTypes.IKE_SA_INIT]: '1', [exchangeTypes.IKE_AUTH]: '2' };

function symbol({ exchange, flags }: IkeHeader, payload: Payload): string {
  const side = flags.response ? 'r' : 'i';
  switch (payload.type) {
    case 'SA': {
      const number = saNumbers[exchange];
      return number === undefined ? 'SA' : `SA${side}${number}`;
    }
    case 'KE':
      return `KE${side}`;
    case 'Nonce':
      return `N${side}`;
    case 'Notify':
      return `N(${notifyName(payload.notifyType)})`;
    case 'Delete':
      return 'D';
    case 'Vendor':
      return 'V';
    case 'CP': {
      const name = configurationNames[payload.configuration];
      return `CP(${name === undefined ? payload.configuration : `CFG_${name}`})`;
    }
    case 'Unknown':
      return payloadNames[payload.payloadType] ?? `payload ${payload.payloadType}`;
    case 'IDi':
    case 'IDr':
    case 'CERT':
    case 'CERTREQ':
    case 'AUTH':
    case 'TSi':
    case 'TSr':
    case 'EAP':
      return payload.type;
  }
}
