import type { Endpoint } from '../core/address.ts';
import { fromUtf8, sameBytes, utf8 } from '../core/bytes.ts';
import type { ProgramEvent } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { after, between, describeDuration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { encodeUdpPacket } from '../wire/ip.ts';
import { protocols } from '../wire/protocols.ts';
import { decodeUdp } from '../wire/udp.ts';
import type { ProgramCommand } from './ports.ts';
import { dropped, dynamicPort, echoPort, pathOf, unspecified, type Arrival, type ProgramOutput, type SourceFor } from './services.ts';

export type UdpEchoCommand = Extract<ProgramCommand, { kind: 'udp-echo' }>;

/** One run of the program. */
interface Run {
  readonly command: UdpEchoCommand;
  readonly port: number;
  readonly peer: Endpoint;
  /** Unanswered requests by sequence number. */
  readonly open: Map<number, Request>;
  sent: number;
}

interface Request {
  readonly run: Run;
  readonly sequence: number;
  readonly from: Endpoint;
  readonly data: Uint8Array;
  readonly sentAt: Instant;
}

const defaultSize = 56;

/**
 * The echo service of UDP (RFC 862) and those who ask it: any number of runs at a time. Each request names its run in its data. A socket that was
 * opened stays open, so that what comes too late, or is another's, is seen and not answered with an ICMP error.
 */
export class UdpEchoes implements Machine<UdpEchoCommand, ProgramOutput> {
  readonly #sourceFor: SourceFor;
  readonly #random: Random;
  readonly #served = new Set<number>([echoPort]);
  readonly #runs = new Map<string, Run>();
  readonly #ports = new Set<number>();
  /** A run: send its next request. A request: its answer is overdue. */
  readonly #timers = new Timers<Run | Request>();
  readonly #outputs = new Queue<ProgramOutput>();

  constructor(sourceFor: SourceFor, random: Random) {
    this.#sourceFor = sourceFor;
    this.#random = random;
  }

  /** Answers on this port too. */
  serve(port: number): void {
    this.#served.add(port);
  }

  handle(now: Instant, command: UdpEchoCommand): void {
    if (command.count < 1) return;
    const run: Run = { command, port: command.fromPort ?? this.#freePort(), peer: { address: command.to, port: command.port ?? echoPort }, open: new Map(), sent: 0 };
    this.#ports.add(run.port);
    this.#sendNext(now, run);
  }

  /** Looks at a packet for this host; true when it was for one of the sockets here, whatever became of it. */
  take(now: Instant, arrival: Arrival): boolean {
    const { ip, checksum } = arrival;
    if (ip.protocol !== protocols.udp || ip.fragment !== undefined) return false;
    const udp = decodeUdp(ip.payload, ip, checksum);
    if (!udp.ok) {
      this.#outputs.push(dropped(arrival, udp.reason, udp.detail));
      return true;
    }
    const local: Endpoint = { address: ip.destination, port: udp.value.destinationPort };
    const peer: Endpoint = { address: ip.source, port: udp.value.sourcePort };
    const { payload } = udp.value;
    if (this.#served.has(local.port)) {
      this.#outputs.push({ kind: 'packet', packet: encodeUdpPacket(local, peer, payload, 'computed') });
      return true;
    }
    if (!this.#ports.has(local.port)) return false;
    const request = [...(this.#runs.get(pathOf(local, peer))?.open.values() ?? [])].find(({ data }) => sameBytes(data, payload));
    if (request === undefined) this.#outputs.push(dropped(arrival, 'no-listener', `nobody here has asked ${peer.address} for this: "${fromUtf8(payload).replace(/\.+$/, '').trimEnd()}"`));
    else this.#answer(now, request);
    return true;
  }

  wake(now: Instant): void {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
      if ('command' in due) this.#sendNext(now, due);
      else this.#lose(due, `no answer within ${describeDuration(due.run.command.timeout)}`);
    }
  }

  poll(): ProgramOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    if (next === undefined) return undefined;
    return 'command' in next.key ? { at: next.at, reason: `${next.key.command.echo}: next datagram` } : { at: next.at, reason: `${next.key.run.command.echo}: answer overdue` };
  }

  #freePort(): number {
    for (;;) {
      const port = dynamicPort(this.#random);
      if (!this.#ports.has(port) && !this.#served.has(port)) return port;
    }
  }

  #sendNext(now: Instant, run: Run): void {
    const { echo, to, count, interval, timeout, size = defaultSize } = run.command;
    const source = this.#sourceFor(to);
    const from: Endpoint = { address: source ?? unspecified(to), port: run.port };
    const sequence = ++run.sent;
    const data = utf8(`echo ${echo} #${sequence} `.padEnd(size, '.')).subarray(0, size);
    const request: Request = { run, sequence, from, data, sentAt: now };
    run.open.set(sequence, request);
    if (source === undefined) {
      this.#lose(request, 'this host has no address to speak from');
    } else {
      this.#runs.set(pathOf(from, run.peer), run);
      this.#tell({ kind: 'udp-echo-sent', echo, from, to: run.peer, sequence });
      this.#outputs.push({ kind: 'packet', packet: encodeUdpPacket(from, run.peer, data, 'computed') });
      this.#timers.set(request, after(now, timeout));
    }
    if (run.sent < count) this.#timers.set(run, after(now, interval));
  }

  #answer(now: Instant, request: Request): void {
    const { run, from, sequence, sentAt } = request;
    this.#close(request);
    this.#tell({ kind: 'udp-echo-answered', echo: run.command.echo, from, to: run.peer, sequence, roundTrip: between(sentAt, now) });
  }

  #lose(request: Request, why: string): void {
    const { run, from, sequence } = request;
    this.#close(request);
    this.#tell({ kind: 'udp-echo-lost', echo: run.command.echo, from, to: run.peer, sequence, why });
  }

  #close(request: Request): void {
    request.run.open.delete(request.sequence);
    this.#timers.cancel(request);
  }

  #tell(event: ProgramEvent): void {
    this.#outputs.push({ kind: 'event', event });
  }
}
