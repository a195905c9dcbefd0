/** The topology file as people write it. `plan.ts` decides what it leaves open. */
import { z } from 'zod';
import { isIpv4, parseAddress, parsePrefix } from '../../src/core/address.ts';
import { dhGroupIds, encryptionIds, integrityIds, prfIds } from '../../src/crypto/transforms.ts';
import { nattVersions } from '../../src/ike/config.ts';
import { firewallProtocols } from '../../src/sim/firewall.ts';
import { vendorIds } from '../../src/wire/ike/v1/vendor-ids.ts';
import { isName } from '../../src/wire/x509/name.ts';
import { systems } from '../../src/wire/pfkey/dialect.ts';
import { parseDuration } from './duration.ts';

const duration = z.string().transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected a duration such as "30 s", "250 ms", "2 min"' });
  return z.NEVER;
});

const address = z.string().transform((text, context) => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an address such as 192.168.1.2 or 2001:db8::2' });
  return z.NEVER;
});

const prefix = z.string().transform((text, context) => {
  const parsed = parsePrefix(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an address prefix such as 192.168.1.0/24 or 2001:db8:1::/64' });
  return z.NEVER;
});

/** Mode Config's gifts are IPv4's. */
const ipv4Address = address.refine(isIpv4, 'expected an IPv4 address such as 192.168.1.2');
const ipv4Prefix = prefix.refine((block) => isIpv4(block.address), 'expected a prefix of IPv4 such as 192.168.1.0/24');

const orOff = <Schema extends z.ZodType>(schema: Schema) => z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const), schema]);
const orNever = <Schema extends z.ZodType>(schema: Schema) => z.union([z.literal('never'), schema]);
const names = z.union([z.string().transform((name) => [name]), z.array(z.string()).min(1)]);
const port = z.int().min(1).max(65535);
const probability = z.number().min(0).max(1);
const keys = <Key extends string>(table: Readonly<Record<Key, unknown>>) => Object.keys(table) as [Key, ...Key[]];

const segment = z.strictObject({
  prefix: prefix.optional(),
  mtu: z.int().min(576).max(65535).optional(),
  latency: duration.optional(),
  jitter: duration.optional(),
  loss: probability.optional(),
  duplication: probability.optional(),
  reordering: probability.optional(),
  reorderDelay: duration.optional(),
});

const dependence = z.enum(['endpoint-independent', 'address-dependent', 'address-and-port-dependent']);

const withoutPorts = z.enum(['blocked', 'one-client', 'one-per-server', 'by-spi']);

/** RFC 4787's knobs and IPsec's, each optional: what a box does otherwise than its preset. */
export const knobsSchema = z.strictObject({
  mapping: dependence.optional(),
  filtering: dependence.optional(),
  pool: z
    .strictObject({
      addresses: z.int().min(1).max(64).optional(),
      pooling: z.enum(['paired', 'arbitrary']).optional(),
      byRemotePort: z.record(z.string().regex(/^\d+$/), z.int().min(0)).optional(),
    })
    .optional(),
  ports: z
    .strictObject({
      assignment: z.enum(['preserve', 'sequential', 'random']).optional(),
      range: z.tuple([port, port]).optional(),
      keepLowApart: z.boolean().optional(),
      overloading: z.union([z.literal(false), z.literal('per-remote')]).optional(),
      parity: z.enum(['any', 'preserve']).optional(),
      contiguous: z.boolean().optional(),
      blocks: z.union([z.literal(false), z.strictObject({ size: z.int().min(1).max(65535), perHost: z.int().min(1) })]).optional(),
      onConflict: z.enum(['another-port', 'refuse', 'turn-symmetric']).optional(),
    })
    .optional(),
  timeouts: z
    .strictObject({
      unreplied: duration.optional(),
      replied: duration.optional(),
      repliedAfter: duration.optional(),
      byRemotePort: z.record(z.string().regex(/^\d+$/), duration).optional(),
      icmp: duration.optional(),
      esp: duration.optional(),
      tcpEstablished: duration.optional(),
      tcpTransitory: duration.optional(),
    })
    .optional(),
  refresh: z.enum(['outbound', 'inbound', 'both']).optional(),
  hairpinning: z.union([z.literal(false), z.literal(true).transform(() => 'external-source' as const), z.enum(['external-source', 'internal-source'])]).optional(),
  fragments: z.enum(['reassemble', 'follow', 'first-only', 'drop']).optional(),
  zeroChecksum: z.enum(['kept', 'computed', 'adjusted']).optional(),
  icmpErrors: z.enum(['translated', 'outer-only', 'dropped']).optional(),
  refusals: z.enum(['silent', 'icmp']).optional(),
  tcp: z
    .strictObject({
      unsolicitedSyn: z.enum(['dropped', 'reset', 'icmp-after-6-s']).optional(),
      midStream: z.enum(['adopted', 'dropped']).optional(),
    })
    .optional(),
  pinned: z
    .strictObject({
      ports: z.array(port).optional(),
      onConflict: z.enum(['refuse', 'steal', 'share-by-cookie']).optional(),
      unknownCookie: z.enum(['dropped', 'to-last-speaker']).optional(),
      scope: z.enum(['per-server', 'whole-box']).optional(),
    })
    .optional(),
  esp: withoutPorts.optional(),
  ah: withoutPorts.optional(),
  helpers: z.array(z.enum(['strip-vendor-ids', 'strip-nat-detection'])).optional(),
  l2tp: z.enum(['passed', 'blocked']).optional(),
  pptp: z.enum(['by-call-id', 'untracked', 'blocked']).optional(),
  blockedUdpPorts: z.array(port).optional(),
  tableSize: z.int().min(1).optional(),
  hostLimit: z.union([z.literal('none'), z.int().min(1)]).optional(),
  whenFull: z.enum(['refuse', 'evict-oldest']).optional(),
  whenAddressChanges: z.enum(['forget', 'keep']).optional(),
});

