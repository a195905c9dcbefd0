import { inPrefix, isIpv4, type IpAddress, type Prefix } from '../core/address.ts';
import type { Happening } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { start, type Instant } from '../core/time.ts';
import { IkeDaemon } from '../ike/daemon.ts';
import type { IkeInput, IkeOutput } from '../ike/ports.ts';
import type { StackInput, StackOutput } from '../ipsec/ports.ts';
import { IpsecStack } from '../ipsec/stack.ts';
import { decodeIp } from '../wire/ip.ts';
import { pfkeyDialects } from '../wire/pfkey/dialects.ts';
import type { PfkeyDialect } from '../wire/pfkey/dialect.ts';
import { pidOf } from '../wire/pfkey/frame.ts';
import { saTypes } from '../wire/pfkey/message.ts';
import { isForPrograms, Programs } from './programs.ts';
import type { EndpointConfig, EndpointInput, EndpointOutput } from './ports.ts';

export interface EndpointParts {
  readonly daemon: Machine<IkeInput, IkeOutput>;
  readonly stack: Machine<StackInput, StackOutput>;
}

/**
 * An IPsec endpoint: the IKE daemon, the IPsec stack that a kernel would hold, and the programs that use the tunnel. It joins their ports
 * and decides nothing. Daemon and stack meet in PF_KEY messages and the UDP_ENCAP option alone (RFC 2367, RFC 3948).
 */
export class Endpoint implements Machine<EndpointInput, EndpointOutput> {
  readonly #daemon: EndpointParts['daemon'];
  readonly #stack: EndpointParts['stack'];
  readonly #programs: Programs;
  readonly #dialect: PfkeyDialect;
  readonly #toDaemon = new Queue<IkeInput>();
  readonly #toStack = new Queue<StackInput>();
  readonly #outputs = new Queue<EndpointOutput>();
  readonly #outer: IpAddress;
  readonly #udpChecksum: EndpointConfig['udpChecksum'];
  /** What the programs may speak from, the best first: virtual addresses, the inner address, the outer one. */
  #sources: readonly Source[];

  constructor(config: EndpointConfig, { daemon, stack }: EndpointParts, random: Random) {
    this.#daemon = daemon;
    this.#stack = stack;
    this.#dialect = pfkeyDialects[config.system ?? 'linux'];
    this.#outer = config.ike.address;
    this.#udpChecksum = config.udpChecksum;
    this.#sources = [...(config.innerAddress === undefined ? [] : [{ address: config.innerAddress }]), { address: this.#outer }];
    this.#programs = new Programs((to) => this.#sources.find((source) => reaches(source, to))?.address, random);
    this.#settle(start); // the daemon has things to say before anything happens
  }

  handle(now: Instant, input: EndpointInput): void {
    switch (input.kind) {
      case 'datagram':
      case 'esp':
      case 'ah':
        this.#toStack.push(input);
        break;
      case 'inner':
        this.#toStack.push({ kind: 'outbound', packet: input.packet });
        break;
      case 'icmp':
        this.#programs.takeIcmp(now, input.packet);
        break;
      case 'local':
        if (!this.#programs.take(now, input.packet, 'to be verified')) this.#outputs.push({ kind: 'unclaimed', packet: input.packet });
        break;
      case 'command':
        if (input.command.kind === 'setkey') this.#dump();
        else if (isForPrograms(input.command)) this.#programs.handle(now, input.command);
        else this.#toDaemon.push({ kind: 'command', command: input.command });
        break;
    }
    this.#settle(now);
  }

  wake(now: Instant): void {
    this.#daemon.wake(now);
    this.#stack.wake(now);
    this.#programs.wake(now);
    this.#settle(now);
  }

  poll(): EndpointOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    return earliest(this.#daemon.nextWake(), this.#stack.nextWake(), this.#programs.nextWake());
  }

  /** Carries what the parts say to one another until none has more to say. Each is drained before it is told something new. */
  #settle(now: Instant): void {
    for (;;) {
      const fromDaemon = this.#daemon.poll();
      if (fromDaemon !== undefined) this.#hearDaemon(fromDaemon);
      const fromStack = this.#stack.poll();
      if (fromStack !== undefined) this.#hearStack(now, fromStack);
      const fromPrograms = this.#programs.poll();
      if (fromPrograms?.kind === 'packet') this.#sendProgramPacket(fromPrograms.packet);
      if (fromPrograms?.kind === 'event') this.#tell({ layer: 'inner', body: fromPrograms.event });
      if (fromDaemon !== undefined || fromStack !== undefined || fromPrograms !== undefined) continue;

      const toStack = this.#toStack.shift();
      if (toStack !== undefined) this.#stack.handle(now, toStack);
      const toDaemon = this.#toDaemon.shift();
      if (toDaemon !== undefined) this.#daemon.handle(now, toDaemon);
      if (toStack === undefined && toDaemon === undefined) return;
    }
  }

