/** Boxes by the book: the classes in which RFC 3489 and RFC 4787 speak of NAT. */
import { seconds } from '../../core/time.ts';
import type { NatPreset } from '../behaviour.ts';
import { changed } from '../changes.ts';
import { asTheRfcsAsk, idle, masquerade } from './bases.ts';

const portRestricted = changed(asTheRfcsAsk, { filtering: 'address-and-port-dependent' });

export const textbook: readonly NatPreset[] = [
  {
    name: 'rfc-4787',
    title: 'The good home router: all that RFC 4787, 5382 and 5508 require or recommend',
    met: 'What a vendor may call BEHAVE compliant. Rare as a whole, common in parts.',
    sources: [
      { says: 'one mapping for every destination (REQ-1), never shared (REQ-3), low ports apart (REQ-3a), parity kept (REQ-4), 5 minutes (REQ-5), refreshed from inside (REQ-6), hairpinning with the outside source (REQ-9), fragments in any order (REQ-14)', where: 'RFC 4787' },
      { says: 'a SYN that nobody waits for is answered after 6 s (REQ-4), 2 h 4 min for TCP (REQ-5)', where: 'RFC 5382' },
      { says: 'queries live 60 s (REQ-2), errors are translated with what they quote (REQ-4), refusals are told (REQ-8)', where: 'RFC 5508' },
    ],
    modelled: 'Of the two filters that REQ-8 allows the stricter one. Raw ESP, of which no RFC speaks, passes for one client a server.',
    behaviour: changed(asTheRfcsAsk, { filtering: 'address-dependent', ports: { parity: 'preserve' }, refresh: 'outbound', refusals: 'icmp', tcp: { unsolicitedSyn: 'icmp-after-6-s' } }),
  },
  {
    name: 'full-cone',
    title: 'Full cone: one outside port for everything, open to everyone',
    met: "The easiest box to get through. Home routers set to 'open NAT', and carrier NAT that wants peer-to-peer to work.",
    sources: [{ says: 'the class and its name', where: 'RFC 3489 §5' }, { says: 'its mapping is the one that REQ-1 requires, its filter the one that REQ-8 recommends for transparency', where: 'RFC 4787' }],
    modelled: "All else: the RFCs' timers and manners.",
    behaviour: asTheRfcsAsk,
  },
  {
    name: 'restricted',
    title: 'Address-restricted cone: answers only from addresses that were spoken to',
    met: 'Common in home routers.',
    sources: [{ says: 'the class and its name', where: 'RFC 3489 §5' }, { says: 'the filter that REQ-8 recommends where security counts', where: 'RFC 4787' }],
    modelled: "All else: the RFCs' timers and manners.",
    behaviour: changed(asTheRfcsAsk, { filtering: 'address-dependent' }),
  },
  {
    name: 'port-restricted',
    title: 'Port-restricted cone: answers only from the very port that was spoken to',
    met: 'The commonest class of home routers by most measurements.',
    sources: [{ says: 'the class and its name', where: 'RFC 3489 §5' }, { says: 'one outside port a client port for every destination, never shared with a second client (REQ-1, REQ-3)', where: 'RFC 4787' }],
    modelled: "All else: the RFCs' timers and manners.",
    behaviour: portRestricted,
  },
  {
    name: 'no-hairpin',
    title: 'Port-restricted cone that turns nothing around: two peers behind it do not meet outside',
    met: 'Most home routers of the first decade, and what many still do to UDP.',
    sources: [{ says: 'hairpinning is a MUST (REQ-9), which this box breaks', where: 'RFC 4787 §6' }],
    modelled: 'All of it.',
    behaviour: changed(portRestricted, { hairpinning: false }),
  },
  {
    name: 'symmetric',
    title: 'Symmetric: another outside port for every destination',
    met: "Company firewalls, carrier NAT, some cloud gateways. A peer's report of the port it saw is of no use to anybody else.",
    sources: [{ says: 'the class and its name', where: 'RFC 3489 §5' }, { says: 'address and port-dependent mapping, against REQ-1', where: 'RFC 4787 §4.1' }],
    modelled: 'All of it.',
    behaviour: changed(asTheRfcsAsk, { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent', ports: { assignment: 'random', keepLowApart: false }, hairpinning: false }),
  },
  {
    name: 'turns-symmetric',
    title: 'Not deterministic: a cone to the first client of a port, symmetric to the second',
    met: 'Boxes that keep ports as long as nobody else has them. A test from one host calls them cones.',
    sources: [{ says: 'such boxes exist, and break REQ-11', where: 'RFC 4787 §8' }],
    modelled: 'All of it, out of the port-restricted cone.',
    behaviour: changed(portRestricted, { ports: { onConflict: 'turn-symmetric' } }),
  },
  {
    name: 'short-timeouts',
    title: 'Forgets UDP after 20 s, answered or not: as soon as the usual keepalive would have come',
    met: 'Overloaded hotspots, and carrier NAT short of ports.',
    sources: [
      { says: 'mappings that expire in less than 2 minutes break REQ-5', where: 'RFC 4787 §4.3' },
      { says: 'keepalives go out every 20 s by default', where: 'RFC 3948 §4' },
      { says: 'of 34 home gateways the shortest waited 30 s for an answer', where: 'Hätönen et al., An Experimental Study of Home Gateway Characteristics, IMC 2010' },
    ],
    modelled: 'All of it: 20 s is the value that is not safe, otherwise Linux masquerade.',
    behaviour: changed(masquerade, { timeouts: idle(seconds(20)) }),
  },
];
