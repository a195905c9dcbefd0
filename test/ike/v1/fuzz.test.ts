/** Whatever comes: no decoder throws, no daemon throws, and what nobody has proved to have written changes nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { spiOctets } from '../../../src/ike/v1/payloads.ts';
import { behindHash, hashOne } from '../../../src/ike/v1/protected.ts';
import { transact } from '../../../src/ike/v1/transaction.ts';
import { decodeMessage, decodePayloads } from '../../../src/wire/ike/v1/codec.ts';
import { configurationTypes, exchangeTypes, type Payload } from '../../../src/wire/ike/v1/message.ts';
import { withMarker } from '../../../src/wire/natt.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair, type PairOptions, type PartyName } from '../../support/pair.ts';
import { payload as anyPayload } from '../../wire/ike/v1/arbitrary.ts';
import { encrypted } from './insider.ts';
import { make, saOf, say } from './puppet.ts';
import { asReceived, stateOf } from './unchanged.ts';

const other = (who: PartyName): PartyName => (who === 'alice' ? 'gw' : 'alice');
const hasMarker = ({ payload }: Datagram): boolean => payload.length > 4 && payload.subarray(0, 4).every((octet) => octet === 0);

const remoteAccess: PairOptions = (() => {
  const [alice, gw] = [pair({ v1: {} }).alice.config.connections[0]!, pair({ v1: {} }).gw.config.connections[0]!];
  return {
    nat: 'initiator',
    alice: { virtualAddress: 'request', child: { ...alice.child, local: ['dynamic'] } },
    gw: { virtualAddress: { pool: prefix('10.98.0.0/24') }, child: { ...gw.child, remote: ['dynamic'] } },
    v1: { commitBit: true, only: { alice: { xauth: { user: 'ann', password: 'open sesame' } }, gw: { xauth: { users: { ann: 'open sesame' } } } } },
  };
})();
const sessions: readonly PairOptions[] = [{ v1: {} }, { nat: 'initiator', v1: { exchange: 'aggressive' } }, { nat: 'both', v1: { commitBit: true } }, remoteAccess];
/** Real messages of every kind, as their receivers see them. */
const recorded = sessions.flatMap((options) => {
  const two = established(options);
  two.command('alice', { kind: 'probe', connection: 'tunnel' }).settle().command('gw', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(15));
  return two.wire.filter(({ payload }) => payload.length > 1).map((datagram) => asReceived(two, datagram));
});

