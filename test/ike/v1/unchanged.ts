/** What of a daemon an unwanted message must not change: all it has said but for drops, what it has told the stack, what it is about to do. */
import { expect } from 'vitest';
import type { Endpoint } from '../../../src/core/address.ts';
import type { Datagram, Pair, PartyName } from '../../support/pair.ts';

export const stateOf = ({ said, stack, daemon, inner }: Pair['alice']): unknown => ({
  said: said.filter(({ event }) => event.kind !== 'drop' && event.kind !== 'ike-message').length,
  stack: [stack.heard.length, stack.size, stack.larval, stack.policies.size],
  next: daemon.nextWake(),
  inner: [...inner],
});

/** Delivers a message from outside. Nothing changes, nothing is sent, and one drop says why: this one. */
export function dropped(two: Pair, to: PartyName, source: Endpoint, destination: Endpoint, payload: Uint8Array): { readonly reason: string; readonly detail: string } {
  const party = two[to];
  const [before, sent, drops] = [stateOf(party), party.sent.length, party.drops().length];
  two.deliver(to, source, destination, payload);
  expect(stateOf(party)).toEqual(before);
  expect(party.sent).toHaveLength(sent);
  const said = party.events('drop').slice(drops);
  expect(said).toHaveLength(1);
  expect(said[0]!.detail).not.toBe('');
  return said[0]!;
}

/** A datagram of the wire as its receiver sees it. */
export function asReceived(two: Pair, datagram: Datagram): Datagram & { readonly to: PartyName } {
  const boxes = datagram.from === 'alice' ? [two.aliceBox, two.gwBox] : [two.gwBox, two.aliceBox];
  let passing: Datagram | undefined = datagram;
  for (const box of boxes) passing = passing && box ? box.pass(passing) : passing;
  if (passing === undefined) throw new Error('it does not pass the NAT');
  return { ...passing, to: datagram.from === 'alice' ? 'gw' : 'alice' };
}
