/**
 * PF_POLICY version 1, by which illumos is told of policies: uts/common/net/pfpolicy.h. What KAME calls a reqid is the key management cookie, of rules as of
 * SAs. The ends of a tunnel are not in the rule: it stands on a tunnel interface, and the lab names that for its ends, `192.0.2.1-203.0.113.7`, local one
 * first. Algorithms are left out: the lab's rules leave them to IKE.
 */
import { addressBytes, addressFromBytes, isIpv4, parseAddress } from '../../core/address.ts';
import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { malformed } from '../refusing.ts';
import { protocols } from '../protocols.ts';
import { protocolCodec, type ProtocolCodec } from './dialect.ts';
import type { Extension } from './extensions.ts';
import type { ExtensionTable } from './frame.ts';
import { ipsecModes, policyDirections, policyLevels, policyTypes, type PfkeyAddress, type PfkeyBody, type PfkeyMessage, type PfkeyPolicy, type PfkeyPolicyRequest } from './message.ts';
import { numbering, sameNumbers, type Numbering } from './numbering.ts';

export const pfPolicyVersion = 1;

interface Extensions {
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly protocol?: number;
  readonly localAddress?: Block;
  readonly remoteAddress?: Block;
  readonly action?: readonly Attribute[];
  readonly rule?: { readonly priority: number; readonly flags: number; readonly index: bigint };
  readonly tunnelName?: string;
}

type Block = Pick<PfkeyAddress, 'address' | 'prefixLength'>;

/** struct spd_attribute: what an action is made of. */
interface Attribute {
  readonly tag: number;
  readonly value: number;
}

/** SPD_RULE_FLAG_*, SPD_ATTR_*, SPD_ACTTYPE_*, SPD_APPLY_* */
const ruleFlags = { INBOUND: 1, OUTBOUND: 2, TUNNEL: 4 } as const;
const tags = { END: 1, TYPE: 0x100, FLAGS: 0x101, KM_PROTO: 0x10d, KM_COOKIE: 0x10e } as const;
const actions = { DROP: 1, PASS: 2, IPSEC: 3 } as const;
const apply = { AH: 1, ESP: 2, UNIQUE: 0x10 } as const;
const families = { INET: 2, INET6: 26 } as const;
const kmpIke = 1;

/** spd_portrange: `be16 lowest | be16 highest`, which must be the same. */
const port = (number: number): Extension<number> => ({
  number,
  read(body) {
    const lowest = body.net16();
    const highest = body.net16();
    return lowest === highest ? lowest : body.refuse(`ports from ${lowest} to ${highest}`);
  },
  write: (out, value) => out.net16(value).net16(value),
});

/** spd_address: `u8 family | u8 prefix length | u16 reserved`, then 4 or 16 octets. */
const block = (number: number): Extension<Block> => ({
  number,
  read(body) {
    const family = body.u8();
    const prefixLength = body.u8();
    body.skip(2);
    const length = family === families.INET ? 4 : family === families.INET6 ? 16 : body.refuse(`address family ${family}`);
    if (prefixLength > length * 8) body.refuse(`prefix length ${prefixLength} of ${length} octets`);
    return { address: addressFromBytes(body.bytes(length)), prefixLength };
  },
  write(out, { address, prefixLength }) {
    out.u8(isIpv4(address) ? families.INET : families.INET6).u8(prefixLength).u16(0).bytes(addressBytes(address));
  },
});

