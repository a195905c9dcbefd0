/** What each system makes of UDP on a port of IKE's, and of ESP in another form than its SA has. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat } from '../../src/core/bytes.ts';
import { minutes, seconds, type Instant } from '../../src/core/time.ts';
import type { SocketOption } from '../../src/ipsec/encapsulation-rules.ts';
import type { StackInput } from '../../src/ipsec/ports.ts';
import { natKeepalive, withMarker } from '../../src/wire/natt.ts';
import { encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { pfkeyDialects } from '../../src/wire/pfkey/dialects.ts';
import type { System } from '../../src/wire/pfkey/dialect.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { add, address, carried, drops, east, eastNet, Host, inbound, inner, keyOf, messages, of, policy, west, westNet, type SaOptions } from './host.ts';

type Rules = System | 'rfc';
const everyone: readonly Rules[] = ['rfc', 'linux', 'freebsd', 'illumos', 'openbsd'];

/** A host of a system, told in its own PF_KEY. Its network is behind `own`. */
class SystemHost extends Host {
  readonly #system: Rules;

  constructor(rules: Rules, own: string, more: ConstructorParameters<typeof Host>[2] = {}) {
    super(ip(own), 1, { ...(rules !== 'rfc' && { system: rules }), ...more });
    this.#system = rules;
  }

