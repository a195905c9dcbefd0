/** Traffic selectors: what a child SA carries (RFC 7296 §2.9), and how the responder narrows what is asked for. */
import { addressBytes, addressFromBytes, describePrefix, isIpv4, type IpAddress, type Prefix } from '../core/address.ts';
import type { TrafficSelector } from '../wire/ike/message.ts';
import type { ChildConfig } from './config.ts';

export interface Selectors {
  readonly local: readonly TrafficSelector[];
  readonly remote: readonly TrafficSelector[];
}

/** All traffic between the addresses of a block. */
export function selectorOf(block: Prefix): TrafficSelector {
  const first = toNumber(block.address);
  const size = 1n << BigInt(width(block.address) - block.length);
  return { protocol: 0, startPort: 0, endPort: 0xffff, startAddress: block.address, endAddress: fromNumber(first + size - 1n, block.address) };
}

export const selectorOfAddress = (address: IpAddress): TrafficSelector => ({
  protocol: 0, startPort: 0, endPort: 0xffff, startAddress: address, endAddress: address,
});

/** All of IPv4, or of IPv6: what a client asks for that has no inner address yet (RFC 7296 §2.19). */
export const everything = (version: 4 | 6): TrafficSelector => selectorOf({ address: (version === 4 ? '0.0.0.0' : '::') as IpAddress, length: 0 });

/** The traffic that a configuration wants; `dynamic` becomes what stands for it at each end. */
export function configuredSelectors({ local, remote, upperLayer }: ChildConfig, dynamic: { readonly local: TrafficSelector; readonly remote: TrafficSelector }): Selectors {
  const { protocol, localPort, remotePort } = upperLayer ?? { protocol: 0, localPort: 0, remotePort: 0 };
  return { local: selectorsOf(local, dynamic.local, protocol, localPort), remote: selectorsOf(remote, dynamic.remote, protocol, remotePort) };
}

const selectorsOf = (blocks: readonly (Prefix | 'dynamic')[], dynamic: TrafficSelector, protocol: number, port: number): TrafficSelector[] =>
  blocks.map((block) => ({ ...(block === 'dynamic' ? dynamic : selectorOf(block)), protocol, ...(port === 0 ? {} : { startPort: port, endPort: port }) }));

/** What both sides want, in the order of `offered`; empty when that is nothing (TS_UNACCEPTABLE). */
export function narrow(offered: readonly TrafficSelector[], ours: readonly TrafficSelector[]): TrafficSelector[] {
  const common = offered.flatMap((theirs) => ours.flatMap((our) => intersection(theirs, our) ?? []));
  return common.filter((one, i) => !common.some((other, k) => k !== i && contains(other, one) && (k < i || !contains(one, other))));
}

/** Whether everything of `inner` lies in one of `outer`: what a responder may answer (RFC 7296 §2.9). */
export const within = (inner: readonly TrafficSelector[], outer: readonly TrafficSelector[]): boolean =>
  inner.every((one) => outer.some((other) => contains(other, one)));

export const sameSelectors = (a: readonly TrafficSelector[], b: readonly TrafficSelector[]): boolean => within(a, b) && within(b, a);

function intersection(a: TrafficSelector, b: TrafficSelector): TrafficSelector | undefined {
  if (isIpv4(a.startAddress) !== isIpv4(b.startAddress)) return undefined;
  if (a.protocol !== b.protocol && a.protocol !== 0 && b.protocol !== 0) return undefined;
  const start = larger(a.startAddress, b.startAddress);
  const end = smaller(a.endAddress, b.endAddress);
  const startPort = Math.max(a.startPort, b.startPort);
  const endPort = Math.min(a.endPort, b.endPort);
  if (toNumber(start) > toNumber(end) || startPort > endPort) return undefined;
  return { protocol: a.protocol || b.protocol, startPort, endPort, startAddress: start, endAddress: end };
}

const contains = (outer: TrafficSelector, inner: TrafficSelector): boolean =>
  isIpv4(outer.startAddress) === isIpv4(inner.startAddress) &&
  (outer.protocol === 0 || outer.protocol === inner.protocol) &&
  outer.startPort <= inner.startPort && outer.endPort >= inner.endPort &&
  toNumber(outer.startAddress) <= toNumber(inner.startAddress) && toNumber(outer.endAddress) >= toNumber(inner.endAddress);

/** The blocks that an address range is made of: policies know prefixes only. */
export function prefixesOf({ startAddress, endAddress }: TrafficSelector): Prefix[] {
  const bits = width(startAddress);
  const end = toNumber(endAddress);
  const blocks: Prefix[] = [];
  for (let at = toNumber(startAddress); at <= end; ) {
    let length = bits;
    while (length > 0 && (at & ((1n << BigInt(bits - length + 1)) - 1n)) === 0n && at + (1n << BigInt(bits - length + 1)) - 1n <= end) length--;
    blocks.push({ address: fromNumber(at, startAddress), length });
    at += 1n << BigInt(bits - length);
  }
  return blocks;
}

/** `10.98.0.1/32 === 10.99.0.0/24` */
export const describeSelectors = ({ local, remote }: Selectors): string => `${describeList(local)} === ${describeList(remote)}`;

const describeList = (selectors: readonly TrafficSelector[]): string =>
  selectors.flatMap((selector) => prefixesOf(selector).map((block) => describePrefix(block) + describeTransport(selector))).join(', ') || 'nothing';

function describeTransport({ protocol, startPort, endPort }: TrafficSelector): string {
  const ports = startPort === 0 && endPort === 0xffff ? '' : startPort === endPort ? `/${startPort}` : `/${startPort}-${endPort}`;
  return protocol === 0 && ports === '' ? '' : `[${protocol}${ports}]`;
}

const width = (address: IpAddress): number => (isIpv4(address) ? 32 : 128);
const toNumber = (address: IpAddress): bigint => addressBytes(address).reduce((n, octet) => (n << 8n) | BigInt(octet), 0n);
const larger = (a: IpAddress, b: IpAddress): IpAddress => (toNumber(a) >= toNumber(b) ? a : b);
const smaller = (a: IpAddress, b: IpAddress): IpAddress => (toNumber(a) <= toNumber(b) ? a : b);

function fromNumber(n: bigint, like: IpAddress): IpAddress {
  const octets = width(like) / 8;
  return addressFromBytes(Uint8Array.from({ length: octets }, (_, i) => Number((n >> BigInt(8 * (octets - 1 - i))) & 0xffn)));
}