const table: ExtensionTable<Extensions> = {
  localPort: port(1),
  remotePort: port(2),
  /** spd_proto: `u8 number | u8, u16 reserved`. */
  protocol: {
    number: 3,
    read(body) {
      const protocol = body.u8();
      body.skip(3);
      return protocol;
    },
    write: (out, protocol) => out.u8(protocol).zeros(3),
  },
  localAddress: block(4),
  remoteAddress: block(5),
  /** spd_ext_actions: `u16 alternatives | u16 reserved`, then `u32 tag | u32 value` up to the one that ends it. */
  action: {
    number: 6,
    read(body) {
      const alternatives = body.u16();
      body.skip(2);
      if (alternatives !== 1) body.refuse(`${alternatives} alternatives`);
      const attributes: Attribute[] = [];
      while (body.remaining > 0) {
        const attribute = { tag: body.u32(), value: body.u32() };
        if (attribute.tag !== tags.END) attributes.push(attribute);
        else if (body.remaining > 0) body.refuse('attributes behind the end');
        else return attributes;
      }
      return body.refuse('no end of the attributes');
    },
    write(out, attributes) {
      out.u16(1).u16(0);
      for (const { tag, value } of [...attributes, { tag: tags.END, value: 0 }]) out.u32(tag).u32(value);
    },
  },
  /** spd_rule: `u32 priority | u32 flags | u32 unused | u64 index`. */
  rule: {
    number: 7,
    read(body) {
      const priority = body.u32();
      const flags = body.u32();
      body.skip(4);
      return { priority, flags, index: body.u64() };
    },
    write: (out, { priority, flags, index }) => out.u32(priority).u32(flags).u32(0).u64(index),
  },
  /** spd_if: a name that ends in a zero octet. */
  tunnelName: {
    number: 10,
    read(body) {
      const octets = body.bytes(body.remaining);
      const end = octets.indexOf(0);
      return end < 1 ? body.refuse('a name without end') : fromUtf8(octets.subarray(0, end));
    },
    write: (out, name) => out.bytes(utf8(name)).u8(0),
  },
};

/** illumos looks at the higher priority first, we at the lower. */
const upsideDown = (priority: number): number => 0xffff_ffff - priority;

export const pfPolicy = (errors: Numbering): ProtocolCodec =>
  protocolCodec<Extensions>('illumos', {
    version: pfPolicyVersion,
    types: { SADB_X_SPDFLUSH: 1, SADB_X_SPDADD: 2, SADB_X_SPDDELETE: 3, SADB_X_SPDDUMP: 6 }, // SPD_FLUSH, ADDRULE, DELETERULE, DUMP
    saTypes: numbering([[3, 0], [2, 0], [0, 0]]), // SPD_ACTIVE stands in its place; the protocol is one of the action's attributes
    errors,
    encryption: sameNumbers,
    auth: sameNumbers,
    table,
    fields: ['source', 'destination', 'policy'],
    unsaid: [],
    lacks,
    diagnosticOf: () => undefined,
    toExtensions: ({ source, destination, policy }) => {
      const inbound = policy?.direction === policyDirections.INBOUND;
      const [local, remote] = inbound ? [destination, source] : [source, destination];
      const [request] = policy?.requests ?? [];
      return {
        ...(local !== undefined && local.port !== 0 && { localPort: local.port }),
        ...(remote !== undefined && remote.port !== 0 && { remotePort: remote.port }),
        ...(local !== undefined && local.protocol !== 0 && { protocol: local.protocol }),
        ...(local && { localAddress: local }),
        ...(remote && { remoteAddress: remote }),
        ...(policy && { action: actionOf(policy, request) }),
        ...(policy && { rule: { priority: upsideDown(policy.priority), flags: (inbound ? ruleFlags.INBOUND : ruleFlags.OUTBOUND) | (request?.tunnel ? ruleFlags.TUNNEL : 0), index: BigInt(policy.id) } }),
        ...(request?.tunnel && { tunnelName: (inbound ? [request.tunnel.destination, request.tunnel.source] : [request.tunnel.source, request.tunnel.destination]).join('-') }),
      };
    },
    fromExtensions({ localPort = 0, remotePort = 0, protocol = 0, localAddress, remoteAddress, action, rule, tunnelName }) {
      if (rule === undefined) return {};
      const direction = directionOf(rule.flags);
      const inbound = direction === policyDirections.INBOUND;
      const local = localAddress && { protocol, prefixLength: localAddress.prefixLength, address: localAddress.address, port: localPort };
      const remote = remoteAddress && { protocol, prefixLength: remoteAddress.prefixLength, address: remoteAddress.address, port: remotePort };
      const [source, destination] = inbound ? [remote, local] : [local, remote];
      if (rule.index > 0xffff_ffffn) malformed('pfkey-malformed', `rule: index ${rule.index}`);
      const policy = { ...readAction(action ?? [], inbound, tunnelName), direction, id: Number(rule.index), priority: upsideDown(rule.priority) };
      return { ...(source && { source }), ...(destination && { destination }), policy } satisfies PfkeyBody;
    },
  });

