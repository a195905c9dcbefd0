/** `lab decode FILE --ladder`: a capture as a ladder. */
import { CapturedSection } from '../capture/as-trace.ts';
import { Walk } from '../capture/walk.ts';
import { Problem } from '../problem.ts';
import { ladder } from '../report/ladder/ladder.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { isOfIpsec, rangeOf } from './decode.ts';
import type { DecodeCommandLine } from './decode.ts';

/** A ladder is read by people: nobody reads more of it. */
const most = 20_000;

export async function decodeLadder(file: string, options: DecodeCommandLine): Promise<number> {
  const { frames, color } = options;
  const other = (['json', 'keys', 'brief', 'full', 'all'] as const).find((one) => options[one] !== undefined);
  if (other !== undefined) throw new Problem(`--ladder draws what is seen without keys, and --${other} is about trees; leave one of them out`);
  const wanted = rangeOf(frames);
  const walk = new Walk(file);
  const sections = new Map<number, CapturedSection>();
  let leftOut = 0;
  for await (const batch of walk.batches()) {
    for (const passed of batch) {
      if (passed.kind !== 'packet' || passed.packet === undefined || !wanted(passed.frame.number) || !isOfIpsec(passed.packet)) continue;
      const number = passed.frame.place.section;
      const section = sections.get(number) ?? new CapturedSection();
      sections.set(number, section);
      if (section.count < most) section.add({ frame: passed.frame, ip: passed.ip, packet: passed.packet });
      else leftOut++;
    }
  }
  const theme = themeFor(process.stdout, color);
  const width = lineWidth(process.stdout, 120);
  for (const section of sections.values()) {
    const { title, trace, network } = section.captured();
    const head = title === undefined ? [] : ['', theme.strong(wrap(title, width, '  '))];
    process.stdout.write(`${[...head, ...ladder(trace, network, { theme, width })].join('\n')}\n`);
  }
  const remarks = [...walk.remarks, ...(sections.size === 0 && walk.frames > 0 ? ['There is no packet of IPsec in it.'] : []), ...(leftOut > 0 ? [`The ladder ends after ${most} packets, ${leftOut} are left out: --frames chooses others.`] : [])];
  for (const remark of remarks) process.stderr.write(`lab: ${wrap(remark, width)}\n`);
  return walk.damage === undefined ? 0 : 2;
}
