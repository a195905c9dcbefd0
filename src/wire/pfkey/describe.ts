import { isIpv4 } from '../../core/address.ts';
import type { IpAddress } from '../../core/address.ts';
import { authAlgorithms, encryptionAlgorithms, ipsecModes, pfkeyErrors, policyDirections, policyTypes, saTypes } from './message.ts';
import type { PfkeyAddress, PfkeyMessage, PfkeyPolicy, PfkeySa } from './message.ts';

/** `SADB_ADD esp spi 0xc1a2b3d4 192.168.1.2[4500] > 203.0.113.1[4500] udp-encap aes-gcm`: one line for people, without keys. */
export function describePfkey(message: PfkeyMessage): string {
  const { type, saType, sa, source, destination, newSource, newDestination, spiRange, sa2, policy, nattType, errno } = message;
  const words = [
    type,
    saType === saTypes.UNSPEC ? undefined : nameIn(saTypes, saType, 'satype').toLowerCase(),
    sa && `spi ${hex(sa.spi)}`,
    spiRange && `spi ${hex(spiRange.min)}-${hex(spiRange.max)}`,
    policy && nameIn(directions, policy.direction, 'direction'),
    ends(source, message.nattSourcePort, destination, message.nattDestinationPort),
    newSource ?? newDestination ? `moved to ${ends(newSource, undefined, newDestination, undefined) ?? ''}` : undefined,
    nattType === undefined || nattType === 0 ? undefined : 'udp-encap',
    sa && describeAlgorithms(sa),
    policy && describePolicy(policy),
    type === 'SADB_EXPIRE' ? (message.lifetimeHard ? 'hard' : 'soft') : undefined,
    sa2 && sa2.reqid !== 0 ? `reqid ${sa2.reqid}` : undefined,
    errno === 0 ? undefined : nameIn(pfkeyErrors, errno, 'errno'),
  ];
  return words.filter((word) => word !== undefined && word !== '').join(' ');
}

const directions = { in: policyDirections.INBOUND, out: policyDirections.OUTBOUND, fwd: policyDirections.FORWARD };
const ciphers = {
  null: encryptionAlgorithms.NULL,
  'aes-cbc': encryptionAlgorithms.AESCBC,
  'aes-gcm': encryptionAlgorithms.AES_GCM_ICV16,
  'chacha20-poly1305': encryptionAlgorithms.CHACHA20POLY1305,
};
const hmacs = {
  'hmac-sha1': authAlgorithms.SHA1HMAC,
  'hmac-sha2-256': authAlgorithms.SHA2_256HMAC,
  'hmac-sha2-384': authAlgorithms.SHA2_384HMAC,
  'hmac-sha2-512': authAlgorithms.SHA2_512HMAC,
};
const protocolNames = { icmp: 1, tcp: 6, udp: 17, esp: 50, ah: 51, icmpv6: 58 };

function describeAlgorithms({ encrypt, auth }: PfkeySa): string {
  const names = [encrypt === 0 ? '' : nameIn(ciphers, encrypt, 'cipher'), auth === authAlgorithms.NONE ? '' : nameIn(hmacs, auth, 'hmac')];
  return names.filter((name) => name !== '').join(' ');
}

function describePolicy({ type, requests }: PfkeyPolicy): string {
  const what = requests.map(({ protocol, mode, tunnel }) => {
    const between = tunnel && `${tunnel.source} > ${tunnel.destination}`;
    return [nameIn(protocolNames, protocol, 'protocol'), nameIn(ipsecModes, mode, 'mode').toLowerCase(), between].filter((word) => word !== undefined).join(' ');
  });
  return [nameIn(policyTypes, type, 'policy').toLowerCase(), ...what].join(' ');
}

/** The ports of NAT traversal belong to the outer packet: they go before those of the addresses. */
function ends(source: PfkeyAddress | undefined, sourcePort: number | undefined, destination: PfkeyAddress | undefined, destinationPort: number | undefined): string | undefined {
  if (source === undefined && destination === undefined) return undefined;
  const protocol = source?.protocol ?? 0;
  const pair = `${describeEnd(source, sourcePort)} > ${describeEnd(destination, destinationPort)}`;
  return protocol === 0 ? pair : `${pair} ${nameIn(protocolNames, protocol, 'protocol')}`;
}

function describeEnd(end: PfkeyAddress | undefined, nattPort: number | undefined): string {
  if (end === undefined) return '?';
  const port = nattPort ?? end.port;
  return `${end.address}${end.prefixLength === fullLength(end.address) ? '' : `/${end.prefixLength}`}${port === 0 ? '' : `[${port}]`}`;
}

const fullLength = (address: IpAddress): number => (isIpv4(address) ? 32 : 128);
const hex = (spi: number): string => `0x${spi.toString(16).padStart(8, '0')}`;

/** The table's name for a number; `what 99` where it has none. */
function nameIn(table: Readonly<Record<string, number>>, number: number, what: string): string {
  return Object.keys(table).find((name) => table[name] === number) ?? `${what} ${number}`;
}
