/** A letter as a packet, and a packet as a letter: what a NAT box sees of it. */
import { concat, fromHex, setU16, toHex, u32At } from '../core/bytes.ts';
import { refused, decoded, type Decoded } from '../core/decoded.ts';
import { decodeEsp, encodeEspHeader } from '../wire/esp.ts';
import { decodeIcmp, encodeIcmp } from '../wire/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4 } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { decodeStun, encodeStun, type StunMessage } from '../wire/stun.ts';
import { decodeTcp, encodeTcp, tcpFlags } from '../wire/tcp.ts';
import { decodeUdp, encodeUdp, udpAt } from '../wire/udp.ts';
import { tagOf, type Tag } from './attributes.ts';
import { disguised, unveiled } from './disguise.ts';
import type { Letter } from './letter.ts';

/** What the beginning of a letter tells, as an ICMP error quotes it (RFC 5508 §4). Undefined where it is none of ours, or too little of it. */
export function quotedLetter(quoted: Uint8Array): Pick<Letter, 'from' | 'to' | 'message'> | undefined {
  const ip = decodeQuotedIpv4(quoted);
  if (!ip.ok || ip.value.protocol !== protocols.udp) return undefined;
  const udp = decodeUdp(ip.value.payload, ip.value, 'trusted');
  const message = udp.ok ? decodeStun(unveiled(udp.value.payload).stun) : undefined;
  if (!udp.ok || message?.ok !== true) return undefined;
  const { source, destination } = ip.value;
  return { from: { address: source, port: udp.value.sourcePort }, to: { address: destination, port: udp.value.destinationPort }, message: message.value };
}

/** A whole IPv4 packet, of whatever length. */
export function encodeLetter(letter: Letter, identification: number): Uint8Array {
  const { carrier, from, to, message, checksum, spi } = letter;
  const addresses = { source: from.address, destination: to.address };
  const stun = encodeStun(message);
  switch (carrier) {
    case 'udp':
      return encodeIpv4({ ...addresses, identification, protocol: protocols.udp, payload: encodeUdp({ sourcePort: from.port, destinationPort: to.port, payload: disguised(wearer(letter), stun) }, addresses, checksum === 'zero' ? 'zero' : 'computed') });
    case 'tcp': // a handshake's first two segments, with words in them (RFC 9293 §3.5 allows it); nobody goes on from there
      return encodeIpv4({ ...addresses, identification, protocol: protocols.tcp, payload: encodeTcp({ sourcePort: from.port, destinationPort: to.port, ...handshake(message), payload: stun }, addresses) });
    case 'icmp': {
      const [kind, identifier] = message.class === 'success' ? (['echo-reply', to.port] as const) : (['echo-request', from.port] as const);
      return encodeIpv4({ ...addresses, identification, protocol: protocols.icmp, payload: encodeIcmp({ kind, identifier, sequence: 1, data: stun }) });
    }
    case 'esp':
      return encodeIpv4({ ...addresses, identification, protocol: protocols.esp, payload: concat(encodeEspHeader({ spi, sequence: 1 }), stun) });
  }
}

/** The sequence numbers follow from the transaction, so that the answer fits the question without anybody's having kept it. */
function handshake({ class: stunClass, transaction }: StunMessage): { readonly flags: number; readonly sequence: number; readonly acknowledgment: number } {
  const sequence = u32At(transaction, 0);
  if (stunClass === 'request') return { flags: tcpFlags.syn, sequence, acknowledgment: 0 };
  return { flags: tcpFlags.syn | tcpFlags.ack, sequence: ~sequence >>> 0, acknowledgment: (sequence + 1) >>> 0 };
}

const wearer = ({ from, to, message, disguise }: Letter): Parameters<typeof disguised>[0] => ({
  from,
  to,
  version: disguise?.version ?? 'v2',
  initiatorSpi: tagOf(message) ?? toHex(message.transaction.subarray(0, 8)),
  response: message.class === 'success' || message.class === 'error',
});

/** What a packet that is no fragment carries. Refuses what is none of the probe's. */
export function decodeLetter(packet: Uint8Array): Decoded<Letter> {
  const ip = decodeIpv4(packet);
  if (!ip.ok) return ip;
  const { source, destination, protocol, payload } = ip.value;
  const letter = (stun: Uint8Array, fromPort: number, toPort: number, more: Pick<Letter, 'carrier'> & Partial<Letter>): Decoded<Letter> => {
    const message = decodeStun(stun);
    if (!message.ok) return message;
    return decoded({ checksum: 'computed', spi: 0, ...more, from: { address: source, port: fromPort }, to: { address: destination, port: toPort }, message: message.value });
  };
  switch (protocol) {
    case protocols.udp: {
      const sound = decodeUdp(payload, ip.value);
      const wrong = !sound.ok && sound.reason === 'udp-checksum';
      const udp = wrong ? decodeUdp(withoutChecksum(payload), ip.value) : sound;
      if (!udp.ok) return udp;
      const { stun, disguise } = unveiled(udp.value.payload);
      return letter(stun, udp.value.sourcePort, udp.value.destinationPort, { carrier: 'udp', ...(disguise && { disguise }), checksum: wrong ? 'wrong' : udp.value.checksum === 'zero' ? 'zero' : 'computed' });
    }
    case protocols.tcp: {
      const tcp = decodeTcp(payload, ip.value);
      return tcp.ok ? letter(tcp.value.payload, tcp.value.sourcePort, tcp.value.destinationPort, { carrier: 'tcp' }) : tcp;
    }
    case protocols.icmp: {
      const icmp = decodeIcmp(payload);
      if (!icmp.ok) return icmp;
      if (icmp.value.kind !== 'echo-request' && icmp.value.kind !== 'echo-reply') return refused('stun-malformed', `an ICMP ${icmp.value.kind} carries nothing of the probe's`);
      const { kind, identifier, data } = icmp.value;
      return kind === 'echo-request' ? letter(data, identifier, 0, { carrier: 'icmp' }) : letter(data, 0, identifier, { carrier: 'icmp' });
    }
    case protocols.esp: {
      const esp = decodeEsp(payload);
      return esp.ok ? letter(esp.value.body, 0, 0, { carrier: 'esp', spi: esp.value.spi }) : esp;
    }
    default:
      return refused('stun-malformed', `protocol ${protocol} carries nothing of the probe's`);
  }
}

/** To be read in spite of it: the message has a fingerprint of its own. */
function withoutChecksum(datagram: Uint8Array): Uint8Array {
  const copy = datagram.slice();
  setU16(copy, udpAt.checksum, 0);
  return copy;
}

/** The SPI of an answer: the other direction's SA has one of its own, and 0 never travels (RFC 4303 §2.1). */
export const answeringSpi = (spi: number): number => (spi === 0xffff_ffff ? 1 : ~spi >>> 0);

/** The SPI that a flow's tag stands for; IANA keeps those below 256 for itself. */
export const spiOf = (tag: Tag): number => (u32At(fromHex(tag), 0) | 0x1000) >>> 0;
