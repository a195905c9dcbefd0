/** The kernel's connection tracking as ctnetlink shows it: entries with both their tuples. The attributes' integers are in network order. */
import { addressFromBytes } from '../../../src/core/address.ts';
import type { Endpoint } from '../../../src/core/address.ts';
import type { MappedProtocol, Mapping, Side } from '../../../src/core/events.ts';
import { seconds } from '../../../src/core/time.ts';
import { attributes, packed } from './netlink.ts';
import type { Message, Request } from './netlink.ts';
import { AF_INET } from './syscalls.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;

/** Multicast groups of NETLINK_NETFILTER. */
export const NFNLGRP_CONNTRACK_NEW = 1;
export const NFNLGRP_CONNTRACK_UPDATE = 2;
export const NFNLGRP_CONNTRACK_DESTROY = 3;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_TIMEOUT = 7;
const CTA_ID = 12;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;

const IPS_SEEN_REPLY = 1 << 1;
const IPS_SRC_NAT = 1 << 4;
const IPS_DST_NAT = 1 << 5;

const protocols: Readonly<Record<number, MappedProtocol>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 50: 'esp' };

/** One translated entry. The kernel keeps one for every remote endpoint, also where all of an inside endpoint's share an outside port. */
export interface Translation {
  /** The kernel's number for it; unique while it lives. */
  readonly id: number;
  readonly mapping: Mapping;
  /** Which side opened it: from outside that takes a forwarded port. */
  readonly origin: Side;
}

/** What is told about an entry: that it was made, changed, or is gone. */
export interface ConntrackEvent {
  readonly kind: 'new' | 'update' | 'destroy';
  readonly translation: Translation;
}

/** `struct nfgenmsg`: family, version, resource. */
const ipv4 = packed([1, AF_INET], [1, 0], [2, 0]);

/** All IPv4 entries. On its way through its table the kernel clears away those whose time is over, and tells so (ctnetlink_dump_table). */
export const listEntries: Request = { type: (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, flags: 0, body: ipv4, doing: "reading the kernel's NAT table" };

/** Without a tuple it means every entry of the family. */
export const flushEntries: Request = { type: (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, flags: 0, body: ipv4, doing: "flushing the kernel's NAT table" };

/** undefined for what is not translated, or of a protocol that the lab does not speak. */
export function readTranslation({ body }: Message): Translation | undefined {
  const entry = attributes(body.subarray(ipv4.length));
  const original = tuple(entry.get(CTA_TUPLE_ORIG));
  const reply = tuple(entry.get(CTA_TUPLE_REPLY));
  const status = u32(entry.get(CTA_STATUS));
  if (original === undefined || reply === undefined || (status & (IPS_SRC_NAT | IPS_DST_NAT)) === 0) return undefined;
  const common = { protocol: original.protocol, replied: (status & IPS_SEEN_REPLY) !== 0, expiresIn: seconds(u32(entry.get(CTA_TIMEOUT))) };
  const id = u32(entry.get(CTA_ID));
  // What the reply is sent to is what the outside sees of the source; what it comes from is where the destination really is.
  return (status & IPS_SRC_NAT) !== 0
    ? { id, origin: 'inside', mapping: { ...common, inside: original.source, outside: reply.destination, remote: original.destination } }
    : { id, origin: 'outside', mapping: { ...common, inside: reply.source, outside: original.destination, remote: original.source } };
}

/** A message of the multicast groups. */
export function readEvent(message: Message): ConntrackEvent | undefined {
  const translation = readTranslation(message);
  if (translation === undefined) return undefined;
  if ((message.type & 0xff) === IPCTNL_MSG_CT_DELETE) return { kind: 'destroy', translation };
  // New and changed entries have one message type; the header's flags tell them apart.
  if ((message.type & 0xff) !== IPCTNL_MSG_CT_NEW) return undefined;
  return { kind: (message.flags & NLM_F_CREATE) === 0 ? 'update' : 'new', translation };
}

const NLM_F_CREATE = 0x400;

interface Tuple {
  readonly protocol: MappedProtocol;
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

function tuple(bytes: Uint8Array | undefined): Tuple | undefined {
  const parts = attributes(bytes ?? new Uint8Array());
  const ip = attributes(parts.get(CTA_TUPLE_IP) ?? new Uint8Array());
  const proto = attributes(parts.get(CTA_TUPLE_PROTO) ?? new Uint8Array());
  const protocol = protocols[proto.get(CTA_PROTO_NUM)?.[0] ?? 0];
  const [source, destination] = [ip.get(CTA_IP_V4_SRC), ip.get(CTA_IP_V4_DST)];
  if (protocol === undefined || source === undefined || destination === undefined) return undefined;
  const ports = protocol === 'icmp' ? ([CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_ID] as const) : ([CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT] as const);
  return {
    protocol,
    source: { address: addressFromBytes(source), port: u16(proto.get(ports[0])) },
    destination: { address: addressFromBytes(destination), port: u16(proto.get(ports[1])) },
  };
}

/** 0 where the attribute is not there, as with the ports of ESP. */
const u16 = (bytes: Uint8Array = new Uint8Array(2)): number => (bytes[0]! << 8) | bytes[1]!;
const u32 = (bytes: Uint8Array = new Uint8Array(4)): number => ((u16(bytes) << 16) | u16(bytes.subarray(2))) >>> 0;
