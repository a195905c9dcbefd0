/** `tcpdump -i any` on the box itself: every packet passes twice, and what the cooked header says keeps the two apart. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noKeys } from '../../lab/capture/keys.ts';
import { Walk } from '../../lab/capture/walk.ts';
import { Diagnosis } from '../../lab/diagnose/diagnosis.ts';
import { concat, fromHex, Writer } from '../../src/core/bytes.ts';
import { play } from '../support/lessons.ts';

/** As the kernel cooks it, with the packet's place in time. */
const links = {
  'version 1': { linkType: 113, front: (outwards: boolean) => fromHex(`${outwards ? '0004' : '0000'} 0001 0006 020000000001 0000 0800`) },
  'version 2': { linkType: 276, front: (outwards: boolean, index: number) => fromHex(`0800 0000 ${index.toString(16).padStart(8, '0')} 0001 ${outwards ? '04' : '00'} 06 0200000000010000`) },
};

test.each(Object.entries(links))('%s: a second client that the box swallows is seen on the box', async (_, { linkType, front }) => {
  const { acts } = await play('passthrough', {}, { audience: {} });
  const act = acts.find((one) => one.act.id === 'without-nat-t')!;
  const records = act.trace.of('packet', 'box').map(({ at, body: { interface: name, direction, bytes } }) => {
    const frame = concat(front(direction === 'out', name === 'eth0' ? 2 : 3), bytes);
    return concat(new Writer().u32(Math.floor(at / 1000)).u32(Math.round((at % 1000) * 1000)).u32(frame.length).u32(frame.length).finish(), frame);
  });
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-'));
  try {
    const file = join(folder, 'any.pcap');
    writeFileSync(file, concat(new Writer().u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(0x40000).u32(linkType).finish(), ...records));
    const diagnosis = new Diagnosis(noKeys);
    for await (const batch of new Walk(file).batches()) for (const passed of batch) diagnosis.see(passed);
    expect(diagnosis.end()!.causes.map(({ finding, says }) => `${finding.id}: ${says}`)).toEqual([expect.stringMatching(/^swallowed: IKE_SA_INIT from .* to UDP port 500 of 203\.0\.113\.2 goes in at interface [02] and does not come out, \d times\.$/)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
