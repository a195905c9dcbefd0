/** pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section in a byte order of its own. */
import { fromUtf8 } from '../../core/bytes.ts';
import { longestFrame } from './frame.ts';
import type { CaptureItem, Format, Frame, Place, Step } from './frame.ts';

export const blockTypes = { sectionHeader: 0x0a0d0d0a, interfaceDescription: 1, packet: 2, simplePacket: 3, interfaceStatistics: 5, enhancedPacket: 6 } as const;
export const byteOrderMagic = 0x1a2b3c4d;

/** Of the blocks that have them (§3.5, §4). */
export const optionCodes = { end: 0, comment: 1, userApplication: 4, interfaceName: 2, interfaceDescription: 3, timestampResolution: 9, timestampOffset: 14, packetFlags: 2, endTime: 3 } as const;

/** §4.3.1: the two lowest bits of the packet's flags. */
export const directions = { in: 0b01, out: 0b10 } as const;

/** Blocks that nobody needs may be as long as they like: they are not gathered. */
const longestBlock = longestFrame + 65_536;

interface Interface {
  readonly place: Place;
  readonly snapLength: number;
  /** Of a second, and what is added, in seconds. */
  readonly unitsASecond: bigint;
  readonly offset: bigint;
}

export class Pcapng implements Format {
  #little = false;
  #section = 0;
  #title: string | undefined;
  #interfaces: Interface[] = [];
  #frames = 0;

