/** What `ethtool` says to network drivers: two settings that a veth needs to be a cable, and one question. */
import type { NetworkNamespace } from './namespace.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, addressOf, syscalls } from './syscalls.ts';

const SIOCETHTOOL = 0x8946;
const ETHTOOL_GLINK = 0x0a;
const ETHTOOL_STXCSUM = 0x17;
const ETHTOOL_SGRO = 0x2c;

/**
 * A veth leaves the checksum, and the cutting of large sends, to hardware at the other end of a real cable; there is none, so that what passes
 * would carry half a checksum. The kernel does both before a packet leaves once this is switched off (`ethtool -K … tx off gro off`): without
 * transmit checksums it drops scatter-gather and segmentation offload of its own accord.
 */
export function switchOffOffloads(namespace: NetworkNamespace, interfaces: readonly string[]): void {
  ethtool(namespace, interfaces, [ETHTOOL_STXCSUM, ETHTOOL_SGRO]);
}

/**
 * A cable whose other end came up is put to work a little later, and what is sent until then is lost. To ask whether it is up makes the kernel
 * catch up at once (ethtool_op_get_link synchronises with linkwatch).
 */
export function awaitCarrier(namespace: NetworkNamespace, interfaces: readonly string[]): void {
  ethtool(namespace, interfaces, [ETHTOOL_GLINK]);
}

function ethtool(namespace: NetworkNamespace, interfaces: readonly string[], commands: readonly number[]): void {
  const { socket, ioctl, close } = syscalls();
  // struct ethtool_value { u32 command, u32 value }; more than 64 octets, so that it stays where it is
  const value = new DataView(new ArrayBuffer(128));
  // struct ifreq { char name[16]; void *value; … }, 40 octets
  const request = new Uint8Array(40);
  new DataView(request.buffer).setBigUint64(16, addressOf(new Uint8Array(value.buffer)), true);
  const fd = namespace.inside(() => socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    for (const name of interfaces) {
      request.fill(0, 0, 16);
      request.set(new TextEncoder().encode(name));
      for (const command of commands) {
        value.setUint32(0, command, true);
        value.setUint32(4, 0, true);
        ioctl(fd, SIOCETHTOOL, request);
      }
    }
  } finally {
    close(fd);
  }
}