/** One, or one for each interface. */
const addresses = z.union([address.transform((one) => [one]), z.array(address)]);

const forward = z.union([
  z.strictObject({ protocol: z.enum(['udp', 'tcp']), port, to: z.string(), toPort: port.optional() }),
  z.strictObject({ protocol: z.literal('esp'), to: z.string() }),
]);

const nat = z.strictObject({
  inside: names,
  outside: z.string(),
  address: addresses.optional(),
  preset: z.string().optional(),
  behaviour: knobsSchema.optional(),
  forwards: z.array(forward).optional(),
  /** NAT64: in front of the IPv4 addresses of servers. */
  pref64: prefix.optional(),
  /** NPTv6: what the inside prefix becomes. */
  outsidePrefix: prefix.optional(),
});

const encryption = z.strictObject({ name: z.enum(keys(encryptionIds)), bits: z.union([z.literal(128), z.literal(256)]).optional() });
const integrity = z.array(z.enum(keys(integrityIds)));
const groups = z.array(z.enum(keys(dhGroupIds)));

const identity = z
  .strictObject({ type: z.enum(['address', 'fqdn', 'user-fqdn', 'key-id', 'dn']), value: z.string().min(1).optional() })
  .refine(({ type, value }) => type !== 'address' || value === undefined || parseAddress(value) !== undefined, { path: ['value'], error: 'expected an address such as 192.168.1.2' })
  .refine(({ type, value }) => type !== 'dn' || value === undefined || isName(value), { path: ['value'], error: 'expected a distinguished name such as "O=natt-lab, CN=alice.example"' });
const nattVersion = z.array(z.enum(nattVersions));

/** What only IKEv1 has. */
const v1 = z.strictObject({
  exchange: z.enum(['main', 'aggressive']).optional(),
  natt: z.strictObject({ offers: nattVersion.optional(), accepts: nattVersion.optional() }).optional(),
  natOriginalAddress: z.enum(['sent', 'withheld']).optional(),
  quickModeIdentity: z.enum(['address', 'name']).optional(),
  commitBit: z.boolean().optional(),
  vendorIds: z.array(z.enum(keys(vendorIds))).optional(),
  xauth: z.strictObject({ user: z.string().min(1).optional(), password: z.string().optional(), users: z.record(z.string(), z.string()).optional() }).optional(),
  gifts: z.strictObject({ netmask: ipv4Address.optional(), dns: z.array(ipv4Address).optional(), networks: z.array(ipv4Prefix).optional() }).optional(),
});

const fragmentationChoices = 'expected true, false, or how many octets an IP datagram may have, 256 to 65535';

export const ikeSchema = z.strictObject({
  version: z.enum(['v1', 'v2']).optional(),
  natTraversal: z.boolean().optional(),
  startPort: z.union([z.literal(500), z.literal(4500)]).optional(),
  keepalive: orOff(duration).optional(),
  deadPeerDetection: orOff(duration).optional(),
  retransmission: z.strictObject({ first: duration, factor: z.number().min(1), tries: z.int().min(1) }).optional(),
  keyingTries: z.enum(['once', 'forever']).optional(),
  cookieThreshold: z.int().min(0).optional(),
  halfOpenLimit: z.int().min(1).optional(),
  rekeyAfter: orNever(duration).optional(),
  identity: identity.optional(),
  authentication: z.enum(['pre-shared-key', 'rsa-signature']).optional(),
  preSharedKey: z.string().min(1).optional(),
  preSharedKeys: z.record(z.string(), z.string().min(1)).optional(),
  addressIdentity: z.enum(['any', 'strict']).optional(),
  encapsulation: z.enum(['as-detected', 'forced']).optional(),
  peerPort: z.union([z.literal('any'), z.literal(500)]).optional(),
  fragmentation: z.union([z.boolean(), z.int().min(256, fragmentationChoices).max(65535, fragmentationChoices)], { error: fragmentationChoices }).optional(),
  virtualAddress: z.enum(['none', 'request']).optional(),
  v1: v1.optional(),
  proposals: z.array(z.strictObject({ encryption: z.array(encryption).min(1), integrity: integrity.default([]), prf: z.array(z.enum(keys(prfIds))).min(1), groups: groups.min(1) })).min(1).optional(),
});

