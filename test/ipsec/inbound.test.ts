/** What may come out of an SA, and what the stack learns from what came. */
import { describe, expect, test } from 'vitest';
import { ip, type Endpoint } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite } from '../../src/crypto/cipher-suites.ts';
import { encapsulate } from '../../src/ipsec/esp.ts';
import type { StackInput } from '../../src/ipsec/ports.ts';
import { nonEspMarker } from '../../src/wire/natt.ts';
import { concat } from '../../src/core/bytes.ts';
import { add, address, carried, drops, east, eastNet, events, Host, inbound, inner, keyOf, messages, of, pair, plainPolicy, policy, spiToEast, west, westNet } from './host.ts';

const clear = inner('10.1.0.5', '10.2.0.6');
const nat: Endpoint = { address: ip('203.0.113.7'), port: 61234 };

/** ESP as only the holder of the keys can make it, whatever it holds. */
const forge = (sequence: number, payload: Uint8Array, nextHeader: number): StackInput => {
  const cipher = cipherSuite('aes-gcm-16', 128, 'none').create(keyOf(spiToEast, 20), new Uint8Array(0));
  return { kind: 'esp', source: ip(west), destination: ip(east), payload: encapsulate({ spi: spiToEast, cipher, aead: true, extended: false }, sequence, payload, nextHeader, seeded(1)) };
};

describe('a packet is refused', () => {
  test('that is no ESP, or of no SA', () => {
    const { east: host } = pair();
    const esp = (payload: Uint8Array) => drops(host.do({ kind: 'esp', source: ip(west), destination: ip(east), payload }));
    expect(esp(new Uint8Array(7))).toEqual(['esp-malformed']);
    expect(esp(new Uint8Array(40))).toEqual(['esp-malformed']);
    expect(esp(new Uint8Array(40).fill(9))).toEqual(['esp-unknown-spi']);
    expect(esp(carriedPayload(host.outbound(inner('10.2.0.6', '10.1.0.5'))))).toEqual(['esp-unknown-spi']); // its own, reflected
  });

  test('whose ICV does not fit, and the window does not move for it', () => {
    const { west: sender, east: receiver } = pair();
    const [input] = carried(sender.outbound(clear));
    if (input?.kind !== 'esp') throw new Error('plain ESP expected');
    for (let i = 8; i < input.payload.length; i++) {
      const payload = input.payload.slice();
      payload[i]! ^= 1;
      expect(drops(receiver.do({ ...input, payload }))).toEqual(['esp-authentication']);
    }
    expect(inbound(receiver.do(input))).toEqual([clear]);
  });

  test.each([
    ['an inner packet that no policy of the SA holds', inner('10.9.0.5', '10.2.0.6'), 4, ['esp-selectors']],
    ['an inner packet with another version than the next header says', clear, 41, ['inner-malformed']],
    ['an inner packet that is none', new Uint8Array(20), 4, ['inner-malformed']],
    ['a next header that tunnel mode does not know', clear, 6, ['inner-malformed']],
    ['a dummy packet, without a word', new Uint8Array(50).fill(1), 59, []],
  ])('%s', (_, payload, nextHeader, reasons) => {
    const { east: host } = pair();
    const outputs = host.do(forge(1, payload, nextHeader));
    expect([drops(outputs), inbound(outputs)]).toEqual([reasons, []]);
  });

  test('that a DISCARD policy in front of the one of its SA forbids', () => {
    const { west: sender, east: receiver } = pair();
    receiver.pfkey({ ...policy('in', westNet, eastNet, [west, east], 17, 10), type: 'SADB_X_SPDUPDATE' });
    receiver.pfkey(plainPolicy('in', 'DISCARD', '10.1.0.5/32', eastNet));
    expect(carried(sender.outbound(clear)).flatMap((input) => drops(receiver.do(input)))).toEqual(['policy-discard']);
  });

  test('that came by the SA of another client (RFC 4301 §5.2)', () => {
    const { west: sender, east: receiver } = pair();
    receiver.pfkey({ ...policy('in', westNet, eastNet, [west, east], 18), type: 'SADB_X_SPDUPDATE' });
    expect(carried(sender.outbound(clear)).flatMap((input) => drops(receiver.do(input)))).toEqual(['esp-selectors']);
  });
});

