/** A firewall as the kernel's own: what does not pass is dropped where packets are forwarded. */
import { firewallNumbers, type FirewallProtocol } from '../../../src/sim/firewall.ts';

/** For `nft -f`. */
export const firewallRules = (passes: readonly FirewallProtocol[]): string => `
table inet firewall {
  chain forward {
    type filter hook forward priority filter; policy drop;
    meta l4proto { ${passes.flatMap((name) => firewallNumbers[name]).join(', ')} } accept
  }
}
`;
