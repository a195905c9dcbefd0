/** What a daemon of each system has really said to its stack, bent, cut, doubled and mixed: no exception, one answer at the most, and nothing changes by what is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../src/core/bytes.ts';
import { after, seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { StackOutput } from '../../src/ipsec/ports.ts';
import { World } from '../../src/sim/world.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import { describePfkey } from '../../src/wire/pfkey/describe.ts';
import { systems, type IsLocal, type System } from '../../src/wire/pfkey/dialect.ts';
import { pfkeyDialects } from '../../src/wire/pfkey/dialects.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';
import { adjustmentToVariation } from '../../lab/topology/cast.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { drops, Host, of } from './host.ts';

const client = 'alice';

interface Conversation {
  readonly address: Host['address'];
  readonly isLocal: IsLocal;
  /** What leaves a stack with the SAs and policies of that client. */
  readonly said: readonly Uint8Array[];
}

/** A client behind a NAT brings its tunnel up, rekeys it, and the gateway does too. */
function conversation(system: System, esp: { readonly mode?: 'transport' } = {}): Conversation {
  const loaded = loadTopology('home');
  const { plan } = planTopology(vary(loaded, adjustmentToVariation(loaded, { clients: { system, esp }, gateway: { esp } })));
  const trace = new TraceLog();
  const world = new World(plan, { seed: 1, trace, endpoint: createEndpoint });
  for (const step of [{ kind: 'initiate', connection: 'gateway' }, { kind: 'rekey', connection: 'gateway', what: 'child' }] as const) {
    world.command(client, step);
    world.runUntil(() => false, after(world.now, seconds(2)));
  }
  const { address } = plan.nodes.find(({ name }) => name === client)!.interfaces[0]!;
  const isLocal: IsLocal = (at) => at === address;
  const dialect = pfkeyDialects[system];
  const events = trace.of('pfkey', client).map(({ body }) => body);
  const read = (bytes: Uint8Array): PfkeyMessage => {
    const decoded = dialect.decode(bytes, isLocal);
    if (!decoded.ok) throw new Error(decoded.detail);
    return decoded.value;
  };
  const given = new Map(events.filter(({ direction, type }) => direction === 'to-daemon' && type === 'SADB_GETSPI').map(({ bytes }) => [read(bytes).sequence, read(bytes).sa!.spi]));
  const said = events.flatMap(({ direction, bytes }) => (direction === 'to-stack' ? [bytes] : [])).filter((bytes) => read(bytes).type !== 'SADB_DELETE');
  return { address, isLocal, said: said.map((bytes) => withSpi(read(bytes))) };

  /** Chance gave the SPI: a request for just that one has it again. */
  function withSpi(message: PfkeyMessage): Uint8Array {
    const spi = message.type === 'SADB_GETSPI' ? given.get(message.sequence) : undefined;
    return dialect.encode(spi === undefined ? message : { ...message, spiRange: { min: spi, max: spi } }, isLocal);
  }
}

/** A header and extensions, each with its own; lengths are in words of eight octets. */
function parts(message: Uint8Array): Uint8Array[] {
  const cut = [message.subarray(0, 16)];
  for (let at = 16; at < message.length; ) {
    const length = 8 * (message[at]! | (message[at + 1]! << 8));
    cut.push(message.subarray(at, at + length));
    at += length;
  }
  return cut;
}

function whole(pieces: readonly Uint8Array[]): Uint8Array {
  const message = concat(...pieces);
  message[4] = (message.length / 8) & 0xff;
  message[5] = message.length >> 11;
  return message;
}

const place = fc.nat(0xffff);
const telling = fc.constantFrom(0, 1, 2, 3, 5, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff);

/** One way to spoil a message, given the whole conversation. */
type Spoil = (message: Uint8Array, said: readonly Uint8Array[]) => Uint8Array;