  #hearDaemon(output: IkeOutput): void {
    switch (output.kind) {
      case 'datagram':
        this.#toStack.push({ ...output, kind: 'datagram-down' });
        return;
      case 'pfkey':
        this.#tellPfkey('to-stack', output.message);
        this.#toStack.push(output);
        return;
      case 'udp-encap':
        this.#toStack.push(output);
        return;
      case 'virtual-address':
        this.#sources = this.#sources.filter(({ address }) => address !== output.address);
        if (output.assigned) this.#sources = [{ address: output.address, networks: output.networks }, ...this.#sources];
        this.#outputs.push(output);
        return;
      case 'event':
        return this.#tell({ layer: 'ike', body: output.event });
    }
  }

  #hearStack(now: Instant, output: StackOutput): void {
    switch (output.kind) {
      case 'pfkey':
        if (pidOf(output.message) === setkeyPid) {
          this.#tellPfkey('to-setkey', output.message);
          return;
        }
        this.#tellPfkey('to-daemon', output.message);
        this.#toDaemon.push(output);
        return;
      case 'datagram-up':
        this.#toDaemon.push({ ...output, kind: 'datagram' });
        return;
      case 'datagram-down':
        this.#outputs.push({ ...output, kind: 'datagram', checksum: 'computed' });
        return;
      case 'datagram':
        this.#outputs.push({ ...output, checksum: this.#udpChecksum ?? (isIpv4(output.peer.address) ? 'zero' : 'computed') });
        return;
      case 'esp':
      case 'ah':
      case 'bypass':
        this.#outputs.push(output);
        return;
      case 'inbound':
        if (!this.#isTaken(now, output)) this.#outputs.push({ kind: 'inner', packet: output.packet });
        return;
      case 'event':
        return output.event.kind === 'inner' ? this.#tell({ layer: 'inner', body: output.event }) : this.#tell({ layer: 'esp', body: output.event });
    }
  }

  /** Routes decide before policy does: from the outer address, where there is a virtual one for what is behind the tunnel, nothing goes into it. */
  #sendProgramPacket(packet: Uint8Array): void {
    const ip = decodeIp(packet);
    const isPastTheTunnel = ip.ok && ip.value.source === this.#outer && this.#sources.some(({ networks }) => networks !== undefined);
    if (!isPastTheTunnel) return this.#toStack.push({ kind: 'outbound', packet });
    this.#tell({ layer: 'inner', body: { kind: 'inner', direction: 'bypassed', spi: 0, bytes: packet } });
    this.#outputs.push({ kind: 'bypass', packet });
  }

  /**
   * What comes for this host out of an SA is its programs' before its IP layer's. In transport mode that includes echo requests: the IP layer would
   * answer them by its own routes, past the policy.
   */
  #isTaken(now: Instant, { packet, mode, checksum }: Extract<StackOutput, { kind: 'inbound' }>): boolean {
    if (this.#programs.takeIcmp(now, packet)) return true;
    if (mode === 'transport' && this.#programs.answerPing(packet)) return true;
    const ip = decodeIp(packet);
    return ip.ok && this.#sources.some(({ address }) => address === ip.value.destination) && this.#programs.take(now, packet, checksum);
  }

  #tell(happening: Happening): void {
    this.#outputs.push({ kind: 'event', ...happening });
  }

  /** By a socket of its own: what is answered goes to it, and the daemon never hears of it. */
  #dump(): void {
    for (const type of ['SADB_DUMP', 'SADB_X_SPDDUMP'] as const) {
      this.#toStack.push({ kind: 'pfkey', message: this.#dialect.encode({ type, saType: saTypes.UNSPEC, errno: 0, sequence: 0, pid: setkeyPid }, () => false) });
    }
  }

  #tellPfkey(direction: 'to-stack' | 'to-daemon' | 'to-setkey', bytes: Uint8Array): void {
    this.#tell({ layer: 'pfkey', body: { kind: 'pfkey', direction, type: this.#dialect.typeName(bytes), errno: bytes[2]!, bytes } });
  }
}

interface Source {
  readonly address: IpAddress;
  /** What is reached from there; everything when not said. */
  readonly networks?: readonly Prefix[];
}

const reaches = ({ address, networks }: Source, to: IpAddress): boolean => isIpv4(address) === isIpv4(to) && (networks === undefined || networks.some((network) => inPrefix(to, network)));

/** Of whoever dumps; the daemon's is 1, and what the stack says unasked has 0. */
const setkeyPid = 2;

/** An endpoint with the daemon and the stack of this house. */
export function createEndpoint(config: EndpointConfig, random: Random): Endpoint {
  const { checksumRepair, ike, system } = config;
  const daemon = new IkeDaemon(system === undefined ? ike : { ...ike, system }, random.fork('ike'));
  const stack = new IpsecStack({ addresses: [ike.address, ...(ike.otherAddresses ?? [])], random: random.fork('ipsec'), natKeepalive: ike.keepalive.interval, ...(checksumRepair && { checksumRepair }), ...(system && { system }) });
  return new Endpoint(config, { daemon, stack }, random);
}

function earliest(...wakes: readonly (WakeUp | undefined)[]): WakeUp | undefined {
  return wakes.reduce((first, wake) => (first === undefined || (wake !== undefined && wake.at < first.at) ? wake : first));
}
