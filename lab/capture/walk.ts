/** Goes through a capture packet by packet, and keeps count of what it could not make use of. */
import type { CaptureItem, Frame, Place } from '../../src/wire/pcap/frame.ts';
import { cookedOf, ipPacketOf, isReadable, linkTypeName } from '../../src/wire/pcap/link-layer.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { Problem } from '../problem.ts';
import { plural } from '../wording.ts';
import { captureItems, nameOf } from './file.ts';
import { takeApart } from './packet.ts';
import type { TakenApart } from './packet.ts';
import { Pieces } from './pieces.ts';
import type { Whole } from './pieces.ts';

export type Passed =
  /** `captured`: all of the packet, or its start; `whole` where it was the last missing piece of one that IP has cut up. */
  | { readonly kind: 'packet'; readonly frame: Frame; readonly ip: Uint8Array; readonly captured: 'whole' | 'start'; readonly packet: TakenApart | undefined; readonly whole?: Whole | undefined }
  | Extract<CaptureItem, { kind: 'listened-until' }>;

export class Walk {
  readonly file: string;
  frames = 0;
  /** Frames of readable links that carry no IP: ARP, and the like. */
  withoutIp = 0;
  /** Of which less was captured than there was. */
  cut = 0;
  /** How many frames of links that nobody here can read, by link type. */
  readonly unreadable = new Map<number, number>();
  damage: Extract<CaptureItem, { kind: 'damaged' }> | undefined;
  readonly #pieces = new Pieces();

  constructor(file: string) {
    this.file = file;
  }

  /** All packets in order, in batches: those of one piece of the file. Throws a Problem where nothing can be read at all. */
  async *batches(): AsyncGenerator<Iterable<Passed>> {
    for await (const items of captureItems(this.file)) yield this.#packets(items);
    const [unreadable] = this.unreadable;
    if (unreadable !== undefined && this.#isAllUnreadable) {
      throw new Problem(`${nameOf(this.file)} was captured on a link of ${linkTypeName(unreadable[0])}, which the lab cannot read: it reads Ethernet, raw IP, PPP, loopback and Linux cooked captures`, 3);
    }
  }

  /** What people should know about the file besides, a sentence each. */
  get remarks(): readonly string[] {
    return [
      ...(this.damage === undefined ? [] : [damageOf(nameOf(this.file), this.damage, this.frames)]),
      ...[...this.unreadable].map(([linkType, count]) => `${plural(count, 'frame')} of links of ${linkTypeName(linkType)} left out: the lab cannot read them.`),
      ...(this.cut > 0 ? [`${plural(this.cut, 'packet')} captured in part only: tcpdump -s 0 takes them whole.`] : []),
      ...(this.frames === 0 && this.damage === undefined ? [`${nameOf(this.file)} is a capture without any packet.`] : []),
    ];
  }

  get #isAllUnreadable(): boolean {
    return [...this.unreadable.values()].reduce((sum, count) => sum + count, 0) === this.frames;
  }

  *#packets(items: Iterable<CaptureItem>): Generator<Passed> {
    for (const item of items) {
      if (item.kind === 'damaged') this.damage = item;
      else if (item.kind === 'listened-until') yield item;
      else {
        const passed = this.#packet(item.frame);
        if (passed !== undefined) yield passed;
      }
    }
  }

  #packet(frame: Frame): Passed | undefined {
    this.frames++;
    const { linkType } = frame.place;
    if (!isReadable(linkType)) {
      this.unreadable.set(linkType, (this.unreadable.get(linkType) ?? 0) + 1);
      return undefined;
    }
    const isCut = frame.bytes.length < frame.originalLength;
    if (isCut) this.cut++;
    const ip = ipPacketOf(linkType, frame.bytes);
    if (ip === undefined) {
      this.withoutIp++;
      return undefined;
    }
    const packet = takeApart(ip, isCut);
    const captured = isCut && !decodeIp(ip).ok ? 'start' : 'whole';
    return { kind: 'packet', frame: uncooked(frame), ip, captured, packet, whole: packet?.fragment && this.#pieces.add(frame, ip) };
  }
}

/** A capture on "any" interface is one of all of them. */
function uncooked(frame: Frame): Frame {
  const { interface: number, direction } = cookedOf(frame.place.linkType, frame.bytes);
  if (number === undefined && direction === undefined) return frame;
  const name = number === undefined ? undefined : `${frame.place.name ?? 'interface'} ${number}`;
  return { ...frame, place: { ...frame.place, ...(name !== undefined && { name }) }, ...(direction !== undefined && frame.direction === undefined && { direction }) };
}

function damageOf(file: string, { offset, why, how }: Extract<CaptureItem, { kind: 'damaged' }>, frames: number): string {
  const upTo = `What is told is of the ${plural(frames, 'packet')} before that.`;
  return how === 'cut-off' ? `${file} ends in the middle of a block that begins at octet ${offset}: ${why}. ${upTo}` : `${file} is damaged at octet ${offset}: ${why}. ${upTo}`;
}

/** `gateway eth0`; an interface without a name by its number; undefined where there is but one. */
export const placeName = ({ name, interface: number }: Place): string => name ?? `interface ${number}`;
