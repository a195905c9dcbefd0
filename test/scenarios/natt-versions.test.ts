/** Every version of NAT-T from program to program: a client behind a simulated box, daemon and stack on both sides, read on the wire at the gateway. */
import { describe, expect, test } from 'vitest';
import { loadTopology, parseTopology, vary } from '../../lab/topology/load.ts';
import { adjustmentToVariation, type Adjustment } from '../../lab/topology/cast.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { ip } from '../../src/core/address.ts';
import { after, minutes, seconds, type Duration } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import { nattVersions, type NattVersion } from '../../src/ike/config.ts';
import { World } from '../../src/sim/world.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp } from '../../src/wire/udp.ts';

const gateway = ip('203.0.113.2');

class Meeting {
  readonly trace = new TraceLog();
  readonly #world: World;

  constructor(version: NattVersion, exchange: 'main' | 'aggressive', esp: NonNullable<Adjustment['clients']>['esp'] = {}) {
    const loaded = loadTopology('home');
    const side: NonNullable<Adjustment['clients']> = { ike: { version: 'v1', keepalive: '20 s', v1: { exchange, natt: { offers: [version], accepts: [version] } } }, esp };
    const { plan } = planTopology(vary(loaded, adjustmentToVariation(loaded, { clients: side, gateway: side })));
    this.#world = new World(plan, { seed: 1, trace: this.trace, endpoint: createEndpoint });
    this.#world.command('alice', { kind: 'initiate', connection: 'gateway' });
    this.pass(seconds(5));
  }

  pass(time: Duration): void {
    this.#world.runUntil(() => false, after(this.#world.now, time));
  }

  ping(from: 'alice' | 'server', to: string): boolean {
    const name = `${from} at ${this.#world.now}`;
    this.#world.command(from, { kind: 'ping', ping: name, to: ip(to), count: 1, interval: seconds(1), timeout: seconds(3) });
    this.pass(seconds(4));
    return this.trace.of('ping-answered', from).some(({ body }) => body.ping === name);
  }

  /** UDP and TCP to the gateway itself, as in transport mode. */
  programs(): boolean[] {
    this.#world.command('alice', { kind: 'udp-echo', echo: 'u', to: gateway, count: 1, interval: seconds(1), timeout: seconds(3) });
    this.#world.command('alice', { kind: 'tcp-probe', probe: 't', to: gateway, timeout: seconds(10) });
    this.pass(seconds(12));
    return [this.trace.of('udp-echo-answered', 'alice').length === 1, this.trace.of('tcp-probe-answered', 'alice').length === 1];
  }

  /** What of each kind reached the gateway from outside, by its port there: each once, in order. */
  arrivals(): string[] {
    const kinds = this.trace.of('packet', 'gateway').flatMap(({ body }) => {
      const packet = decodeIp(body.bytes);
      if (body.direction !== 'in' || body.segment !== 'internet' || !packet.ok) return [];
      const datagram = packet.value.protocol === protocols.udp ? decodeUdp(packet.value.payload, packet.value) : undefined;
      return datagram?.ok === true ? [`${kindOf(datagram.value.payload)} on ${datagram.value.destinationPort}`] : [`protocol ${packet.value.protocol}`];
    });
    return [...new Set(kinds)];
  }
}

/** By its first octets alone: an IKE message begins with the initiator's cookie, which is not zero; ESP with an SPI, which is not either. */
function kindOf(payload: Uint8Array): string {
  const zeros = payload.findIndex((octet) => octet !== 0);
  if (payload.length === 1 && payload[0] === 0xff) return 'keepalive';
  const rest = payload.subarray(zeros);
  return `${zeros} zeros, ${rest[17] === 0x10 ? 'IKE' : 'ESP'}`;
}

const floats = ['0 zeros, IKE on 500', '4 zeros, IKE on 4500', '0 zeros, ESP on 4500', 'keepalive on 4500'];
const stays = ['0 zeros, IKE on 500', '8 zeros, ESP on 500', 'keepalive on 500'];
const wire = (version: NattVersion): string[] => (version === 'draft-00' || version === 'draft-01' ? stays : floats);

describe.each(nattVersions)('%s', (version) => {
  const bothAddresses = !['draft-03', 'draft-02n', 'draft-02', 'draft-01', 'draft-00'].includes(version);

  test.each(['main', 'aggressive'] as const)('%s mode, a tunnel: works both ways, and still does after ten minutes of silence, since keepalives go where ESP goes', (exchange) => {
    const both = new Meeting(version, exchange);
    expect(both.ping('alice', '10.99.0.10')).toBe(true);
    both.pass(minutes(10));
    expect(both.ping('server', '10.98.0.1')).toBe(true);
    expect(both.arrivals()).toEqual(wire(version));
  });

  test.each(['recompute', 'zero-udp-trust-tcp'] as const)('transport mode, checksums repaired by %s: UDP and TCP get through', (checksumRepair) => {
    expect(new Meeting(version, 'main', { mode: 'transport', checksumRepair }).programs()).toEqual([true, true]);
  });

  // the client would have to know what the gateway calls it, and a version with one original address does not say so
  test(`transport mode, checksums adjusted by the original addresses: ${bothAddresses ? 'UDP and TCP get through' : 'what comes back is thrown away at the client'}`, () => {
    const both = new Meeting(version, 'main', { mode: 'transport', checksumRepair: 'adjust' });
    expect(both.programs()).toEqual([bothAddresses, bothAddresses]);
    const thrownAway = both.trace.of('drop').filter(({ body }) => body.reason === 'inner-checksum').map(({ node }) => node);
    expect([...new Set(thrownAway)]).toEqual(bothAddresses ? [] : ['alice']);
  });
});

test('a client on two networks sends a source hash for each of its addresses, and the box that it leaves by is found', () => {
  const text = 'title: two ways\nsegments: { lan: , other: , internet: , office: }\nnats: { box: { inside: lan, outside: internet }, spare: { inside: other, outside: internet } }\nhosts:\n  alice: { on: [lan, other], connectsTo: gateway, ike: { version: v1 } }\n  gateway: { on: internet, protects: office, ike: { version: v1 } }\n';
  const { plan } = planTopology(parseTopology(text, 'two.yaml'));
  const trace = new TraceLog();
  const world = new World(plan, { seed: 1, trace, endpoint: createEndpoint });
  world.command('alice', { kind: 'initiate', connection: 'gateway' });
  world.runUntil(() => false, after(world.now, seconds(5)));
  expect(trace.of('ike-message', 'alice').filter(({ body }) => body.direction === 'sent').map(({ body }) => body.notation)[1]).toBe('HDR, KE, Ni, NAT-D, NAT-D, NAT-D');
  expect(trace.of('nat-detection').map(({ node, body }) => [node, body.localBehindNat, body.remoteBehindNat])).toEqual([['gateway', false, true], ['alice', true, false]]);
  expect(trace.of('child-sa', 'alice').map(({ body }) => body.state)).toEqual(['established']);
});
