/**
 * strongSwan as an independent peer: its IKE daemon, with ESP in userland over a TUN device of its own (kernel-libipsec), so that no IPsec in the
 * kernel is needed. To make that work everywhere it claims a NAT where there is none: always ESP in UDP.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NetworkNamespace } from '../../lab/backends/linux/namespace.ts';
import type { RsaAuthentication } from '../../src/ike/config.ts';
import { endingWithUs } from './ends-with-us.ts';
import { derToPem } from './openssl.ts';
import { Vici } from './vici.ts';
import type { ViciMessage } from './vici.ts';

/** Where Debian and its kin put the daemon. It is started from a copy: their AppArmor profile goes by the path and lets it read no file of ours. */
const installed = '/usr/lib/ipsec/charon';

/** One connection, in strongSwan's own words for proposals (`aes128-sha256-ecp256`), selectors (`10.2.0.0/24`, `dynamic`) and times (`30s`). */
export interface StrongSwanConfig {
  /** IKEv2 when not given. */
  readonly exchange?: 'main' | 'aggressive';
  readonly id: string;
  /** `%any` for whoever proves who it is. */
  readonly peerId: string;
  readonly preSharedKey: string;
  /** Signatures instead of the key. */
  readonly certificate?: RsaAuthentication;
  /** IKEv2: signatures by method 1 with SHA-1 in place of RFC 7427. */
  readonly signsAsRfc7296?: boolean;
  /** IKEv1: a client says its name and password, a gateway knows those of others. */
  readonly xauth?: { readonly ask: Readonly<Record<string, string>> } | { readonly user: string; readonly password: string };
  /** Nothing for a gateway that waits. */
  readonly peerAddress?: string;
  readonly proposals: readonly string[];
  readonly espProposals: readonly string[];
  readonly localSelectors: readonly string[];
  readonly remoteSelectors: readonly string[];
  /** Asks the gateway for an inner address. */
  readonly requestsVirtualAddress?: boolean;
  /** Gives inner addresses out of this block, and these servers with them. */
  readonly pool?: string;
  readonly dns?: readonly string[];
  /** IKEv1: the gateway gives without being asked, or the client asks; `pull` when not said. */
  readonly modeConfig?: 'pull' | 'push';
  /** IKEv1: says and hears what networks are behind the gateway, as Cisco's clients do. */
  readonly splitNetworks?: boolean;
  readonly mode?: 'tunnel' | 'transport';
  readonly deadPeerDetection?: string;
  readonly onDeadPeer?: 'clear' | 'restart';
  /** Seconds between keepalives; 20 when not given. */
  readonly keepalive?: number;
  /** Seconds before the first retransmission, and how often: 4 and 5 when not given. */
  readonly retransmission?: { readonly timeout: number; readonly base: number; readonly tries: number };
  readonly mobike?: boolean;
  /** IKE fragments; `yes` when not said. How long their IP datagrams may be: 1280 octets when not said. */
  readonly fragmentation?: 'yes' | 'no' | 'force';
  readonly fragmentSize?: number;
  /** Asks every newcomer for a COOKIE. */
  readonly asksForCookies?: boolean;
}

/** The plugins that a tunnel needs, and none that looks at the machine around. */
const plugins = 'random nonce openssl pem kdf kernel-libipsec kernel-netlink socket-default vici xauth-generic resolve unity';

const connection = 'lab';
const child = 'net';

export interface StrongSwanSa {
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  readonly state: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly local: { readonly address: string; readonly port: number };
  readonly natLocal: boolean;
  readonly natRemote: boolean;
  readonly virtualAddresses: readonly string[];
  /** Who has said a name and a password. */
  readonly xauthUser: string;
  readonly children: readonly { readonly state: string; readonly spiIn: number; readonly spiOut: number; readonly packetsIn: number; readonly packetsOut: number }[];
}

