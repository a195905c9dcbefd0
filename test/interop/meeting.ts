/** strongSwan and our endpoint, one as the client behind the NAT box, the other as the gateway. */
import { setTimeout as pause } from 'node:timers/promises';
import { ip } from '../../src/core/address.ts';
import { RunningEndpoint } from '../support/running-endpoint.ts';
import { connectionName, endpointConfig, preSharedKey } from '../support/endpoint-config.ts';
import type { Party } from '../support/endpoint-config.ts';
import { StrongSwan } from '../support/strongswan.ts';
import type { StrongSwanConfig, StrongSwanSa } from '../support/strongswan.ts';
import { Home, clientAddress, clientInner, clientNetwork, gatewayAddress, gatewayInner, gatewayNetwork } from './home.ts';

export type Role = 'client' | 'gateway';

export interface MeetingOptions {
  /** Which of the two is our endpoint. */
  readonly ours: Role;
  /** `far`: what is behind the tunnel where `remote` does not say it. */
  readonly endpoint?: Partial<Pick<Party, 'connection' | 'ike' | 'suite' | 'local' | 'remote' | 'mode'>> & { readonly far?: string };
  readonly strongSwan?: Partial<StrongSwanConfig>;
}

export class Meeting implements AsyncDisposable {
  readonly home: Home;
  readonly ours: RunningEndpoint;
  readonly strongSwan: StrongSwan;
  readonly #role: Role;

  private constructor(home: Home, ours: RunningEndpoint, strongSwan: StrongSwan, role: Role) {
    this.home = home;
    this.ours = ours;
    this.strongSwan = strongSwan;
    this.#role = role;
  }

  /** Both are there and have not spoken yet. */
  static async arrange({ ours: role, endpoint, strongSwan: theirs }: MeetingOptions): Promise<Meeting> {
    const home = new Home();
    const client = { name: 'client', peer: 'gateway', address: clientAddress, peerAddress: gatewayAddress, local: clientNetwork, remote: gatewayNetwork, innerAddress: clientInner };
    const gateway = { name: 'gateway', peer: 'client', address: gatewayAddress, local: gatewayNetwork, remote: clientNetwork, innerAddress: gatewayInner };
    const [we, they] = role === 'client' ? [client, gateway] : [gateway, client];
    const [ourHost, theirHost] = role === 'client' ? [home.client, home.gateway] : [home.gateway, home.client];
    try {
      theirHost.addAddress('lo', { address: ip(they.innerAddress), length: 32 });
      const strongSwan = await StrongSwan.start(theirHost.namespace, {
        id: they.name,
        peerId: we.name,
        preSharedKey,
        ...('peerAddress' in they ? { peerAddress: they.peerAddress } : {}),
        proposals: ['aes128gcm16-prfsha256-ecp256'],
        espProposals: ['aes128gcm16'],
        localSelectors: [they.local],
        remoteSelectors: [they.remote],
        // Its own 4 s are long where it starts an exchange on an IKE SA before we have heard that there is one.
        retransmission: { timeout: 0.5, base: 1.8, tries: 5 },
        ...theirs,
      });
      return new Meeting(home, new RunningEndpoint(ourHost, home.poller, endpointConfig({ ...we, ...endpoint }), [endpoint?.far ?? we.remote]), strongSwan, role);
    } catch (error) {
      await home[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The client has called the gateway and the tunnel is up. */
  static async tunnel(options: MeetingOptions): Promise<Meeting> {
    const meeting = await Meeting.arrange(options);
    try {
      await meeting.call();
      return meeting;
    } catch (error) {
      await meeting[Symbol.asyncDispose]();
      throw error;
    }
  }

  async call(): Promise<void> {
    if (this.#role === 'client') this.ours.command({ kind: 'initiate', connection: connectionName });
    else await this.strongSwan.initiate();
    await this.ours.heard('child-sa', ({ state }) => state === 'established');
    await this.strongSwan.until('a tunnel', ([sa]) => sa?.children[0]?.state === 'INSTALLED');
  }

  /** The one IKE SA that strongSwan has. */
  async theirSa(): Promise<StrongSwanSa> {
    const [sa, ...more] = await this.strongSwan.sas();
    if (sa === undefined || more.length > 0) throw new Error(`strongSwan has ${more.length + (sa ? 1 : 0)} IKE SAs`);
    return sa;
  }

  rekey(what: 'ike' | 'child'): void {
    this.ours.command({ kind: 'rekey', connection: connectionName, what });
  }

  /** Both sides start the replacement without waiting for one another. */
  async rekeyTogether(what: 'ike' | 'child'): Promise<void> {
    this.rekey(what);
    await this.strongSwan.rekey(what);
    await this.#quiet();
  }

  /** Neither has said anything for longer than either waits before it says something again. */
  async #quiet(): Promise<void> {
    let heard: number;
    do {
      heard = this.ours.events('ike-message').length;
      await pause(700);
    } while (this.ours.events('ike-message').length > heard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ours.close();
    await this.strongSwan[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}
