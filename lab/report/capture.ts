/** A capture on disk: what passed the interfaces act by act, the checks' evidence marked, and beside it the keys that open it. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toHex } from '../../src/core/bytes.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { ikeVersion1 } from '../../src/wire/ike/v1/message.ts';
import { decodeIp, ports } from '../../src/wire/ip.ts';
import { classifyNatt, stripMarker } from '../../src/wire/natt.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { ikePort, nattPort } from '../../src/wire/summarize.ts';
import { udpHeaderLength } from '../../src/wire/udp.ts';
import type { CheckResult } from '../run.ts';
import { forShell } from '../wording.ts';
import { section } from './pcapng.ts';
import { wiresharkProfile } from './wireshark-keys.ts';
import { draftsFile, isOfDrafts } from './wireshark-drafts.ts';
import type { Keys } from './wireshark-keys.ts';

export class Capture {
  readonly #file: string;
  readonly #write: (block: Uint8Array) => void;
  readonly #keys: Keys[] = [];
  readonly #translated = new Map<number, 'ISAKMP' | 'UDPENCAP' | 'both'>();
  #hasDrafts = false;
  /** Wireshark takes the IV of each message of IKEv1 from the one before: it can follow where each message passes once, at the initiators, and nothing is sent again. */
  readonly #atInitiators: Uint8Array[] = [];

  /** `write` appends to `file`. */
  constructor(file: string, write: (block: Uint8Array) => void) {
    this.#file = file;
    this.#write = write;
  }

  add({ act: { id, title }, trace, checks }: { readonly act: { readonly id: string; readonly title: string }; readonly trace: Trace; readonly checks: readonly CheckResult[] }): void {
    const comments = commentsOf(checks);
    for (const block of section(`${id}: ${title}`, trace.events, comments)) this.#write(block);
    this.#keys.push(keysOf(trace));
    for (const { body } of trace.of('packet')) this.#notePorts(body.bytes);
    const initiators = new Set(trace.of('isakmp-keys').flatMap(({ node, body }) => (body.role === 'initiator' ? [node] : [])));
    if (initiators.size > 0) this.#atInitiators.push(...section(`${id}: ${title}, at ${[...initiators].join(', ')}`, saidOnce(trace.events.filter(({ node }) => initiators.has(node))), comments));
  }

  /**
   * Writes the folder `FILE.keys`, a configuration folder for Wireshark, and returns the command that makes use of it. Where there is IKEv1 a second
   * capture, of the initiators alone, is written besides, with keys of its own.
   */
  async writeKeys(): Promise<{ readonly all: string; readonly ikeV1: string | undefined }> {
    const keys = together(this.#keys);
    const all = await this.#writeProfile(this.#file, { ...keys, isakmp: [] });
    if (this.#atInitiators.length === 0) return { all, ikeV1: undefined };
    const file = `${this.#file.replace(/\.pcapng$/, '')}.ikev1.pcapng`;
    await writeFile(file, this.#atInitiators, { mode: 0o600 });
    return { all, ikeV1: await this.#writeProfile(file, keys) };
  }

  /** Beside the capture; returns the command that reads it so. */
  async #writeProfile(file: string, keys: Keys): Promise<string> {
    const folder = `${file}.keys`;
    await rm(join(folder, draftsFile), { force: true }); // of a capture of this name that was here before
    for (const [name, content] of Object.entries(wiresharkProfile(keys, this.#translated, this.#hasDrafts))) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, content, { mode: 0o600 });
    }
    return `WIRESHARK_CONFIG_DIR=${forShell(folder)} tshark -r ${forShell(file)}`;
  }

  /** What stands opposite one of IKE's ports. */
  #notePorts(packet: Uint8Array): void {
    const ip = decodeIp(packet);
    const pair = ip.ok && ip.value.protocol === protocols.udp && ip.value.fragment === undefined ? ports(ip.value) : undefined;
    if (!ip.ok || pair === undefined) return;
    this.#hasDrafts ||= [pair.source, pair.destination].includes(ikePort) && isOfDrafts(ip.value.payload.subarray(udpHeaderLength));
    const [port, opposite] = isIkes(pair.source) ? [pair.destination, pair.source] : [pair.source, pair.destination];
    if (!isIkes(opposite) || isIkes(port)) return;
    const protocol = opposite === ikePort ? 'ISAKMP' : 'UDPENCAP';
    this.#translated.set(port, (this.#translated.get(port) ?? protocol) === protocol ? protocol : 'both');
  }
}

/** Without what is sent again of IKEv1's encrypted messages, and of the pieces of IP, which may be of such. */
function* saidOnce(events: Iterable<TraceEvent>): Generator<TraceEvent> {
  const said = new Set<string>();
  for (const event of events) {
    const octets = event.body.kind === 'packet' ? opaque(event.body.bytes) : undefined;
    const name = octets && toHex(octets);
    if (name !== undefined && said.has(name)) continue;
    if (name !== undefined) said.add(name);
    yield event;
  }
}

function opaque(packet: Uint8Array): Uint8Array | undefined {
  const ip = decodeIp(packet);
  if (!ip.ok || ip.value.protocol !== protocols.udp) return undefined;
  const { fragment, payload } = ip.value;
  if (fragment !== undefined) return fragment.offset === 0 ? payload.subarray(udpHeaderLength) : payload;
  const pair = ports(ip.value);
  const datagram = payload.subarray(udpHeaderLength);
  const message = pair !== undefined && [pair.source, pair.destination].includes(nattPort) && classifyNatt(datagram) === 'ike' ? stripMarker(datagram) : datagram;
  return message[17] === ikeVersion1 && (message[19]! & encryptionBit) !== 0 ? message : undefined;
}

const encryptionBit = 0x01;

const isIkes = (port: number): boolean => port === ikePort || port === nattPort;

/** What the checks say of the packets that they point to, by the number of the event. */
function commentsOf(checks: readonly CheckResult[]): ReadonlyMap<number, readonly string[]> {
  const comments = new Map<number, string[]>();
  for (const { verdict, claim, ref, observed, evidence } of checks) {
    const text = `${verdict}: ${claim}${ref === undefined ? '' : ` (${ref})`}. ${observed}`;
    for (const seq of evidence) comments.set(seq, [...(comments.get(seq) ?? []), text]);
  }
  return comments;
}

const keysOf = (trace: Trace): Keys => ({
  ike: trace.of('ike-keys').map(({ body }) => body),
  isakmp: trace.of('isakmp-keys').map(({ body }) => body),
  esp: trace.of('esp-keys').map(({ body }) => body),
});

const together = (keys: readonly Keys[]): Keys => ({ ike: keys.flatMap(({ ike }) => [...ike]), isakmp: keys.flatMap(({ isakmp }) => [...isakmp]), esp: keys.flatMap(({ esp }) => [...esp]) });

