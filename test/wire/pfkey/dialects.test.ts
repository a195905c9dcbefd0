/** What holds of every dialect: it says what it says it can, understands what it has said, and takes no harm from anything. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressFromBytes } from '../../../src/core/address.ts';
import { fromHex } from '../../../src/core/bytes.ts';
import { describePfkey } from '../../../src/wire/pfkey/describe.ts';
import { pfkeyDialects } from '../../../src/wire/pfkey/dialects.ts';
import { pfkeyTypes, type PfkeyAddress, type PfkeyMessage, type PfkeyType } from '../../../src/wire/pfkey/message.ts';
import { here } from './vector.ts';

const octets = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength });
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const port = fc.integer({ min: 1, max: 0xffff });
const address = (length: number) => fc.oneof(octets(length).map(addressFromBytes), fc.constant(addressFromBytes(length === 4 ? fromHex('c0a80102') : fromHex('20010db8000000000000000000000001'))));
const whole = (length: number) => address(length).map((at): PfkeyAddress => ({ protocol: 0, prefixLength: 8 * length, address: at, port: 0 }));
const lifetime = fc.record({ allocations: u32, bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), addtime: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), usetime: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }) });
const header = { saType: fc.constant(3), errno: fc.constantFrom(0, 3, 17, 22), sequence: u32, pid: u32 };

/** As daemon and stack speak of SAs. */
const association: fc.Arbitrary<PfkeyMessage> = fc.constantFrom(4, 16).chain((length) =>
  fc.record(
    {
      type: fc.constantFrom<PfkeyType>('SADB_ADD', 'SADB_UPDATE', 'SADB_GET', 'SADB_DUMP'), ...header,
      sa: fc.record({ spi: u32, replay: fc.nat(8), state: fc.nat(3), auth: fc.constantFrom(0, 3, 5, 6, 7), encrypt: fc.constantFrom(11, 12, 20), flags: fc.constantFrom(0, 1) }),
      sa2: fc.record({ mode: fc.constantFrom(1, 2), sequence: fc.constant(0), reqid: u32 }),
      source: whole(length), destination: whole(length), encryptionKey: octets(1, 64),
      authKey: octets(1, 64), lifetimeCurrent: lifetime, lifetimeHard: lifetime, lifetimeSoft: lifetime,
    },
    { requiredKeys: ['type', 'saType', 'errno', 'sequence', 'pid', 'sa', 'sa2', 'source', 'destination', 'encryptionKey'] },
  ).chain((message) =>
    fc.option(port, { nil: undefined }).map((peer): PfkeyMessage => {
      if (peer === undefined || length === 16) return message;
      const [nattSourcePort, nattDestinationPort] = here(message.destination.address) ? [peer, 4500] : [4500, peer];
      return { ...message, nattType: 2, nattSourcePort, nattDestinationPort };
    }),
  ),
);

/** And of policies. */
const policy: fc.Arbitrary<PfkeyMessage> = fc.constantFrom(4, 16).chain((length) => {
  const end = fc.record({ prefixLength: fc.nat(8 * length), address: address(length), port: u16 });
  const tunnel = fc.record({ source: address(length), destination: address(length) });
  const action = fc.oneof(
    fc.constantFrom(0, 1).map((type) => ({ type, requests: [] })),
    fc.record({ tunnel, reqid: fc.nat(0xffff) }).map(({ tunnel: ends, reqid }) => ({ type: 2, requests: [{ protocol: 50, mode: 2, level: reqid === 0 ? 2 : 3, reqid, tunnel: ends }] })),
  );
  return fc.record({ ...header, type: fc.constantFrom<PfkeyType>('SADB_X_SPDADD', 'SADB_X_SPDDELETE', 'SADB_X_SPDDUMP'), saType: fc.constant(0), direction: fc.constantFrom(1, 2), protocol: fc.nat(254), from: end, to: end, action }).map(
    ({ direction, protocol, from, to, action: wanted, ...message }): PfkeyMessage => ({ ...message, source: { protocol, ...from }, destination: { protocol, ...to }, policy: { ...wanted, direction, id: 0, priority: 0 } }),
  );
});

const plausible = fc.oneof(association, policy);

