/** A client at home behind the kernel's NAT, a gateway on the net: the place where strongSwan and our endpoint meet, each in either role. */
import { once } from 'node:events';
import { ip, prefix } from '../../src/core/address.ts';
import { Interfaces, wire } from '../../lab/backends/linux/links.ts';
import { createNamespace } from '../../lab/backends/linux/namespace.ts';
import { Poller } from '../../lab/backends/linux/poller.ts';
import { needs } from '../support/needs.ts';
import type { Needing } from '../support/needs.ts';

export const clientAddress = '192.168.1.10';
export const boxAddress = '203.0.113.1';
export const gatewayAddress = '203.0.113.2';

export const clientInner = '10.1.0.1';
export const clientNetwork = '10.1.0.0/24';
export const gatewayInner = '10.2.0.1';
export const gatewayNetwork = '10.2.0.0/24';

/** What each test here needs of the machine. */
const strongSwanNeeds = ['network namespaces', 'koffi', 'tun', 'nft', 'conntrack', 'ping', 'setpriv', 'strongswan'] as const;
export const withStrongSwan: Needing = needs(...strongSwanNeeds);
/** And of one that watches with tcpdump. */
export const watchingStrongSwan: Needing = needs(...strongSwanNeeds, 'tcpdump');

export class Home implements AsyncDisposable {
  readonly client = new Interfaces(createNamespace(), { forwarding: false, ipv6: false });
  readonly box = new Interfaces(createNamespace(), { forwarding: true, ipv6: false });
  readonly gateway = new Interfaces(createNamespace(), { forwarding: false, ipv6: false });
  readonly poller = new Poller();

  constructor() {
    const { client, box, gateway } = this;
    const end = (at: Interfaces, name: string, address: string) => ({ at, name, addresses: [{ address: ip(address), length: 24 }] });
    wire({
      cables: [
        { ends: [end(client, 'eth0', clientAddress), end(box, 'eth0', '192.168.1.1')] },
        { ends: [end(box, 'eth1', boxAddress), end(gateway, 'eth0', gatewayAddress)] },
      ],
      routes: [{ at: client, route: { to: prefix('0.0.0.0/0'), via: ip('192.168.1.1') } }],
    });
    this.#masquerade('');
  }

  /** The box forgets every mapping and gives out other ports from now on: the next packet from inside comes from a port never seen before. */
  loseMappings(): void {
    this.#masquerade('to :20000-20999');
    this.box.namespace.run('conntrack', ['-F']);
  }

  /** Nothing passes the box any more, in neither direction and without a word. */
  cut(): void {
    this.box.setUp('eth1', false);
  }

  /** An echo from the client to the gateway or back through the tunnel, by the system's own ping; `client` where that was given another address. */
  async ping(from: 'client' | 'gateway', within = 3, client = clientInner): Promise<'answered' | 'lost'> {
    const [at, source, target] = from === 'client' ? [this.client, client, gatewayInner] : [this.gateway, gatewayInner, client];
    // Not `run`: our endpoint lives in this process and has to answer.
    const ping = at.namespace.spawn('ping', ['-n', '-q', '-c', '1', '-W', String(within), '-I', source, target], { stdio: 'ignore' });
    const [status] = (await once(ping, 'exit')) as [number];
    return status === 0 ? 'answered' : 'lost';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.poller.close();
    for (const host of [this.client, this.box, this.gateway]) {
      host.namespace.close();
      host.close();
    }
  }

  #masquerade(ports: string): void {
    this.box.namespace.run('nft', ['-f', '-'], `
table ip nat
delete table ip nat
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat
    meta l4proto udp oifname "eth1" masquerade ${ports}
  }
}
`);
  }
}
