/** Boxes for networks that have IPv6. */
import { minutes } from '../../core/time.ts';
import type { NatPreset } from '../behaviour.ts';
import { changed } from '../changes.ts';
import { asTheRfcsAsk } from './bases.ts';

export const ipv6: readonly NatPreset[] = [
  {
    name: 'nat64',
    title: 'NAT64: IPv6-only clients reach IPv4 servers, behind one IPv4 address',
    met: 'Mobile networks, and conferences that mean it. The client believes that it speaks IPv6 with its gateway, the gateway that it speaks IPv4 with a client.',
    sources: [
      { says: 'one mapping for every destination, filtered by address where that is wanted; UDP 5 minutes, TCP 2 h 4 min, queries 60 s; it hairpins', where: 'RFC 6146 §3.5, §4' },
      { says: 'headers, ICMP and checksums of one version as those of the other', where: 'RFC 7915' },
      { says: '64:ff9b::/96 stands in front of an IPv4 address', where: 'RFC 6052 §2.1' },
    ],
    modelled: 'That ESP passes for one client a server. The well-known prefix is used for addresses that are not global, too.',
    ipv6: 'nat64',
    behaviour: changed(asTheRfcsAsk, { filtering: 'address-dependent', timeouts: { unreplied: minutes(5), replied: minutes(5) } }),
  },
  {
    name: 'nptv6',
    title: 'NPTv6: another IPv6 prefix outside, host by host, without a table',
    met: 'Companies with two providers and no addresses of their own, and those who want nobody to see their numbering.',
    sources: [{ says: 'one prefix for another, and the difference hidden in the subnet or the interface identifier, so that no checksum changes', where: 'RFC 6296' }],
    modelled: 'That no filter stands beside it. Of a behaviour it has no knob: there are no ports, no timers, no limits.',
    ipv6: 'nptv6',
    behaviour: asTheRfcsAsk,
  },
];