describe.each(Object.values(pfkeyDialects))('$name', (dialect) => {
  test('what was said is understood, and said again in the same way', () => {
    fc.assert(
      fc.property(plausible, (message) => {
        expect(dialect.lacks(message)).toBeUndefined();
        const once = dialect.decode(dialect.encode(message, here), here);
        if (!once.ok) throw new Error(once.detail);
        expect(dialect.lacks(once.value)).toBeUndefined();
        expect(dialect.decode(dialect.encode(once.value, here), here)).toEqual(once);
        describePfkey(once.value);
      }),
    );
  });

  test('of an SA everything comes through', () => {
    fc.assert(
      fc.property(association, (message) => {
        expect(dialect.decode(dialect.encode(message, here), here)).toEqual({ ok: true, value: message });
      }),
    );
  });

  test('of a policy everything comes through, but for what a deletion need not say', () => {
    fc.assert(
      fc.property(policy.filter(({ type }) => type !== 'SADB_X_SPDDELETE'), (message) => {
        const decoded = dialect.decode(dialect.encode(message, here), here);
        const saType = dialect.name === 'openbsd' ? 0 : message.saType;
        expect(decoded).toMatchObject({ ok: true, value: { ...message, saType, type: dialect.name === 'openbsd' && message.type === 'SADB_X_SPDADD' ? 'SADB_X_SPDUPDATE' : message.type } });
      }),
    );
  });

  test('what a kernel says of any message can be said', () => {
    fc.assert(
      fc.property(plausible, fc.constantFrom(...(Object.keys(pfkeyTypes) as PfkeyType[])), fc.nat(3), (message, type, id) => {
        const said = dialect.reduced({ ...message, type, nattLocalBehindNat: true, ...(message.policy && { policy: { ...message.policy, id } }) });
        if (said !== undefined && message.policy === undefined) expect(dialect.lacks({ ...said, type: message.type })).toBeUndefined();
      }),
    );
  });

  const decodes = (bytes: Uint8Array): void => {
    const decoded = dialect.decode(bytes, here);
    if (decoded.ok) describePfkey(decoded.value);
    else expect(decoded.reason).toBe('pfkey-malformed');
  };

  test('any octets decode or are refused', () => {
    fc.assert(fc.property(octets(0, 300), decodes));
  });

  test('any extensions behind an honest header decode or are refused', () => {
    const extension = fc.record({ words: fc.nat(8), number: fc.nat(41), body: octets(0, 60) });
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.nat(24), fc.array(extension, { maxLength: 4 }), octets(0, 8), (version, type, parts, tail) => {
        const body = [...parts.flatMap(({ words, number, body: rest }) => [words, 0, number, 0, ...rest]), ...tail];
        const padded = [...body, ...Array<number>(-body.length & 7).fill(0)];
        decodes(Uint8Array.of(version, type, 0, 3, 2 + padded.length / 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...padded));
      }),
    );
  });

  test('a message cut short is refused', () => {
    fc.assert(
      fc.property(plausible, fc.nat(), (message, at) => {
        const bytes = dialect.encode(message, here);
        expect(dialect.decode(bytes.subarray(0, at % bytes.length), here).ok).toBe(false);
      }),
    );
  });

  test('flipped bits decode or are refused', () => {
    fc.assert(
      fc.property(plausible, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (message, flips) => {
        const bytes = dialect.encode(message, here);
        for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
        decodes(bytes);
      }),
    );
  });

  const head = (words: string): string => `0203000${dialect.name === 'openbsd' ? 2 : 3} ${words}0000 01000000 92100000`;
  /** The last column: the diagnostic by which illumos answers instead. */
  test.for<readonly [what: string, text: string, detail: RegExp, diagnostic?: number]>([
    ['a version of its own', '07090000 02000000 02000000 92100000', /version 7/],
    ['a type that nobody knows', '02630000 02000000 02000000 92100000', /type 99/],
    ['a header cut short', '0209', /cut off/],
    ['nothing at all', '', /cut off/],
    ['more octets than its length says', '02090000 02000000 02000000 92100000 00000000 00000000', /length is 16 octets, 24 there/],
    ['fewer octets than its length says', '0209ffff ffff0000 02000000 92100000', /length is 524280 octets, 16 there/],
    ['an extension of no length', `${head('0300')} 00000100 00000000`, /sa of 0 octets/],
    ['an extension of the greatest length', `${head('0400')} ffff0100 c1a2b3d4 08010014 01000000`, /cut off/],
    ['an extension that reaches into what is not there', `${head('0300')} 02000100 c1a2b3d4`, /cut off/],
    ['an extension that swallows half of the next one', `${head('0600')} 03000100 c1a2b3d4 08010014 01000000 02001000 00010000 00000000 00000000`, /sa: 8 octets left over|extension 0/],
    ['an extension of type 0', `${head('0300')} 01000000 00000000`, /extension 0/],
    ['an extension twice', `${head('0600')} 02001000 00010000 00000000 00000000 02001000 00010000 00000000 00000000`, /spiRange is there twice/, 29],
    ['a structure too short for its fields', `${head('0300')} 01000100 c1a2b3d4`, /sa: cut off/, 32],
    ['a key of more bits than there are', `${head('0400')} 02000900 48000000 10111213 14151617`, /encryptionKey: cut off/, 33],
    ['a key of no bits', `${head('0300')} 01000900 00000000`, /a key of 0 bits/, 33],
  ])('%s is refused', ([, text, detail, diagnostic]) => {
    const decoded = dialect.decode(fromHex(text), here);
    if (dialect.name === 'illumos' && diagnostic !== undefined) {
      expect(decoded).toMatchObject({ ok: true, value: { diagnostic } });
      return;
    }
    expect(decoded).toMatchObject({ ok: false, reason: 'pfkey-malformed' });
    expect(decoded.ok ? '' : decoded.detail).toMatch(detail);
  });
});
