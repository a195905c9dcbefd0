import type { IpAddress } from '../core/address.ts';
import { sameBytes, utf8 } from '../core/bytes.ts';
import type { ProgramEvent } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import { below, type Random } from '../core/random.ts';
import { after, between, describeDuration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { carriesIcmp, decodeIcmpOf, encodeEchoPacket, quotedEchoRequest } from '../wire/echo.ts';
import { decodeIp } from '../wire/ip.ts';
import type { ProgramCommand } from './ports.ts';
import { unspecified, type ProgramOutput, type SourceFor } from './services.ts';

export type PingCommand = Extract<ProgramCommand, { kind: 'ping' }>;

/** One run of the program. */
interface Ping {
  readonly command: PingCommand;
  /** Tells its answers from those of other runs (RFC 792). */
  readonly identifier: number;
  /** Unanswered requests by sequence number. */
  readonly open: Map<number, Request>;
  sent: number;
}

interface Request {
  readonly ping: Ping;
  readonly sequence: number;
  readonly from: IpAddress;
  readonly sentAt: Instant;
}

const defaultSize = 56; // what ping(8) sends

/**
 * The ping program: any number of runs at a time. Each request carries the run's name in its data, so that whoever reads the wire can tell
 * whose it is, and an answer counts only when it brings the very data back.
 */
export class Pings implements Machine<PingCommand, ProgramOutput> {
  readonly #sourceFor: SourceFor;
  readonly #byIdentifier = new Map<number, Ping>();
  /** A run: send its next request. A request: its answer is overdue. */
  readonly #timers = new Timers<Ping | Request>();
  readonly #outputs = new Queue<ProgramOutput>();
  #nextIdentifier: number;

  /** `sourceFor`: the address that packets to a destination are sent from, as of now. */
  constructor(sourceFor: SourceFor, random: Random) {
    this.#sourceFor = sourceFor;
    this.#nextIdentifier = below(random, 0x1_0000);
  }

  handle(now: Instant, command: PingCommand): void {
    if (command.count < 1) return;
    const ping: Ping = { command, identifier: this.#nextIdentifier, open: new Map(), sent: 0 };
    do this.#nextIdentifier = (this.#nextIdentifier + 1) & 0xffff;
    while (this.#byIdentifier.has(this.#nextIdentifier));
    this.#byIdentifier.set(ping.identifier, ping);
    this.#sendNext(now, ping);
  }

  /** Looks at a whole IP packet for this host; true when it is the answer to one of our requests, or an error about one. */
  take(now: Instant, bytes: Uint8Array): boolean {
    const packet = decodeIp(bytes);
    if (!packet.ok || packet.value.fragment !== undefined || !carriesIcmp(packet.value)) return false;
    const message = decodeIcmpOf(packet.value);
    if (!message.ok) return false;
    const { source } = packet.value;
    if (message.value.kind === 'echo-reply') {
      const request = this.#request(message.value);
      if (request?.ping.command.to !== source || !sameBytes(message.value.data, requestData(request))) return false;
      const { ping, from, sequence, sentAt } = request;
      this.#close(request);
      this.#tell({ kind: 'ping-answered', ping: ping.command.ping, from, to: source, sequence, roundTrip: between(sentAt, now) });
      return true;
    }
    const about = quotedEchoRequest(message.value, packet.value.version);
    const request = about && this.#request(about);
    if (request === undefined) return false;
    this.#lose(request, `${source} says: ${message.value.kind}`);
    return true;
  }

  wake(now: Instant): void {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
      if ('command' in due) this.#sendNext(now, due);
      else this.#lose(due, `no answer within ${describeDuration(due.ping.command.timeout)}`);
    }
  }

  poll(): ProgramOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    if (next === undefined) return undefined;
    return 'command' in next.key ? { at: next.at, reason: `${next.key.command.ping}: next request` } : { at: next.at, reason: `${next.key.ping.command.ping}: answer overdue` };
  }

  #sendNext(now: Instant, ping: Ping): void {
    const { to, count, interval, timeout } = ping.command;
    const from = this.#sourceFor(to);
    const request: Request = { ping, sequence: ++ping.sent, from: from ?? unspecified(to), sentAt: now };
    ping.open.set(request.sequence, request);
    if (from === undefined) {
      this.#lose(request, 'this host has no address to speak from');
    } else {
      this.#tell({ kind: 'ping-sent', ping: ping.command.ping, from, to, sequence: request.sequence });
      const echo = { kind: 'echo-request', identifier: ping.identifier, sequence: request.sequence & 0xffff, data: requestData(request) } as const;
      const packet = encodeEchoPacket({ source: from, destination: to }, echo, (ping.identifier + request.sequence) & 0xffff);
      this.#outputs.push({ kind: 'packet', packet });
      this.#timers.set(request, after(now, timeout));
    }
    if (ping.sent < count) this.#timers.set(ping, after(now, interval));
  }

  #request({ identifier, sequence }: { identifier: number; sequence: number }): Request | undefined {
    const ping = this.#byIdentifier.get(identifier);
    if (ping === undefined) return undefined;
    // the wire has the low 16 bits; the newest request that they can mean is meant
    return ping.open.get(ping.sent - ((ping.sent - sequence) & 0xffff));
  }

  #lose(request: Request, why: string): void {
    this.#close(request);
    this.#tell({ kind: 'ping-lost', ping: request.ping.command.ping, from: request.from, to: request.ping.command.to, sequence: request.sequence, why });
  }

  #close(request: Request): void {
    const { ping, sequence } = request;
    ping.open.delete(sequence);
    this.#timers.cancel(request);
    if (ping.open.size === 0 && ping.sent === ping.command.count) this.#byIdentifier.delete(ping.identifier);
  }

  #tell(event: ProgramEvent): void {
    this.#outputs.push({ kind: 'event', event });
  }
}

/** `ping NAME #SEQUENCE`, filled up with dots; cut when the run wants less. */
function requestData({ ping: { command }, sequence }: Request): Uint8Array {
  const size = command.size ?? defaultSize;
  return utf8(`ping ${command.ping} #${sequence} `.padEnd(size, '.')).subarray(0, size);
}
