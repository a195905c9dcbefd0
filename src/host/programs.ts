import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import type { ChecksumTrust } from '../ipsec/checksum-repair.ts';
import { carriesIcmp, decodeIcmpOf, encodeEchoPacket } from '../wire/echo.ts';
import { decodeIp } from '../wire/ip.ts';
import { L2tp } from './l2tp.ts';
import { Pings } from './ping.ts';
import type { EndpointCommand, ProgramCommand } from './ports.ts';
import type { Arrival, ProgramOutput, SourceFor } from './services.ts';
import { TcpProbes } from './tcp-probe.ts';
import { UdpEchoes } from './udp-echo.ts';

/** The programs of a host: ping, the echo services of UDP and TCP (port 7, and those that a `serve` command names), an L2TP server, and their clients. */
export class Programs implements Machine<ProgramCommand, ProgramOutput> {
  readonly #pings: Pings;
  readonly #udp: UdpEchoes;
  readonly #tcp: TcpProbes;
  readonly #l2tp: L2tp;
  readonly #outputs = new Queue<ProgramOutput>();

  constructor(sourceFor: SourceFor, random: Random) {
    this.#pings = new Pings(sourceFor, random.fork('ping'));
    this.#udp = new UdpEchoes(sourceFor, random.fork('udp-echo'));
    this.#tcp = new TcpProbes(sourceFor, random.fork('tcp-probe'));
    this.#l2tp = new L2tp(sourceFor, random.fork('l2tp'));
  }

  handle(now: Instant, command: ProgramCommand): void {
    switch (command.kind) {
      case 'ping':
        return this.#pings.handle(now, command);
      case 'udp-echo':
        return this.#udp.handle(now, command);
      case 'tcp-probe':
        return this.#tcp.handle(now, command);
      case 'l2tp':
        return this.#l2tp.handle(now, command);
      case 'serve':
        return { udp: this.#udp, tcp: this.#tcp, l2tp: this.#l2tp }[command.protocol].serve(command.port);
    }
  }

  /** A whole IP packet with ICMP for this host: true when it answers a ping of ours, or is an error about one. */
  takeIcmp(now: Instant, packet: Uint8Array): boolean {
    return this.#pings.take(now, packet);
  }

  /** A whole IP packet with TCP or UDP for this host: true when it was for a program, good or bad. Checksums are verified here. */
  take(now: Instant, packet: Uint8Array, checksum: ChecksumTrust): boolean {
    const ip = decodeIp(packet);
    if (!ip.ok) return false;
    const arrival: Arrival = { ip: ip.value, packet, checksum };
    return this.#udp.take(now, arrival) || this.#l2tp.take(now, arrival) || this.#tcp.take(now, arrival);
  }

  /** An echo request that the host's own IP layer must not see, since its answer would go out in the clear; true when it was one. */
  answerPing(packet: Uint8Array): boolean {
    const ip = decodeIp(packet);
    if (!ip.ok || ip.value.fragment !== undefined || !carriesIcmp(ip.value)) return false;
    const message = decodeIcmpOf(ip.value);
    if (!message.ok || message.value.kind !== 'echo-request') return false;
    this.#outputs.push({ kind: 'packet', packet: encodeEchoPacket({ source: ip.value.destination, destination: ip.value.source }, { ...message.value, kind: 'echo-reply' }) });
    return true;
  }

  wake(now: Instant): void {
    for (const program of [this.#pings, this.#udp, this.#tcp, this.#l2tp]) program.wake(now);
  }

  poll(): ProgramOutput | undefined {
    return this.#outputs.shift() ?? this.#pings.poll() ?? this.#udp.poll() ?? this.#tcp.poll() ?? this.#l2tp.poll();
  }

  nextWake(): WakeUp | undefined {
    return [this.#pings.nextWake(), this.#udp.nextWake(), this.#tcp.nextWake(), this.#l2tp.nextWake()].reduce((first, wake) => (first === undefined || (wake !== undefined && wake.at < first.at) ? wake : first));
  }
}

const programKinds: ReadonlySet<string> = new Set<ProgramCommand['kind']>(['ping', 'udp-echo', 'tcp-probe', 'l2tp', 'serve']);

/** Whether a command is for the programs; every other one is the daemon's. */
export const isForPrograms = (command: EndpointCommand): command is ProgramCommand => programKinds.has(command.kind);
