/** Two IPsec stacks with a tunnel in UDP between them: inner packets in at one, out at the other. */
import { encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { ip } from '../../../src/core/address.ts';
import { protocols } from '../../../src/wire/protocols.ts';
import type { StackInput } from '../../../src/ipsec/ports.ts';
import { pair, suites } from '../../ipsec/host.ts';
import { meter } from '../meter.ts';

export default function esp(suiteName: string, octets: string) {
  const suite = suites.find(({ name }) => name === suiteName);
  if (suite === undefined) throw new Error(`no suite ${suiteName}; there are ${suites.map(({ name }) => name).join(', ')}`);
  const { west, east } = pair({ suite, inUdp: true });
  const packet = encodeIpv4({ source: ip('10.1.0.1'), destination: ip('10.2.0.1'), protocol: protocols.udp, payload: new Uint8Array(Number(octets) - 20) });

  const pass = (): void => {
    let sent: StackInput | undefined;
    west.stack.handle(west.now, { kind: 'outbound', packet });
    for (let output = west.stack.poll(); output !== undefined; output = west.stack.poll()) {
      if (output.kind === 'datagram') sent = { kind: 'datagram', local: output.peer, peer: output.local, payload: output.payload };
    }
    west.stack.nextWake();
    if (sent === undefined) throw new Error('nothing sealed');
    let received = 0;
    east.stack.handle(east.now, sent);
    for (let output = east.stack.poll(); output !== undefined; output = east.stack.poll()) if (output.kind === 'inbound') received += output.packet.length;
    east.stack.nextWake();
    if (received !== packet.length) throw new Error('nothing opened');
  };
  const many = (packets: number): void => {
    for (let n = 0; n < packets; n++) pass();
  };
  many(20_000);
  const packets = 60_000;
  const metered = meter();
  many(packets);
  const { processorMs, wallMs } = metered();
  return { packetsPerSecond: (1000 * packets) / processorMs, packetsPerWallSecond: (1000 * packets) / wallMs };
}
