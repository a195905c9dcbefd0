/** What the learner is asked before each lesson. The right answer is one that the lesson itself proves: `proof` names the check. */
export interface Question {
  readonly asks: string;
  readonly choices: readonly [string, string, string];
  /** Index of the right choice. */
  readonly right: 0 | 1 | 2;
  /** `act/check` of the lesson, which must pass where the answer is right. */
  readonly proof: string;
  readonly because: string;
  /** Words behind `npm run lab --`. */
  readonly tryIt: readonly string[];
}

/** By lesson. */
export const questions: Readonly<Record<string, Question>> = {
  // Why NAT breaks IPsec
  'raw-esp': {
    asks: 'Two clients behind one box send plain ESP to the same server. What becomes of the answers?',
    choices: ['Each client gets its own: the box goes by the SPI', 'Both clients get all of them, and keep what they can decrypt', 'The second client gets nothing through the box'],
    right: 2,
    proof: 'together/second-cut-off',
    because: 'ESP has no ports, and the SPI of the answers was agreed on under encryption. The box can remember one flow of ESP per server, and the first client has it.',
    tryIt: ['raw-esp', '--nat', 'passthrough-spi'],
  },
  ah: {
    asks: 'A box lets AH pass, and changes its source address as that of any packet. What does the gateway make of it?',
    choices: ['It takes it: addresses are not signed', 'It throws it away: the source address is signed', 'It asks for NAT detection'],
    right: 1,
    proof: 'passed/refused',
    because: 'AH signs the fields of the IP header that do not change on the way, and to AH the source address is one of them. No translation can be forgiven.',
    tryIt: ['ah', '--pcap', 'ah.pcapng'],
  },
  identity: {
    asks: 'A client behind a box calls itself by its private address. What does a gateway do that holds identities against the addresses of packets?',
    choices: ['It lets the client in: it knows private addresses', 'It refuses the client', 'It translates the identity'],
    right: 1,
    proof: 'strict/refused',
    because: 'Inside IKE the identity is as the client wrote it; outside, the packet comes from the box. A name crosses a NAT as it is, an address does not.',
    tryIt: ['explain', 'identity'],
  },
  'ike-port-fixed': {
    asks: 'Some gateways take IKE from source port 500 only. A box keeps ports where it can. Who of two clients gets in?',
    choices: ['Both', 'The first one only', 'Neither'],
    right: 1,
    proof: 'by-luck/second-ignored',
    because: 'Port 500 is free for the first client and taken when the second comes. The gateway hears the second from another port, and says nothing.',
    tryIt: ['ike-port-fixed'],
  },

  // Is there a NAT?
  detection: {
    asks: 'Neither side can see the box. How do the two find out that there is one?',
    choices: ['They ask a STUN server', 'Each sends hashes of the addresses and ports it knows; one does not fit', 'The TTL of the packets is too small'],
    right: 1,
    proof: 'initiator/gateway-concludes',
    because: 'The hash travels inside the message, where the box does not look. What the receiver computes from the packet that arrived differs, and it knows which of the two is hidden.',
    tryIt: ['detection', '--set', 'position=double'],
  },

  // The move to port 4500
  'port-float': {
    asks: 'When a NAT has been found, which message is the first on port 4500?',
    choices: ['The next one: IKE_AUTH', 'The first ESP packet; IKE stays on 500', 'The first rekey'],
    right: 0,
    proof: 'float/moves',
    because: 'The initiator moves with its next message, so that IKE and ESP share one mapping from the start. The responder answers to wherever that came from.',
    tryIt: ['port-float', '--ike', 'v1'],
  },

  // ESP in UDP
  'forced-encapsulation': {
    asks: 'There is no NAT, but a firewall that passes UDP and throws ESP away. The tunnel comes up and carries nothing. What helps?',
    choices: ['Nothing but another firewall', 'A lie: one side sends a false hash of its own address', 'Sending ESP twice'],
    right: 1,
    proof: 'forced-by-client/data',
    because: 'The hash that does not fit looks like a NAT, and behind a NAT ESP goes in UDP. Many clients do so on purpose.',
    tryIt: ['forced-encapsulation', '--explain'],
  },
  checksum: {
    asks: 'In transport mode TCP\'s checksum, made over the addresses, travels encrypted through the box. What arrives if nobody mends anything?',
    choices: ['Packets whose checksums do not fit, which are thrown away', 'Packets that the box has mended', 'Nothing: ESP finds the change'],
    right: 0,
    proof: 'control/thrown-away',
    because: 'The box cannot see the checksum, let alone change it. ESP is content, for its own check begins behind the addresses; TCP is not.',
    tryIt: ['checksum'],
  },
  'zero-checksum': {
    asks: 'ESP in UDP has a UDP checksum of zero, which says "none". A box adjusts it by the difference of the addresses. What follows?',
    choices: ['Nothing: zero stays zero', 'The tunnel comes up, and nothing that is sent through it arrives', 'The tunnel never comes up'],
    right: 1,
    proof: 'spoiled/dead',
    because: 'What was "none" is a checksum now, and a wrong one: the receiver\'s UDP throws it away. IKE has checksums that the box adjusts rightly, so IKE sees no trouble.',
    tryIt: ['zero-checksum', '--pcap', 'zero.pcapng'],
  },
  'ipv6-udp-encap': {
    asks: 'ESP in UDP goes without a checksum over IPv4. And over IPv6?',
    choices: ['The same', 'It needs one, or it is thrown away', 'It needs two'],
    right: 1,
    proof: 'zero/untaken',
    because: 'IPv6 has no checksum of its own header, so UDP must have one (RFC 8200 §8.1).',
    tryIt: ['ipv6-udp-encap'],
  },

  // Staying alive
  keepalive: {
    asks: 'Nobody speaks for a minute. The box forgets after 30 s. Who can still reach whom?',
    choices: ['Both, as before', 'The client reaches the gateway, not the other way round', 'Neither'],
    right: 1,
    proof: 'control/cut-off',
    because: 'What the gateway sends finds no mapping and ends at the box. What the client sends makes a new one. An octet every 20 s keeps the old one.',
    tryIt: ['keepalive', '--set', 'minutes=1440'],
  },
  'ike-mapping-timeout': {
    asks: 'The mapping is gone, and the gateway asks whether the client lives. What does it conclude from the silence?',
    choices: ['That there is a NAT', 'That a healthy client is dead', 'Nothing; it waits for the client'],
    right: 1,
    proof: 'probe-lost/taken-for-dead',
    because: 'From outside, a client that cannot be reached looks as one that is dead. The client, which was asked nothing, believes in its tunnel.',
    tryIt: ['up', 'home'],
  },
  rebind: {
    asks: 'The box gives the client another port in mid-session. Which packet moves the gateway there?',
    choices: ['A keepalive', 'The first that proves who sent it: IKE or ESP', 'Only a new IKE_SA_INIT'],
    right: 1,
    proof: 'by-esp/follows',
    because: 'A keepalive proves nothing, anybody could have sent it. A packet whose integrity check fits came from the client, wherever that is now, and moves all SAs at once.',
    tryIt: ['rebind', '--explain'],
  },
  'address-change': {
    asks: 'The line gets another address, and the box keeps its mappings with the old one. What do keepalives do?',
    choices: ['They heal it: the box notices', 'They keep the dead mapping alive', 'They end the tunnel'],
    right: 1,
    proof: 'kept-alive/refreshed',
    because: 'Each keepalive refreshes a mapping that leads nowhere. Only silence lets it expire, or another port gets past it.',
    tryIt: ['address-change'],
  },
  'nat-reboot': {
    asks: 'A box with two clients reboots, and the second client speaks first. What can happen to the first?',
    choices: ['Nothing: each has its own port', 'Its port is given to the second, and so is what is meant for it', 'Its SAs are deleted'],
    right: 1,
    proof: 'swapped/astray',
    because: 'A box that keeps ports where it can gives 4500 to whoever comes first. Until the first client has spoken for itself the gateway sends its packets to the other.',
    tryIt: ['nat-reboot'],
  },

  // Many clients
  'multi-client': {
    asks: 'Three clients behind one box all speak from port 4500. How does the gateway tell them apart?',
    choices: ['It cannot: only one gets in', 'By the port that the box gave each, and by SPIs', 'By their private addresses'],
    right: 1,
    proof: 'together/distinct-ports',
    because: 'The box keeps 4500 for one and gives the others ports of their own; the gateway answers each where it came from.',
    tryIt: ['multi-client', '--set', 'clients=100'],
  },
  l2tp: {
    asks: 'Two clients behind one box use L2TP over IPsec in transport mode. The second comes in. What becomes of the first?',
    choices: ['It works on', 'It is heard, and its answers go to the second', 'It is told to leave'],
    right: 1,
    proof: 'together/astray',
    because: 'To the gateway both are the box, UDP port 1701: one policy, and the newer SA has it.',
    tryIt: ['pfkey', 'gateway', '--scenario', 'l2tp', '--act', 'together'],
  },
  overlap: {
    asks: 'Two clients in two homes are both 192.168.1.10. What keeps them apart at the gateway?',
    choices: ['The addresses of their boxes, in tunnel mode too', 'Inner addresses that the gateway gives them', 'Nothing'],
    right: 1,
    proof: 'given/own-selectors',
    because: 'Inside a tunnel the packet has the inner address, and equal ones lead to whoever came last. Given addresses are different for each.',
    tryIt: ['overlap'],
  },
  carrier: {
    asks: 'A carrier translates behind the home\'s own box. What does IKE notice of the second translation?',
    choices: ['Nothing: one NAT or two, the hash does not fit', 'It needs a second port', 'It cannot work through two'],
    right: 0,
    proof: 'twice/one-nat',
    because: 'A hash fits or does not. What a carrier takes from its customers is ports: who begins on 500 and moves to 4500 needs two.',
    tryIt: ['carrier'],
  },

  // Boxes that help too much
  passthrough: {
    asks: 'A box with "VPN passthrough" never translates source port 500. How many clients can begin at the same moment?',
    choices: ['As many as like', 'One', 'None'],
    right: 1,
    proof: 'without-nat-t/never-in',
    because: 'One outside address has one port 500. Who moves to 4500 leaves it to the next; who begins on 4500 never needs it.',
    tryIt: ['multi-client', '--nat', 'passthrough-500', '--set', 'clients=5'],
  },
  helper: {
    asks: 'A helper takes the announcement of NAT traversal out of the first messages. Who notices?',
    choices: ['IKEv1, by its hashes', 'IKEv2: each side signs what it sent', 'Nobody can'],
    right: 1,
    proof: 'ikev2/found-out',
    because: 'IKEv2 signs its first messages in IKE_AUTH, and they are not what arrived. IKEv1 signs no vendor ID, and goes on without NAT traversal.',
    tryIt: ['helper'],
  },
  hairpin: {
    asks: 'Two peers behind one box meet at its outside address. The box turns the packet around and leaves its inner source. What does the client find?',
    choices: ['A NAT on both sides', 'No NAT, though there is one', 'A loop'],
    right: 1,
    proof: 'internal/fooled',
    because: 'The answer comes directly, past the box, and its hashes fit. So ESP goes plain to an outside address where nobody is.',
    tryIt: ['nat', 'probe', 'port-restricted'],
  },
  'udp-blocked': {
    asks: 'A box blocks IKE and says so by ICMP. When does the client give up?',
    choices: ['At once', 'When its retransmissions are over, as if nobody had said anything', 'Never'],
    right: 1,
    proof: 'told/time',
    because: 'Anybody on the way can send an ICMP message. To believe it would be to let anybody end a negotiation.',
    tryIt: ['udp-blocked'],
  },
  'split-ports': {
    asks: 'Port 500 leaves by one line and 4500 by another. The client moves to 4500 and comes from another address. What does the gateway do?',
    choices: ['It goes on: the SPIs say who it is', 'It begins anew', 'It takes it for an attack'],
    right: 0,
    proof: 'follows/one-sa',
    because: 'An IKE SA is known by its SPIs, and answers go to where the question came from. Only who holds clients to an address has trouble.',
    tryIt: ['split-ports'],
  },
  fragments: {
    asks: 'A certificate makes IKE_AUTH too long for a packet, and a box passes the first piece only. How far does the client come?',
    choices: ['Nowhere: the first message is lost', 'Past IKE_SA_INIT, and no further', 'All the way'],
    right: 1,
    proof: 'first-only/begun',
    because: 'What is short passes. Only the first piece of what is long has ports; the box knows nobody for the others. IKE can cut the message up by itself, and then each piece has ports.',
    tryIt: ['fragments', '--explain'],
  },

  // Old versions of NAT-T
  'nat-t-versions': {
    asks: 'A gateway that knows drafts 00 to RFC 3947 meets a client that knows draft 02 only. What do they use?',
    choices: ['The newest of the gateway', 'The best that both know', 'Nothing'],
    right: 1,
    proof: 'everything/version',
    because: 'Each names by vendor ID what it knows. Payload numbers, ports and the marker go by what they have in common.',
    tryIt: ['daemon', 'list'],
  },

  // Remote access
  'remote-access': {
    asks: 'The gateway names no network that is reached through the tunnel. What becomes of the learner\'s favourite website?',
    choices: ['It is reached past the tunnel', 'It is out of reach: everything goes into the tunnel and ends there', 'It is reached through the gateway'],
    right: 1,
    proof: 'everything/web',
    because: 'No network named means everything. What is not for the office comes out at the gateway, which does not pass it on. A split network leaves the rest outside.',
    tryIt: ['remote-access'],
  },
};
