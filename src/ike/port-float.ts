/** The move to port 4500: once a NAT is found, the initiator goes there, from IKE_AUTH or main mode message 5 on (RFC 3947 §4, RFC 7296 §2.23). */
import type { AnyIkeSa, Path } from './any-ike-sa.ts';

export const ikePort = 500;
export const natTraversalPort = 4500;

/** The initiator moves, from the message named on; on 4500 already it stays, wherever a NAT has the peer's port. The responder follows by answering to where messages come from. */
export function floatPorts(sa: AnyIkeSa, from4500On: string): void {
  const from = { local: sa.local.port, remote: sa.peer.port };
  const to = { local: natTraversalPort, remote: natTraversalPort };
  if (from.local === to.local) return;
  sa.local = { ...sa.local, port: to.local };
  sa.peer = { ...sa.peer, port: to.remote };
  sa.movedAt = sa.context.now;
  const { me, other } = sa.names;
  tellFloat(sa, from, to, `There is a NAT between ${me} and ${other}: from ${from4500On} on ${me} talks from port 4500 to port 4500, where ESP can go along in UDP.`);
}

/** The responder sees the initiator's first message on another port of its own, and goes on there. */
export function followFloat(sa: AnyIkeSa, { local, peer }: Path): void {
  const from = { local: sa.local.port, remote: sa.peer.port };
  sa.local = local;
  sa.peer = peer;
  if (from.local === local.port) return;
  const { me, other } = sa.names;
  tellFloat(sa, from, { local: local.port, remote: peer.port }, `${other} has moved to port ${local.port}: ${me} answers from there to where the message came from.`);
}

function tellFloat(sa: AnyIkeSa, from: { local: number; remote: number }, to: { local: number; remote: number }, story: string): void {
  sa.context.event({ kind: 'port-float', ...sa.name, from, to, story });
}
