/** INFORMATIONAL exchanges: delete, "do you live?", and what is told besides (RFC 7296 §1.4). */
import { notifyTypes, protocolIds, type Payload } from '../../wire/ike/message.ts';
import { notifyName } from '../../wire/ike/notation.ts';
import { removeChild, wantedProtocol } from '../child.ts';
import { childSpi, childSpiFrom, errorOf, notify, protocolIdOf } from './payloads.ts';
import type { IkeSa, V2Child } from './sa.ts';
import type { Request } from './window.ts';

const deleteIke: Payload = { type: 'Delete', protocol: protocolIds.IKE, spis: [] };
const deleteChildren = (sa: IkeSa, spis: readonly number[]): Payload => ({ type: 'Delete', protocol: protocolIdOf[wantedProtocol(sa)], spis: spis.map(childSpi) });

/** An empty request: whoever answers it lives (RFC 7296 §2.4). */
export function probe(sa: IkeSa): void {
  sa.window.ask({ exchange: 'INFORMATIONAL', payloads: () => [], answered: () => undefined });
}

/** Ends the IKE SA: children stop at once, the rest goes when the peer has answered, or never does (RFC 7296 §1.4.1). */
export function deleteIkeSa(sa: IkeSa, story: string): void {
  if (sa.isGone || sa.state === 'deleting') return;
  if (!sa.hasKeys || sa.state === 'connecting') {
    sa.close('deleted', story);
    return;
  }
  sa.state = 'deleting';
  sa.ending = { state: 'deleted', story };
  for (const child of sa.children) removeChild(child, 'deleted', 'Its IKE SA ends, and the child SA with it.');
  sa.window.ask({ exchange: 'INFORMATIONAL', payloads: () => [deleteIke], answered: () => sa.end() });
}

/** A request about a child SA goes by the IKE SA that the child has when its turn comes. */
export function askAbout(child: V2Child, request: Request): void {
  const { ike } = child;
  const payloads = (): readonly Payload[] | undefined => {
    if (child.ike === ike) return request.payloads();
    askAbout(child, request);
    return undefined;
  };
  ike.window.ask({ ...request, payloads });
}

/** Ends one child SA: the peer answers with its half (RFC 7296 §1.4.1). */
export function deleteChild(child: V2Child, story: string): void {
  if (child.state === 'gone' || child.state === 'deleting') return;
  child.state = 'deleting';
  askAbout(child, {
    exchange: 'INFORMATIONAL',
    payloads: () => (child.state === 'deleting' ? [deleteChildren(child.ike, [child.spiIn])] : undefined),
    answered: () => removeChild(child, 'deleted', story),
  });
}

/** RFC 7296 §1.3.1: the peer has made a child SA that this side does not want as it is, and has not installed. */
export function deleteUnwanted(sa: IkeSa, spiIn: number): void {
  sa.window.ask({ exchange: 'INFORMATIONAL', payloads: () => [deleteChildren(sa, [spiIn])], answered: () => undefined });
}

/** The initiator could not authenticate the responder, who believes that all is well (RFC 7296 §2.21.2). */
export function refusePeer(sa: IkeSa, story: string): void {
  sa.state = 'deleting';
  sa.ending = { state: 'failed', story };
  sa.window.ask({
    exchange: 'INFORMATIONAL',
    payloads: () => [notify(notifyTypes.AUTHENTICATION_FAILED)],
    answered: () => sa.end(),
  });
}

/** Errors after which an IKE SA cannot go on (RFC 7296 §2.21.2, §2.21.3). */
const fatal: ReadonlySet<number> = new Set([notifyTypes.AUTHENTICATION_FAILED, notifyTypes.INVALID_SYNTAX, notifyTypes.UNSUPPORTED_CRITICAL_PAYLOAD]);

/** Anything that is not understood is answered all the same: with nothing (RFC 7296 §1.4). */
export function answerInformational(sa: IkeSa, payloads: readonly Payload[]): void {
  const { other } = sa.names;
  const deletes = payloads.filter((payload) => payload.type === 'Delete');
  const error = errorOf(payloads);
  if (deletes.some(({ protocol }) => protocol === protocolIds.IKE)) {
    inherit(sa);
    sa.window.answer([]);
    sa.close('deleted', `${other} has deleted the IKE SA.`);
    return;
  }
  if (error !== undefined && fatal.has(error.notifyType)) {
    sa.window.answer([]);
    sa.close('failed', `${other} gives the IKE SA up: ${notifyName(error.notifyType)}.`);
    return;
  }
  const named = deletes.filter(({ protocol }) => protocol === protocolIdOf[wantedProtocol(sa)]).flatMap(({ spis }) => spis.flatMap((spi) => childSpiFrom(spi) ?? []));
  const children = [...sa.children].filter(({ spiOut }) => named.includes(spiOut));
  // RFC 7296 §1.4.1: what this side is deleting too is not named again
  const halves = children.filter(({ state }) => state !== 'deleting').map(({ spiIn }) => spiIn);
  for (const child of children) removeChild(child, 'deleted', `${other} has deleted the child SA.`);
  sa.window.answer(halves.length > 0 ? [deleteChildren(sa, halves)] : []);
}

/** RFC 7296 §2.25.2: the peer closes an IKE SA that we are rekeying: our request is forgotten, and what its own rekey made takes over. */
function inherit(sa: IkeSa): void {
  if (sa.peersRekey === undefined || sa.state !== 'established') return;
  sa.state = 'rekeyed';
  adoptChildren(sa, sa.peersRekey.successor);
}

/** The children of a rekeyed IKE SA go on under its successor (RFC 7296 §2.8). */
export function adoptChildren(from: IkeSa, to: IkeSa): void {
  for (const child of from.children) {
    child.ike = to;
    to.children.add(child);
  }
  from.children.clear();
  for (const spi of from.reservedSpis) to.reservedSpis.add(spi);
  from.reservedSpis.clear();
  from.window.handOver(to.window);
  to.virtualAddress = from.virtualAddress;
  from.virtualAddress = undefined;
}