const protocolNumbers = { icmp: 1, tcp: 6, udp: 17 } as const;

export const espSchema = z.strictObject({
  protocol: z.enum(['esp', 'ah']).optional(),
  mode: z.enum(['tunnel', 'transport']).optional(),
  network: z.enum(['protected', 'everything']).optional(),
  udpChecksum: z.enum(['zero', 'computed']).optional(),
  checksumRepair: z.enum(['adjust', 'recompute', 'zero-udp-trust-tcp', 'none']).optional(),
  upperLayer: z
    .strictObject({ protocol: z.enum(keys(protocolNumbers)).transform((name) => protocolNumbers[name]), localPort: z.union([port, z.enum(['any', 'ephemeral'])]).optional(), remotePort: z.union([port, z.literal('any')]).optional() })
    .optional(),
  proposals: z
    .array(z.strictObject({ encryption: z.array(encryption).default([]), integrity: integrity.default([]), groups: groups.default([]), extendedSequenceNumbers: z.boolean().default(true) }))
    .min(1)
    .optional(),
  softTime: orNever(duration).optional(),
  hardTime: orNever(duration).optional(),
  softPackets: orNever(z.int().min(1)).optional(),
  hardPackets: orNever(z.int().min(1)).optional(),
});

/** A program and its arguments, without a shell. */
const argv = z.array(z.string().min(1), 'expected a list: a program and its arguments, such as [swanctl, --initiate, --child, net]').min(1);

const volume = z.string().transform((text, context) => {
  const [, source, target] = /^([^:]+):(\/[^:]*)(?::ro)?$/.exec(text) ?? [];
  if (source !== undefined && target !== undefined) return { source, target };
  context.addIssue({ code: 'custom', message: 'expected a file or folder and its place in the container, such as ./swanctl.conf:/etc/swanctl/swanctl.conf; it can be read there, not written' });
  return z.NEVER;
});

const host = z.strictObject({
  on: names,
  address: addresses.optional(),
  count: z.int().min(1).max(5000).optional(),
  /** A client: the gateway's name. */
  connectsTo: z.string().optional(),
  /** The box whose outside address it uses for that, though there may be a shorter way. */
  through: z.string().optional(),
  /** A gateway: the segment behind it, and the addresses that it gives to its clients. */
  protects: z.string().optional(),
  pool: prefix.optional(),
  /** Whose PF_KEY and whose UDP-encapsulation sockets it has. */
  system: z.enum(systems).optional(),
  /** A daemon of the field: what it offers and how it behaves. */
  daemon: z.string().optional(),
  ike: ikeSchema.optional(),
  esp: espSchema.optional(),
  /** A container of somebody's own in place of what the lab runs there; what follows is for that alone, named as in Compose. */
  image: z.string().min(1).optional(),
  command: argv.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional(),
  volumes: z.array(volume).optional(),
  cap_add: z.array(z.string()).optional(),
  devices: z.array(z.string()).optional(),
  ready: argv.optional(),
  connect: argv.optional(),
});

const router = z.strictObject({ on: z.array(z.string()).min(2), address: addresses.optional(), passes: z.array(z.enum(firewallProtocols)).min(1).optional() });

export const topologySchema = z.strictObject({
  title: z.string().min(1),
  segments: z.record(z.string(), z.preprocess((written) => written ?? {}, segment)),
  nats: z.record(z.string(), nat).default({}),
  hosts: z.record(z.string(), host),
  routers: z.record(z.string(), router).default({}),
});

/** A topology as written: what a file or a lesson's variation of it says. */
export type TopologySource = z.input<typeof topologySchema>;
/** The same, checked and with durations, addresses and prefixes as values. */
export type TopologyFile = z.output<typeof topologySchema>;
export type Knobs = z.output<typeof knobsSchema>;
export type HostFile = TopologyFile['hosts'][string];
export type NatFile = TopologyFile['nats'][string];
