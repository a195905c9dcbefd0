/** An endpoint of ours on a host of the kernel's: real sockets, a TUN device, the clock on the wall. */
import { ip, prefix } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { LabClock } from '../../lab/backends/netns/lab-clock.ts';
import type { Interfaces } from '../../lab/backends/netns/links.ts';
import type { Poller } from '../../lab/backends/netns/poller.ts';
import { TunDevice } from '../../lab/backends/netns/tun.ts';
import { UdpSocket } from '../../lab/backends/netns/udp-socket.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { Endpoint } from '../../src/host/endpoint.ts';
import type { EndpointCommand, EndpointConfig, EndpointInput } from '../../src/host/ports.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import type { EventOf } from '../../src/trace/trace.ts';
import type { Kind } from '../../src/trace/events.ts';

const device = 'ipsec0';
const ports = [500, 4500];

export class RunningEndpoint {
  readonly trace = new TraceLog();
  readonly #name: string;
  readonly #at: Interfaces;
  readonly #clock = new LabClock();
  readonly #machine: Endpoint;
  readonly #sockets: ReadonlyMap<number, UdpSocket>;
  readonly #tun: TunDevice;
  #timer: NodeJS.Timeout | undefined;

  /** `far`: the blocks that are reached through the tunnel. */
  constructor(at: Interfaces, poller: Poller, config: EndpointConfig, far: readonly string[]) {
    this.#name = config.name;
    this.#at = at;
    this.#machine = createEndpoint(config, seeded(1, config.name));
    const take = (input: EndpointInput): void => this.#tell(input);
    this.#sockets = new Map(ports.map((port) => [port, new UdpSocket(at.namespace, poller, { address: ip('0.0.0.0'), port }, (datagram) => take({ kind: 'datagram', ...datagram }))]));
    this.#tun = new TunDevice(at, poller, { name: device, mtu: 1400 }, (packet) => take({ kind: 'inner', packet }));
    if (config.innerAddress !== undefined) at.addAddress(device, { address: config.innerAddress, length: 32 });
    for (const block of far) at.addRoute({ to: prefix(block), through: device, ...(config.innerAddress === undefined ? {} : { from: config.innerAddress }) });
    this.#settle();
  }

  command(command: EndpointCommand): void {
    this.#tell({ kind: 'command', command });
  }

  events<K extends Kind>(kind: K): readonly EventOf<K>['body'][] {
    return this.trace.of(kind).map(({ body }) => body);
  }

  /** The first event of this kind from number `since` on that fits; fails when none comes within five seconds, or as long as is said. */
  async heard<K extends Kind>(kind: K, fits: (body: EventOf<K>['body']) => boolean = () => true, { since = 0, within = 5000 }: { readonly since?: number; readonly within?: number } = {}): Promise<EventOf<K>['body']> {
    const find = (): EventOf<K> | undefined => this.trace.of(kind).find(({ seq, body }) => seq >= since && fits(body));
    return new Promise((resolve, reject) => {
      const found = find();
      if (found) return resolve(found.body);
      const ends = setTimeout(() => {
        stop();
        reject(new Error(`${this.#name} did not tell of ${kind} within ${within} ms; ${this.story()}`));
      }, within);
      const stop = this.trace.listen((event) => {
        if (event.body.kind !== kind || !fits(event.body as EventOf<K>['body'])) return;
        clearTimeout(ends);
        stop();
        resolve(event.body as EventOf<K>['body']);
      });
    });
  }

  /** What it has said, for whom a test fails. */
  story(): string {
    return this.trace.events.map(({ at, body }) => `\n  ${at.toFixed(0).padStart(6)} ${body.kind}: ${'story' in body ? body.story : JSON.stringify(body, (_, value: unknown) => (value instanceof Uint8Array ? `${value.length} octets` : value))}`).join('');
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#sockets.forEach((socket) => socket.close());
    this.#tun.close();
  }

  #tell(input: EndpointInput): void {
    this.#machine.handle(this.#clock.now(), input);
    this.#settle();
  }

  #settle(): void {
    for (let output = this.#machine.poll(); output !== undefined; output = this.#machine.poll()) {
      switch (output.kind) {
        case 'datagram':
          this.#sockets.get(output.local.port)?.send(output.peer, output.payload, { checksum: output.checksum, from: output.local.address });
          break;
        case 'inner':
          this.#tun.write(output.packet);
          break;
        case 'virtual-address':
          if (output.assigned) this.#at.addAddress(device, { address: output.address, length: 32 });
          else this.#at.deleteAddress(device, { address: output.address, length: 32 });
          break;
        case 'event':
          this.trace.record(this.#clock.now(), this.#name, output);
          break;
        case 'esp': // strongSwan's kernel-libipsec always wants UDP
        case 'bypass':
          break;
      }
    }
    clearTimeout(this.#timer);
    const next = this.#machine.nextWake();
    if (next === undefined) return;
    this.#timer = setTimeout(() => {
      this.#machine.wake(this.#clock.now());
      this.#settle();
    }, Math.max(0, next.at - this.#clock.now()));
    this.#timer.unref();
  }
}
