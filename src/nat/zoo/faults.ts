/** Boxes with one thing wrong, of which IPsec is the first to suffer. Otherwise Linux masquerade. */
import type { NatPreset } from '../behaviour.ts';
import { changed } from '../changes.ts';
import { masquerade } from './bases.ts';

export const faults: readonly NatPreset[] = [
  {
    name: 'split-ports',
    title: 'Two lines: port 500 leaves by one outside address, 4500 by another',
    met: 'Offices with two providers, whose router balances by destination port.',
    sources: [{ says: 'IKE must accept that the address changes together with the port', where: 'RFC 7296 §2.23' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { pool: { addresses: 2, byRemotePort: { 500: 0, 4500: 1 } } }),
  },
  {
    name: 'fragments-dropped',
    title: 'Throws fragments away: an IKE message that is too long for one packet never arrives',
    met: 'Cheap boxes, careful firewalls, and much of the way between. IKE_AUTH with certificates is the first to be too long.',
    sources: [{ says: 'IKE messages in IP fragments are known to be dropped by NAT boxes and firewalls', where: 'RFC 7383 §1' }, { says: 'a box MUST pass them (REQ-14)', where: 'RFC 4787 §11' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { fragments: 'drop' }),
  },
  {
    name: 'fragments-first-only',
    title: 'Passes first fragments only, which have ports: the rest has none, and goes nowhere',
    met: 'Boxes without reassembly, and without a memory for what follows.',
    sources: [{ says: 'fragments other than the first have no port to translate by', where: 'RFC 4787 §11' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { fragments: 'first-only' }),
  },
  {
    name: 'zero-checksum-adjusted',
    title: "'Fixes' UDP checksums of zero, which means that there is none: ESP in UDP arrives broken",
    met: 'Boxes that adjust every checksum that they see. Receivers that check it drop what their peers send.',
    sources: [{ says: 'ESP in UDP goes without a checksum, and a receiver must not depend on it', where: 'RFC 3948 §2.1' }, { says: 'zero means none', where: 'RFC 768' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { zeroChecksum: 'adjusted' }),
  },
  {
    name: 'icmp-errors-dropped',
    title: 'Lets no ICMP error through: nobody learns that a packet was too large',
    met: "Firewalls that 'block ICMP'. Tunnels hang on the first full packet.",
    sources: [{ says: 'errors about what was translated MUST pass (REQ-3 to REQ-5)', where: 'RFC 5508 §4' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { icmpErrors: 'dropped' }),
  },
  {
    name: 'evicting-table',
    title: 'A table of 1024 entries whose oldest makes room: a busy neighbour ends your tunnel',
    met: 'Small routers with somebody sharing files behind them. Linux gives up unanswered flows early in the same way.',
    sources: [],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { tableSize: 1024, whenFull: 'evict-oldest' }),
  },
  {
    name: 'stale-mappings',
    title: 'Keeps its mappings when its address changes: keepalives refresh what is dead',
    met: 'Rules that name an address where they should masquerade, at the end of a line that dials anew every night.',
    sources: [{ says: 'MASQUERADE forgets its flows when the address goes, SNAT does not', where: 'iptables-extensions(8), MASQUERADE' }],
    modelled: 'All of it.',
    behaviour: changed(masquerade, { whenAddressChanges: 'keep' }),
  },
];
