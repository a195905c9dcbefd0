/** Hostile bytes on every input: nothing throws, and nothing changes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import type { StackInput } from '../../src/ipsec/ports.ts';
import { encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { add, carried, drops, east, eastNet, inbound, inner, of, pair, policy, west, westNet, type Host } from './host.ts';

const bytes = fc.oneof(fc.uint8Array({ maxLength: 120 }), fc.uint8Array({ minLength: 8, maxLength: 200 }).map((tail) => Uint8Array.from([0, 0, 0x10, 0, ...tail])));
const fromOutside = bytes.chain((payload) =>
  fc.constantFrom<StackInput>(
    { kind: 'esp', source: ip(west), destination: ip(east), payload },
    { kind: 'datagram', local: { address: ip(east), port: 4500 }, peer: { address: ip(west), port: 4500 }, payload },
    { kind: 'datagram', local: { address: ip(east), port: 4500 }, peer: { address: ip('203.0.113.7'), port: 1 }, payload },
  ),
);

/** All that the stack holds, as it says itself. */
const state = (host: Host): unknown => ['SADB_DUMP', 'SADB_X_SPDDUMP'].map((type) => of(host.pfkey({ type: type as 'SADB_DUMP', sequence: 0 }), 'pfkey').map(({ message }) => message));

test('any bytes from the network: one drop, or up to the daemon, and nothing changes', () => {
  const { west: sender, east: receiver } = pair({ inUdp: true });
  const before = state(receiver);
  fc.assert(
    fc.property(fromOutside, (input) => {
      const outputs = receiver.do(input);
      expect(drops(outputs).length + of(outputs, 'datagram-up').length).toBe(1);
    }),
    { numRuns: 500 },
  );
  expect(state(receiver)).toEqual(before);
  expect(carried(sender.outbound(inner('10.1.0.5', '10.2.0.6'))).flatMap((input) => inbound(receiver.do(input)))).toHaveLength(1);
});

test('a packet bent anywhere is not delivered, and the true one still is', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, bend, inUdp) => {
      const { west: sender, east: receiver } = pair({ inUdp });
      const [input] = carried(sender.outbound(inner('10.1.0.5', '10.2.0.6')));
      if (input?.kind !== 'esp' && input?.kind !== 'datagram') throw new Error('ESP expected');
      const payload = input.payload.slice();
      payload[place % payload.length]! ^= bend;
      const cut = input.payload.subarray(0, place % input.payload.length);
      expect([payload, cut].flatMap((octets) => inbound(receiver.do({ ...input, payload: octets })))).toEqual([]);
      expect(inbound(receiver.do(input))).toHaveLength(1);
    }),
    { numRuns: 60 },
  );
});

test('any inner bytes: protected, or one drop', () => {
  const { west: host } = pair();
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ minLength: 39, maxLength: 90 }).map((tail) => Uint8Array.from([0x60, ...tail]))), (packet) => {
      const outputs = host.outbound(packet);
      expect(drops(outputs).length + of(outputs, 'esp').length).toBe(1);
    }),
    { numRuns: 500 },
  );
});

test('PF_KEY messages bent anywhere: never an exception, and never two answers to one that is no dump', () => {
  const requests = [add(0x5000, west, east), add(0x2000, east, west, { ports: [4500, 4500] }), policy('in', westNet, eastNet, [west, east])].map((request) =>
    encodePfkey({ saType: 3, errno: 0, sequence: 1, pid: 1, ...request }),
  );
  const { west: host } = pair();
  fc.assert(
    fc.property(fc.nat({ max: requests.length - 1 }), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }), (which, bends) => {
      const message = requests[which]!.slice();
      for (const [place, octet] of bends) message[place % message.length] = octet;
      const outputs = host.do({ kind: 'pfkey', message });
      if (message[1] !== 10 && message[1] !== 18) expect(of(outputs, 'pfkey').length + drops(outputs).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 800 },
  );
});
