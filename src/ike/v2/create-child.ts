/** CREATE_CHILD_SA for child SAs: another one, or fresh keys for one that is there (RFC 7296 §1.3.1, §1.3.3, §2.8, §2.25.1). */
import { below } from '../../core/random.ts';
import { after, seconds } from '../../core/time.ts';
import { dhGroup } from '../../crypto/diffie-hellman.ts';
import { childKeys } from '../../crypto/ike-keys.ts';
import type { DhGroup, DhKeyPair } from '../../crypto/types.ts';
import { notifyTypes, type Payload, type Proposal } from '../../wire/ike/message.ts';
import { notifyName } from '../../wire/ike/notation.ts';
import { installChild, releaseSpi, removeChild, reserveSpi, tell, wantedProtocol } from '../child.ts';
import type { ChildMode } from '../config.ts';
import { sameSelectors, within, type Selectors } from '../traffic-selectors.ts';
import { askAbout, deleteChild, deleteUnwanted } from './informational.ts';
import { freshNonce } from './init.ts';
import { lower, lowest } from './nonces.ts';
import { childNotify, childSpi, childSpiFrom, errorOf, invalidKe, nonceOf, notify, notifyOf, only, protocolIdOf, wantedGroup } from './payloads.ts';
import { childFailed, narrowed, wantedSelectors } from '../wanted-traffic.ts';
import { acceptedChild, chooseChild, childProposals } from './proposals.ts';
import type { IkeSa, V2Child } from './sa.ts';
import { agreedMode, askedMode, modeNotify, substituted } from './transport-mode.ts';

/** What comes of a child SA that the stack refuses, or whose rekey was put off. */
export const consequences = {
  refused: (child: V2Child): void => deleteChild(child, 'The IPsec stack would not take the child SA.'),
  retry: (child: V2Child): void => rekeyChild(child),
};

// ---- asking

/** What is asked for, and with what. */
interface Wish {
  readonly spiIn: number;
  readonly selectors: Selectors;
  readonly mode: ChildMode;
  readonly replaces: V2Child | undefined;
  readonly offer: readonly Proposal[];
  readonly nonce: Uint8Array;
  /** Perfect forward secrecy: a Diffie-Hellman of its own. */
  readonly group: DhGroup | undefined;
  readonly keyPair: DhKeyPair | undefined;
}

/** Another child SA, as the configuration wants it. */
export function createChild(sa: IkeSa): void {
  reserveSpi(sa, (spiIn) => {
    const wish = newWish(sa, spiIn, wantedSelectors(sa), undefined);
    sa.window.ask({ exchange: 'CREATE_CHILD_SA', payloads: () => request(wish), answered: (payloads) => receiveAnswer(sa, wish, payloads) });
  });
}

/** Fresh keys for a child SA: another takes its place (RFC 7296 §2.8). Once: while that is under way nothing happens. */
export function rekeyChild(child: V2Child): void {
  if (child.state !== 'installed' || child.rekeying) return;
  child.rekeying = true;
  reserveSpi(
    child.ike,
    (spiIn) => askToRekey(child, newWish(child.ike, spiIn, child.selectors, child)),
    () => (child.rekeying = false),
  );
}

function askToRekey(child: V2Child, wish: Wish): void {
  askAbout(child, {
    exchange: 'CREATE_CHILD_SA',
    payloads: () => {
      if (child.state === 'installed') return [childNotify(notifyTypes.REKEY_SA, child.protocol, childSpi(child.spiIn)), ...request(wish)];
      child.rekeying = false; // the peer was quicker
      releaseSpi(child.ike, wish.spiIn);
      return undefined;
    },
    answered: (payloads) => {
      child.rekeying = false;
      receiveAnswer(child.ike, wish, payloads);
    },
  });
}

function newWish({ connection, context }: IkeSa, spiIn: number, selectors: Selectors, replaces: V2Child | undefined, wanted?: DhGroup): Wish {
  const { child } = connection;
  const [first] = child.proposals.flatMap(({ groups }) => groups);
  const group = wanted ?? (first === undefined ? undefined : dhGroup(first));
  return {
    spiIn, selectors, mode: replaces?.mode ?? child.mode ?? 'tunnel', replaces, group, keyPair: group?.generate(context.random), nonce: freshNonce(context.random),
    offer: childProposals(child, childSpi(spiIn), 'with groups'),
  };
}

const request = ({ offer, nonce, group, keyPair, selectors, mode }: Wish): Payload[] => [
  ...modeNotify(mode),
  { type: 'SA', proposals: offer },
  { type: 'Nonce', data: nonce },
  ...(group === undefined ? [] : [{ type: 'KE', group: group.id, data: keyPair!.publicValue } as const]),
  { type: 'TSi', selectors: selectors.local },
  { type: 'TSr', selectors: selectors.remote },
];