const spoils: Readonly<Record<string, fc.Arbitrary<Spoil>>> = {
  'octets': fc.array(fc.tuple(place, fc.nat(0xff)), { minLength: 1, maxLength: 4 }).map((bends) => (message) => {
    const bent = message.slice();
    for (const [at, octet] of bends) bent[at % bent.length] = octet;
    return bent;
  }),
  'the length or the number of an extension, or of the message': fc.tuple(place, fc.constantFrom(0, 2, 4), telling).map(([which, field, value]) => (message) => {
    const pieces = parts(message).map((piece) => piece.slice());
    const piece = pieces[which % pieces.length]!;
    new DataView(piece.buffer).setUint16(field, value, true);
    return concat(...pieces);
  }),
  'an extension left out': place.map((which) => (message) => {
    const pieces = parts(message);
    return whole(pieces.filter((_, i) => i === 0 || i !== 1 + (which % (pieces.length - 1))));
  }),
  'an extension twice': fc.tuple(place, place).map(([which, to]) => (message) => {
    const pieces = parts(message);
    return whole(pieces.toSpliced(1 + (to % pieces.length), 0, pieces[1 + (which % (pieces.length - 1))] ?? new Uint8Array()));
  }),
  'an extension shortened by words': fc.tuple(place, place).map(([which, words]) => (message) => {
    const pieces = parts(message).map((piece) => piece.slice());
    const at = 1 + (which % Math.max(1, pieces.length - 1));
    const piece = pieces[at];
    if (piece === undefined) return message;
    const shorter = piece.slice(0, 8 * (1 + (words % (piece.length / 8))));
    shorter[0] = shorter.length / 8;
    return whole(pieces.with(at, shorter));
  }),
  "another message's extensions": fc.tuple(place, place).map(([which, to]) => (message, said) => {
    const pieces = parts(message);
    return whole(pieces.toSpliced(1 + (to % pieces.length), 0, ...parts(said[which % said.length]!).slice(1)));
  }),
  "another message's header": place.map((which) => (message, said) => whole([parts(said[which % said.length]!)[0]!.slice(), ...parts(message).slice(1)])),
  'cut off': place.map((at) => (message) => message.slice(0, at % message.length)),
};

function stackAfter(system: System, address: Host['address'], said: readonly Uint8Array[]): Host {
  const host = new Host(address, 1, { system });
  for (const message of said) {
    const [answer] = of(host.do({ kind: 'pfkey', message }), 'pfkey');
    expect(answer!.message[2]).toBe(0);
  }
  return host;
}

/** All that the stack holds, as it says itself. */
const holdings = (host: Host, system: System, isLocal: IsLocal): Uint8Array[] =>
  (['SADB_DUMP', 'SADB_X_SPDDUMP'] as const).flatMap((type) => of(host.do({ kind: 'pfkey', message: pfkeyDialects[system].encode({ type, saType: 0, errno: 0, sequence: 0, pid: 7 }, isLocal) }), 'pfkey').map(({ message }) => message));

describe.each(systems)('%s', (system) => {
  const dialect = pfkeyDialects[system];
  const conversations = [conversation(system), conversation(system, { mode: 'transport' })] as const;

  test('the conversation makes four SAs and two policies, and a stack takes all of it', () => {
    for (const { address, isLocal, said } of conversations) expect(holdings(stackAfter(system, address, said), system, isLocal)).toHaveLength(6);
  });

  test.each(Object.entries(spoils))('%s', (_, spoil) => {
    fc.assert(
      fc.property(fc.nat(1), place, fc.array(spoil, { minLength: 1, maxLength: 2 }), (which, at, ways) => {
        const { address, isLocal, said } = conversations[which]!;
        const turn = at % said.length;
        const message = ways.reduce((spoilt, way) => (isWhole(spoilt) ? way(spoilt, said) : spoilt), said[turn]!);
        const decoded = dialect.decode(message, isLocal);
        if (decoded.ok) describePfkey(decoded.value);
        else expect(decoded.reason).toBe('pfkey-malformed');

        const host = stackAfter(system, address, said.slice(0, turn));
        const before = holdings(host, system, isLocal);
        const outputs = host.do({ kind: 'pfkey', message });
        if (!decoded.ok) expect([drops(outputs), of(outputs, 'pfkey')]).toEqual([['pfkey-malformed'], []]);
        else if (!decoded.value.type.endsWith('DUMP')) expect(of(outputs, 'pfkey').length).toBeLessThanOrEqual(1);
        if (isRefused(outputs)) expect(holdings(host, system, isLocal)).toEqual(before);
      }),
      { numRuns: 80 },
    );
  });
});

/** No answer, or an error. */
const isRefused = (outputs: readonly StackOutput[]): boolean => of(outputs, 'pfkey').every(({ message }) => message[2] !== 0);

/** Whether `parts` can take it apart. */
function isWhole(message: Uint8Array): boolean {
  if (message.length < 16) return false;
  for (let at = 16; at < message.length; ) {
    const words = message[at]! | (message[at + 1]! << 8);
    at += 8 * words;
    if (words === 0 || at > message.length) return false;
  }
  return true;
}
