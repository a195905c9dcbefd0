/** A capture on disk: what passed the interfaces act by act, and beside it the keys that open it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { section } from './pcapng.ts';
import { wiresharkProfile } from './wireshark-keys.ts';

export class Capture {
  readonly #file: string;
  readonly #write: (block: Uint8Array) => void;
  readonly #keys = {
    ike: [] as EventOf<'ike-keys'>['body'][],
    isakmp: [] as EventOf<'isakmp-keys'>['body'][],
    esp: [] as EventOf<'esp-keys'>['body'][],
  };

  /** `write` appends to `file`. */
  constructor(file: string, write: (block: Uint8Array) => void) {
    this.#file = file;
    this.#write = write;
  }

  add(title: string, trace: Trace): void {
    for (const block of section(title, trace.events)) this.#write(block);
    for (const { body } of trace.of('ike-keys')) this.#keys.ike.push(body);
    for (const { body } of trace.of('isakmp-keys')) this.#keys.isakmp.push(body);
    for (const { body } of trace.of('esp-keys')) this.#keys.esp.push(body);
  }

  /** Writes the folder `FILE.keys`, a configuration folder for Wireshark, and returns the command that makes use of it. */
  async writeKeys(): Promise<string> {
    const folder = `${this.#file}.keys`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [name, content] of Object.entries(wiresharkProfile(this.#keys))) await writeFile(join(folder, name), content, { mode: 0o600 });
    return `WIRESHARK_CONFIG_DIR=${quoted(folder)} tshark -r ${quoted(this.#file)}`;
  }
}

/** For a shell. */
const quoted = (path: string): string => (/^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
