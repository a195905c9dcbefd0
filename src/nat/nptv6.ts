/** IPv6 prefix translation (RFC 6296): one prefix becomes another, hosts keep what follows it, and no checksum notices. */
import { addressFromBytes, inPrefix, addressBytes, type IpAddress, type Prefix } from '../core/address.ts';
import { setU16, u16At } from '../core/bytes.ts';
import { refused, type Refusal } from '../core/decoded.ts';
import type { Side } from '../core/events.ts';
import type { Mapping } from '../core/events.ts';
import type { Machine } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import { folded, wordSum } from '../wire/checksum.ts';
import { icmpHeaderLength } from '../wire/icmp.ts';
import { icmpv6Types } from '../wire/icmpv6.ts';
import { decodeIpv6, ipv6At, ipv6HeaderLength, upperLayer } from '../wire/ipv6.ts';
import { protocols } from '../wire/protocols.ts';
import type { Ipv6Translation, NatControl, NatInput, NatOutput } from './behaviour.ts';

/**
 * A translator without a table: whoever knows the outside address of a host may speak to it, as long as no filter stands beside. It changes addresses only, so that
 * IKE finds it like any NAT, and ESP needs no UDP to get through.
 */
export class PrefixTranslator implements Machine<NatInput, NatOutput> {
  readonly #name: string;
  readonly #inside: Prefix;
  #outside: Prefix;
  readonly #outputs = new Queue<NatOutput>();

  /** Throws where the prefixes are not IPv6, not of one length, or leave no room for the adjustment. */
  constructor(name: string, { inside, outside }: Extract<Ipv6Translation, { kind: 'nptv6' }>) {
    if (addressBytes(inside.address).length !== 16 || addressBytes(outside.address).length !== 16) throw new TypeError(`${name} translates IPv6 prefixes`);
    if (inside.length !== outside.length || inside.length > 64) throw new TypeError(`${name} translates prefixes of one length, 64 at the most`);
    this.#name = name;
    this.#inside = inside;
    this.#outside = outside;
  }

