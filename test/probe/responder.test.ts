import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeEndpoint, ip, type Endpoint } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import { seconds, type Duration, type Instant } from '../../src/core/time.ts';
import { answerAfter, report, sightingsIn, tagged } from '../../src/probe/attributes.ts';
import { decodeLetter, encodeLetter } from '../../src/probe/carrier.ts';
import type { Carrier, Letter } from '../../src/probe/letter.ts';
import { Responder, stunPorts } from '../../src/probe/responder.ts';
import { binding, mappedEndpoint, stunAttribute, type StunAttribute } from '../../src/wire/stun.ts';

const [primary, alternate] = [ip('203.0.113.10'), ip('203.0.113.11')];
const client: Endpoint = { address: ip('198.51.100.1'), port: 40001 };
const at = (ms: number): Instant => ms as Instant;
const tag = '0102030405060708';

const server = (second = true): Responder => new Responder({ addresses: second ? [primary, alternate] : [primary], ports: stunPorts, powers: new Set(['ikePorts']) });

interface Asked {
  readonly to?: Endpoint;
  readonly attributes?: readonly StunAttribute[];
  readonly carrier?: Carrier;
  readonly from?: Endpoint;
}

function request({ to = { address: primary, port: 3478 }, attributes = [], carrier = 'udp', from = client }: Asked = {}): Uint8Array {
  const message = { class: 'request', method: binding, transaction: new Uint8Array(12).fill(7), attributes } as const;
  return encodeLetter({ carrier, from, to, message, checksum: 'computed', spi: carrier === 'esp' ? 0x1001 : 0 }, 1);
}

const letters = (responder: Responder): Letter[] =>
  drain(responder).map((packet) => {
    const letter = decodeLetter(packet);
    if (!letter.ok) throw new Error(letter.detail);
    return letter.value;
  });

function ask(responder: Responder, asked: Asked = {}, now = 0): Letter[] {
  responder.handle(at(now), request(asked));
  return letters(responder);
}

const change = (address: boolean, port: boolean): StunAttribute => ({ kind: 'change-request', address, port });

describe('as RFC 5780 has it', () => {
  test('it tells who asked, where the answer comes from, and its other address and port', () => {
    const [answer] = ask(server());
    expect(describeEndpoint(answer!.to)).toBe('198.51.100.1:40001');
    expect(mappedEndpoint(answer!.message)).toEqual(client);
    expect(stunAttribute(answer!.message, 'response-origin')?.endpoint).toEqual({ address: primary, port: 3478 });
    expect(stunAttribute(answer!.message, 'other-address')?.endpoint).toEqual({ address: alternate, port: 3479 });
  });

  test.for([
    [change(false, false), '203.0.113.10:3478'], [change(false, true), '203.0.113.10:3479'], [change(true, false), '203.0.113.11:3478'], [change(true, true), '203.0.113.11:3479'],
  ] as const)('$0: the answer comes from %s', ([wish, origin]) => {
    expect(ask(server(), { attributes: [wish] }).map(({ from }) => describeEndpoint(from))).toEqual([origin]);
  });

  test('from its other port everything is the other way round', () => {
    const [answer] = ask(server(), { to: { address: alternate, port: 3479 }, attributes: [change(true, true)] });
    expect(describeEndpoint(answer!.from)).toBe('203.0.113.10:3478');
  });

  test('RESPONSE-PORT: to that port of the one who asked, and of nobody else', () => {
    expect(ask(server(), { attributes: [{ kind: 'response-port', port: 9 }] }).map(({ to }) => describeEndpoint(to))).toEqual(['198.51.100.1:9']);
  });

  test('an attribute that must be understood and is not, and another address where there is none, are answered with 420', () => {
    for (const [responder, attribute, type] of [[server(), { kind: 'other', type: 0x0024, value: new Uint8Array(4) }, 0x0024], [server(false), change(true, false), 0x0003]] as const) {
      const [answer] = ask(responder, { attributes: [attribute] });
      expect([answer!.message.class, stunAttribute(answer!.message, 'error-code')?.code, stunAttribute(answer!.message, 'unknown-attributes')?.types]).toEqual(['error', 420, [type]]);
    }
  });

  test('padding comes back as long as it was sent, in fragments where it must, and never longer', () => {
    const responder = server();
    responder.handle(at(0), request({ attributes: [{ kind: 'padding', length: 1000 }] }));
    const [answer, ...rest] = letters(responder);
    expect([stunAttribute(answer!.message, 'padding')?.length, rest.length]).toEqual([1000, 0]);
  });
});

