/** Whole IP packets that others made. */
import { fromHex } from '../../src/core/bytes.ts';

/** Linux 6.x: ping -c1 -s 8 -p 6e617474 192.0.2.1, and its answer. */
export const pingRequest = fromHex('45000024865c40004001307ac0000201c00002010800f3b0217800016e61747400000000');
export const pingReply = fromHex('45000024865d000040017079c0000201c00002010000fbb0217800016e61747400000000');

/** Linux 6.x: the same over IPv6. */
export const ping6Request = fromHex(`600afb7700103a40 20010db8000000000000000000000001 20010db8000000000000000000000001
  80001ff1217900016e61747400000000`);

/** Linux 6.x: nobody listens on UDP 4500; quotes the whole datagram (whose own checksum the loopback left unfinished). */
export const portUnreachable = fromHex(`45c0003d866f000040016f8ec0000201c0000201 03038e8400000000
  45000021ec5d40004011ca6bc0000201c0000201 94e31194000d8421 68656c6c6f`);

/** Linux 6.x: a reset from a closed TCP port 80. */
export const tcpReset = fromHex('45000028000040004006b6cdc0000201c0000201 0050bf0000000000d2d6cd2e50140000cc770000');

/** text2pcap 4.0 -u 4500,4500 -4 192.168.1.2,203.0.113.1: "hello". */
export const udpHello = fromHex('4500002112340000ff11abebc0a80102cb007101 11941194000d9b2d 68656c6c6f');
