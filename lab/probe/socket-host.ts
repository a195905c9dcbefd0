/** One end of the probe on this very machine: UDP sockets for what they can carry, raw access for the rest where there is any. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { describeEndpoint, ip } from '../../src/core/address.ts';
import type { Endpoint, IpAddress } from '../../src/core/address.ts';
import type { Instant } from '../../src/core/time.ts';
import type { RawProgram } from '../../src/sim/raw-node.ts';
import { isIpv4Fragment } from '../../src/wire/fragmentation.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp } from '../../src/wire/udp.ts';
import { rawAccess } from './raw-access.ts';
import type { RawAccess } from './raw-access.ts';

const longestTimer = 2 ** 31 - 1;

export class SocketHost {
  readonly #program: RawProgram;
  readonly #raw: RawAccess | undefined;
  readonly #sockets = new Map<string, Socket>();
  readonly #began = performance.now();
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(program: RawProgram, raw: RawAccess | undefined) {
    this.#program = program;
    this.#raw = raw;
  }

  /** `listen`: what is open from the beginning; other ports open when something is sent from them. */
  static async start(makeProgram: (hasRawAccess: boolean) => RawProgram, { addresses, listen = [] }: { readonly addresses: readonly IpAddress[]; readonly listen?: readonly Endpoint[] }): Promise<SocketHost> {
    const early: Uint8Array[] = [];
    let receive = (packet: Uint8Array): void => void early.push(packet);
    const raw = await rawAccess(addresses, (packet) => receive(packet));
    const host = new SocketHost(makeProgram(raw !== undefined), raw);
    for (const endpoint of listen) host.#open(endpoint);
    receive = (packet) => host.#hear(packet);
    host.#settle();
    return host;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#alarm);
    for (const socket of this.#sockets.values()) socket.close();
    await this.#raw?.close();
  }

  #now(): Instant {
    return (performance.now() - this.#began) as Instant;
  }

  #hear(packet: Uint8Array): void {
    if (this.#closed) return;
    this.#program.handle(this.#now(), packet);
    this.#settle();
  }

  #settle(): void {
    for (let packet = this.#program.poll(); packet !== undefined; packet = this.#program.poll()) this.#send(packet);
    clearTimeout(this.#alarm);
    const next = this.#program.nextWake();
    if (next !== undefined) this.#alarm = setTimeout(() => this.#wake(), Math.min(longestTimer, Math.max(0, next.at - this.#now())));
  }

  #wake(): void {
    if (this.#closed) return;
    this.#program.wake(this.#now());
    this.#settle();
  }

  #send(packet: Uint8Array): void {
    const ip4 = decodeIpv4(packet);
    if (!ip4.ok) throw new TypeError(`the probe made a packet that is none: ${ip4.detail}`);
    const { source, destination, protocol, payload } = ip4.value;
    const udp = protocol === protocols.udp && !isIpv4Fragment(packet) ? decodeUdp(payload, ip4.value) : undefined;
    if (udp?.ok !== true) return this.#raw?.send(packet);
    const { sourcePort, destinationPort, checksum } = udp.value;
    const socket = this.#open({ address: source, port: sourcePort }); // also where the packet goes by another way: an open port's kernel does not send answers back as unreachable
    if (checksum === 'zero') this.#raw?.send(packet);
    else socket.send(udp.value.payload, destinationPort, destination);
  }

  #open(local: Endpoint): Socket {
    const name = describeEndpoint(local);
    const open = this.#sockets.get(name);
    if (open) return open;
    const socket = createSocket({ type: 'udp4', reuseAddr: false });
    socket.on('error', () => undefined); // what cannot be sent, or bound, is as good as lost
    if (this.#raw === undefined) socket.on('message', (payload, { address, port }) => this.#hear(encodeUdpPacket({ address: ip(address), port }, local, payload, 'computed')));
    socket.bind(local.port, local.address);
    this.#sockets.set(name, socket);
    return socket;
  }
}

/** Whether this process may have the port, on this address, and nobody else has it. */
export function canBind({ address, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, address, () => socket.close(() => resolve(true)));
  });
}

/** The address from which this machine speaks to another; undefined where it knows no way. */
export function localAddressTowards({ address, port }: Endpoint): Promise<IpAddress | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const answer = (local: IpAddress | undefined): void => void socket.close(() => resolve(local));
    socket.once('error', () => answer(undefined));
    socket.connect(port, address, () => answer(ip(socket.address().address)));
  });
}
