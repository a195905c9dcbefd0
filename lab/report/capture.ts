/** A capture on disk: what passed the interfaces act by act, the checks' evidence marked, and beside it the keys that open it. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Trace } from '../../src/trace/trace.ts';
import { decodeIp, ports } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { ikePort, nattPort } from '../../src/wire/summarize.ts';
import type { CheckResult } from '../run.ts';
import { forShell } from '../wording.ts';
import { section } from './pcapng.ts';
import { wiresharkProfile } from './wireshark-keys.ts';
import type { Keys, TranslatedPorts } from './wireshark-keys.ts';

export class Capture {
  readonly #file: string;
  readonly #write: (block: Uint8Array) => void;
  readonly #keys: Keys[] = [];
  readonly #translated = new Map<number, 'ISAKMP' | 'UDPENCAP' | 'both'>();
  /** Wireshark takes the IV of each message of IKEv1 from the one before: it can follow where each message passes once, at the initiators. */
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
    if (initiators.size > 0) this.#atInitiators.push(...section(`${id}: ${title}, at ${[...initiators].join(', ')}`, trace.events.filter(({ node }) => initiators.has(node)), comments));
  }

  /**
   * Writes the folder `FILE.keys`, a configuration folder for Wireshark, and returns the command that makes use of it. Where there is IKEv1 a second
   * capture, of the initiators alone, is written besides, with keys of its own.
   */
  async writeKeys(): Promise<{ readonly all: string; readonly ikeV1: string | undefined }> {
    const keys = together(this.#keys);
    const all = await writeProfile(this.#file, { ...keys, isakmp: [] }, this.#translated);
    if (this.#atInitiators.length === 0) return { all, ikeV1: undefined };
    const file = `${this.#file.replace(/\.pcapng$/, '')}.ikev1.pcapng`;
    await writeFile(file, this.#atInitiators, { mode: 0o600 });
    return { all, ikeV1: await writeProfile(file, keys, this.#translated) };
  }

  /** What stands opposite one of IKE's ports. */
  #notePorts(packet: Uint8Array): void {
    const ip = decodeIp(packet);
    const pair = ip.ok && ip.value.protocol === protocols.udp && ip.value.fragment === undefined ? ports(ip.value) : undefined;
    if (pair === undefined) return;
    const [port, opposite] = isIkes(pair.source) ? [pair.destination, pair.source] : [pair.source, pair.destination];
    if (!isIkes(opposite) || isIkes(port)) return;
    const protocol = opposite === ikePort ? 'ISAKMP' : 'UDPENCAP';
    this.#translated.set(port, (this.#translated.get(port) ?? protocol) === protocol ? protocol : 'both');
  }
}

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

/** Beside the capture; returns the command that reads it so. */
async function writeProfile(file: string, keys: Keys, translated: TranslatedPorts): Promise<string> {
  const folder = `${file}.keys`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(wiresharkProfile(keys, translated))) await writeFile(`${folder}/${name}`, content, { mode: 0o600 });
  return `WIRESHARK_CONFIG_DIR=${forShell(folder)} tshark -r ${forShell(file)}`;
}
