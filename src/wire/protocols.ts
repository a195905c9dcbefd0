/** IP protocol numbers (IANA) that the lab has something to say about; in IPv6 they stand in the next-header field. */
export const protocols = { hopByHop: 0, icmp: 1, ipv4: 4, tcp: 6, udp: 17, ipv6: 41, routing: 43, fragment: 44, gre: 47, esp: 50, ah: 51, icmpv6: 58, noNext: 59, destination: 60 } as const;
