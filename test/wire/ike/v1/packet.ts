/** IKEv1 payloads as a packet that Wireshark can read. */
import { ip } from '../../../../src/core/address.ts';
import { fromHex } from '../../../../src/core/bytes.ts';
import { encodeIpv4 } from '../../../../src/wire/ipv4.ts';
import { encodeMessage } from '../../../../src/wire/ike/v1/codec.ts';
import { exchangeTypes, ikeVersion1 } from '../../../../src/wire/ike/v1/message.ts';
import type { IsakmpHeader, Payload } from '../../../../src/wire/ike/v1/message.ts';
import type { Sender } from '../../../../src/wire/ike/v1/notation.ts';
import { encodeUdp } from '../../../../src/wire/udp.ts';

const initiator = ip('192.0.2.1');
const responder = ip('192.0.2.2');

export const header: IsakmpHeader = {
  initiatorCookie: fromHex('0102030405060708'),
  responderCookie: fromHex('1112131415161718'),
  version: ikeVersion1,
  exchange: exchangeTypes.MAIN_MODE,
  flags: { encryption: false, commit: false, authenticationOnly: false },
  messageId: 0,
};

/** A datagram from port 500 to port 500. By its addresses Wireshark tells whose key exchange is whose. */
export function datagram(message: Uint8Array, from: Sender = 'initiator'): Uint8Array {
  const ends = from === 'initiator' ? { source: initiator, destination: responder } : { source: responder, destination: initiator };
  return encodeIpv4({ ...ends, protocol: 17, payload: encodeUdp({ sourcePort: 500, destinationPort: 500, payload: message }, ends, 'computed') });
}

export const packetOf = (payloads: readonly Payload[], changes: Partial<IsakmpHeader> = {}): Uint8Array => datagram(encodeMessage({ header: { ...header, ...changes }, payloads }));
