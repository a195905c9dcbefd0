/** Pings from a host that is somebody's own image: the lab asks from the same network, and the routing there takes it into the tunnel, or past it. */
import { createSocket } from 'node:dgram';
import { isIpv4 } from '../../../src/core/address.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import type { Happening } from '../../../src/core/events.ts';
import type { Random } from '../../../src/core/random.ts';
import { milliseconds, scaled } from '../../../src/core/time.ts';
import type { Instant } from '../../../src/core/time.ts';
import { Pings } from '../../../src/host/ping.ts';
import type { PingCommand } from '../../../src/host/ping.ts';
import { encodeIp } from '../../../src/wire/ip.ts';
import type { LabClock } from '../linux/lab-clock.ts';
import { ownNamespace } from '../linux/namespace.ts';
import type { Poller } from '../linux/poller.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, RawSocket } from '../linux/raw-socket.ts';

export interface PingerOptions {
  readonly poller: Poller;
  readonly clock: LabClock;
  readonly random: Random;
  readonly record: (at: Instant, happening: Happening) => void;
}

/** Nobody tells when such a host's tunnel is ready: it is asked so often until somebody answers, as by `ping -c 1 -w SECONDS`. */
const interval = milliseconds(250);

export class Pinger {
  readonly #options: PingerOptions;
  #begun = 0;

  constructor(options: PingerOptions) {
    this.#options = options;
  }

  ping(command: PingCommand): void {
    const { clock } = this.#options;
    for (let n = 0; n < command.count; n++) {
      const random = this.#options.random.fork(`ping ${++this.#begun}`);
      setTimeout(() => void new Question(command, { ...this.#options, random }).ask(), (n * command.interval) / clock.rate);
    }
  }
}

/** One ping: answered once, or lost when its time is over. The first half of that is for asking, the second for answers to what was asked last. */
class Question {
  readonly #options: PingerOptions;
  readonly #command: PingCommand;
  readonly #pings: Pings;
  readonly #socket: RawSocket;
  #from: IpAddress | undefined;
  /** Requests that are neither answered nor lost, those to come included. */
  #open: number;
  #alarm: NodeJS.Timeout | undefined;

  constructor(command: PingCommand, options: PingerOptions) {
    const { poller, clock, random } = options;
    this.#options = options;
    this.#command = command;
    this.#open = Math.ceil(command.timeout / 2 / interval);
    this.#pings = new Pings(() => this.#from, random);
    const [family, protocol] = isIpv4(command.to) ? ([4, IPPROTO_ICMP] as const) : ([6, IPPROTO_ICMPV6] as const);
    this.#socket = new RawSocket(ownNamespace(), poller, { protocol, family }, ({ header, source, destination, payload }) => {
      this.#pings.take(clock.now(), header === undefined ? encodeIp({ source, destination, protocol, payload }) : concat(header, payload));
      this.#settle();
    });
  }

  async ask(): Promise<void> {
    this.#from = await sourceFor(this.#command.to);
    this.#pings.handle(this.#options.clock.now(), { ...this.#command, count: this.#open, interval, timeout: scaled(this.#command.timeout, 0.5) });
    this.#settle();
  }

  #settle(): void {
    const { clock, record } = this.#options;
    for (let output = this.#pings.poll(); output !== undefined && this.#open > 0; output = this.#pings.poll()) {
      if (output.kind === 'packet') {
        this.#socket.sendWhole(output.packet);
        continue;
      }
      if (output.event.kind === 'ping-answered') this.#open = 0;
      else if (output.event.kind === 'ping-lost' && --this.#open > 0) continue;
      record(clock.now(), { layer: 'inner', body: output.event });
    }
    const next = this.#open > 0 ? this.#pings.nextWake() : undefined;
    if (next === undefined) this.#socket.close();
    else this.#wakeAt(next.at);
  }

  /** A tunnel that comes up meanwhile changes what address there is to speak from. */
  #wakeAt(at: Instant): void {
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => {
      void sourceFor(this.#command.to).then((from) => {
        this.#from = from;
        this.#pings.wake(this.#options.clock.now());
        this.#settle();
      });
    }, this.#options.clock.untilMs(at));
  }
}

/** What the kernel would send from, by a socket that is connected and sends nothing; undefined where there is no way. */
function sourceFor(to: IpAddress): Promise<IpAddress | undefined> {
  const socket = createSocket(isIpv4(to) ? 'udp4' : 'udp6');
  return new Promise<IpAddress | undefined>((resolve) => {
    socket.on('error', () => resolve(undefined)).on('connect', () => resolve(socket.address().address as IpAddress));
    socket.connect(9, to);
  }).finally(() => socket.close());
}
