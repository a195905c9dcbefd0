/** Boxes that know of IPsec, or believe so: "VPN passthrough", helpers, firewalls by the book. */
import type { NatPreset } from '../behaviour.ts';
import { changed } from '../changes.ts';
import { masquerade } from './bases.ts';

const classes = { says: 'passthrough comes in three kinds: one client, several if their servers differ, several told apart by IKE cookie and SPI', where: 'QA Cafe, IPsec pass through testing' };

export const passthrough: readonly NatPreset[] = [
  {
    name: 'passthrough-500',
    title: 'VPN passthrough: source port 500 leaves as 500, or not at all',
    met: "Boxes that believe IKE must come from port 500: routers with 'IPsec passthrough' switched on. A second client to the same server is silently dropped.",
    sources: [classes, { says: 'Linux with `udp sport 500 snat to ADDRESS:500` in front does exactly this', where: 'measured on kernel 6.18 with nftables 1.0.6, and held to it by the conformance table' }],
    modelled: 'That the rest is Linux masquerade.',
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'refuse', scope: 'per-server' } }),
  },
  {
    name: 'passthrough-single',
    title: 'VPN passthrough for one client: the first one to use port 500, or ESP, has it',
    met: 'The first home routers that advertised it, and those that followed their manuals: one tunnel.',
    sources: [classes],
    modelled: 'That port 4500 is translated as ever, and the rest is Linux masquerade.',
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'refuse', scope: 'whole-box' }, esp: 'one-client' }),
  },
  {
    name: 'passthrough-500-steal',
    title: 'VPN passthrough, last one wins: a newcomer takes port 500 away from the one before',
    met: "Boxes with room for one IKE client that overwrite it: 'one tunnel at a time' in old home routers' manuals. The first client hears nothing more on port 500.",
    sources: [],
    modelled: 'All of it; nftables has no rule for it.',
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'steal', scope: 'whole-box' } }),
  },
  {
    name: 'passthrough-cookie',
    title: 'VPN passthrough that looks into IKE: clients share port 500, told apart by cookie, ESP by SPI',
    met: 'Better home routers and business gateways. A rekey that the server begins bears a cookie that the box has never seen.',
    sources: [
      classes,
      { says: 'NAT-T moves away from port 500 because of boxes that demultiplex IKE by its cookies', where: 'RFC 3947 §4, RFC 3715 §2.3' },
      { says: 'IKE through such a box breaks when it is rekeyed', where: 'RFC 3715 §2.1 e' },
    ],
    modelled: 'That an unknown cookie is dropped, how SPIs are learned, and that the rest is Linux masquerade.',
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'share-by-cookie', unknownCookie: 'dropped' }, esp: 'by-spi' }),
  },
  {
    name: 'passthrough-spi',
    title: 'Plain ESP for many: IKE is translated as ever, ESP told apart by SPIs that the box learns',
    met: 'Cisco IOS with SPI matching, the VPN masquerade patch of early Linux. Two clients who negotiate at once may be given each other.',
    sources: [
      classes,
      { says: 'an ESP entry waits until a reply shows which SPI belongs to it, one at a time', where: 'Cisco IOS 12.2(15)T, NAT Support for IPsec ESP, Phase II' },
      { says: 'inbound and outbound SPIs are associated by letting one new connection wait for the other, which is not perfectly reliable', where: 'Linux VPN Masquerade HOWTO, FAQ' },
    ],
    modelled: 'That nobody is made to wait: the first unknown SPI that comes in is taken for the answer to the newest one that went out.',
    behaviour: changed(masquerade, { esp: 'by-spi' }),
  },
  {
    name: 'passthrough-off',
    title: 'All VPN passthrough switched off: no ESP, nothing to UDP 500 or 1701, no PPTP',
    met: "Home routers whose owner has taken the ticks out of 'IPsec', 'L2TP' and 'PPTP passthrough', for safety.",
    sources: [],
    modelled: 'All of it: what each of the three labels blocks. UDP 4500 is no concern of theirs.',
    behaviour: changed(masquerade, { blockedUdpPorts: [500], esp: 'blocked', l2tp: 'blocked', pptp: 'blocked' }),
  },
  {
    name: 'helper-strips-nat-t',
    title: "IPsec helper: takes the vendor IDs of NAT traversal out of IKEv1, for it knows better",
    met: "Gateways with an 'IPsec ALG' switched on. With nobody speaking of NAT-T the tunnel comes up with plain ESP, for one client.",
    sources: [
      { says: 'NAT traversal is announced by vendor ID alone', where: 'RFC 3947 §3.1' },
      { says: 'helpers in boxes stand in the way of NAT traversal', where: 'RFC 3715 §2.3' },
    ],
    modelled: 'All of it. IKEv2 goes through untouched, for what its first messages say is signed.',
    behaviour: changed(masquerade, { helpers: ['strip-vendor-ids'], pinned: { ports: [500], onConflict: 'refuse', scope: 'whole-box' }, esp: 'one-client' }),
  },
  {
    name: 'udp-4500-blocked',
    title: 'UDP 4500 blocked: IKE begins on port 500 and cannot move',
    met: "Firewalls opened for 'IPsec' by the book of 1998: UDP 500 and ESP pass, UDP 4500 does not.",
    sources: [],
    modelled: 'All of it, out of Linux masquerade.',
    behaviour: changed(masquerade, { blockedUdpPorts: [4500] }),
  },
  {
    name: 'udp-blocked',
    title: 'No IPsec over UDP: 500, 4500 and ESP end at the box',
    met: 'Hotels, airports, companies where only the web is allowed. What is left is IKE over TCP.',
    sources: [{ says: 'networks that block UDP are why IKE and ESP go over TCP, too', where: 'RFC 9329 §1' }],
    modelled: "That other UDP passes, which IKE does not notice. Otherwise Linux masquerade.",
    behaviour: changed(masquerade, { blockedUdpPorts: [500, 4500], esp: 'blocked' }),
  },
];
