import { describeEndpoint, sameEndpoint, type Endpoint } from '../core/address.ts';
import type { ProgramEvent } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import { below, type Random } from '../core/random.ts';
import { after, between, scaled, seconds, type Duration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { encodeUdpPacket } from '../wire/ip.ts';
import { decodeL2tp, encodeL2tp, l2tpPort, type L2tpControl, type L2tpHeader } from '../wire/l2tp.ts';
import { protocols } from '../wire/protocols.ts';
import { decodeUdp } from '../wire/udp.ts';
import type { ProgramCommand } from './ports.ts';
import { dropped, unspecified, type Arrival, type ProgramOutput, type SourceFor } from './services.ts';

export type L2tpCommand = Extract<ProgramCommand, { kind: 'l2tp' }>;

/** What goes into a message beside its header. */
type Body = L2tpControl extends infer Message ? (Message extends L2tpControl ? Omit<Message, keyof L2tpHeader> : never) : never;

/** One end of a control connection. */
interface Connection {
  readonly role: 'client' | 'server';
  /** The client's name, on both ends. */
  readonly hostName: string;
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** Ours is in what we hear, the peer's in what we say; 0 until it has told us. */
  readonly tunnelId: number;
  peerTunnelId: number;
  state: 'opening' | 'open';
  /** Of the next message that we send, and of the next one that we expect. */
  ns: number;
  nr: number;
  /** The message that is not acknowledged yet, and those that have to wait for that. */
  waiting: Waiting | undefined;
  readonly queue: Saying[];
}

/** `command`: the client's, which is to hear how it ended. */
interface Saying {
  readonly body: Body;
  readonly command?: L2tpCommand;
}

interface Waiting extends Saying {
  readonly ns: number;
  readonly sentAt: Instant;
  tries: number;
  patience: Duration;
}

/** RFC 2661 §5.8: after 1 s, 2 s, 4 s, then every 8 s, and given up after the fifth time. */
const firstPatience = seconds(1);
const longestPatience = seconds(8);
const retransmissions = 5;

/** What each may hear when it knows the tunnel (RFC 2661 §7.2). */
const answersIn: Readonly<Record<Connection['role'], ReadonlySet<L2tpControl['type']>>> = {
  client: new Set(['SCCRP', 'HELLO', 'StopCCN', 'ZLB']),
  server: new Set(['SCCCN', 'HELLO', 'StopCCN', 'ZLB']),
};

const nextOf = (number: number): number => (number + 1) & 0xffff;

/**
 * Clients and a server of L2TP, as far as the control connection goes (RFC 2661 §5.1, §5.5, §5.8): SCCRQ, SCCRP, SCCCN, HELLO and the acknowledgements. The
 * server answers to the address and port that a message came from and knows whose it is by the tunnel ID that it has assigned. One message is on its
 * way at a time. There are no sessions and no PPP.
 */
export class L2tp implements Machine<L2tpCommand, ProgramOutput> {
  readonly #sourceFor: SourceFor;
  readonly #random: Random;
  readonly #served = new Set<number>();
  /** Ports that clients of this host have spoken from stay theirs. */
  readonly #ports = new Set<number>();
  readonly #connections = new Map<number, Connection>();
  /** When to send again, or to give up. */
  readonly #timers = new Timers<Connection>();
  readonly #outputs = new Queue<ProgramOutput>();

  constructor(sourceFor: SourceFor, random: Random) {
    this.#sourceFor = sourceFor;
    this.#random = random;
  }

  /** Is a server on this port. */
  serve(port: number): void {
    this.#served.add(port);
  }

  handle(now: Instant, command: L2tpCommand): void {
    const { hostName, to, fromPort = l2tpPort, request } = command;
    const peer: Endpoint = { address: to, port: l2tpPort };
    const source = this.#sourceFor(to);
    const local: Endpoint = { address: source ?? unspecified(to), port: fromPort };
    const known = [...this.#connections.values()].find((each) => each.role === 'client' && each.hostName === hostName && sameEndpoint(each.peer, peer));
    const why = source === undefined ? 'this host has no address to speak from' : request === 'hello' && known?.state !== 'open' ? 'there is no connection' : undefined;
    if (why !== undefined) return this.#tell({ kind: 'l2tp-lost', l2tp: command.l2tp, message: request === 'open' ? 'SCCRQ' : 'HELLO', from: local, to: peer, why });
    if (request === 'hello') return this.#say(now, known!, { body: { type: 'HELLO' }, command });
    if (known !== undefined) this.#forget(known);
    this.#ports.add(fromPort);
    const connection = this.#connect({ role: 'client', hostName, local, peer, peerTunnelId: 0 });
    this.#say(now, connection, { body: { type: 'SCCRQ', hostName, assignedTunnelId: connection.tunnelId }, command });
  }

  /** Looks at a packet for this host; true when it was for one of the ports here, whatever became of it. */
  take(now: Instant, arrival: Arrival): boolean {
    const { ip, checksum, packet } = arrival;
    if (ip.protocol !== protocols.udp || ip.fragment !== undefined) return false;
    const udp = decodeUdp(ip.payload, ip, checksum);
    if (!udp.ok) return false; // the echo service has looked at it already
    const local: Endpoint = { address: ip.destination, port: udp.value.destinationPort };
    if (!this.#served.has(local.port) && !this.#ports.has(local.port)) return false;
    const peer: Endpoint = { address: ip.source, port: udp.value.sourcePort };
    const message = decodeL2tp(udp.value.payload);
    if (!message.ok) this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason: message.reason, detail: message.detail, bytes: packet } });
    else if (message.value.type === 'SCCRQ') this.#accept(now, arrival, message.value, local, peer);
    else this.#hear(now, arrival, message.value, peer);
    return true;
  }

  wake(now: Instant): void {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
      const { waiting } = due;
      if (waiting === undefined) continue;
      if (waiting.tries <= retransmissions) this.#transmit(now, due, waiting);
      else this.#giveUp(due, waiting);
    }
  }

  poll(): ProgramOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    return next && { at: next.at, reason: `${next.key.hostName}: ${next.key.waiting?.body.type ?? 'message'} of L2TP not acknowledged` };
  }

  /** The same client may have to ask again: by its address and its own tunnel ID it is the same connection (RFC 2661 §5.8). */
  #accept(now: Instant, arrival: Arrival, { hostName, assignedTunnelId, ns }: Extract<L2tpControl, { type: 'SCCRQ' | 'SCCRP' }>, local: Endpoint, peer: Endpoint): void {
    if (!this.#served.has(local.port)) {
      this.#outputs.push(dropped(arrival, 'no-listener', `${hostName} wants to open an L2TP tunnel, and this host is no server`));
      return;
    }
    this.#tell({ kind: 'l2tp-heard', message: 'SCCRQ', hostName, from: peer, to: local });
    const known = [...this.#connections.values()].find((each) => each.role === 'server' && each.peerTunnelId === assignedTunnelId && sameEndpoint(each.peer, peer));
    if (known !== undefined) {
      if (known.waiting !== undefined) this.#transmit(now, known, known.waiting);
      else this.#acknowledge(known);
      return;
    }
    const connection = this.#connect({ role: 'server', hostName, local, peer, peerTunnelId: assignedTunnelId });
    connection.nr = nextOf(ns);
    this.#say(now, connection, { body: { type: 'SCCRP', hostName: 'lns', assignedTunnelId: connection.tunnelId } });
  }

  #hear(now: Instant, arrival: Arrival, message: Exclude<L2tpControl, { type: 'SCCRQ' }>, peer: Endpoint): void {
    const connection = this.#connections.get(message.tunnelId);
    if (connection === undefined || !sameEndpoint(connection.peer, peer)) {
      this.#outputs.push(dropped(arrival, 'no-listener', `${message.type} from ${describeEndpoint(peer)} for the L2TP tunnel ${message.tunnelId}, which is none of this host's`));
      return;
    }
    if (!answersIn[connection.role].has(message.type)) {
      this.#outputs.push(dropped(arrival, 'l2tp-unexpected', `${message.type} for a ${connection.role}`));
      return;
    }
    if (message.type === 'SCCRP' && connection.state === 'opening') connection.peerTunnelId = message.assignedTunnelId;
    this.#settle(now, connection, message.nr);
    if (message.type === 'ZLB') return;
    const isNew = message.ns === connection.nr;
    if (isNew) connection.nr = nextOf(connection.nr);
    if (message.type === 'HELLO' && connection.role === 'server') this.#tell({ kind: 'l2tp-heard', message: 'HELLO', hostName: connection.hostName, from: peer, to: connection.local });
    if (isNew && message.type === 'SCCRP') {
      connection.state = 'open';
      this.#say(now, connection, { body: { type: 'SCCCN' } });
      return; // which acknowledges as well
    }
    if (isNew && message.type === 'SCCCN') connection.state = 'open';
    this.#acknowledge(connection);
    if (isNew && message.type === 'StopCCN') this.#forget(connection);
  }

  /** The peer expects `nr` next: what came before has arrived. */
  #settle(now: Instant, connection: Connection, nr: number): void {
    const { waiting, local: from, peer: to } = connection;
    if (waiting === undefined || nr !== nextOf(waiting.ns)) return;
    connection.waiting = undefined;
    this.#timers.cancel(connection);
    if (waiting.command !== undefined) this.#tell({ kind: 'l2tp-answered', l2tp: waiting.command.l2tp, message: requestOf(waiting.body), from, to, roundTrip: between(waiting.sentAt, now) });
    const next = connection.queue.shift();
    if (next !== undefined) this.#say(now, connection, next);
  }

  #say(now: Instant, connection: Connection, saying: Saying): void {
    if (connection.waiting !== undefined) {
      connection.queue.push(saying);
      return;
    }
    const { body, command } = saying;
    const waiting: Waiting = { ...saying, ns: connection.ns, sentAt: now, tries: 0, patience: firstPatience };
    connection.ns = nextOf(connection.ns);
    connection.waiting = waiting;
    if (command !== undefined) this.#tell({ kind: 'l2tp-sent', l2tp: command.l2tp, message: requestOf(body), from: connection.local, to: connection.peer });
    this.#transmit(now, connection, waiting);
  }

  #transmit(now: Instant, connection: Connection, waiting: Waiting): void {
    this.#send(connection, waiting.body, waiting.ns);
    waiting.tries += 1;
    this.#timers.set(connection, after(now, waiting.patience));
    waiting.patience = Math.min(scaled(waiting.patience, 2), longestPatience) as Duration;
  }

  /** RFC 2661 §5.8: a ZLB has the number of the next message, and does not use it up. */
  #acknowledge(connection: Connection): void {
    this.#send(connection, { type: 'ZLB' }, connection.ns);
  }

  #send({ local, peer, peerTunnelId, nr }: Connection, body: Body, ns: number): void {
    const message = encodeL2tp({ ...body, tunnelId: peerTunnelId, ns, nr });
    this.#outputs.push({ kind: 'packet', packet: encodeUdpPacket(local, peer, message, 'computed') });
  }

  /** RFC 2661 §5.8: a peer that does not acknowledge is gone, and its tunnel with it. */
  #giveUp(connection: Connection, waiting: Waiting): void {
    this.#forget(connection);
    const why = `${waiting.body.type} was sent ${waiting.tries} times, and not acknowledged`;
    for (const { body, command } of [waiting, ...connection.queue]) {
      if (command !== undefined) this.#tell({ kind: 'l2tp-lost', l2tp: command.l2tp, message: requestOf(body), from: connection.local, to: connection.peer, why });
    }
  }

  #connect(ends: Pick<Connection, 'role' | 'hostName' | 'local' | 'peer' | 'peerTunnelId'>): Connection {
    let tunnelId: number;
    do tunnelId = 1 + below(this.#random, 0xffff);
    while (this.#connections.has(tunnelId));
    const connection: Connection = { ...ends, tunnelId, state: 'opening', ns: 0, nr: 0, waiting: undefined, queue: [] };
    this.#connections.set(tunnelId, connection);
    return connection;
  }

  #forget(connection: Connection): void {
    this.#timers.cancel(connection);
    this.#connections.delete(connection.tunnelId);
  }

  #tell(event: ProgramEvent): void {
    this.#outputs.push({ kind: 'event', event });
  }
}

/** Of a message that a command has led to. */
const requestOf = ({ type }: Body): 'SCCRQ' | 'HELLO' => (type === 'HELLO' ? 'HELLO' : 'SCCRQ');
