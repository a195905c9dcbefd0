/** The SAD and the SPD of a host as setkey of ipsec-tools prints them, `setkey -D` and `setkey -DP`: field by field, trailing blanks included. */
import { isIpv4 } from '../../src/core/address.ts';
import { toHex } from '../../src/core/bytes.ts';
import type { Instant } from '../../src/core/time.ts';
import { authAlgorithms, encapsulationTypes, encryptionAlgorithms, ipsecModes, policyDirections, policyTypes, saStates, saTypes } from '../../src/wire/pfkey/message.ts';
import type { PfkeyAddress, PfkeyLifetime, PfkeyMessage, PfkeyPolicy, PfkeyPolicyRequest } from '../../src/wire/pfkey/message.ts';
import { protocols } from '../../src/wire/protocols.ts';

/** Names as setkey has them; those of AEADs are FreeBSD's setkey's, ipsec-tools prints their numbers. */
const ciphers: Readonly<Record<number, string>> = {
  0: 'none', [encryptionAlgorithms['3DESCBC']]: '3des-cbc', [encryptionAlgorithms.NULL]: 'null', [encryptionAlgorithms.AESCBC]: 'aes-cbc',
  [encryptionAlgorithms.AES_GCM_ICV16]: 'aes-gcm-16', [encryptionAlgorithms.CHACHA20POLY1305]: 'chacha20-poly1305',
};
const hmacs: Readonly<Record<number, string>> = {
  [authAlgorithms.NONE]: 'none', [authAlgorithms.MD5HMAC]: 'hmac-md5', [authAlgorithms.SHA1HMAC]: 'hmac-sha1', [authAlgorithms.SHA2_256HMAC]: 'hmac-sha256',
  [authAlgorithms.SHA2_384HMAC]: 'hmac-sha384', [authAlgorithms.SHA2_512HMAC]: 'hmac-sha512',
};
const modes: Readonly<Record<number, string>> = { [ipsecModes.ANY]: 'any', [ipsecModes.TRANSPORT]: 'transport', [ipsecModes.TUNNEL]: 'tunnel' };
const states: Readonly<Record<number, string>> = { [saStates.LARVAL]: 'larval', [saStates.MATURE]: 'mature', [saStates.DYING]: 'dying', [saStates.DEAD]: 'dead' };
const satypes: Readonly<Record<number, string>> = { [saTypes.UNSPEC]: 'unspec', [saTypes.AH]: 'ah', [saTypes.ESP]: 'esp' };
const directions: Readonly<Record<number, string>> = { [policyDirections.INBOUND]: 'in', [policyDirections.OUTBOUND]: 'out', [policyDirections.FORWARD]: 'fwd' };
const actions: Readonly<Record<number, string>> = { [policyTypes.DISCARD]: 'discard', [policyTypes.NONE]: 'none', [policyTypes.IPSEC]: 'ipsec' };
const levels = ['default', 'use', 'require', 'unique'] as const;
const upperLayers: Readonly<Record<number, string>> = { 0: 'any', [protocols.icmp]: 'icmp', [protocols.tcp]: 'tcp', [protocols.udp]: 'udp', [protocols.icmpv6]: 'ipv6-icmp' };

/** `setkey -D`: the rows of a SADB_DUMP at an instant. The lab's clock starts at 1 January 1970, where setkey would print blanks for never. */
export const setkeySad = (rows: readonly PfkeyMessage[], now: Instant): string => (rows.length === 0 ? 'No SAD entries.\n' : rows.map((row) => association(row, Math.floor(now / 1000))).join(''));

/** `setkey -DP`: the rows of a SADB_X_SPDDUMP. */
export const setkeySpd = (rows: readonly PfkeyMessage[]): string => (rows.length === 0 ? 'No SPD entries.\n' : rows.map(policyEntry).join(''));

function association(row: PfkeyMessage, now: number): string {
  const { sa, sa2, source, destination, nattType = 0, nattSourcePort, nattDestinationPort, lifetimeCurrent, encryptionKey, authKey } = row;
  const inUdp = nattType !== encapsulationTypes.NONE;
  const end = (address: PfkeyAddress | undefined, port: number | undefined): string => `${address?.address ?? '?'}${inUdp && port !== undefined ? `[${port}]` : ''}`;
  const reqid = sa2?.reqid ?? 0;
  const original = (row.nattOriginalAddress ?? row.nattOriginalSource)?.address;
  return [
    `${end(source, nattSourcePort)} ${end(destination, nattDestinationPort)} \n`,
    `\t${inUdp ? 'esp-udp' : (satypes[row.saType] ?? row.saType)} mode=${modes[sa2?.mode ?? 0] ?? sa2!.mode} spi=${sa!.spi}(${hex(sa!.spi)}) reqid=${reqid}(${hex(reqid)})\n`,
    inUdp && original !== undefined ? `\tNAT OA=${original}\n` : '',
    encryptionKey === undefined ? '' : `\tE: ${ciphers[sa!.encrypt] ?? sa!.encrypt} ${hexdump(encryptionKey)}\n`,
    authKey === undefined ? '' : `\tA: ${hmacs[sa!.auth] ?? sa!.auth} ${hexdump(authKey)}\n`,
    `\tseq=${hex(sa2?.sequence ?? 0)} replay=${sa!.replay} flags=${hex(sa!.flags)} state=${states[sa!.state] ?? sa!.state} \n`,
    lifetimeCurrent === undefined ? '' : lifetimes(lifetimeCurrent, row.lifetimeHard, row.lifetimeSoft, now),
    `\tsadb_seq=${row.sequence} pid=${row.pid} refcnt=0\n`,
  ].join('');
}

