/** strongSwan as a user brings it: an image that the lab knows nothing of, a folder with its configuration, a topology that names both. */
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

export const imageName = 'my/strongswan:1';

/** No registry is at hand: the image is a root without anything in it, and the programs are the machine's, mounted with the configuration. */
export async function importStrongSwan(docker: Docker): Promise<void> {
  const archive = pack();
  for (const name of ['dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'usr', 'var']) archive.entry({ name, type: 'directory', mode: 0o755 });
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink()) archive.entry({ name, type: 'symlink', linkname: readlinkSync(`/${name}`) });
  }
  archive.entry({ name: 'var/run', type: 'symlink', linkname: '/run' });
  archive.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/:/bin/sh\n');
  archive.entry({ name: 'etc/group' }, 'root:x:0:\n');
  archive.entry({ name: 'etc/nsswitch.conf' }, 'hosts: files\n');
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  const stream = await docker.importImage(Buffer.concat(pieces) as never, { repo: imageName.split(':')[0], tag: imageName.split(':')[1] });
  await new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())));
}

export interface StrongSwanAtHome {
  /** Seconds between its keepalives. */
  readonly keepalive: number;
  /** A line of swanctl.conf about the child SA. */
  readonly child?: string;
  /** Lines of the topology: how it is told to begin, and what is known of its IKE. */
  readonly begins?: string;
  readonly ike?: string;
  readonly image?: string;
}

/** Its own words, in files of its own; the topology names them by paths that start where it stands. */
export class StrongSwanFolder implements Disposable {
  readonly topology: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'natt-lab-own-daemon-'));

  constructor({ keepalive, child = '', image = imageName, begins = 'connect: [swanctl, --initiate, --child, net, --timeout, "5"]', ike = 'ike: { encapsulation: forced }' }: StrongSwanAtHome) {
    this.topology = this.#write('home.yaml', `
title: strongSwan in a container of its own, behind the box
segments: { home: , internet: , office: }
nats: { box: { inside: home, outside: internet } }
hosts:
  alice:
    on: home
    connectsTo: gateway
    image: ${image}
    command: [/usr/lib/ipsec/charon]
    environment: { STRONGSWAN_CONF: /config/strongswan.conf, SWANCTL_DIR: /config }
    volumes: ['/usr:/usr:ro', './config:/config']
    ready: [swanctl, --load-all]
    ${begins}
    ${ike}
  gateway: { on: internet, protects: office }
`);
    mkdirSync(join(this.#folder, 'config'));
    this.#write('config/strongswan.conf', `
charon {
  load = random nonce openssl pem kdf kernel-libipsec kernel-netlink socket-default vici
  keep_alive = ${keepalive}s
  retransmit_timeout = 1
  retransmit_tries = 2
  plugins { vici { socket = unix:///run/charon.vici } }
}
swanctl {
  load = random pem openssl
  socket = unix:///run/charon.vici
}
`);
    this.#write('config/swanctl.conf', `
connections {
  lab {
    version = 2
    remote_addrs = gateway
    vips = 0.0.0.0
    proposals = aes128gcm16-prfsha256-ecp256
    local {
      auth = psk
      id = alice.example
    }
    remote {
      auth = psk
      id = gateway.example
    }
    children {
      net {
        remote_ts = 10.99.0.0/24
        esp_proposals = aes128gcm16
        ${child}
      }
    }
  }
}
secrets {
  ike {
    secret = "the lab knows no secrets"
  }
}
`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }

  #write(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }
}