test('octets behind the inner packet are padding against traffic analysis and are cut off (RFC 4303 §2.7)', () => {
  expect(inbound(pair().east.do(forge(1, concat(clear, new Uint8Array(300)), 4)))).toEqual([clear]);
});

describe('plain and encapsulated (RFC 7296 §2.23)', () => {
  const swapped = (input: StackInput): StackInput => {
    if (input.kind === 'esp') return { kind: 'datagram', local: { address: ip(east), port: 4500 }, peer: { address: ip(west), port: 4500 }, payload: input.payload };
    if (input.kind === 'datagram') return { kind: 'esp', source: ip(west), destination: ip(east), payload: input.payload };
    return input;
  };
  test.each([
    ['an SA in UDP takes plain ESP', { ports: [4500, 4500] as const }, [clear], []],
    ['an SA whose NAT detection found nothing takes ESP in UDP', { ports: 'plain' as const }, [clear], []],
    ['an SA without NAT traversal does not', {}, [], ['esp-encapsulation']],
  ])('%s', (_, options, packets, reasons) => {
    const { west: sender, east: receiver } = pair(options);
    const outputs = carried(sender.outbound(clear)).flatMap((input) => receiver.do(swapped(input)));
    expect([inbound(outputs), drops(outputs), events(outputs)]).toEqual([packets, reasons, []]);
  });
});

describe('the UDP-encapsulation socket (RFC 3948 §2.2)', () => {
  const datagram = (port: number, payload: Uint8Array): StackInput => ({ kind: 'datagram', local: { address: ip(east), port }, peer: nat, payload });
  const ike = concat(nonEspMarker, new Uint8Array(28).fill(1));

  test.each([
    ['IKE goes up with its marker', 4500, ike, [ike], []],
    ['a keepalive is swallowed', 4500, Uint8Array.of(0xff), [], ['natt-keepalive']],
    ['two octets 0xFF are not a keepalive', 4500, Uint8Array.of(0xff, 0xff), [], ['natt-too-short']],
    ['everything else is ESP', 4500, new Uint8Array(20).fill(1), [], ['esp-unknown-spi']],
    ['on a socket without UDP_ENCAP everything goes up', 500, Uint8Array.of(0xff), [Uint8Array.of(0xff)], []],
  ])('%s', (_, port, payload, up, reasons) => {
    const outputs = pair().east.do(datagram(port, payload));
    expect([of(outputs, 'datagram-up').map((output) => output.payload), drops(outputs)]).toEqual([up, reasons]);
  });
});