  say(request: Partial<PfkeyMessage> & Pick<PfkeyMessage, 'type'>): PfkeyMessage {
    const message = { saType: 3, errno: 0, sequence: 1, pid: 77, ...request } as const;
    const isLocal = (at: string): boolean => at === this.address;
    if (this.#system === 'rfc') return messages(this.do({ kind: 'pfkey', message: encodePfkey(message) }))[0]!;
    const dialect = pfkeyDialects[this.#system];
    const [answer] = of(this.do({ kind: 'pfkey', message: dialect.encode(message, isLocal) }), 'pfkey');
    const decoded = dialect.decode(answer!.message, isLocal);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.value;
  }
}

const clear = inner('10.1.0.5', '10.2.0.6');
const spi = 0x1000;
const sa = (options: SaOptions): ReturnType<typeof add> => add(spi, west, east, options);
const forms = { plain: {}, 'in UDP': { ports: [4500, 4500] }, 'behind the marker': { more: { nattType: 1, nattSourcePort: 500, nattDestinationPort: 500 } } } as const;
type Form = keyof typeof forms;

/** What the form sends on the wire, from a stack that has no rules of its own. */
function sent(form: Form): StackInput {
  const sender = new SystemHost('rfc', west);
  sender.say(sa(forms[form]));
  sender.say(policy('out', westNet, eastNet, [west, east]));
  return carried(sender.outbound(clear))[0]!;
}

function receiver(rules: Rules, form: Form, option?: { readonly port: number; readonly option: SocketOption }): SystemHost {
  const host = new SystemHost(rules, east);
  host.do({ kind: 'udp-encap', ...(option ?? { port: 4500 }) });
  expect(host.say(sa(forms[form])).errno).toBe(0);
  expect(host.say(policy('in', westNet, eastNet, [west, east])).errno).toBe(0);
  return host;
}

describe('ESP and its SA', () => {
  const fine: string[] = [];
  const mismatch = ['esp-encapsulation'];
  test.each([
    // rules, plain by an SA in UDP, in UDP by a plain SA
    ['rfc', fine, mismatch],
    ['linux', mismatch, mismatch],
    ['freebsd', fine, mismatch],
    ['illumos', mismatch, mismatch],
    ['openbsd', mismatch, mismatch],
  ] as const)('%s', (rules, plainBySaInUdp, udpByPlainSa) => {
    expect(inbound(receiver(rules, 'plain').do(sent('plain')))).toEqual([clear]);
    expect(inbound(receiver(rules, 'in UDP').do(sent('in UDP')))).toEqual([clear]);
    expect(drops(receiver(rules, 'in UDP').do(sent('plain')))).toEqual(plainBySaInUdp);
    expect(drops(receiver(rules, 'plain').do(sent('in UDP')))).toEqual(udpByPlainSa);
  });

  test.each([
    ['rfc', []],
    ['linux', []],
    ['freebsd', ['esp-encapsulation']],
    ['illumos', []],
    ['openbsd', []],
  ] as const)('%s, when the peer has another port than its SA', (rules, reasons) => {
    const packet = sent('in UDP');
    expect(drops(receiver(rules, 'in UDP').do(packet.kind === 'datagram' ? { ...packet, peer: { ...packet.peer, port: 61234 } } : packet))).toEqual(reasons);
  });

  test.each([
    ['rfc', 1],
    ['linux', 1],
    ['illumos', 0],
    ['openbsd', 0],
  ] as const)('%s tells the daemon of the new port %i times: the others have no message for it', (rules, times) => {
    const packet = sent('in UDP');
    const outputs = receiver(rules, 'in UDP').do(packet.kind === 'datagram' ? { ...packet, peer: { ...packet.peer, port: 61234 } } : packet);
    expect(of(outputs, 'pfkey')).toHaveLength(times);
  });
});

describe('the non-IKE marker of drafts 00 and 01', () => {
  const onPort500 = { port: 500, option: 'non-ike' } as const;

  test.each(['rfc', 'linux'] as const)('%s: ESP goes by port 500 behind eight zero octets, and is told from IKE by them', (rules) => {
    const packet = sent('behind the marker');
    if (packet.kind !== 'datagram') throw new Error('no datagram');
    expect([packet.local.port, packet.peer.port, packet.payload.subarray(0, 8), packet.payload.subarray(8, 12)]).toEqual([500, 500, new Uint8Array(8), Uint8Array.of(0, 0, 0x10, 0)]);
    expect(inbound(receiver(rules, 'behind the marker', onPort500).do(packet))).toEqual([clear]);
    const ike = Uint8Array.from({ length: 28 }, (_, i) => i + 1);
    const up = of(receiver(rules, 'behind the marker', onPort500).do({ ...packet, payload: ike }), 'datagram-up');
    expect(up.map(({ payload }) => payload)).toEqual([ike]);
    expect(drops(receiver(rules, 'behind the marker', onPort500).do({ ...packet, payload: natKeepalive }))).toEqual(['natt-keepalive']);
  });

  test('Linux takes nothing without a marker by an SA that has one, nor the other way round', () => {
    const packet = sent('behind the marker');
    if (packet.kind !== 'datagram') throw new Error('no datagram');
    const bare = { ...packet, local: { ...packet.local, port: 4500 }, payload: packet.payload.subarray(8) };
    const host = receiver('linux', 'behind the marker', onPort500);
    host.do({ kind: 'udp-encap', port: 4500 });
    expect(drops(host.do(bare))).toEqual(['esp-encapsulation']);
    expect(drops(receiver('linux', 'in UDP', onPort500).do(packet))).toEqual(['esp-encapsulation']);
  });

  test('eight zero octets and less than an ESP header behind them go up, where nobody knows them', () => {
    const host = receiver('linux', 'behind the marker', onPort500);
    const peer = { address: ip(west), port: 500 };
    expect(of(host.do({ kind: 'datagram', local: { address: ip(east), port: 500 }, peer, payload: new Uint8Array(16) }), 'datagram-up')).toHaveLength(1);
  });

  test('FreeBSD has no such SAs', () => {
    expect(new SystemHost('freebsd', east).say(sa(forms['behind the marker'])).errno).toBe(22);
  });
});

describe('what is not ESP', () => {
  const ike = withMarker(Uint8Array.from({ length: 28 }, (_, i) => i + 1));
  const local = { address: ip(east), port: 4500 };
  const peer = { address: ip(west), port: 4500 };
  test.each([
    ['rfc', ike, ['natt-keepalive'], ['natt-too-short'], ['natt-too-short']],
    ['linux', ike, ['natt-keepalive'], ['up'], ['up']],
    ['freebsd', ike, ['up'], ['up'], ['esp-malformed']],
    ['illumos', ike.subarray(4), ['natt-keepalive'], ['natt-too-short'], ['natt-too-short']],
    ['openbsd', ike, ['natt-keepalive'], ['natt-too-short'], ['esp-malformed']],
  ] as const)('%s: IKE, a keepalive, two octets, an SPI alone', (rules, up, keepalive, two, spiAlone) => {
    const host = new SystemHost(rules, east);
    host.do({ kind: 'udp-encap', port: 4500 });
    const fate = (payload: Uint8Array): string[] => {
      const outputs = host.do({ kind: 'datagram', local, peer, payload });
      return [...of(outputs, 'datagram-up').map(() => 'up'), ...drops(outputs)];
    };
    expect(of(host.do({ kind: 'datagram', local, peer, payload: ike }), 'datagram-up').map(({ payload }) => payload)).toEqual([up]);
    expect([fate(natKeepalive), fate(Uint8Array.of(0xff, 0xff)), fate(Uint8Array.of(0, 0, 0x10, 0))]).toEqual([keepalive, two, spiAlone]);
  });

  test.each(everyone)('%s: what the daemon sends has a marker put in front by illumos, on a NAT-T endpoint', (rules) => {
    const host = new SystemHost(rules, east);
    host.do({ kind: 'udp-encap', port: 4500 });
    const payload = Uint8Array.of(1, 2, 3);
    const leaves = (from: number): Uint8Array[] => of(host.do({ kind: 'datagram-down', local: { ...local, port: from }, peer, payload }), 'datagram-down').map((output) => output.payload);
    expect([leaves(4500), leaves(500)]).toEqual([[rules === 'illumos' ? concat(new Uint8Array(4), payload) : payload], [payload]]);
  });
});

describe('keepalives by the stack of illumos', () => {
  const at = (time: number): Instant => time as Instant;
  const outbound = (behindNat: boolean): ReturnType<typeof add> => add(spi, east, west, { ports: [4500, 61234], more: behindNat ? { nattLocalBehindNat: true } : {} });
  const host = (options: ConstructorParameters<typeof Host>[2], behindNat = true): SystemHost => {
    const made = new SystemHost('illumos', east, options);
    made.do({ kind: 'udp-encap', port: 4500 });
    expect(made.say(outbound(behindNat)).errno).toBe(0);
    expect(made.say(policy('out', eastNet, westNet, [east, west])).errno).toBe(0);
    return made;
  };
  const keepalives = (outputs: ReturnType<Host['until']>): number => of(outputs, 'datagram').filter(({ payload }) => payload.length === 1 && payload[0] === 0xff).length;

  test('one octet 0xFF every 20 s to where the SA goes', () => {
    const outputs = host({ natKeepalive: seconds(20) }).until(at(minutes(1)));
    expect(of(outputs, 'datagram')).toEqual(Array.from({ length: 3 }, () => ({ kind: 'datagram', local: { address: east, port: 4500 }, peer: { address: west, port: 61234 }, payload: natKeepalive })));
  });

  test('an interval from the last packet on', () => {
    const made = host({ natKeepalive: seconds(20) });
    expect(keepalives(made.until(at(seconds(15))))).toBe(0);
    made.outbound(inner('10.2.0.6', '10.1.0.5'));
    expect(keepalives(made.until(at(seconds(34))))).toBe(0);
    expect(keepalives(made.until(at(seconds(35))))).toBe(1);
  });

  test.each([
    ['no NAT is in front of this host', {}, false],
    ['they are turned off', { natKeepalive: 'off' as const }, true],
    ['their interval is 0', { natKeepalive: seconds(0) }, true],
  ])('none when %s', (_, options, behindNat) => {
    expect(host({ natKeepalive: seconds(20), ...options }, behindNat).until(at(minutes(5)))).toEqual([]);
  });

  test('none for an SA that is gone', () => {
    const made = host({ natKeepalive: seconds(20) });
    made.say({ type: 'SADB_DELETE', sa: { spi, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 }, source: address(east), destination: address(west) });
    expect(made.until(at(minutes(5)))).toEqual([]);
  });

  test('an interval of more than 600 s is a bug', () => {
    expect(() => new SystemHost('illumos', east, { natKeepalive: seconds(601) })).toThrow(RangeError);
  });
});

test('illumos answers an extension that is missing with EINVAL and the diagnostic, and the header alone', () => {
  const host = new SystemHost('illumos', east);
  const isLocal = (at: string): boolean => at === east;
  const good = pfkeyDialects.illumos.encode({ saType: 3, errno: 0, sequence: 9, pid: 77, ...sa({ ports: [61234, 4500], more: { encryptionKey: keyOf(1, 20) } }) }, isLocal);
  const withoutRemote = good.slice(0, good.length - 24); // ADDRESS_NATT_REM is the last extension
  withoutRemote[4] = withoutRemote.length / 8;
  const withoutSource = Uint8Array.from([...good.subarray(0, 32), ...good.subarray(56)]); // behind the header and the SA
  withoutSource[4] = withoutSource.length / 8;
  const answers = [withoutRemote, withoutSource].flatMap((message) => of(host.do({ kind: 'pfkey', message }), 'pfkey').map((answer) => [...answer.message]));
  expect(answers).toEqual([52, 18].map((diagnostic) => [2, 3, 22, 3, 2, 0, diagnostic, 0, 9, 0, 0, 0, 77, 0, 0, 0]));
});
