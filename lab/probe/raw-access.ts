/** What root may do on this very machine: hear packets as they come in, send whole ones. Whoever is not root, or not on Linux, measures less. */
import type { IpAddress } from '../../src/core/address.ts';
import { isIpv4Fragment } from '../../src/wire/fragmentation.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp } from '../../src/wire/udp.ts';

export interface RawAccess {
  /** A whole IPv4 packet, or a fragment; the kernel finds the way. */
  send(packet: Uint8Array): void;
  close(): Promise<void>;
}

/** `receive` is given every IPv4 packet that comes in for one of the addresses. Undefined where it cannot be had. */
export async function rawAccess(addresses: readonly IpAddress[], receive: (packet: Uint8Array) => void): Promise<RawAccess | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  try {
    return await open(new Set(addresses), receive);
  } catch {
    return undefined; // root of a container that may do less than root, or no koffi
  }
}

async function open(addresses: ReadonlySet<IpAddress>, receive: (packet: Uint8Array) => void): Promise<RawAccess> {
  const [{ ownNamespace }, { Poller }, { LabClock }, { PacketSocket }, { isIpv4For, PacketSender }, { IPPROTO_ESP, RawSocket }] = await Promise.all([
    import('../backends/linux/namespace.ts'), import('../backends/linux/poller.ts'), import('../backends/linux/lab-clock.ts'),
    import('../backends/linux/packet-socket.ts'), import('../backends/linux/packet-sender.ts'), import('../backends/linux/raw-socket.ts'),
  ]);
  const namespace = ownNamespace();
  const sender = new PacketSender(namespace);
  const poller = new Poller();
  const capture = new PacketSocket(namespace, poller, { interfaces: 'all', clock: new LabClock() }, ({ direction, bytes, halfChecksum }) => {
    if (direction === 'in' && isIpv4For(addresses, bytes)) receive(halfChecksum ? withWholeChecksum(bytes) : bytes);
  });
  // Where a socket for the protocol is open the kernel does not answer that it is unreachable.
  const silencer = new RawSocket(namespace, poller, { protocol: IPPROTO_ESP, family: 4 }, () => undefined);
  return {
    send: (packet) => sender.send(packet),
    close: async () => {
      silencer.close();
      await capture.close();
      await poller.close();
      sender.close();
      namespace.close();
    },
  };
}

/** What the device would have made of it. */
function withWholeChecksum(packet: Uint8Array): Uint8Array {
  const ip = decodeIpv4(packet);
  if (!ip.ok || ip.value.protocol !== protocols.udp || isIpv4Fragment(packet)) return packet;
  const { source, destination, identification, payload } = ip.value;
  const udp = decodeUdp(payload, ip.value, 'trusted');
  if (!udp.ok) return packet;
  const { sourcePort, destinationPort, payload: words } = udp.value;
  return encodeUdpPacket({ address: source, port: sourcePort }, { address: destination, port: destinationPort }, words, 'computed', identification);
}