function lacks({ source, destination, policy }: PfkeyMessage): string | undefined {
  if (policy === undefined) return source === undefined && destination === undefined ? undefined : 'selectors without a direction';
  if (policy.direction !== policyDirections.INBOUND && policy.direction !== policyDirections.OUTBOUND) return `direction ${policy.direction}`;
  if (source !== undefined && destination !== undefined && source.protocol !== destination.protocol) return 'a protocol for each end';
  if (policy.requests.length > 1) return 'more than one request';
  const [request] = policy.requests;
  if (request === undefined) return policy.type === policyTypes.IPSEC ? 'IPsec of no kind' : undefined;
  if (policy.type !== policyTypes.IPSEC) return 'a request of a policy that wants no IPsec';
  if (request.protocol !== protocols.esp && request.protocol !== protocols.ah) return `protocol ${request.protocol}`;
  if (request.level !== policyLevels.REQUIRE && request.level !== policyLevels.UNIQUE) return `level ${request.level}`;
  return (request.mode === ipsecModes.TUNNEL) === (request.tunnel !== undefined) ? undefined : 'a mode without its ends';
}

const actionTypes: Readonly<Record<number, number>> = { [policyTypes.DISCARD]: actions.DROP, [policyTypes.NONE]: actions.PASS, [policyTypes.IPSEC]: actions.IPSEC };

function actionOf({ type }: PfkeyPolicy, request: PfkeyPolicyRequest | undefined): Attribute[] {
  const action = [{ tag: tags.TYPE, value: actionTypes[type]! }];
  if (request === undefined) return action;
  const flags = (request.protocol === protocols.ah ? apply.AH : apply.ESP) | (request.level === policyLevels.UNIQUE ? apply.UNIQUE : 0);
  return [...action, { tag: tags.FLAGS, value: flags }, ...(request.reqid === 0 ? [] : [{ tag: tags.KM_PROTO, value: kmpIke }, { tag: tags.KM_COOKIE, value: request.reqid }])];
}

/** SPD_RULE_FLAG_*: a rule of both directions is two of ours. */
function directionOf(flags: number): number {
  const both = ruleFlags.INBOUND | ruleFlags.OUTBOUND;
  if ((flags & both) === ruleFlags.INBOUND) return policyDirections.INBOUND;
  if ((flags & both) === ruleFlags.OUTBOUND) return policyDirections.OUTBOUND;
  return malformed('pfkey-malformed', `rule: flags 0x${flags.toString(16)} have not one direction`);
}

function readAction(attributes: readonly Attribute[], inbound: boolean, tunnelName: string | undefined): Pick<PfkeyPolicy, 'type' | 'requests'> {
  const valueOf = (tag: number): number => attributes.find((attribute) => attribute.tag === tag)?.value ?? 0;
  switch (valueOf(tags.TYPE)) {
    case actions.DROP:
      return { type: policyTypes.DISCARD, requests: [] };
    case actions.PASS:
      return { type: policyTypes.NONE, requests: [] };
    case actions.IPSEC: {
      const flags = valueOf(tags.FLAGS);
      const tunnel = tunnelName === undefined ? undefined : readTunnel(tunnelName, inbound);
      const protocol = (flags & apply.ESP) !== 0 ? protocols.esp : (flags & apply.AH) !== 0 ? protocols.ah : malformed('pfkey-malformed', `action: flags 0x${flags.toString(16)}`);
      const level = (flags & apply.UNIQUE) !== 0 ? policyLevels.UNIQUE : policyLevels.REQUIRE;
      const request = { protocol, mode: tunnel === undefined ? ipsecModes.TRANSPORT : ipsecModes.TUNNEL, level, reqid: valueOf(tags.KM_COOKIE) };
      return { type: policyTypes.IPSEC, requests: [tunnel === undefined ? request : { ...request, tunnel }] };
    }
    default:
      return malformed('pfkey-malformed', `action: type ${valueOf(tags.TYPE)}`);
  }
}

function readTunnel(name: string, inbound: boolean): NonNullable<PfkeyPolicyRequest['tunnel']> {
  const [local, remote, ...rest] = name.split('-').map(parseAddress);
  if (local === undefined || remote === undefined || rest.length > 0 || isIpv4(local) !== isIpv4(remote)) return malformed('pfkey-malformed', `a tunnel named ${name}`);
  return inbound ? { source: remote, destination: local } : { source: local, destination: remote };
}