function receiveAnswer(sa: IkeSa, wish: Wish, payloads: readonly Payload[]): void {
  const { spiIn, replaces, offer, group } = wish;
  const { me, other } = sa.names;
  const fail = (why: string): void => {
    releaseSpi(sa, spiIn);
    childFailed(sa, why);
  };
  const error = errorOf(payloads);
  if (error !== undefined) {
    if (error.notifyType === notifyTypes.INVALID_KE_PAYLOAD && tryAnotherGroup(sa, wish, wantedGroup(error))) return;
    if (replaces !== undefined && error.notifyType === notifyTypes.TEMPORARY_FAILURE) {
      releaseSpi(sa, spiIn);
      retryLater(sa, replaces);
    } else if (replaces !== undefined && error.notifyType === notifyTypes.CHILD_SA_NOT_FOUND) {
      releaseSpi(sa, spiIn);
      startAnew(sa, replaces);
    } else {
      fail(`${other} does not agree to ${replaces === undefined ? 'another child SA' : 'fresh keys'}: ${notifyName(error.notifyType)}.`);
    }
    return;
  }
  const chosen = acceptedChild(only(payloads, 'SA')?.proposals ?? [], offer);
  const nonceR = nonceOf(payloads);
  const mode = askedMode(payloads);
  const { selectors, originals } = substituted(sa, mode, { local: only(payloads, 'TSi')?.selectors ?? [], remote: only(payloads, 'TSr')?.selectors ?? [] });
  const { local, remote } = selectors;
  const spiOut = chosen && childSpiFrom(chosen.proposal.spi);
  const isAsked = local.length > 0 && remote.length > 0 && within(local, wish.selectors.local) && within(remote, wish.selectors.remote);
  if (chosen === undefined || nonceR === undefined || spiOut === undefined || spiOut === 0 || !isAsked) {
    fail(`${other} answers with a child SA that ${me} has not asked for.`);
    return;
  }
  if (mode !== wish.mode) {
    fail(`${other} answers with a child SA in ${mode} mode, which ${me} does not want.`);
    deleteUnwanted(sa, spiIn);
    return;
  }
  const ke = only(payloads, 'KE');
  const wantsKe = chosen.algorithms.group !== undefined;
  const sharedSecret = wantsKe && ke !== undefined && ke.group === group?.id && chosen.algorithms.group.id === ke.group ? wish.keyPair?.agree(ke.data) : undefined;
  if (wantsKe && sharedSecret === undefined) {
    fail(`${other} answers with a Diffie-Hellman value that is not of the group.`);
    return;
  }
  // the policies stand as long as one child SA of the reqid does: the old one, or what the peer's rekey has made of it
  const replaced = replaces !== undefined && sa.context.children.ofReqid(replaces.reqid).length > 0 ? replaces : undefined;
  const { keyLengths } = chosen.algorithms;
  const keys = childKeys({ prf: sa.algorithms!.prf, keyLengths, skD: sa.protection.keys.skD, sharedSecret, nonceI: wish.nonce, nonceR });
  const successor = installChild(sa, {
    spiIn, spiOut, algorithms: chosen.algorithms, role: 'initiator', keys, selectors, mode, originals, replaces: replaced,
    story: replaces === undefined ? `Another child SA between ${me} and ${other}.` : `Fresh keys: this child SA takes the place of the one before.`,
    ...consequences,
  });
  if (replaces !== undefined) decide(replaces, successor, lowest(wish.nonce, nonceR));
}

/**
 * The rekey that this side asked for has its answer. If the peer asked for one at the same time there are two successors: the one made with the lowest
 * of the four nonces is closed by who made it; who made the other closes the old SA (RFC 7296 §2.8.1).
 */
function decide(old: V2Child, successor: V2Child, lowestNonce: Uint8Array): void {
  const rival = old.peersRekey;
  retire(old);
  if (rival !== undefined && rival.successor.state !== 'gone' && lower(lowestNonce, rival.lowestNonce)) {
    deleteChild(successor, 'Both sides asked for fresh keys at once; this one was made with the lowest nonce, so who made it closes it.');
  } else {
    deleteChild(old, 'Another child SA has taken its place.');
  }
}

function retire(old: V2Child): void {
  if (old.state !== 'installed') return;
  old.state = 'rekeyed';
  tell(old, 'rekeyed', 'A child SA with fresh keys takes over.');
}

function tryAnotherGroup(sa: IkeSa, { spiIn, selectors, replaces, group }: Wish, wanted: number | undefined): boolean {
  const offered = sa.connection.child.proposals.flatMap(({ groups }) => groups.map(dhGroup));
  const other = offered.find(({ id }) => id === wanted);
  if (other === undefined || other.id === group?.id) return false;
  const wish = newWish(sa, spiIn, selectors, replaces, other);
  if (replaces === undefined) {
    sa.window.ask({ exchange: 'CREATE_CHILD_SA', payloads: () => request(wish), answered: (payloads) => receiveAnswer(sa, wish, payloads) });
  } else {
    replaces.rekeying = true;
    askToRekey(replaces, wish);
  }
  return true;
}

