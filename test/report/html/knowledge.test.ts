/** What a page tells of a packet beyond its octets: all that the lab knows of it, and no more. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/core/address.ts';
import { toHex } from '../../../src/core/bytes.ts';
import { seeded } from '../../../src/core/random.ts';
import { cipherSuites } from '../../../src/crypto/cipher-suites.ts';
import { Protection } from '../../../src/ike/v2/protect.ts';
import type { Trace } from '../../../src/trace/trace.ts';
import { exchangeTypes, ikeVersion2 } from '../../../src/wire/ike/message.ts';
import type { Tree } from '../../../src/wire/tree.ts';
import { ringFrom } from '../../../lab/capture/keys.ts';
import { Onlooker } from '../../../lab/capture/onlooker.ts';
import { takeApart } from '../../../lab/capture/packet.ts';
import { Pieces } from '../../../lab/capture/pieces.ts';
import { packetTree } from '../../../lab/capture/tree.ts';
import type { ReportAct } from '../../../lab/report/html/document.ts';
import { actModel } from '../../../lab/report/html/model/act.ts';
import { treeOf } from '../../../lab/report/html/model/insight.ts';
import { asRead, reported } from './runs.ts';

const all = (tree: Tree): readonly Tree[] => [tree, ...tree.children.flatMap(all)];

/** Labels of what was inside the packets of an act, each once. */
function insideOf(trace: Trace, act: ReportAct): ReadonlySet<string> {
  return new Set(trace.of('packet').flatMap(({ seq, body }) => all(treeOf(body.bytes, seq, act.knowledge)).filter(({ plaintext }) => plaintext !== undefined).flatMap(({ children }) => children.map(({ label }) => label))));
}

describe('packets in a report', () => {
  test.each([
    ['port-float', 'float', {}, ['IDi payload', 'AUTH payload', 'TSi payload', 'IPv4 header', 'ICMP']],
    ['port-float', 'float', { ike: 'v1' }, ['ID payload', 'HASH payload', 'IPv4 header', 'ICMP']],
    ['fragments', 'followed', {}, ['IDi payload', 'CERT payload', 'UDP']],
    ['fragments', 'by-ike', {}, ['CERT payload', 'AUTH payload', 'IPv4 header']],
  ] as const)('of %s/%s %o: what was inside is there, as an onlooker with the keys has it', async (scenario, id, options, labels) => {
    const report = asRead(await reported(scenario, options));
    const [lesson] = report.lessons;
    const act = lesson!.acts.find((one) => one.id === id)!;
    const { trace } = actModel('0/0', lesson!, act);
    expect([...insideOf(trace, act)]).toEqual(expect.arrayContaining([...labels]));

    const bodies = <Kind extends 'ike-keys' | 'isakmp-keys' | 'esp-keys'>(kind: Kind) => trace.of(kind).map(({ body }) => body);
    const onlooker = new Onlooker(ringFrom({ ike: bodies('ike-keys'), isakmp: bodies('isakmp-keys'), esp: bodies('esp-keys') }));
    const [pieces, places] = [new Pieces(), new Map<string, number>()];
    for (const { seq, at, node, body } of trace.of('packet')) {
      const place = `${node} ${body.interface}`;
      places.set(place, places.get(place) ?? places.size);
      const piece = takeApart(body.bytes)!;
      const whole = piece.fragment && pieces.add({ at: BigInt(Math.round(at * 1e6)), place: { section: 1, interface: places.get(place)! } }, body.bytes);
      onlooker.see(place, whole?.packet ?? piece);
      expect(treeOf(body.bytes, seq, act.knowledge)).toEqual(packetTree(body.bytes, whole?.ip, onlooker));
    }
  });

  test('of a report from before there was any: as far as their octets tell', async () => {
    const report = asRead(await reported('port-float'));
    const { knowledge, ...act } = report.lessons[0]!.acts[0]!;
    expect(Object.keys(knowledge!.packets).length).toBeGreaterThan(10);
    expect(insideOf(actModel('0/0', report.lessons[0]!, act).trace, act)).toEqual(new Set());
  });
});

describe('keys of a run', () => {
  const octets = (fill: number, length: number): Uint8Array => new Uint8Array(length).fill(fill);
  const header = { initiatorSpi: octets(7, 8), responderSpi: octets(8, 8), version: ikeVersion2, exchange: exchangeTypes.INFORMATIONAL, flags: { initiator: true, higherVersion: false, response: false }, messageId: 5 };

  test.each(cipherSuites.map((suite) => [suite.name, suite] as const))('open IKE under %s, which Wireshark may have no name for', (name, suite) => {
    const [skEi, skEr, skAi, skAr] = [suite.encryptionKeyLength, suite.encryptionKeyLength, suite.integrityKeyLength, suite.integrityKeyLength].map((length, i) => octets(i + 1, length)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const sealed = new Protection(suite, { skD: octets(5, 32), skPi: octets(6, 32), skPr: octets(7, 32), skEi, skEr, skAi, skAr }, 'initiator', seeded(1)).seal(header, [{ type: 'Vendor', data: Uint8Array.of(1, 2, 3) }]);
    const [encryption = '', integrity = ''] = name.split('/');
    const body = { kind: 'ike-keys', connection: 'one', role: 'initiator', initiatorSpi: toHex(header.initiatorSpi), responderSpi: toHex(header.responderSpi), encryption, integrity, skEi: toHex(skEi), skEr: toHex(skEr), skAi: toHex(skAi), skAr: toHex(skAr) } as const;
    const ring = ringFrom({ ike: [body], isakmp: [], esp: [] });
    expect(ring.strange).toEqual([]);
    expect(new Onlooker(ring).ike(sealed)).toEqual({ first: 43, payloads: Uint8Array.of(0, 0, 0, 7, 1, 2, 3) });
  });

  test('of an algorithm that the lab has not are left out, and told', () => {
    const body = { kind: 'esp-keys', spi: 7, source: ip('192.0.2.1'), destination: ip('192.0.2.2'), encryption: 'rot13', encryptionKey: '00', integrity: 'none', integrityKey: '' } as const;
    const { esp, strange } = ringFrom({ ike: [], isakmp: [], esp: [body] });
    expect([esp.size, strange]).toEqual([0, [expect.stringContaining('no such suite: rot13')]]);
  });
});
