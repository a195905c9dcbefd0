/** A capture on disk: what passed the interfaces act by act, and beside it the keys that open it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trace } from '../../src/trace/trace.ts';
import { section } from './pcapng.ts';
import { wiresharkProfile } from './wireshark-keys.ts';
import type { Keys } from './wireshark-keys.ts';

/** What one client saw of one act. */
interface ClientCapture {
  readonly name: string;
  readonly packets: Uint8Array;
  readonly keys: Keys;
}

export class Capture {
  readonly #file: string;
  readonly #write: (block: Uint8Array) => void;
  readonly #keys: Keys[] = [];
  /** Wireshark takes the IV of each message of IKEv1 from the one before, and an initiator by its address: it can follow at one place, in one act. */
  readonly #ofIkeV1: ClientCapture[] = [];

  /** `write` appends to `file`. */
  constructor(file: string, write: (block: Uint8Array) => void) {
    this.#file = file;
    this.#write = write;
  }

  add({ id, title }: { readonly id: string; readonly title: string }, trace: Trace): void {
    for (const block of section(`${id}: ${title}`, trace.events)) this.#write(block);
    const keys = keysOf(trace);
    this.#keys.push(keys);
    const initiators = new Set(trace.of('isakmp-keys').flatMap(({ node, body }) => (body.role === 'initiator' ? [node] : [])));
    for (const client of initiators) {
      const packets = Buffer.concat([...section(`${id}: ${title}, at ${client}`, trace.events.filter(({ node }) => node === client))]);
      this.#ofIkeV1.push({ name: `${id}-${client}`, packets, keys });
    }
  }

  /**
   * Writes the folder `FILE.keys`, a configuration folder for Wireshark, and returns the command that makes use of it. With IKEv1 there is `FILE.ikev1`
   * besides, with a capture and a configuration for every client of every act, and the command for the first.
   */
  async writeKeys(): Promise<{ readonly all: string; readonly ikeV1: string | undefined }> {
    const all = await writeProfile(this.#file, together(this.#keys));
    const folder = `${this.#file}.ikev1`;
    const commands: string[] = [];
    for (const { name, packets, keys } of this.#ofIkeV1) {
      const file = join(folder, `${name}.pcapng`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(file, packets, { mode: 0o600 });
      commands.push(await writeProfile(file, keys));
    }
    return { all, ikeV1: commands[0] };
  }
}

const keysOf = (trace: Trace): Keys => ({
  ike: trace.of('ike-keys').map(({ body }) => body),
  isakmp: trace.of('isakmp-keys').map(({ body }) => body),
  esp: trace.of('esp-keys').map(({ body }) => body),
});

const together = (keys: readonly Keys[]): Keys => ({ ike: keys.flatMap(({ ike }) => [...ike]), isakmp: keys.flatMap(({ isakmp }) => [...isakmp]), esp: keys.flatMap(({ esp }) => [...esp]) });

/** Beside the capture; returns the command that reads it so. */
async function writeProfile(file: string, keys: Keys): Promise<string> {
  const folder = `${file}.keys`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(wiresharkProfile(keys))) await writeFile(join(folder, name), content, { mode: 0o600 });
  return `WIRESHARK_CONFIG_DIR=${quoted(folder)} tshark -r ${quoted(file)}`;
}

/** For a shell. */
const quoted = (path: string): string => (/^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
