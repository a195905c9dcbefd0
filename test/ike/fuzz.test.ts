import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConnectionConfig } from '../../src/ike/config.ts';
import { established, minutes, pair, seconds, type Datagram, type Pair } from '../support/pair.ts';
import { forged } from '../support/insider.ts';

/** What a hostile or bad link does to one datagram. */
type Mischief =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly to: number }
  | { readonly kind: 'twice' | 'lose' | 'pass' }
  | { readonly kind: 'replay'; readonly which: number };

const mischief: fc.Arbitrary<Mischief> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), to: fc.nat() }),
  fc.record({ kind: fc.constantFrom('twice' as const, 'lose' as const, 'pass' as const) }),
  fc.record({ kind: fc.constant('replay' as const), which: fc.nat() }),
);

/** IKE messages whole, or in fragments of their own. */
const fragmentation = fc.constantFrom<Partial<ConnectionConfig>>({}, { fragmentation: 200 });

function damaged({ payload, ...datagram }: Datagram, what: Mischief, wire: readonly Datagram[]): readonly Datagram[] {
  switch (what.kind) {
    case 'flip': {
      const bytes = payload.slice();
      bytes[what.at % bytes.length]! ^= 1 << what.bit;
      return [{ ...datagram, payload: bytes }];
    }
    case 'cut':
      return [{ ...datagram, payload: payload.subarray(0, what.to % payload.length) }];
    case 'twice':
      return [{ ...datagram, payload }, { ...datagram, payload }];
    case 'lose':
      return [];
    case 'pass':
      return [{ ...datagram, payload }];
    case 'replay':
      return [wire[what.which % wire.length]!, { ...datagram, payload }];
  }
}

const inPlace = ({ alice, gw }: Pair): boolean => alice.stack.size === 2 && gw.stack.size === 2 && alice.states().at(-1) === 'established' && gw.states().includes('established');

describe('whatever a link does to the exchange, nobody throws, and it ends', { timeout: 60_000 }, () => {
  test('a bad start: the tunnel comes up in the end, since what was damaged is sent again', () => {
    fc.assert(
      fc.property(fc.array(mischief, { maxLength: 8 }), fc.constantFrom('none' as const, 'initiator' as const, 'both' as const), fragmentation, (bad, nat, inPieces) => {
        const two = pair({ nat, alice: inPieces, gw: inPieces });
        const left = [...bad];
        two.link = (datagram) => damaged(datagram, left.shift() ?? { kind: 'pass' }, two.wire);
        two.initiate().pass(minutes(5));
        const [a, b] = [two.alice.states().at(-1), two.gw.states().at(-1)];
        return inPlace(two) || (a === 'failed' && two.alice.stack.size === 0) || fail(`${a} ${b} ${two.alice.stack.size} ${two.gw.stack.size}`);
      }),
      { numRuns: 120 },
    );
  });

  test('a bad life: rekeys and probes on such a link end with one tunnel, or with none on both sides', () => {
    fc.assert(
      fc.property(fc.array(mischief, { minLength: 1, maxLength: 20 }), fc.array(fc.tuple(fc.constantFrom('alice' as const, 'gw' as const), fc.constantFrom('ike' as const, 'child' as const, 'probe' as const)), { maxLength: 5 }), fragmentation, (bad, commands, inPieces) => {
        const watching = { deadPeerDetection: seconds(60) };
        const two = established({ nat: 'initiator', aliceDaemon: watching, gwDaemon: watching, alice: inPieces, gw: inPieces });
        const left = [...bad];
        two.link = (datagram) => damaged(datagram, left.shift() ?? { kind: 'pass' }, two.wire);
        for (const [who, what] of commands) two.command(who, what === 'probe' ? { kind: 'probe', connection: 'tunnel' } : { kind: 'rekey', connection: 'tunnel', what });
        two.pass(minutes(20));
        expect([two.alice.stack.larval, two.gw.stack.larval]).toEqual([0, 0]);
        const spis = ({ stack }: Pair['alice']): number[] => [...stack.sas.values()].map(({ sa }) => sa!.spi).sort();
        expect(spis(two.alice)).toEqual(spis(two.gw));
        expect(two.alice.stack.size === 2 || two.alice.stack.size === 0).toBe(true);
      }),
      { numRuns: 120 },
    );
  });
});

/** What of a daemon garbage must not change. */
const state = ({ alice, gw }: Pair): unknown => [alice, gw].map(({ states, events, stack, daemon, name }) => [name, states.call(name === 'alice' ? alice : gw), events.call(name === 'alice' ? alice : gw, 'child-sa').length, stack.heard.length, daemon.nextWake()]);

describe('garbage changes nothing', { timeout: 60_000 }, () => {
  test('bytes', () => {
    const two = established({ nat: 'initiator' });
    const before = state(two);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(500, 4500), fc.boolean(), (bytes, port, marked) => {
        for (const who of ['alice', 'gw'] as const) {
          const payload = marked ? Uint8Array.of(0, 0, 0, 0, ...bytes) : bytes;
          two.deliver(who, { address: two.gw.config.address, port }, { address: two[who].config.address, port }, payload);
        }
        expect(state(two)).toEqual(before);
      }),
      { numRuns: 250 },
    );
  });

  test('messages of the exchange with a bit flipped, or cut, or once more', () => {
    const two = established({ nat: 'initiator' });
    two.command('alice', { kind: 'rekey', connection: 'tunnel', what: 'child' }).settle();
    const before = state(two);
    const wire = [...two.wire];
    fc.assert(
      fc.property(fc.nat(), mischief, (which, what) => {
        const original = wire[which % wire.length]!;
        if (what.kind === 'replay' || what.kind === 'lose') return;
        // a first message with other bytes in the right places is another first message, and welcome
        if (original === wire[0]) return;
        for (const { from, destination, payload } of damaged(original, what, wire)) {
          const to = from === 'alice' ? 'gw' : 'alice';
          two.deliver(to, { address: two[from].config.address, port: 4500 }, { address: two[to].config.address, port: destination.port === 500 ? 500 : 4500 }, payload);
        }
        expect(state(two)).toEqual(before);
      }),
      { numRuns: 250 },
    );
  });

  test('whatever stands under the right keys is answered or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.integer({ min: 33, max: 53 }), fc.uint8Array({ maxLength: 80 }), fc.constantFrom('INFORMATIONAL' as const, 'CREATE_CHILD_SA' as const, 'IKE_AUTH' as const), (payloadType, data, exchange) => {
        const two = established();
        const { source, destination } = two.wire[2]!;
        two.deliver('gw', source, destination, forged(two.gw, 'initiator', { exchange, response: false, messageId: 2 }, [{ type: 'Unknown', payloadType, critical: false, data }]));
        two.settle();
        return exchange === 'IKE_AUTH' ? two.gw.drops().includes('ike-unexpected-exchange') : two.wire.length > 4;
      }),
      { numRuns: 250 },
    );
  });
});

function fail(what: string): never {
  throw new Error(what);
}