function lifetimes(current: PfkeyLifetime, hard: PfkeyLifetime | undefined, soft: PfkeyLifetime | undefined, now: number): string {
  const bytes = (name: string, lifetime: PfkeyLifetime | undefined): string => `\t${name}: ${lifetime?.bytes ?? 0}(bytes)`;
  return [
    `\tcreated: ${time(current.addtime)}\tcurrent: ${time(BigInt(now))}\n`,
    `\tdiff: ${BigInt(now) - current.addtime}(s)\thard: ${hard?.addtime ?? 0}(s)\tsoft: ${soft?.addtime ?? 0}(s)\n`,
    `\tlast: ${current.usetime === 0n ? never : time(current.usetime)}\thard: ${hard?.usetime ?? 0}(s)\tsoft: ${soft?.usetime ?? 0}(s)\n`,
    `${bytes('current', current)}${bytes('hard', hard)}${bytes('soft', soft)}\n`,
    `\tallocated: ${current.allocations}\thard: ${hard?.allocations ?? 0}\tsoft: ${soft?.allocations ?? 0}\n`,
  ].join('');
}

function policyEntry(row: PfkeyMessage): string {
  const { source, destination, policy } = row;
  const protocol = source?.protocol ?? 0;
  return [
    `${block(source!)} ${block(destination!)} ${upperLayers[protocol] ?? protocol}\n`,
    `\t${[policyLine(policy!), ...policy!.requests.map(requestLine)].join('\n\t')}\n`,
    `\tspid=${policy!.id} seq=${row.sequence} pid=${row.pid}\n\trefcnt=0\n`,
  ].join('');
}

/** `10.1.0.0/24[any]`; ICMP has no ports. */
function block({ address, prefixLength, port, protocol }: PfkeyAddress): string {
  const hasPorts = protocol !== protocols.icmp && protocol !== protocols.icmpv6;
  return `${address}${prefixLength === (isIpv4(address) ? 32 : 128) ? '' : `/${prefixLength}`}${hasPorts ? `[${port === 0 ? 'any' : port}]` : ''}`;
}

/** `out ipsec`, `in prio def + 10 ipsec`: a priority is told from the nearest of three. */
function policyLine({ direction, priority, type }: PfkeyPolicy): string {
  return [directions[direction] ?? `${direction}`, ...priorityWords(priority), actions[type] ?? `${type}`].join(' ');
}

const nearest = { high: 0x4000_0000, def: 0x8000_0000, low: 0xc000_0000 } as const;

function priorityWords(priority: number): string[] {
  if (priority === 0) return [];
  const name = priority < (nearest.def / 4) * 3 ? 'high' : priority < (nearest.def / 4) * 5 ? 'def' : 'low';
  const above = nearest[name] - priority; // the lower number goes first, so setkey turns it round
  return ['prio', name, ...(above === 0 ? [] : [above < 0 ? '-' : '+', `${Math.abs(above)}`])];
}

/** IPSEC_MANUAL_REQID_MAX */
const highestManualReqid = 0x3fff;

function requestLine({ protocol, mode, level, reqid, tunnel }: PfkeyPolicyRequest): string {
  const between = tunnel === undefined ? '' : `${tunnel.source}-${tunnel.destination}`;
  const suffix = reqid === 0 ? '' : `${reqid > highestManualReqid ? '#' : ':'}${reqid}`;
  return `${protocol === protocols.ah ? 'ah' : 'esp'}/${modes[mode] ?? mode}/${between}/${levels[level] ?? level}${suffix}`;
}

const hex = (number: number): string => `0x${(number >>> 0).toString(16).padStart(8, '0')}`;

/** A blank in front of every fourth octet, a line for every 32. */
const hexdump = (octets: Uint8Array): string =>
  Array.from({ length: Math.ceil(octets.length / 4) }, (_, i) => `${i > 0 && i % 8 === 0 ? '\n' : ''} ${toHex(octets.subarray(4 * i, 4 * i + 4))}`).join('');

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const two = (number: number): string => String(number).padStart(2, '0');

const never = ' '.repeat(20);

/** `Jan  1 00:00:05 1970`, what ctime() has behind the day of the week. */
function time(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return `${months[date.getUTCMonth()]!} ${String(date.getUTCDate()).padStart(2)} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${date.getUTCFullYear()}`;
}