  step(bytes: DataView): Step {
    if (bytes.byteLength < 12) return { kind: 'more', octets: 12 };
    const isSection = bytes.getUint32(0) === blockTypes.sectionHeader; // reads the same in either order
    if (isSection) {
      const order = bytes.getUint32(8);
      if (order !== byteOrderMagic && bytes.getUint32(8, true) !== byteOrderMagic) return { kind: 'broken', why: 'a section whose byte order cannot be told' };
      this.#little = order !== byteOrderMagic;
    } else if (this.#section === 0) return { kind: 'broken', why: 'a block in front of the first section' };
    const type = bytes.getUint32(0, this.#little);
    const length = bytes.getUint32(4, this.#little);
    if (length < 12 || length % 4 !== 0) return { kind: 'broken', why: `a block that claims to have ${length} octets` };
    const read = this.#readers[type];
    if (read === undefined) return { kind: 'taken', octets: length, items: [] };
    if (length > longestBlock) return { kind: 'broken', why: `a block of packets that claims to have ${length} octets` };
    if (bytes.byteLength < length) return { kind: 'more', octets: length };
    if (bytes.getUint32(length - 4, this.#little) !== length) return { kind: 'broken', why: `a block whose length is ${length} in front and ${bytes.getUint32(length - 4, this.#little)} behind` };
    const body = new DataView(bytes.buffer, bytes.byteOffset + 8, length - 12);
    const items = read(body);
    return typeof items === 'string' ? { kind: 'broken', why: items } : { kind: 'taken', octets: length, items };
  }

  /** Each takes a block's body; what it says instead of items is what is wrong with it. */
  readonly #readers: Readonly<Record<number, (body: DataView) => readonly CaptureItem[] | string>> = {
    [blockTypes.sectionHeader]: (body) => {
      if (body.byteLength < 16) return 'a section header that is too short';
      this.#section++;
      this.#interfaces = [];
      this.#title = texts(this.#options(body, 16), optionCodes.comment)[0];
      return [];
    },
    [blockTypes.interfaceDescription]: (body) => {
      if (body.byteLength < 8) return 'an interface description that is too short';
      const options = this.#options(body, 8);
      const [name] = texts(options, optionCodes.interfaceName);
      const resolution = valueOf(options, optionCodes.timestampResolution)?.[0] ?? 6;
      const offset = valueOf(options, optionCodes.timestampOffset);
      this.#interfaces.push({
        place: {
          section: this.#section,
          interface: this.#interfaces.length,
          linkType: body.getUint16(0, this.#little),
          ...(this.#title !== undefined && { sectionTitle: this.#title }),
          ...(name !== undefined && { name }),
        },
        snapLength: body.getUint32(4, this.#little),
        unitsASecond: resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution),
        offset: offset?.length === 8 ? view(offset).getBigInt64(0, this.#little) : 0n,
      });
      return [];
    },
    [blockTypes.interfaceStatistics]: (body) => {
      const on = body.byteLength < 12 ? undefined : this.#interfaces[body.getUint32(0, this.#little)];
      if (on === undefined) return 'statistics of an interface that is not described';
      const end = valueOf(this.#options(body, 12), optionCodes.endTime);
      return end?.length === 8 ? [{ kind: 'listened-until', place: on.place, at: this.#instant(view(end), 0, on) }] : [];
    },
    [blockTypes.enhancedPacket]: (body) => {
      if (body.byteLength < 20) return 'a packet block that is too short';
      return this.#packet(body, { interfaceNumber: body.getUint32(0, this.#little), timeAt: 4, lengthAt: 12, dataAt: 20 });
    },
    [blockTypes.packet]: (body) => {
      if (body.byteLength < 20) return 'a packet block that is too short';
      return this.#packet(body, { interfaceNumber: body.getUint16(0, this.#little), timeAt: 4, lengthAt: 12, dataAt: 20 });
    },
    [blockTypes.simplePacket]: (body) => {
      const on = this.#interfaces[0];
      if (on === undefined || body.byteLength < 4) return 'a packet of an interface that is not described';
      const originalLength = body.getUint32(0, this.#little);
      const length = Math.min(originalLength, body.byteLength - 4, on.snapLength === 0 ? Infinity : on.snapLength);
      return [this.#frame({ at: 0n, place: on.place, bytes: octets(body, 4, length), originalLength, comments: [] })]; // §4.4: it has no time
    },
  };

  #packet(body: DataView, { interfaceNumber, timeAt, lengthAt, dataAt }: { readonly interfaceNumber: number; readonly timeAt: number; readonly lengthAt: number; readonly dataAt: number }): readonly CaptureItem[] | string {
    const on = this.#interfaces[interfaceNumber];
    if (on === undefined) return `a packet of interface ${interfaceNumber}, which is not described`;
    const length = body.getUint32(lengthAt, this.#little);
    if (length > body.byteLength - dataAt) return `a packet of ${length} octets in a block that has room for ${body.byteLength - dataAt}`;
    const options = this.#options(body, dataAt + length + (-length & 3));
    const flags = valueOf(options, optionCodes.packetFlags);
    const direction = flags?.length === 4 ? directionOf(view(flags).getUint32(0, this.#little) & 0b11) : undefined;
    return [
      this.#frame({
        at: this.#instant(body, timeAt, on),
        place: on.place,
        bytes: octets(body, dataAt, length),
        originalLength: body.getUint32(lengthAt + 4, this.#little),
        comments: texts(options, optionCodes.comment),
        ...(direction !== undefined && { direction }),
      }),
    ];
  }

  #frame(frame: Omit<Frame, 'number'>): CaptureItem {
    return { kind: 'frame', frame: { number: ++this.#frames, ...frame } };
  }

  /** The high half stands first in either byte order (§4.3). */
  #instant(bytes: DataView, at: number, { unitsASecond, offset }: Interface): bigint {
    const units = (BigInt(bytes.getUint32(at, this.#little)) << 32n) | BigInt(bytes.getUint32(at + 4, this.#little));
    return offset * 1_000_000_000n + (units * 1_000_000_000n) / unitsASecond;
  }

  /** Options that do not fit their block end the list: they are of no importance. */
  #options(body: DataView, from: number): readonly Option[] {
    const options: Option[] = [];
    for (let at = from; at + 4 <= body.byteLength; ) {
      const code = body.getUint16(at, this.#little);
      const length = body.getUint16(at + 2, this.#little);
      if (code === optionCodes.end || at + 4 + length > body.byteLength) break;
      options.push({ code, value: octets(body, at + 4, length) });
      at += 4 + length + (-length & 3);
    }
    return options;
  }
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

const octets = (body: DataView, at: number, length: number): Uint8Array => new Uint8Array(body.buffer, body.byteOffset + at, length);
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const valueOf = (options: readonly Option[], wanted: number): Uint8Array | undefined => options.find(({ code }) => code === wanted)?.value;
const texts = (options: readonly Option[], wanted: number): string[] => options.flatMap(({ code, value }) => (code === wanted ? [fromUtf8(value)] : []));
const directionOf = (bits: number): Frame['direction'] => (bits === directions.in ? 'in' : bits === directions.out ? 'out' : undefined);
