/** An IPv4 or IPv6 address in its one canonical text (RFC 5952 for IPv6), so that `===` and Map keys compare addresses. */
export type IpAddress = string & { readonly is: 'ip-address' };

/** An address and a UDP or TCP port. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** An address block in CIDR form: `address` has its host bits cleared. */
export interface Prefix {
  readonly address: IpAddress;
  readonly length: number;
}

export const isIpv4 = (address: IpAddress): boolean => !address.includes(':');

/** Parses dotted quads and RFC 4291 text; undefined when it is neither. */
export function parseAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return bytes && addressFromBytes(bytes);
}

/** For addresses written in code, tests and tables: throws where `parseAddress` gives undefined. */
export function ip(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`not an IP address: ${text}`);
  return address;
}

/** 4 or 16 octets, network order. */
export function addressBytes(address: IpAddress): Uint8Array {
  if (isIpv4(address)) {
    const number = ipv4ToNumber(address);
    return Uint8Array.of(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255);
  }
  const bytes = parseIpv6(address);
  if (bytes === undefined) throw new TypeError(`not an IP address: ${address}`);
  return bytes;
}

/** Reads 4 or 16 octets in network order; any other length throws. */
export function addressFromBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return `${bytes[0]!}.${bytes[1]!}.${bytes[2]!}.${bytes[3]!}` as IpAddress;
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 octets, not ${bytes.length}`);
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const { from, length } = longestZeroRun(words);
  if (length < 2) return words.map(hex).join(':') as IpAddress;
  return `${words.slice(0, from).map(hex).join(':')}::${words.slice(from + length).map(hex).join(':')}` as IpAddress;
}

/** An IPv4 address as an unsigned number, for keys, ranges and checksums. The text is canonical, so that digits and dots suffice. */
export function ipv4ToNumber(address: IpAddress): number {
  let number = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === dot) {
      number = (number << 8) | octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - zero;
    }
  }
  return ((number << 8) | octet) >>> 0;
}

const dot = 0x2e;
const zero = 0x30;

export const ipv4FromNumber = (n: number): IpAddress => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}` as IpAddress;

/** `10.0.0.0/8`; undefined when it is not a prefix. Host bits that are set are cleared. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText = '', lengthText = '', ...rest] = text.split('/');
  const address = parseAddress(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  const bytes = addressBytes(address);
  if (length > bytes.length * 8) return undefined;
  return { address: addressFromBytes(bytes.map((octet, i) => octet & prefixOctet(length, i))), length };
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(`not an address prefix: ${text}`);
  return parsed;
}

export function inPrefix(address: IpAddress, block: Prefix): boolean {
  const a = addressBytes(address);
  const b = addressBytes(block.address);
  return a.length === b.length && a.every((octet, i) => (octet & prefixOctet(block.length, i)) === b[i]);
}

/** The address so many places behind the beginning of a block. */
export function nthAddress({ address }: Prefix, n: number): IpAddress {
  const bytes = addressBytes(address);
  for (let i = bytes.length - 1, rest = n; i >= 0 && rest > 0; i--, rest = Math.floor(rest / 256)) {
    rest += bytes[i]!;
    bytes[i] = rest % 256;
  }
  return addressFromBytes(bytes);
}

export const describePrefix = ({ address, length }: Prefix): string => `${address}/${length}`;

/** `192.0.2.1:500`, `[2001:db8::1]:500`. */
export const describeEndpoint = ({ address, port }: Endpoint): string => (isIpv4(address) ? `${address}:${port}` : `[${address}]:${port}`);

export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.port === b.port && a.address === b.address;

const hex = (word: number): string => word.toString(16);
const prefixOctet = (length: number, i: number): number => (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff;

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (embedded) {
    const quad = parseIpv4(embedded[2]!);
    if (quad === undefined) return undefined;
    return parseIpv6(`${embedded[1]!}${hex((quad[0]! << 8) | quad[1]!)}:${hex((quad[2]! << 8) | quad[3]!)}`);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = tail === undefined ? head : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  if (groups.length !== 8 || (tail !== undefined && head.length + tail.length > 7)) return undefined;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

function longestZeroRun(words: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  for (let i = 0; i < words.length; i++) {
    let length = 0;
    while (words[i + length] === 0) length++;
    if (length > best.length) best = { from: i, length };
  }
  return best;
}