export class StrongSwan implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ChildProcess;
  #vici: Vici | undefined;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts the daemon in the namespace, in mount and process namespaces of its own, and gives it the connection. It dies with this process. */
  static async start(namespace: NetworkNamespace, config: StrongSwanConfig): Promise<StrongSwan> {
    const folder = mkdtempSync(join(tmpdir(), 'natt-lab-strongswan-'));
    const socket = join(folder, 'vici');
    const charon = join(folder, 'charon');
    copyFileSync(installed, charon);
    writeFileSync(join(folder, 'strongswan.conf'), settings(folder, socket, config));
    // Its process number and other things of which there is one on a machine live in /run. Signal 9 for the whole of it, when this process or `unshare` ends.
    const inside = `mount -t tmpfs none /run && exec ${charon}`;
    const process_ = namespace.inside(() =>
      spawn(...endingWithUs('unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', 'sh', '-c', inside), { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', STRONGSWAN_CONF: join(folder, 'strongswan.conf') } }),
    );
    let complaints = '';
    process_.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    const strongSwan = new StrongSwan(folder, process_);
    try {
      for (let tries = 0; strongSwan.#vici === undefined; tries++) {
        if (process_.exitCode !== null || tries > 500) throw new Error(`strongSwan did not start: ${complaints}`);
        // The socket is there a moment before it listens.
        strongSwan.#vici = await Vici.connect(socket).catch(() => pause(10, undefined));
      }
      await strongSwan.#load(config);
      return strongSwan;
    } catch (error) {
      await strongSwan[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Brings the tunnel up; throws when that fails or takes more than 10 s. */
  async initiate(): Promise<void> {
    await this.#request('initiate', { ike: connection, child, timeout: '10000', loglevel: '-1' });
  }

  async rekey(what: 'ike' | 'child'): Promise<void> {
    await this.#request('rekey', what === 'ike' ? { ike: connection } : { child });
  }

  /** Deletes the IKE SA with everything in it, or the child alone. */
  async terminate(what: 'ike' | 'child' = 'ike'): Promise<void> {
    await this.#request('terminate', { ...(what === 'ike' ? { ike: connection } : { child }), timeout: '5000', loglevel: '-1' });
  }

  async sas(): Promise<StrongSwanSa[]> {
    const found = await this.#connected.stream('list-sas', 'list-sa');
    return found.flatMap((message) => Object.values(message).map((sa) => saOf(sa as ViciMessage)));
  }

  /** Its SAs as soon as they are as they should be; fails when they are not within five seconds, or as long as is said. */
  async until(what: string, fits: (sas: readonly StrongSwanSa[]) => boolean, within = 5000): Promise<readonly StrongSwanSa[]> {
    const deadline = performance.now() + within;
    for (;;) {
      const sas = await this.sas();
      if (fits(sas)) return sas;
      if (performance.now() > deadline) throw new Error(`strongSwan has not ${what} after ${within} ms but ${JSON.stringify(sas)}\n${this.log()}`);
      await pause(20);
    }
  }

  /** As soon as its log has this; fails when it has not within five seconds. */
  async says(what: RegExp): Promise<void> {
    const deadline = performance.now() + 5000;
    while (!what.test(this.log())) {
      if (performance.now() > deadline) throw new Error(`strongSwan has not said ${String(what)}\n${this.log()}`);
      await pause(20);
    }
  }

  /** What it has said so far. */
  log(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8');
  }

  /** Without a word to its peers: as if the machine had lost its power. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#vici?.close();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL'); // of unshare, which takes the daemon along
      await gone;
    }
    rmSync(this.#folder, { recursive: true });
  }

  get #connected(): Vici {
    if (this.#vici === undefined) throw new Error('strongSwan is not there yet');
    return this.#vici;
  }

  #request(command: string, message: ViciMessage): Promise<ViciMessage> {
    return this.#connected.request(command, message);
  }

  async #load(config: StrongSwanConfig): Promise<void> {
    const { exchange, id, peerId, preSharedKey, certificate, xauth, peerAddress, proposals, espProposals, localSelectors, remoteSelectors, pool, dns = [], mode = 'tunnel', deadPeerDetection, onDeadPeer = 'clear' } = config;
    if (certificate === undefined) {
      // In main mode the key is found by the address, before there is an identity: a gateway that waits has one for all (RFC 2409 §5.4).
      await this.#request('load-shared', { id: 'key', type: 'IKE', data: preSharedKey, ...(exchange === 'main' ? {} : { owners: [id, peerId] }) });
    } else {
      await this.#request('load-key', { type: 'rsa', data: certificate.privateKey });
      for (const authority of certificate.authorities) await this.#request('load-cert', { type: 'X509', flag: 'CA', data: derToPem('CERTIFICATE', authority) });
    }
    const accounts = xauth === undefined ? {} : 'ask' in xauth ? xauth.ask : { [xauth.user]: xauth.password };
    for (const [user, password] of Object.entries(accounts)) await this.#request('load-shared', { id: user, type: 'XAUTH', data: password, owners: [user] });
    const auth: ViciMessage = { auth: certificate === undefined ? 'psk' : 'pubkey' };
    if (pool !== undefined) await this.#request('load-pool', { pool: { addrs: pool, ...(dns.length === 0 ? {} : { dns }) } });
    await this.#request('load-conn', {
      [connection]: {
        version: exchange === undefined ? '2' : '1',
        aggressive: exchange === 'aggressive' ? 'yes' : 'no',
        mobike: config.mobike ? 'yes' : 'no',
        fragmentation: config.fragmentation ?? 'yes',
        proposals,
        rekey_time: '0',
        ...(peerAddress === undefined ? {} : { remote_addrs: [peerAddress] }),
        ...(deadPeerDetection === undefined ? {} : { dpd_delay: deadPeerDetection }),
        ...(config.requestsVirtualAddress ? { vips: ['0.0.0.0'] } : {}),
        ...(pool === undefined ? {} : { pools: ['pool'] }),
        ...(config.modeConfig === 'push' ? { pull: 'no' } : {}),
        local: { ...auth, id, ...(certificate === undefined ? {} : { certs: [derToPem('CERTIFICATE', certificate.certificate)] }) },
        remote: { ...auth, id: peerId },
        ...(xauth === undefined ? {} : 'ask' in xauth ? { 'remote-xauth': { auth: 'xauth' } } : { 'local-xauth': { auth: 'xauth', xauth_id: xauth.user } }),
        children: {
          [child]: { mode, esp_proposals: espProposals, local_ts: localSelectors, remote_ts: remoteSelectors, rekey_time: '0', dpd_action: onDeadPeer },
        },
      },
    });
  }
}

const settings = (folder: string, socket: string, { keepalive = 20, retransmission = { timeout: 4, base: 1.8, tries: 5 }, asksForCookies = false, signsAsRfc7296 = false, splitNetworks = false, fragmentSize = 1280 }: StrongSwanConfig): string => `charon {
  load = ${plugins}
  ${asksForCookies ? 'dos_protection = yes\n  cookie_threshold = 1\n  cookie_threshold_ip = 1' : 'dos_protection = no'}
  delete_rekeyed_delay = 0
  signature_authentication = ${signsAsRfc7296 ? 'no' : 'yes'}
  cisco_unity = ${splitNetworks ? 'yes' : 'no'}
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  fragment_size = ${fragmentSize}
  keep_alive = ${keepalive}s
  retransmit_timeout = ${retransmission.timeout}
  retransmit_base = ${retransmission.base}
  retransmit_tries = ${retransmission.tries}
  plugins {
    vici {
      socket = unix://${socket}
    }
    resolve {
      file = ${join(folder, 'resolv.conf')}
      resolvconf {
        path = ${join(folder, 'no-resolvconf')}
      }
    }
  }
  filelog {
    all {
      path = ${join(folder, 'log')}
      flush_line = yes
      default = 1
      ike = 2
      esp = 1
    }
  }
}
`;

function saOf(sa: ViciMessage): StrongSwanSa {
  const text = (from: ViciMessage, key: string): string => (typeof from[key] === 'string' ? from[key] : '');
  const number = (from: ViciMessage, key: string): number => Number(text(from, key));
  return {
    initiatorSpi: text(sa, 'initiator-spi'),
    responderSpi: text(sa, 'responder-spi'),
    state: text(sa, 'state'),
    remote: { address: text(sa, 'remote-host'), port: number(sa, 'remote-port') },
    local: { address: text(sa, 'local-host'), port: number(sa, 'local-port') },
    natLocal: text(sa, 'nat-local') === 'yes',
    natRemote: text(sa, 'nat-remote') === 'yes',
    virtualAddresses: [...((sa['local-vips'] ?? []) as readonly string[]), ...((sa['remote-vips'] ?? []) as readonly string[])],
    xauthUser: text(sa, 'remote-xauth-id'),
    children: Object.values((sa['child-sas'] ?? {}) as ViciMessage).map((it) => {
      const one = it as ViciMessage;
      return {
        state: text(one, 'state'),
        spiIn: parseInt(text(one, 'spi-in'), 16),
        spiOut: parseInt(text(one, 'spi-out'), 16),
        packetsIn: number(one, 'packets-in'),
        packetsOut: number(one, 'packets-out'),
      };
    }),
  };
}
