/**
 * Why bytes from a peer were not accepted. The list is closed: a new reason is a new line here, with the rule that it guards.
 * A drop changes nothing else.
 */
export const dropReasons = {
  // IP, UDP, TCP and ICMP
  'ip-malformed': 'RFC 791 §3.1',
  'ip-checksum': 'RFC 1122 §3.2.1.2',
  'ip-martian': 'RFC 1812 §5.3.7',
  'ip-fragment-overlap': 'RFC 5722 §4',
  'ip-reassembly-timeout': 'RFC 1122 §3.3.2',
  'ip-reassembly-full': 'RFC 791 §3.2', // more unfinished datagrams than we keep: the oldest gives way
  'udp-malformed': 'RFC 768',
  'udp-checksum': 'RFC 1122 §4.1.3.4',
  'tcp-malformed': 'RFC 9293 §3.1',
  'tcp-checksum': 'RFC 9293 §3.1',
  'icmp-malformed': 'RFC 792',
  'icmp-checksum': 'RFC 1122 §3.2.2',
  'stun-malformed': 'RFC 8489 §6.3',
  'l2tp-malformed': 'RFC 2661 §3.1',
  'l2tp-unexpected': 'RFC 2661 §7.2',
  'no-listener': 'RFC 1122 §4.1.3.1',
  'no-route': 'RFC 1812 §4.3.3.1',
  'no-neighbour': 'RFC 1812 §4.3.3.1',
  'mtu-exceeded': 'RFC 1191 §3',
  'ttl-expired': 'RFC 1812 §5.3.1',
  'firewall': 'RFC 2979', // a router that forwards some protocols only
  // the UDP-encapsulation socket
  'natt-too-short': 'RFC 3948 §2.2',
  'natt-keepalive': 'RFC 3948 §2.3', // not a fault: swallowed silently, as it must be
  // IKE
  'ike-malformed': 'RFC 7296 §3.1',
  'ike-version': 'RFC 7296 §2.5',
  'ike-unknown-spi': 'RFC 7296 §2.21.4',
  'ike-authentication': 'RFC 7296 §3.14',
  'ike-unknown-critical-payload': 'RFC 7296 §2.5',
  'ike-message-id': 'RFC 7296 §2.2',
  'ike-unexpected-exchange': 'RFC 7296 §2.21',
  'ike-unexpected-response': 'RFC 7296 §2.1',
  'ike-syntax': 'RFC 7296 §2.21',
  'ike-cookie': 'RFC 7296 §2.6',
  'ike-fragment': 'RFC 7383 §2.6', // its numbers make no sense, or nobody has agreed on fragments (§2.3)
  'ike-fragment-again': 'RFC 7383 §2.6.1',
  'ike-fragment-timeout': 'RFC 7383 §2.6', // the others have not come
  'ike-fragment-limit': 'RFC 7383 §5', // more than we keep
  'ike-half-open-limit': 'RFC 7296 §2.6',
  'ike-no-connection': 'RFC 7296 §2.21.1',
  'ike-source-port': 'RFC 3715 §2.1', // a daemon that takes IKE from source port 500 only
  // IKEv1
  'isakmp-malformed': 'RFC 2408 §5.1', // lengths that do not add up
  'isakmp-syntax': 'RFC 2408 §5.3', // a payload that breaks its own section
  'isakmp-version': 'RFC 2408 §3.1',
  'isakmp-half-open-limit': 'RFC 2408 §1.7.1',
  'isakmp-no-connection': 'RFC 2408 §5.4',
  'isakmp-unknown-cookies': 'RFC 2408 §5.2',
  'isakmp-exchange': 'RFC 2408 §5.2', // not the exchange, or not the message of it, that comes next
  'isakmp-message-id': 'RFC 2408 §5.2', // of an exchange that is over: an old message once more
  'isakmp-payloads': 'RFC 2409 §5', // one is missing, or too many, or not where it must stand
  'isakmp-unprotected': 'RFC 2409 §5.7', // in the clear, so that anybody may have written it
  'isakmp-fragment': 'MS-IKEE §3.3.5.3', // IKEv1's fragments have no RFC
  'isakmp-fragment-again': 'MS-IKEE §3.3.5.3',
  'isakmp-fragment-timeout': 'MS-IKEE §3.3.5.3',
  'isakmp-party': 'RFC 2408 §2.5.3', // in the clear, and not from where the cookies were given to
  'isakmp-authentication': 'RFC 2409 §5', // HASH or SIG is not the peer's
  'isakmp-proposal': 'RFC 2408 §4.2', // what was not offered, or what is not accepted
  'isakmp-identity': 'RFC 2407 §4.6.2',
  'nat-detection-payloads': 'RFC 3947 §3.2',
  // certificates
  'certificate-malformed': 'RFC 5280 §4.1',
  'certificate-untrusted': 'RFC 5280 §6.1',
  'certificate-identity': 'RFC 4945 §3.1',
  // ESP
  'esp-malformed': 'RFC 4303 §2',
  'esp-unknown-spi': 'RFC 4303 §3.4.2',
  'esp-replay': 'RFC 4303 §3.4.3',
  'esp-authentication': 'RFC 4303 §3.4.4',
  'esp-padding': 'RFC 4303 §2.4',
  'esp-selectors': 'RFC 4301 §5.2',
  'esp-lifetime': 'RFC 4301 §4.4.2.1',
  'esp-sequence-overflow': 'RFC 4303 §3.3.3',
  'esp-encapsulation': 'RFC 7296 §2.23',
  // AH
  'ah-malformed': 'RFC 4302 §2',
  'ah-unknown-spi': 'RFC 4302 §3.4.2',
  'ah-replay': 'RFC 4302 §3.4.3',
  'ah-authentication': 'RFC 4302 §3.4.4',
  'ah-selectors': 'RFC 4301 §5.2',
  'ah-lifetime': 'RFC 4301 §4.4.2.1',
  'ah-sequence-overflow': 'RFC 4302 §3.3.2',
  // what goes in and comes out
  'inner-malformed': 'RFC 4301 §5.1',
  'inner-checksum': 'RFC 3948 §3.1.2', // TCP or UDP as it came to a program: after a NAT in transport mode nobody has mended it
  'policy-discard': 'RFC 4301 §4.4.1',
  'policy-no-sa': 'RFC 4301 §4.4.1',
  // PF_KEY
  'pfkey-malformed': 'RFC 2367 §2',
  // the NAT box and the path
  'nat-filtered': 'RFC 4787 §5',
  'nat-no-mapping': 'RFC 4787 §4.3',
  'nat-no-port': 'RFC 4787 §4.2',
  'nat-host-limit': 'RFC 6888 §3',
  'nat-pinned-port-taken': 'VPN passthrough',
  'nat-esp-blocked': 'RFC 3715 §2.1',
  'nat-esp-taken': 'RFC 3715 §2.1',
  'nat-unknown-spi': 'RFC 3715 §2.1',
  'nat-port-blocked': 'the box blocks this port',
  'nat-not-inside': 'the box does not translate this source',
  'nat-protocol': 'the box does not translate this protocol',
  'nat-hairpin': 'RFC 4787 §6',
  'nat-fragment': 'RFC 4787 §11',
  'nat-icmp-error': 'RFC 5508 §4',
} as const satisfies Record<string, string>;

export type DropReason = keyof typeof dropReasons;
