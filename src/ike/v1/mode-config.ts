/** Mode-Config: an inner address for a client, and what else the gateway has for it (draft-ietf-ipsec-isakmp-mode-cfg §3.3; split networks are Cisco's). */
import { addressBytes, addressFromBytes, isIpv4, type IpAddress, type Prefix } from '../../core/address.ts';
import { concat } from '../../core/bytes.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { configurationAttributes, configurationTypes } from '../../wire/ike/v1/message.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import { innerVersion } from '../address-pool.ts';
import type { Gifts } from '../config.ts';
import { selectorOfAddress } from '../traffic-selectors.ts';
import { childFailed } from '../wanted-traffic.ts';
import { maskLength, maskOctets } from './client-identities.ts';
import { deleteIsakmpSa } from './notices.ts';
import type { IsakmpSa } from './sa.ts';
import { transact, type Answer, type Configuration } from './transaction.ts';
import { wantedPairs } from './wanted-pairs.ts';

const { INTERNAL_IP4_ADDRESS, INTERNAL_IP6_ADDRESS, INTERNAL_IP4_NETMASK, INTERNAL_IP4_DNS, UNITY_SPLIT_INCLUDE } = configurationAttributes;
const { REQUEST, SET } = configurationTypes;
const empty = new Uint8Array(0);

/** What a client gets. */
interface Gift extends Gifts {
  readonly address: IpAddress;
}

// ---- the client

/** Asks the gateway (pull). */
export function requestAddress(sa: IsakmpSa, given: () => void): void {
  const wanted = (innerVersion(sa.connection) === 6 ? [INTERNAL_IP6_ADDRESS] : [INTERNAL_IP4_ADDRESS, INTERNAL_IP4_NETMASK, INTERNAL_IP4_DNS, UNITY_SPLIT_INCLUDE]).map((type) => ({ type, value: empty }));
  transact(sa, REQUEST, wanted, (attributes) => {
    const gift = readGift(attributes);
    if (gift === undefined) deleteIsakmpSa(sa, `${sa.names.other} gives no inner address.`, 'failed');
    else use(sa, gift, given);
  });
}

/** The gateway gives without being asked (push). */
export function takeAddress(sa: IsakmpSa, { attributes }: Configuration, given: () => void): Decoded<() => Answer> {
  const gift = readGift(attributes);
  if (gift === undefined) return refused('isakmp-payloads', 'CFG_SET without an inner address');
  const acknowledged = attributes.filter(({ type }) => known.has(type)).map(({ type }) => ({ type, value: empty }));
  return decoded(() => ({ attributes: acknowledged, then: () => use(sa, gift, given) }));
}

function use(sa: IsakmpSa, { address, ...gifts }: Gift, given: () => void): void {
  if (sa.virtualAddress !== undefined) return;
  sa.splitNetworks = gifts.networks ?? [];
  sa.useVirtualAddress(address, wantedPairs(sa, selectorOfAddress(address)).map(({ remote }) => remote), gifts);
  given();
}

// ---- the gateway

/** What a client asks for, an address and whatever of the gifts it names; what is not known is not answered (§3.2). An address that it has it keeps. */
export function answerRequest(sa: IsakmpSa, { attributes }: Configuration): Decoded<() => Answer> {
  const { settings: { gifts }, context: { poolOf } } = sa;
  if (poolOf(sa.connection) === undefined) return refused('isakmp-exchange', 'an inner address is asked for, and there is no pool of them');
  const asked = new Set(attributes.map(({ type }) => type));
  return decoded(() => {
    const gift = asked.has(innerVersion(sa.connection) === 6 ? INTERNAL_IP6_ADDRESS : INTERNAL_IP4_ADDRESS) ? giftFor(sa) : { ...gifts };
    if (gift === undefined) childFailed(sa, noneLeft(sa));
    return { attributes: written(gift ?? {}).filter(({ type }) => asked.has(type)) };
  });
}

/** Gives a client its address without being asked (push). Without one there is nothing that it could do here. */
export function pushAddress(sa: IsakmpSa): void {
  const gift = giftFor(sa);
  if (gift === undefined) deleteIsakmpSa(sa, noneLeft(sa), 'failed');
  else transact(sa, SET, written(gift), () => undefined);
}

const noneLeft = ({ names: { me, other } }: IsakmpSa): string => `${me} has no inner address left for ${other}: all of its pool are in use.`;

function giftFor(sa: IsakmpSa): Gift | undefined {
  sa.virtualAddress ??= sa.context.poolOf(sa.connection)?.take();
  const { virtualAddress: address } = sa;
  return address && { address, ...sa.settings.gifts };
}

// ---- attributes

const known: ReadonlySet<number> = new Set([INTERNAL_IP4_ADDRESS, INTERNAL_IP6_ADDRESS, INTERNAL_IP4_NETMASK, INTERNAL_IP4_DNS, UNITY_SPLIT_INCLUDE]);

const written = ({ address, netmask, dns = [], networks = [] }: Partial<Gift>): DataAttribute[] => [
  ...(address === undefined ? [] : [{ type: isIpv4(address) ? INTERNAL_IP4_ADDRESS : INTERNAL_IP6_ADDRESS, value: addressBytes(address) }]),
  ...(netmask === undefined ? [] : [{ type: INTERNAL_IP4_NETMASK, value: addressBytes(netmask) }]),
  ...dns.map((server) => ({ type: INTERNAL_IP4_DNS, value: addressBytes(server) })),
  ...(networks.length === 0 ? [] : [{ type: UNITY_SPLIT_INCLUDE, value: concat(...networks.map(splitNetwork)) }]),
];

/** Undefined without an address of four octets, or of sixteen. */
function readGift(attributes: readonly DataAttribute[]): Gift | undefined {
  const addresses = (wanted: number, octets = 4): IpAddress[] => attributes.flatMap(({ type, value }) => (type === wanted && typeof value === 'object' && value.length === octets ? [addressFromBytes(value)] : []));
  const [address] = [...addresses(INTERNAL_IP4_ADDRESS), ...addresses(INTERNAL_IP6_ADDRESS, 16)];
  const networks = attributes.flatMap(({ type, value }) => (type === UNITY_SPLIT_INCLUDE && typeof value === 'object' ? splitNetworks(value) : []));
  const [netmask] = addresses(INTERNAL_IP4_NETMASK);
  return address && { address, ...(netmask === undefined ? {} : { netmask }), dns: addresses(INTERNAL_IP4_DNS), networks };
}

/** Of each network: address, mask, then protocol and both ports in 2 octets each, of which all mean any. */
const splitNetworkLength = 14;

const splitNetwork = ({ address, length }: Prefix): Uint8Array => concat(addressBytes(address), maskOctets(length, 4), new Uint8Array(6));

function splitNetworks(octets: Uint8Array): Prefix[] {
  const networks: Prefix[] = [];
  for (let at = 0; at + splitNetworkLength <= octets.length; at += splitNetworkLength) {
    const length = maskLength(octets.subarray(at + 4, at + 8));
    if (length !== undefined) networks.push({ address: addressFromBytes(octets.subarray(at, at + 4)), length });
  }
  return networks;
}
