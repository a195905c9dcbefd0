import type { Duration, Instant } from '../core/time.ts';
import type { NatTimeouts } from './behaviour.ts';
import type { Row } from './table.ts';

/** How long a row lives from a packet at `now` on, to or from this remote port. */
export function lifetimeOf(row: Row, remotePort: number, now: Instant, timeouts: NatTimeouts): Duration {
  switch (row.protocol) {
    case 'udp':
      return timeouts.byRemotePort[remotePort] ?? (row.replied && now - row.createdAt >= timeouts.repliedAfter ? timeouts.replied : timeouts.unreplied);
    case 'tcp':
      return row.replied && !(row.finFromInside && row.finFromOutside) ? timeouts.tcpEstablished : timeouts.tcpTransitory;
    case 'icmp':
      return timeouts.icmp;
    case 'esp':
    case 'ah':
    case 'gre':
      return timeouts.esp;
  }
}