/** RFC 7296 §2.25: the peer is busy with the same SA. */
function retryLater(sa: IkeSa, child: V2Child): void {
  sa.context.alarms.set(child.retry, after(sa.context.now, seconds(5 + below(sa.context.random, 10))));
}

/** RFC 7296 §2.25.1: the peer has no such child SA; without it there is nothing to rekey, so another is made from nothing. */
function startAnew(sa: IkeSa, lost: V2Child): void {
  if (lost.state === 'gone' || lost.peersRekey !== undefined) return;
  removeChild(lost, 'deleted', `${sa.names.other} does not know this child SA any more.`);
  createChild(sa);
}

// ---- answering

/** The peer wants another child SA, or fresh keys for one that is there. */
export function answerNewChild(sa: IkeSa, payloads: readonly Payload[]): void {
  const refuse = (error: Payload): void => sa.window.answer([error]);
  const fail = (error: number, why: string): void => {
    childFailed(sa, why);
    refuse(notify(error));
  };
  const { me, other } = sa.names;
  const rekeyed = notifyOf(payloads, notifyTypes.REKEY_SA);
  const replaces = rekeyed === undefined ? undefined : [...sa.children].find(({ spiOut }) => spiOut === childSpiFrom(rekeyed.spi));
  if (rekeyed !== undefined && (replaces === undefined || rekeyed.protocol !== protocolIdOf[replaces.protocol])) {
    refuse({ ...notify(notifyTypes.CHILD_SA_NOT_FOUND), protocol: rekeyed.protocol, spi: rekeyed.spi });
    return;
  }
  if (sa.rekeyAsked || replaces?.state === 'deleting') {
    refuse(notify(notifyTypes.TEMPORARY_FAILURE));
    return;
  }
  const nonceI = nonceOf(payloads);
  const [tsi, tsr, ke] = [only(payloads, 'TSi')?.selectors, only(payloads, 'TSr')?.selectors, only(payloads, 'KE')];
  if (nonceI === undefined || tsi === undefined || tsr === undefined) {
    refuse(notify(notifyTypes.INVALID_SYNTAX));
    return;
  }
  const chosen = chooseChild(only(payloads, 'SA')?.proposals ?? [], sa.connection.child, 'with groups', ke?.group);
  const spiOut = chosen && childSpiFrom(chosen.proposal.spi);
  if (chosen === undefined || spiOut === undefined || spiOut === 0) {
    fail(notifyTypes.NO_PROPOSAL_CHOSEN, `${other} offers no ${wantedProtocol(sa).toUpperCase()} algorithms that ${me} has.`);
    return;
  }
  const { group, keyLengths } = chosen.algorithms;
  if (group !== undefined && ke?.group !== group.id) {
    refuse(invalidKe(group.id));
    return;
  }
  const keyPair = group?.generate(sa.context.random);
  const sharedSecret = keyPair?.agree(ke!.data);
  if (keyPair !== undefined && sharedSecret === undefined) {
    refuse(notify(notifyTypes.INVALID_SYNTAX));
    return;
  }
  const mode = agreedMode(sa, payloads);
  const asked = substituted(sa, mode, { local: tsr, remote: tsi });
  const selectors = narrowed(sa, asked.selectors);
  if (selectors === undefined) {
    fail(notifyTypes.TS_UNACCEPTABLE, `${me} and ${other} do not want the same traffic in the tunnel.`);
    return;
  }
  reserveSpi(sa, (spiIn) => {
    const nonceR = freshNonce(sa.context.random);
    sa.window.answer([
      ...modeNotify(mode),
      { type: 'SA', proposals: [{ ...chosen.proposal, spi: childSpi(spiIn) }] },
      { type: 'Nonce', data: nonceR },
      ...(keyPair === undefined ? [] : [{ type: 'KE', group: group!.id, data: keyPair.publicValue } as const]),
      { type: 'TSi', selectors: selectors.remote },
      { type: 'TSr', selectors: selectors.local },
    ]);
    const keys = childKeys({ prf: sa.algorithms!.prf, keyLengths, skD: sa.protection.keys.skD, sharedSecret, nonceI, nonceR });
    const old = replaces !== undefined && replaces.state !== 'gone' && replaces.mode === mode && sameSelectors(replaces.selectors.local, selectors.local) && sameSelectors(replaces.selectors.remote, selectors.remote) ? replaces : undefined;
    const successor = installChild(sa, {
      spiIn, spiOut, algorithms: chosen.algorithms, role: 'responder', keys, selectors, mode, originals: asked.originals, replaces: old,
      story: replaces === undefined ? `Another child SA between ${me} and ${other}.` : 'Fresh keys: this child SA takes the place of the one before.',
      ...consequences,
    });
    if (replaces === undefined) return;
    replaces.peersRekey = { successor, lowestNonce: lowest(nonceI, nonceR) };
    retire(replaces);
  }, () => refuse(notify(notifyTypes.NO_ADDITIONAL_SAS)));
}