type Damage =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly to: number }
  | { readonly kind: 'cut'; readonly to: number }
  | { readonly kind: 'insert'; readonly at: number; readonly octets: Uint8Array };
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(700), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(60), to: fc.constantFrom(0, 1, 2, 4, 5, 6, 8, 13, 32, 255) }),
  fc.record({ kind: fc.constant('cut' as const), to: fc.nat(700) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(700), octets: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
);

function damaged(bytes: Uint8Array, what: Damage): Uint8Array {
  const copy = bytes.slice();
  switch (what.kind) {
    case 'flip':
      copy[what.at % copy.length]! ^= 1 << what.bit;
      return copy;
    case 'set':
      copy[what.at % copy.length] = what.to;
      return copy;
    case 'cut':
      return copy.subarray(0, what.to % copy.length);
    case 'insert': {
      const at = what.at % copy.length;
      return Uint8Array.of(...copy.subarray(0, at), ...what.octets, ...copy.subarray(at));
    }
  }
}
/** The length in the header made true, so that the damage gets further. */
function honest(bytes: Uint8Array, markerLength: number): Uint8Array {
  if (bytes.length < markerLength + 28) return bytes;
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(markerLength + 24, copy.length - markerLength);
  return copy;
}
const damages = fc.tuple(fc.nat(), fc.array(damage, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([which, all, isHonest]) => {
  const message = recorded[which % recorded.length]!;
  const bytes = all.reduce((bytes, what) => (bytes.length === 0 ? bytes : damaged(bytes, what)), message.payload);
  return { message, bytes: isHonest ? honest(bytes, hasMarker(message) ? 4 : 0) : bytes };
});

describe('the decoders', { timeout: 60_000 }, () => {
  const reasons = ['isakmp-malformed', 'isakmp-syntax'];
  const decodes = (bytes: Uint8Array): void => {
    for (const decoded of [decodeMessage(bytes), decodePayloads(bytes[0] ?? 0, bytes.subarray(1))]) if (!decoded.ok) expect(reasons).toContain(decoded.reason);
  };

  test('take real messages, damaged, or refuse them', () => {
    fc.assert(fc.property(damages, ({ bytes }) => { decodes(bytes); decodes(bytes.subarray(4)); }), { numRuns: 1500 });
  });

  test('take the plaintext of real messages, damaged, or refuse it: as an insider may write it', () => {
    const two = established(remoteAccess);
    const plain = two.wire.filter(hasMarker).flatMap((datagram) => {
      const { first, ciphertext } = encrypted(datagram);
      return [{ first, ciphertext }];
    });
    fc.assert(fc.property(fc.nat(), fc.nat(255), damage, fc.uint8Array({ maxLength: 200 }), (which, first, what, octets) => {
      const { ciphertext } = plain[which % plain.length]!;
      for (const bytes of [octets, damaged(ciphertext, what)]) {
        const decoded = decodePayloads(first, bytes);
        if (!decoded.ok) expect(reasons).toContain(decoded.reason);
      }
    }), { numRuns: 1000 });
  });
});

describe('a daemon in the middle of a session', { timeout: 60_000 }, () => {
  const elsewhere = ip('203.0.113.66');

  test.each(['main', 'aggressive'] as const)('does not care for octets that nobody has authenticated (%s)', (exchange) => {
    const two = established({ nat: 'initiator', v1: { exchange } });
    const cookies = saOf(two.gw);
    const state = { alice: stateOf(two.alice), gw: stateOf(two.gw) };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...Object.values(exchangeTypes)), fc.nat(255), fc.boolean(), fc.boolean(), fc.nat(0xffff_ffff), (body, type, first, isEncrypted, isOfSa, messageId) => {
      const message = new Uint8Array(28 + body.length);
      const view = new DataView(message.buffer);
      if (isOfSa) {
        message.set(cookies.initiatorSpi, 0);
        message.set(cookies.responderSpi, 8);
      } else {
        message.fill(7, 0, 16); // no first message, which is welcome as such
      }
      message.set([first, 0x10, type, isEncrypted ? 1 : 0], 16);
      view.setUint32(20, messageId % 3 === 0 ? 0 : messageId);
      view.setUint32(24, message.length);
      message.set(body, 28);
      for (const to of ['alice', 'gw'] as const) {
        for (const port of [500, 4500]) two.deliver(to, { address: elsewhere, port }, { address: two[to].config.address, port }, port === 4500 ? withMarker(message) : message);
        expect(stateOf(two[to])).toEqual(state[to]);
      }
    }), { numRuns: 250 });
    expect(two.gw.sent.length + two.alice.sent.length).toBe(two.wire.length);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).pass(seconds(20));
    expect([two.alice.stack.size, two.gw.stack.size]).toEqual([2, 2]);
  });

  test('does not care for its own session\'s messages with something changed in them', () => {
    const two = established(remoteAccess);
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    const own = two.wire.slice(1).filter(({ payload }) => payload.length > 1).map((datagram) => asReceived(two, datagram));
    const state = { alice: stateOf(two.alice), gw: stateOf(two.gw) };
    const before = two.wire.length;
    fc.assert(fc.property(fc.nat(), fc.array(damage, { minLength: 1, maxLength: 3 }), fc.boolean(), (which, all, isHonest) => {
      const { to, source, destination, payload } = own[which % own.length]!;
      const bytes = all.reduce((bytes, what) => (bytes.length === 0 ? bytes : damaged(bytes, what)), payload);
      if (Buffer.compare(bytes, payload) === 0) return; // nothing was changed after all
      two.deliver(to, source, destination, isHonest ? honest(bytes, destination.port === 4500 ? 4 : 0) : bytes);
      const headless = bytes.subarray(destination.port === 4500 ? 4 : 0).subarray(8, 16);
      if (headless.length === 8 && headless.every((octet) => octet === 0)) return;
      expect(stateOf(two[to])).toEqual(state[to]);
    }), { numRuns: 500 });
    expect(two.wire.length - before).toBeLessThan(50);
  });

  test('does not believe a new message of its peer\'s in which anything was changed; the message itself it does', () => {
    const two = established({ nat: 'initiator', v1: {} });
    const before = two.wire.length;
    two.link = () => [];
    const { children, initiatorSpi, responderSpi } = saOf(two.alice);
    const [child] = children;
    say(two, 'alice', { type: 'Delete', doi: 1, protocol: 3, spis: [spiOctets(child!.spiIn)] }, { type: 'Delete', doi: 1, protocol: 1, spis: [Uint8Array.of(...initiatorSpi, ...responderSpi)] });
    make(two, 'alice', (sa) => { transact(sa, configurationTypes.REQUEST, [{ type: 1, value: new Uint8Array(0) }], () => undefined); });
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' });
    const fresh = two.wire.slice(before).map((datagram) => asReceived(two, datagram));
    expect(fresh).toHaveLength(3);
    const state = stateOf(two.gw);
    let [sent, answers] = [two.gw.sent.length, 0];
    // behind the last block nothing is covered by a HASH, nor are the flags: IKEv1 has no MAC over a message
    const change = damage.filter((what) => what.kind !== 'insert');
    fc.assert(fc.property(fc.constantFrom(...fresh), fc.array(change, { minLength: 1, maxLength: 3 }), ({ source, destination, payload }, all) => {
      const bytes = honest(all.reduce((bytes, what) => (bytes.length === 0 ? bytes : damaged(bytes, what)), payload), 4);
      const withFlags = Uint8Array.from(bytes);
      withFlags[4 + 19] = payload[4 + 19]!;
      if (Buffer.compare(withFlags, payload) === 0 || bytes.subarray(4 + 8, 4 + 16).every((octet) => octet === 0)) return;
      two.deliver('gw', source, destination, bytes);
      expect(stateOf(two.gw)).toEqual(state);
      answers += bytes[4 + 17] === 0x10 ? two.gw.sent.length - sent : 0; // another major version is answered as such
      sent = two.gw.sent.length;
    }), { numRuns: 600, endOnFailure: true });
    expect(answers).toBe(0);
    for (const { source, destination, payload } of fresh.reverse()) two.deliver('gw', source, destination, payload);
    expect(two.gw.states().at(-1)).toBe('deleted');
  });

  test('of another session they are nothing at all to it', () => {
    const two = established({ nat: 'initiator', v1: {}, seed: 99 });
    const state = { alice: stateOf(two.alice), gw: stateOf(two.gw) };
    fc.assert(fc.property(damages, ({ message: { to, source, destination }, bytes }) => {
      const at = destination.port === 4500 ? 4 : 0;
      if (bytes.length < at + 16 || bytes.subarray(at + 8, at + 16).every((octet) => octet === 0)) return; // a first message is one
      two.deliver(to, source, { ...destination, address: two[to].config.address }, bytes);
      expect(stateOf(two[to])).toEqual(state[to]);
    }), { numRuns: 500 });
  });
});

