/** NAT-OA: in transport mode each side needs the addresses over which the other one makes its checksums (RFC 3947 §5.2). */
import type { Payload } from '../../wire/ike/v1/message.ts';
import type { Role } from '../any-ike-sa.ts';
import type { OriginalAddresses } from '../child.ts';
import { all } from './payloads.ts';
import type { IsakmpSa } from './sa.ts';

type OriginalAddress = Extract<Payload, { type: 'NAT-OA' }>;

/** Of the one in this role in quick mode: the RFC has both ends as the sender sees them, the initiator's first; its drafts until 03 the sender's own. */
export function originalAddressPayloads({ natt, encapsulation, connection, settings, local, peer }: IsakmpSa, role: Role): Payload[] {
  if (natt === undefined || encapsulation === 'none' || connection.child.mode !== 'transport' || settings.natOriginalAddress === 'withheld') return [];
  const payload = (address: OriginalAddress['address']): OriginalAddress => ({ type: 'NAT-OA', number: natt.natOriginalAddress, address });
  const [mine, theirs] = [payload(local.address), payload(peer.address)];
  if (natt.originalAddresses === 'own') return [mine];
  return role === 'initiator' ? [mine, theirs] : [theirs, mine];
}

/** What the peer, in the other role, called the two ends; a single address is its own, and what it calls us remains unsaid. Undefined when it says nothing, as some withhold it. */
export function originalAddresses({ connection }: IsakmpSa, chain: { readonly payloads: readonly Payload[] }, role: Role): OriginalAddresses | undefined {
  const [first, second, ...more] = all(chain, 'NAT-OA').map(({ address }) => address);
  if (connection.child.mode !== 'transport' || first === undefined || more.length > 0) return undefined;
  if (second === undefined) return { own: undefined, peer: first };
  return role === 'responder' ? { own: second, peer: first } : { own: first, peer: second };
}
