/** A capture may be larger than memory, and bent: only a piece of it is ever held, and what it makes us remember has an end. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noKeys } from '../../lab/capture/keys.ts';
import { Walk } from '../../lab/capture/walk.ts';
import { Diagnosis } from '../../lab/diagnose/diagnosis.ts';
import type { SectionDiagnosis } from '../../lab/diagnose/diagnosis.ts';
import { section } from '../../lab/report/pcapng.ts';
import { ip } from '../../src/core/address.ts';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { encodeEspHeader } from '../../src/wire/esp.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { CaptureReader } from '../../src/wire/pcap/capture-reader.ts';
import { ipPacketOf } from '../../src/wire/pcap/link-layer.ts';
import { takeApart } from '../../lab/capture/packet.ts';
import { play } from '../support/lessons.ts';
import { pcap } from '../support/tshark.ts';

async function diagnosed(file: string): Promise<{ readonly walk: Walk; readonly sections: readonly SectionDiagnosis[] }> {
  const [walk, diagnosis, sections] = [new Walk(file), new Diagnosis(noKeys), [] as SectionDiagnosis[]];
  for await (const batch of walk.batches()) for (const passed of batch) sections.push(...[diagnosis.see(passed)].filter((one) => one !== undefined));
  sections.push(...[diagnosis.end()].filter((one) => one !== undefined));
  return { walk, sections };
}

test('a file much larger than what is of use in it is read in pieces', async () => {
  const { acts: [act] } = await play('passthrough');
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'large.pcapng');
    const lesson = Buffer.concat([...section('a lesson', act!.trace.events)]);
    const descriptor = openSync(file, 'w');
    let at = writeSync(descriptor, lesson, 0, lesson.length, 0);
    for (const length of [0x1000_0000, 0x1000_0000]) {
      const header = Buffer.alloc(8);
      header.writeUInt32BE(0xbad, 0); // a block that nobody knows
      header.writeUInt32BE(length, 4);
      writeSync(descriptor, header, 0, 8, at);
      at += length;
    }
    writeSync(descriptor, lesson, 0, lesson.length, at);
    ftruncateSync(descriptor, at + lesson.length); // with holes in it
    closeSync(descriptor);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 20);
    const { walk, sections } = await diagnosed(file);
    clearInterval(watching);
    expect(walk.damage).toBeUndefined();
    expect(sections.map(({ causes }) => causes.map(({ finding }) => finding.id))).toEqual([['second-client-swallowed'], ['second-client-swallowed']]);
    expect(most - before).toBeLessThan(150 * 2 ** 20);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('however many packets there are, so many are remembered', () => {
  const diagnosis = new Diagnosis(noKeys);
  const [from, to] = [{ address: ip('192.0.2.1'), port: 4500 }, { address: ip('192.0.2.2'), port: 4500 }];
  const place = { section: 1, interface: 0, linkType: 101 };
  for (let n = 1; n <= 20_000; n++) {
    const bytes = encodeUdpPacket(from, to, concat(encodeEspHeader({ spi: 256 + n, sequence: n }), new Uint8Array(24)), 'zero');
    diagnosis.see({ kind: 'packet', captured: 'whole', ip: bytes, packet: takeApart(bytes), frame: { number: n, at: BigInt(n) * 1_000_000n, place, bytes, originalLength: bytes.length, comments: [] } });
  }
  diagnosis.see({ kind: 'listened-until', place, at: 90_000_000_000n });
  const { packets, sights, causes } = diagnosis.end()!;
  expect(packets).toBe(20_000);
  expect(sights.find(({ id }) => id === 'esp')!.says).toBe('ESP in UDP: in the last 8192 packets those of 8192 SAs.');
  expect(causes.map(({ finding }) => finding.id)).toEqual(['nothing-returns']);
});

test('no packets make it throw', async () => {
  const { acts } = await play('ike-mapping-timeout');
  const frames = acts.slice(0, 3).flatMap(({ trace }) => trace.of('packet').map(({ body }) => body.bytes));
  const bent = fc.array(fc.tuple(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(160), fc.nat(255)), { maxLength: 4 }), fc.nat(200)), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(bent, (packets) => {
      const bytes = pcap(packets.map(([packet, flips, cut]) => {
        const copy = packet.slice(0, cut > 150 ? undefined : Math.max(1, packet.length - cut));
        for (const [at, octet] of flips) if (at < copy.length) copy[at] = octet;
        return copy;
      }));
      const diagnosis = new Diagnosis(noKeys);
      for (const item of new CaptureReader().push(bytes)) {
        if (item.kind !== 'frame') continue;
        const packet = ipPacketOf(101, item.frame.bytes);
        if (packet !== undefined) diagnosis.see({ kind: 'packet', captured: 'start', frame: item.frame, ip: packet, packet: takeApart(packet, true) });
      }
      diagnosis.end();
    }),
    { numRuns: 200 },
  );
}, 60_000);

test('what is captured in part is read as far as it goes', () => {
  const whole = encodeUdpPacket({ address: ip('192.0.2.1'), port: 500 }, { address: ip('192.0.2.2'), port: 500 }, concat(fromHex('0102030405060708 0000000000000000 21202208 00000000 00000200'), new Uint8Array(484)), 'computed');
  expect(takeApart(whole)).toMatchObject({ checksum: 'good', content: { kind: 'ike', sa: '0102030405060708' } });
  expect(takeApart(whole.slice(0, 68))).toBeUndefined();
  expect(takeApart(whole.slice(0, 68), true)).toMatchObject({ checksum: 'unknown', content: { kind: 'ike', sa: '0102030405060708' } });
});