describe('a peer that has the keys', { timeout: 120_000 }, () => {
  /** One tunnel in the end, or an ISAKMP SA that was ended; nothing half made. */
  const isSound = ({ alice, gw }: Pair): void => {
    for (const { stack } of [alice, gw]) {
      expect(stack.larval).toBe(0);
      expect(stack.size % 2).toBe(0);
    }
  };

  test('may write what it likes: it is taken or refused, nobody throws, and nothing half made is left', () => {
    fc.assert(fc.property(fc.constantFrom('alice' as const, 'gw' as const), fc.constantFrom('informational' as const, 'quick' as const, 'transaction' as const), fc.array(anyPayload, { maxLength: 5 }), fc.boolean(), (who, name, payloads, isReal) => {
      const two = established({ nat: 'initiator', v1: {} });
      const said: readonly Payload[] = isReal ? [...payloads, { type: 'Nonce', data: new Uint8Array(16) }, { type: 'ID', idType: 4, protocol: 0, port: 0, data: Uint8Array.of(10, 98, 0, 0, 255, 255, 255, 0) }] : payloads;
      make(two, who, (sa) => {
        const exchange = sa.beginExchange(name);
        exchange.send(behindHash(hashOne(sa, exchange.messageId), said));
      }).pass(minutes(4));
      const heard = [...two[other(who)].drops(), ...two[other(who)].events('child-sa').map(({ state }) => state), ...two[other(who)].events('ike-sa').map(({ state }) => state)];
      expect(heard.length).toBeGreaterThan(0);
      isSound(two);
    }), { numRuns: 200 });
  });

  test('may write octets that are no payloads', () => {
    const two = established({ v1: {} });
    fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 120 }), (octets) => {
      const before = stateOf(two.gw);
      make(two, 'alice', (sa) => {
        const exchange = sa.beginExchange('informational');
        // an unknown payload whose octets the receiver cannot but take for what they say they are
        exchange.send(behindHash(hashOne(sa, exchange.messageId), [{ type: 'Unknown', payloadType: 1 + (octets[0]! % 21), data: octets.subarray(1) }]));
      }).settle();
      const drop = two.gw.events('drop').at(-1);
      if (drop !== undefined && drop.reason === 'isakmp-authentication') expect(stateOf(two.gw)).toEqual(before);
      return two.gw.states().every((state) => ['connecting', 'established', 'deleted'].includes(state));
    }), { numRuns: 200 });
  });
});

