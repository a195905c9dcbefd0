import type { Endpoint } from '../core/address.ts';
import { sameBytes, utf8 } from '../core/bytes.ts';
import type { ProgramEvent } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { after, between, describeDuration, scaled, seconds, type Duration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { encodeIp } from '../wire/ip.ts';
import { protocols } from '../wire/protocols.ts';
import { decodeTcp, encodeTcp, tcpFlags, type TcpSegment } from '../wire/tcp.ts';
import type { ProgramCommand } from './ports.ts';
import { dropped, dynamicPort, echoPort, pathOf, unspecified, type Arrival, type ProgramOutput, type SourceFor } from './services.ts';

export type TcpProbeCommand = Extract<ProgramCommand, { kind: 'tcp-probe' }>;

/** One connection, as its client has it. */
interface Probe {
  readonly command: TcpProbeCommand;
  readonly from: Endpoint;
  readonly peer: Endpoint;
  readonly data: Uint8Array;
  readonly startedAt: Instant;
  readonly givenUpAt: Instant;
  /** RFC 9293 §3.3.2. */
  state: 'syn-sent' | 'established';
  /** Of the next octet that we send, and of the next one that we expect. */
  sendNext: number;
  receiveNext: number;
  /** Until the segment that is on its way is sent again (RFC 6298 §2.1, §5.5). */
  patience: Duration;
}

const { syn, ack, psh, fin, rst } = tcpFlags;
const none = new Uint8Array();
const firstPatience = seconds(1);
const add = (sequence: number, octets: number): number => (sequence + octets) >>> 0;

/**
 * The echo service of TCP (RFC 862) and a client that opens a connection, has one text echoed and closes: as much of TCP (RFC 9293) as it takes to see
 * whether TCP gets through. Text goes in one segment at a time; what is lost is sent again after 1 s, 2 s, 4 s … until the probe gives up. The
 * service keeps nothing of its connections: what it answers follows from the segment that it answers.
 */
export class TcpProbes implements Machine<TcpProbeCommand, ProgramOutput> {
  readonly #sourceFor: SourceFor;
  readonly #random: Random;
  readonly #served = new Set<number>([echoPort]);
  readonly #probes = new Map<string, Probe>();
  /** When to send again, or to give up. */
  readonly #timers = new Timers<Probe>();
  readonly #outputs = new Queue<ProgramOutput>();

  constructor(sourceFor: SourceFor, random: Random) {
    this.#sourceFor = sourceFor;
    this.#random = random;
  }

  /** Answers on this port too. */
  serve(port: number): void {
    this.#served.add(port);
  }

  handle(now: Instant, command: TcpProbeCommand): void {
    const { probe: name, to, port = echoPort, fromPort = dynamicPort(this.#random), timeout } = command;
    const source = this.#sourceFor(to);
    const from: Endpoint = { address: source ?? unspecified(to), port: fromPort };
    const peer: Endpoint = { address: to, port };
    if (source === undefined) return this.#tell({ kind: 'tcp-probe-lost', probe: name, from, to: peer, why: 'this host has no address to speak from' });
    const probe: Probe = {
      command, from, peer, data: utf8(`probe ${name}`), startedAt: now, givenUpAt: after(now, timeout),
      state: 'syn-sent', sendNext: this.#random.uint32(), receiveNext: 0, patience: firstPatience,
    };
    this.#probes.set(pathOf(from, peer), probe);
    this.#tell({ kind: 'tcp-probe-sent', probe: name, from, to: peer });
    this.#transmit(now, probe);
  }

  /** Looks at a packet for this host; true when it is TCP: all of that is dealt with here. */
  take(now: Instant, arrival: Arrival): boolean {
    const { ip, checksum } = arrival;
    if (ip.protocol !== protocols.tcp || ip.fragment !== undefined) return false;
    const tcp = decodeTcp(ip.payload, ip, checksum);
    if (!tcp.ok) {
      this.#outputs.push(dropped(arrival, tcp.reason, tcp.detail));
      return true;
    }
    const local: Endpoint = { address: ip.destination, port: tcp.value.destinationPort };
    const peer: Endpoint = { address: ip.source, port: tcp.value.sourcePort };
    const probe = this.#probes.get(pathOf(local, peer));
    if (probe !== undefined) this.#goOn(now, probe, tcp.value);
    else if (this.#served.has(local.port)) this.#serveSegment(local, peer, tcp.value);
    else this.#reset(local, peer, tcp.value);
    return true;
  }

  wake(now: Instant): void {
    for (let probe = this.#timers.take(now); probe !== undefined; probe = this.#timers.take(now)) {
      if (now >= probe.givenUpAt) this.#lose(probe, `${probe.state === 'syn-sent' ? 'no connection' : 'connected, but no echo'} within ${describeDuration(probe.command.timeout)}`);
      else this.#transmit(now, probe);
    }
  }

  poll(): ProgramOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    return next && { at: next.at, reason: `${next.key.command.probe}: ${next.key.state === 'syn-sent' ? 'SYN' : 'text'} again, or given up` };
  }

  /** The segment that is due: a SYN, or the text. */
  #transmit(now: Instant, probe: Probe): void {
    const { from, peer, sendNext: sequence, receiveNext: acknowledgment, data } = probe;
    if (probe.state === 'syn-sent') this.#send(from, peer, { sequence, acknowledgment: 0, flags: syn, payload: none });
    else this.#send(from, peer, { sequence, acknowledgment, flags: psh | ack, payload: data });
    const again = after(now, probe.patience);
    probe.patience = scaled(probe.patience, 2);
    this.#timers.set(probe, again < probe.givenUpAt ? again : probe.givenUpAt);
  }

  #goOn(now: Instant, probe: Probe, segment: TcpSegment): void {
    const { from, peer, data } = probe;
    const expected = add(probe.sendNext, probe.state === 'syn-sent' ? 1 : data.length);
    if ((segment.flags & ack) === 0 || segment.acknowledgment !== expected) return; // not of this connection, or of its past
    if ((segment.flags & rst) !== 0) return this.#lose(probe, `${peer.address} refuses: nobody answers on port ${peer.port}`);
    if (probe.state === 'syn-sent') {
      if ((segment.flags & syn) === 0) return;
      probe.state = 'established';
      probe.sendNext = expected;
      probe.receiveNext = add(segment.sequence, 1);
      probe.patience = firstPatience;
      return this.#transmit(now, probe);
    }
    if (segment.sequence !== probe.receiveNext || !sameBytes(segment.payload, data)) return;
    this.#send(from, peer, { sequence: expected, acknowledgment: add(probe.receiveNext, data.length), flags: fin | ack, payload: none });
    this.#close(probe);
    this.#tell({ kind: 'tcp-probe-answered', probe: probe.command.probe, from, to: peer, roundTrip: between(probe.startedAt, now) });
  }

  /** SYN: SYN, ACK. Text: the same text. FIN: FIN, ACK. */
  #serveSegment(local: Endpoint, peer: Endpoint, { flags, sequence, acknowledgment, payload }: TcpSegment): void {
    if ((flags & rst) !== 0) return;
    if ((flags & syn) !== 0) this.#send(local, peer, { sequence: this.#random.uint32(), acknowledgment: add(sequence, 1), flags: syn | ack, payload: none });
    else if (payload.length > 0) this.#send(local, peer, { sequence: acknowledgment, acknowledgment: add(sequence, payload.length), flags: psh | ack, payload });
    else if ((flags & fin) !== 0) this.#send(local, peer, { sequence: acknowledgment, acknowledgment: add(sequence, 1), flags: fin | ack, payload: none });
  }

  /** RFC 9293 §3.5.2: a reset for what belongs to no connection. The end of one that has ended well is none such. */
  #reset(local: Endpoint, peer: Endpoint, { flags, sequence, payload }: TcpSegment): void {
    if ((flags & (rst | fin)) !== 0) return;
    this.#send(local, peer, { sequence: 0, acknowledgment: add(sequence, payload.length + ((flags & syn) === 0 ? 0 : 1)), flags: rst | ack, payload: none });
  }

  #send(from: Endpoint, to: Endpoint, { sequence, acknowledgment, flags, payload }: Pick<TcpSegment, 'sequence' | 'acknowledgment' | 'flags' | 'payload'>): void {
    const addresses = { source: from.address, destination: to.address };
    const segment = encodeTcp({ sourcePort: from.port, destinationPort: to.port, sequence, acknowledgment, flags, payload }, addresses);
    this.#outputs.push({ kind: 'packet', packet: encodeIp({ ...addresses, protocol: protocols.tcp, payload: segment }) });
  }

  #lose(probe: Probe, why: string): void {
    this.#close(probe);
    this.#tell({ kind: 'tcp-probe-lost', probe: probe.command.probe, from: probe.from, to: probe.peer, why });
  }

  #close(probe: Probe): void {
    this.#probes.delete(pathOf(probe.from, probe.peer));
    this.#timers.cancel(probe);
  }

  #tell(event: ProgramEvent): void {
    this.#outputs.push({ kind: 'event', event });
  }
}
