/**
 * What passed the interfaces, as Wireshark reads it: pcapng (draft-ietf-opsawg-pcapng). One section an act, one interface block
 * for every interface of every node, one enhanced packet block for every packet that passed it, and until when was listened.
 */
import { utf8, Writer } from '../../src/core/bytes.ts';
import type { PacketEvent } from '../../src/core/events.ts';
import { start } from '../../src/core/time.ts';
import type { Instant } from '../../src/core/time.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { blockTypes, byteOrderMagic, directions, optionCodes } from '../../src/wire/pcap/pcapng.ts';

/** Not known in advance: the section is written as it happens (§4.1). */
const sectionLengthUnknown = 0xffff_ffff_ffff_ffffn;
/** LINKTYPE_RAW: a packet begins with its IPv4 or IPv6 header. */
const linkTypeRaw = 101;
const noSnapLength = 0;

/** Timestamps count 10⁻⁹ s. */
const nanoseconds = 9;

/**
 * The blocks of one section, in order, as soon as the event that asks for them has come: a header that carries `title`, then every packet among
 * the events, each interface described before its first packet. `comments` are for packets by the number of their event. Integers are in network order,
 * as the byte-order magic says.
 */
export function* section(title: string, events: Iterable<TraceEvent>, comments: ReadonlyMap<number, readonly string[]> = new Map()): Generator<Uint8Array> {
  yield sectionHeader(title);
  const interfaces = new Map<string, number>();
  let until = start;
  for (const { seq, at, node, body } of events) {
    until = at;
    if (body.kind !== 'packet') continue;
    const name = `${node} ${body.interface}`;
    let number = interfaces.get(name);
    if (number === undefined) {
      interfaces.set(name, (number = interfaces.size));
      yield interfaceDescription(name, `${body.interface} of ${node}, on ${body.segment}`);
    }
    yield enhancedPacket(number, at, body, comments.get(seq) ?? []);
  }
  for (const number of interfaces.values()) yield interfaceStatistics(number, until);
}

const sectionHeader = (title: string): Uint8Array =>
  block(blockTypes.sectionHeader, 64 + title.length, (body) => {
    body.u32(byteOrderMagic).u16(1).u16(0).u64(sectionLengthUnknown);
    textOption(body, optionCodes.comment, title);
    textOption(body, optionCodes.userApplication, 'natt-lab');
    endOfOptions(body);
  });

const interfaceDescription = (name: string, description: string): Uint8Array =>
  block(blockTypes.interfaceDescription, 128, (body) => {
    body.u16(linkTypeRaw).u16(0).u32(noSnapLength);
    textOption(body, optionCodes.interfaceName, name);
    textOption(body, optionCodes.interfaceDescription, description);
    option(body, optionCodes.timestampResolution, Uint8Array.of(nanoseconds));
    endOfOptions(body);
  });

const enhancedPacket = (interfaceNumber: number, at: Instant, { bytes, direction }: PacketEvent, comments: readonly string[]): Uint8Array =>
  block(blockTypes.enhancedPacket, 48 + bytes.length, (body) => {
    body.u32(interfaceNumber).u64(nanosecondsAt(at));
    body.u32(bytes.length).u32(bytes.length).bytes(bytes);
    pad(body);
    for (const comment of comments) textOption(body, optionCodes.comment, comment);
    option(body, optionCodes.packetFlags, Uint8Array.of(0, 0, 0, directions[direction]));
    endOfOptions(body);
  });

/** Until when was listened, which the last packet does not tell: silence is something to see, too (§4.6). */
const interfaceStatistics = (interfaceNumber: number, until: Instant): Uint8Array =>
  block(blockTypes.interfaceStatistics, 48, (body) => {
    body.u32(interfaceNumber).u64(nanosecondsAt(until));
    option(body, optionCodes.endTime, new Writer(8).u64(nanosecondsAt(until)).finish());
    endOfOptions(body);
  });

/** Milliseconds with fractions. Rounded while the number is small: in a double a day of nanoseconds still fits exactly. */
export const nanosecondsAt = (at: Instant): bigint => BigInt(Math.round(at * 1e6));

/** Type, total length, body, total length again (§3.1). */
function block(type: number, expected: number, write: (body: Writer) => void): Uint8Array {
  const whole = new Writer(expected).u32(type).u32(0);
  write(whole);
  const length = whole.length + 4;
  return whole.u32At(4, length).u32(length).finish();
}

/** Code, length without the padding, value, padding to 32 bits (§3.5). */
function option(body: Writer, code: number, value: Uint8Array): void {
  body.u16(code).u16(value.length).bytes(value);
  pad(body);
}

const textOption = (body: Writer, code: number, text: string): void => option(body, code, utf8(text));
const endOfOptions = (body: Writer): void => void body.u16(optionCodes.end).u16(0);

/** Blocks and their parts start at multiples of 32 bits. */
const pad = (body: Writer): void => void body.zeros(-body.length & 3);