describe('a bad link', { timeout: 120_000 }, () => {
  type Mischief = Damage | { readonly kind: 'twice' | 'lose' | 'pass' } | { readonly kind: 'replay'; readonly which: number };
  const mischief: fc.Arbitrary<Mischief> = fc.oneof(damage, fc.record({ kind: fc.constantFrom('twice' as const, 'lose' as const, 'pass' as const) }), fc.record({ kind: fc.constant('replay' as const), which: fc.nat() }));
  const suffered = (datagram: Datagram, what: Mischief, wire: readonly Datagram[]): readonly Datagram[] => {
    switch (what.kind) {
      case 'twice':
        return [datagram, datagram];
      case 'lose':
        return [];
      case 'pass':
        return [datagram];
      case 'replay':
        return [wire[what.which % wire.length]!, datagram];
      case 'flip':
      case 'set':
      case 'cut':
      case 'insert':
        return [{ ...datagram, payload: damaged(datagram.payload, what) }];
    }
  };

  test('at the beginning: the tunnel comes up, or both sides know that it has not', () => {
    fc.assert(fc.property(fc.array(mischief, { maxLength: 8 }), fc.constantFrom(...sessions), (bad, options) => {
      const two = pair(options);
      const left = [...bad];
      two.link = (datagram) => suffered(datagram, left.shift() ?? { kind: 'pass' }, two.wire);
      two.initiate().pass(minutes(8));
      const isUp = two.alice.stack.size === 2 && two.gw.stack.size === 2;
      expect([two.alice.stack.larval, two.gw.stack.larval]).toEqual([0, 0]);
      if (!isUp) expect([two.alice.stack.size, two.gw.stack.size]).toEqual([0, 0]);
    }), { numRuns: 120 });
  });

  test('in its life: rekeys and probes end with one tunnel, or with none on both sides; an end, with nothing half made', () => {
    const commands = fc.array(fc.tuple(fc.constantFrom('alice' as const, 'gw' as const), fc.constantFrom('ike' as const, 'child' as const, 'probe' as const, 'terminate' as const)), { maxLength: 5 });
    fc.assert(fc.property(fc.array(mischief, { minLength: 1, maxLength: 16 }), commands, (bad, all) => {
      const watching = { deadPeerDetection: seconds(60) };
      const two = established({ nat: 'initiator', v1: {}, aliceDaemon: watching, gwDaemon: watching });
      const left = [...bad];
      two.link = (datagram) => suffered(datagram, left.shift() ?? { kind: 'pass' }, two.wire);
      for (const [who, what] of all) two.command(who, what === 'probe' || what === 'terminate' ? { kind: what, connection: 'tunnel' } : { kind: 'rekey', connection: 'tunnel', what });
      two.pass(minutes(20));
      const spis = ({ stack }: Pair['alice']): number[] => [...stack.sas.values()].map(({ sa }) => sa!.spi).sort();
      expect([two.alice.stack.larval, two.gw.stack.larval]).toEqual([0, 0]);
      expect([0, 2]).toContain(two.alice.stack.size);
      // a delete that is lost is lost, where the ISAKMP SA that it was said by has gone with it
      if (!all.some(([, what]) => what === 'terminate')) expect(spis(two.alice)).toEqual(spis(two.gw));
    }), { numRuns: 100 });
  });
});