  handle(_now: Instant, input: NatInput): void {
    switch (input.kind) {
      case 'packet': {
        const to = this.#translate(input.from, input.packet);
        if (typeof to === 'string') this.#outputs.push({ kind: 'forward', to, packet: input.packet });
        else this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason: to.reason, detail: to.detail, bytes: input.packet } });
        return;
      }
      case 'control':
        return this.#control(input.control);
    }
  }

  /** There is nothing to wait for. */
  wake(): void {
    return;
  }

  poll(): NatOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): undefined {
    return undefined;
  }

  /** None: an address says by itself what it becomes. */
  mappings(): Mapping[] {
    return [];
  }

  /** What a host of the inside is outside; undefined where it has no address there (§3.5: all words that could be adjusted are 0xFFFF). */
  outsideOf(address: IpAddress): IpAddress | undefined {
    const bytes = addressBytes(address);
    return inPrefix(address, this.#inside) && this.#become(bytes, 0, 'outside') ? addressFromBytes(bytes) : undefined;
  }

  /** Rewrites the packet where it lies; gives the side on which it goes on, or why it does not. */
  #translate(from: Side, packet: Uint8Array): Side | Refusal {
    const read = decodeIpv6(packet);
    if (!read.ok) return read;
    const { source, destination } = read.value;
    if (from === 'inside') {
      if (!inPrefix(source, this.#inside)) return refused('nat-not-inside', `${source} is not among the addresses that ${this.#name} translates`);
      if (!this.#become(packet, ipv6At.source, 'outside')) return this.#untranslatable(source);
      if (!inPrefix(destination, this.#outside)) return this.#translateQuote(packet, 'outside');
      // §2.2: it turns around what insiders send one another by their outside addresses
      if (!this.#become(packet, ipv6At.destination, 'inside')) return this.#untranslatable(destination);
      this.#translateQuote(packet, 'outside');
      return this.#translateQuote(packet, 'inside');
    }
    if (inPrefix(source, this.#inside) || inPrefix(source, this.#outside)) return refused('ip-martian', `${source} is on this side of ${this.#name}, and the packet came from the other`);
    if (!inPrefix(destination, this.#outside)) return refused('nat-no-mapping', `${destination} is not of the prefix that ${this.#name} stands for`);
    if (!this.#become(packet, ipv6At.destination, 'inside')) return this.#untranslatable(destination);
    return this.#translateQuote(packet, 'inside');
  }

  /** What an ICMPv6 error quotes went the other way, and its reader must know it again. The mapping is neutral to the checksum around it, too. */
  #translateQuote(packet: Uint8Array, to: Side): Side {
    const upper = upperLayer({ nextHeader: packet[ipv6At.nextHeader]!, payload: packet.subarray(ipv6HeaderLength) });
    if (!upper.ok || upper.value.protocol !== protocols.icmpv6 || upper.value.fragment !== undefined || upper.value.payload[0]! >= icmpv6Types.echoRequest) return to;
    const quoted = upper.value.payload.subarray(icmpHeaderLength);
    if (quoted.length < ipv6HeaderLength) return to;
    const end = to === 'inside' ? 'source' : 'destination';
    const address = addressFromBytes(quoted.subarray(ipv6At[end], ipv6At[end] + 16));
    if (inPrefix(address, to === 'inside' ? this.#outside : this.#inside)) this.#become(quoted, ipv6At[end], to);
    return to;
  }

  /**
   * §3.1 to §3.5: the other prefix, and the difference of the prefixes' sums taken out of one word of the rest: of the subnet, where the prefix leaves it 16 bits, else of
   * the first word of the interface identifier that is not 0xFFFF. False where there is none.
   */
  #become(bytes: Uint8Array, at: number, side: Side): boolean {
    const [before, after] = side === 'outside' ? [this.#inside, this.#outside] : [this.#outside, this.#inside];
    const word = wordToAdjust(bytes.subarray(at, at + 16), before.length);
    if (word === undefined) return false;
    const prefix = addressBytes(after.address);
    for (let i = 0; 8 * i < after.length; i++) {
      const kept = 0xff >>> Math.min(8, after.length - 8 * i);
      bytes[at + i] = prefix[i]! | (bytes[at + i]! & kept);
    }
    const sum = folded(u16At(bytes, at + word) + wordSum(addressBytes(before.address)) + (8 * 0xffff - wordSum(prefix)));
    setU16(bytes, at + word, sum === 0xffff ? 0 : sum); // one zero of the two
    return true;
  }

  #untranslatable(address: IpAddress): Refusal {
    return refused('nat-no-mapping', `${address} has no word in which ${this.#name} could hide the difference of the prefixes (RFC 6296 §3.5)`);
  }

  #control(control: NatControl): void {
    const say = (story: string): void => this.#outputs.push({ kind: 'event', event: { kind: 'nat-control', control: control.kind, story } });
    switch (control.kind) {
      case 'flush':
      case 'reboot':
      case 'fill':
        return say(`${this.#name} keeps no table: there is nothing to ${control.kind === 'fill' ? 'fill' : 'forget'}`);
      case 'change-address':
        this.#outside = { address: control.address, length: this.#outside.length };
        return say(`${this.#name} stands for the prefix ${control.address}/${this.#outside.length} from now on, and every host has another address outside`);
    }
  }
}

const subnetWord = 6;
const interfaceIdentifier = 8;

/** Where the word stands that takes the difference, in octets. */
function wordToAdjust(address: Uint8Array, prefixLength: number): number | undefined {
  if (prefixLength <= 48) return u16At(address, subnetWord) === 0xffff ? undefined : subnetWord;
  for (let at = interfaceIdentifier; at < 16; at += 2) if (u16At(address, at) !== 0xffff) return at;
  return undefined;
}