describe('beyond it', () => {
  test.for(['udp', 'tcp', 'icmp', 'esp'] as const)('it answers in what the request came in: %s', (carrier) => {
    const port = carrier === 'esp' ? 0 : client.port;
    const [answer] = ask(server(), { carrier, from: { ...client, port }, to: { address: primary, port: carrier === 'udp' || carrier === 'tcp' ? 3478 : 0 } });
    expect([answer!.carrier, answer!.to.port]).toEqual([carrier, port]);
  });

  test.for([500, 4500])('on port %i the words travel as a vendor ID of IKE_SA_INIT whose cookie is the tag', (port) => {
    const responder = server();
    const packet = request({ to: { address: primary, port }, attributes: [tagged(tag)] });
    const payload = packet.subarray(28);
    expect(Buffer.from(port === 4500 ? payload.subarray(0, 12) : payload.subarray(0, 8)).toString('hex')).toBe(port === 4500 ? `00000000${tag}` : tag);
    responder.handle(at(0), packet);
    expect(letters(responder).map(({ from }) => from.port)).toEqual([port]);
  });

  test('late, as often as it is asked to; a new request of the flow takes the place of what was due', () => {
    const responder = server();
    const late = { attributes: [tagged(tag), answerAfter([seconds(1), seconds(3)])] };
    expect(ask(responder, late)).toEqual([]);
    expect(responder.nextWake()?.at).toBe(1000);
    responder.wake(at(1000));
    expect(letters(responder)).toHaveLength(1);
    expect(ask(responder, late, 2000)).toEqual([]);
    expect(responder.nextWake()?.at).toBe(3000);
    responder.wake(at(3000));
    responder.wake(at(4999));
    expect(letters(responder)).toHaveLength(1);
    responder.wake(at(5000));
    expect(letters(responder)).toHaveLength(1);
  });

  test('not at all, and tells afterwards what it saw, to him who knows the tag', () => {
    const responder = server();
    ask(responder, { attributes: [tagged(tag), answerAfter([])] });
    const other = { address: ip('198.51.100.9'), port: 5 };
    const [answer] = ask(responder, { from: other, attributes: [report([tag, 'ffffffffffffffff'])] });
    expect(sightingsIn(answer!.message)).toEqual([{ tag, count: 1, carrier: 'udp', from: client, to: { address: primary, port: 3478 }, checksum: 'computed', fragments: 0 }]);
    expect(describeEndpoint(answer!.to)).toBe('198.51.100.9:5');
  });
});

describe('what comes from strangers', () => {
  test('it speaks to nobody who has not asked, whatever comes', () => {
    const responder = server();
    const tail = fc.uint8Array({ maxLength: 60 });
    fc.assert(fc.property(tail, fc.nat({ max: 200 }), fc.nat({ max: 255 }), (octets, place, octet) => {
      const packet = request({ attributes: [tagged(tag), answerAfter([seconds(1)])] });
      packet[place % packet.length] = octet;
      for (const bytes of [octets, packet]) expect(() => responder.handle(at(0), bytes)).not.toThrow();
      for (const one of drain(responder)) expect(decodeLetter(one)).toMatchObject({ ok: true, value: { to: { address: client.address } } });
    }), { numRuns: 300 });
  });

  test('one who asks for much is given little: so many answers, and none after hours', () => {
    const responder = server();
    ask(responder, { attributes: [tagged(tag), answerAfter(Array.from({ length: 100 }, (_, i) => (i * 1e6) as Duration))] });
    let answers = 0;
    for (let wake = responder.nextWake(); wake !== undefined; wake = responder.nextWake()) {
      responder.wake(wake.at);
      answers += drain(responder).length;
    }
    expect(answers).toBe(16);
  });
});
