/** Prints a capture, the lab's own or anybody's, as trees: what each octet says and where that is written. */
import { once } from 'node:events';
import type { Tree } from '../../src/wire/tree.ts';
import { keysBeside, keysIn } from '../capture/keys.ts';
import type { KeyRing } from '../capture/keys.ts';
import { Onlooker } from '../capture/onlooker.ts';
import type { TakenApart } from '../capture/packet.ts';
import { packetTree } from '../capture/tree.ts';
import { placeName, Walk } from '../capture/walk.ts';
import type { Passed } from '../capture/walk.ts';
import { Problem } from '../problem.ts';
import { octetsAsHex } from '../report/json.ts';
import { decodedLines, secondsBetween } from '../report/decoded.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { plural } from '../wording.ts';

export interface DecodeCommandLine {
  readonly keys?: string;
  readonly frames?: string;
  readonly brief?: true;
  readonly full?: true;
  readonly all?: true;
  readonly json?: true;
  readonly ladder?: true;
  readonly color: boolean;
}

export async function decode(file: string, options: DecodeCommandLine): Promise<number> {
  const wanted = rangeOf(options.frames);
  const keys = await keysFor(file, options.keys);
  const onlooker = new Onlooker(keys);
  const walk = new Walk(file);
  const tell = options.json ? new JsonOutput() : new TextOutput(options);
  let leftOut = 0;
  let [section, since] = [0, 0n];
  for await (const batch of walk.batches()) {
    for (const passed of batch) {
      if (passed.kind !== 'packet') continue;
      if (passed.frame.place.section !== section) [section, since] = [passed.frame.place.section, passed.frame.at];
      const read = passed.whole?.packet ?? passed.packet;
      if (read !== undefined) onlooker.see(placeName(passed.frame.place), read);
      if (!wanted(passed.frame.number)) follow(onlooker, read);
      else if (!options.all && passed.packet !== undefined && !isOfIpsec(passed.packet)) leftOut++;
      else tell.packet(passed, packetTree(passed.ip, passed.whole?.ip, onlooker, passed.captured), since);
    }
    await drained();
  }
  const remarks = [...walk.remarks, ...remarksOn(keys, onlooker, options.keys), ...(leftOut > 0 ? [`${plural(leftOut, 'packet')} of other protocols left out: --all shows them.`] : [])];
  tell.end(remarks, walk);
  await drained();
  if (walk.damage !== undefined) return 2;
  return options.keys !== undefined && noneFits(onlooker) ? 3 : 0;
}

/** The folder that was named, else the keys beside the capture, where the lab puts them. */
export const keysFor = (file: string, folder: string | undefined): Promise<KeyRing> => (folder === undefined ? keysBeside(file) : keysIn(folder));

/** What is not shown may be what the next message is encrypted behind. */
function follow(onlooker: Onlooker, packet: TakenApart | undefined): void {
  if (packet?.content.kind === 'ike') onlooker.follow(packet.content.message);
}

/** ESP, AH, IKE, keepalives; and errors and pieces, which may be of such. */
export const isOfIpsec = ({ content, fragment, error }: TakenApart): boolean => content.kind !== 'other' || fragment !== undefined || error !== undefined;

const noneFits = ({ counts: { ike, esp } }: Pick<Onlooker, 'counts'>): boolean => ike.opened + esp.opened === 0 && ike.seen + esp.seen > 0;

export function remarksOn(keys: KeyRing, onlooker: Pick<Onlooker, 'counts'>, folder: string | undefined): readonly string[] {
  const strange = keys.strange.slice(0, 3).map((row) => `A key left out: ${row}.`);
  if (folder !== undefined && noneFits(onlooker)) return [...strange, `No key in ${folder} fits anything in this capture: are they of the same run, and is the beginning of the negotiation captured?`];
  return strange;
}

/** `12`, `12-20`, `12-`. */
export function rangeOf(text: string | undefined): (frame: number) => boolean {
  if (text === undefined) return () => true;
  const found = /^(\d+)(-?)(\d*)$/.exec(text);
  const [, from = '', dash, to = ''] = found ?? [];
  const [first, last] = [Number(from), dash === '' ? Number(from) : to === '' ? Infinity : Number(to)];
  if (found === null || last < first || (dash === '' && to !== '')) throw new Problem(`--frames ${text}: expected a number or a range, such as 12, 12-20 or 12-`);
  return (frame) => frame >= first && frame <= last;
}

/** Waits until a slow reader has taken what was written: nothing piles up here. */
const drained = async (): Promise<void> => {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
};

interface Output {
  packet(passed: Extract<Passed, { kind: 'packet' }>, tree: Tree, since: bigint): void;
  end(remarks: readonly string[], walk: Walk): void;
}

class TextOutput implements Output {
  readonly #options;
  #section = 0;

  constructor({ brief, full, color }: DecodeCommandLine) {
    this.#options = { brief: brief === true, full: full === true, theme: themeFor(process.stdout, color), width: lineWidth(process.stdout, 120) };
  }

  packet({ frame }: Extract<Passed, { kind: 'packet' }>, tree: Tree, since: bigint): void {
    const { section, sectionTitle } = frame.place;
    if (section !== this.#section) {
      this.#section = section;
      if (sectionTitle !== undefined) process.stdout.write(`\n${this.#options.theme.strong(wrap(sectionTitle, this.#options.width, '  '))}\n`);
    }
    for (const line of decodedLines(frame, since, tree, this.#options)) process.stdout.write(`${line}\n`);
  }

  end(remarks: readonly string[]): void {
    for (const remark of remarks) process.stderr.write(`lab: ${wrap(remark, this.#options.width)}\n`);
  }
}

/** Written as it is read: an object with an array of packets, none of which is kept. */
class JsonOutput implements Output {
  #count = 0;

  packet({ frame, packet }: Extract<Passed, { kind: 'packet' }>, tree: Tree): void {
    const { place, number, at, direction, comments } = frame;
    const text = JSON.stringify({
      frame: number, seconds: secondsBetween(0n, at), section: place.section, interface: place.interface, ...(place.name !== undefined && { name: place.name }), ...(direction !== undefined && { direction }),
      ...(comments.length > 0 && { comments }), ...(packet !== undefined && { kind: packet.content.kind }), tree,
    }, octetsAsHex);
    process.stdout.write(`${this.#count++ === 0 ? '{"schema":1,"packets":[\n' : ',\n'}${text}`);
  }

  end(remarks: readonly string[], { frames, damage }: Walk): void {
    const rest = JSON.stringify({ frames, ...(damage !== undefined && { damagedAt: damage.offset }), remarks }).slice(1);
    process.stdout.write(`${this.#count === 0 ? '{"schema":1,"packets":[' : '\n'}],${rest}\n`);
  }
}