describe('a peer that is seen at another address or port', () => {
  const moved = (input: StackInput, peer: Endpoint): StackInput => (input.kind === 'datagram' ? { ...input, peer } : input);
  const setUp = () => {
    const { west: sender, east: receiver } = pair({ inUdp: true });
    const packets = Array.from({ length: 6 }, () => carried(sender.outbound(clear))[0]!);
    return { receiver, packets };
  };

  test('is accepted and reported once for each mapping; replies stay where they went', () => {
    const { receiver, packets } = setUp();
    const first = receiver.do(moved(packets[0]!, nat));
    expect(inbound(first)).toEqual([clear]);
    expect(events(first)).toEqual(['esp-new-source']);
    expect(messages(first)).toMatchObject([
      { type: 'SADB_X_NAT_T_NEW_MAPPING', sa: { spi: spiToEast }, source: { address: west }, nattSourcePort: 4500, destination: { address: nat.address }, nattDestinationPort: nat.port },
    ]);
    expect(messages(receiver.do(moved(packets[1]!, nat)))).toEqual([]);
    expect(messages(receiver.do(moved(packets[2]!, { ...nat, port: 61235 })))).toHaveLength(1);
    expect(of(receiver.outbound(inner('10.2.0.6', '10.1.0.5')), 'datagram')[0]!.peer).toEqual({ address: ip(west), port: 4500 });
  });

  test('is not called back by an older packet that was late, a repeated one, or a forged one', () => {
    const { receiver, packets } = setUp();
    receiver.do(packets[3]!);
    expect(messages(receiver.do(moved(packets[1]!, nat)))).toEqual([]); // late
    expect(messages(receiver.do(moved(packets[3]!, nat)))).toEqual([]); // repeated
    const forged = packets[4]!.kind === 'datagram' ? { ...packets[4]!, payload: packets[4]!.payload.map((octet, i) => (i === 30 ? octet ^ 1 : octet)) } : packets[4]!;
    expect(messages(receiver.do(moved(forged, nat)))).toEqual([]);
  });

  test('another port: the daemon updates both SAs, and replies follow; keys and counters stay', () => {
    const { receiver, packets } = setUp();
    receiver.do(moved(packets[0]!, { address: ip(west), port: 61234 }));
    const update = { type: 'SADB_UPDATE', nattType: 2 } as const;
    const sa = (spi: number) => ({ spi, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 });
    expect(receiver.ask({ ...update, sa: sa(0x1000), source: address(west), destination: address(east), nattSourcePort: 61234, nattDestinationPort: 4500 }).errno).toBe(0);
    expect(receiver.ask({ ...update, sa: sa(0x2000), source: address(east), destination: address(west), nattSourcePort: 4500, nattDestinationPort: 61234 }).errno).toBe(0);
    expect(of(receiver.outbound(inner('10.2.0.6', '10.1.0.5')), 'datagram')[0]!.peer).toEqual({ address: ip(west), port: 61234 });
    expect(drops(receiver.do(moved(packets[0]!, { address: ip(west), port: 61234 })))).toEqual(['esp-replay']);
    expect(messages(receiver.do(moved(packets[1]!, { address: ip(west), port: 61234 })))).toEqual([]);
  });

  test('another address: SAs move by UPDATE, policies by SPDUPDATE', () => {
    const { receiver, packets } = setUp();
    receiver.outbound(inner('10.2.0.6', '10.1.0.5'));
    receiver.do(moved(packets[0]!, nat));
    const sa = (spi: number) => ({ spi, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 });
    const there = nat.address;
    const requests = [
      { type: 'SADB_UPDATE', sa: sa(0x1000), source: address(west), destination: address(east), newSource: address(there), nattType: 2, nattSourcePort: nat.port, nattDestinationPort: 4500 },
      { type: 'SADB_UPDATE', sa: sa(0x2000), source: address(east), destination: address(west), newDestination: address(there), nattType: 2, nattSourcePort: 4500, nattDestinationPort: nat.port },
      { ...policy('in', westNet, eastNet, [there, east]), type: 'SADB_X_SPDUPDATE' },
      { ...policy('out', eastNet, westNet, [east, there]), type: 'SADB_X_SPDUPDATE' },
    ] as const;
    expect(requests.map((request) => receiver.ask(request).errno)).toEqual([0, 0, 0, 0]);
    const [reply] = of(receiver.outbound(inner('10.2.0.6', '10.1.0.5')), 'datagram');
    expect(reply!.peer).toEqual(nat);
    expect(new DataView(reply!.payload.slice().buffer).getUint32(4)).toBe(2); // the sequence went on
    expect(inbound(receiver.do(moved(packets[1]!, nat)))).toEqual([clear]);
    expect(drops(receiver.do(moved(packets[1]!, nat)))).toEqual(['esp-replay']);
    expect(receiver.ask({ type: 'SADB_GET', sa: sa(0x2000), destination: address(west) }).errno).toBe(3);
  });
});

test('clients behind one NAT are kept apart by reqid and port', () => {
  const gateway = new Host(ip(east));
  const clients = Array.from({ length: 1000 }, (_, i) => ({ reqid: i + 1, port: 20_000 + i, virtual: `10.98.${i >> 8}.${i & 255}` }));
  for (const { reqid, port, virtual } of clients) {
    gateway.pfkey(add(0x10000 + reqid, east, nat.address, { reqid, ports: [4500, port] }));
    gateway.pfkey(policy('out', eastNet, `${virtual}/32`, [east, nat.address], reqid));
  }
  for (const { port, reqid, virtual } of clients) {
    const [sent] = of(gateway.outbound(inner('10.2.0.6', virtual)), 'datagram');
    expect(sent!.peer).toEqual({ address: nat.address, port });
    expect(new DataView(sent!.payload.slice().buffer).getUint32(0)).toBe(0x10000 + reqid);
  }
});

const carriedPayload = (outputs: Parameters<typeof carried>[0]): Uint8Array => {
  const [input] = carried(outputs);
  return input?.kind === 'esp' ? input.payload : new Uint8Array(0);
};
