import type { NetworkNamespace } from './namespace.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, syscalls } from './syscalls.ts';

const SIOCGIFINDEX = 0x8933;

/** The index that the kernel has given to an interface (netdevice(7)). Throws a SystemError, ENODEV, where there is none of this name. */
export function interfaceIndex(namespace: NetworkNamespace, name: string): number {
  const { socket, ioctl, close } = syscalls();
  // struct ifreq { char name[16]; int index; … }, 40 octets
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name));
  const fd = namespace.inside(() => socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    ioctl(fd, SIOCGIFINDEX, request);
  } finally {
    close(fd);
  }
  return new DataView(request.buffer).getInt32(16, true);
}
