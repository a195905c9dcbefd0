/** A capture file, piece by piece: however large it is, only a piece of it is in memory. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { interrupted } from '../commands/interruption.ts';
import { Problem } from '../problem.ts';
import { whyUnreadable } from '../unreadable.ts';
import { CaptureReader } from '../../src/wire/pcap/capture-reader.ts';
import type { CaptureItem } from '../../src/wire/pcap/frame.ts';

const pieceLength = 1 << 20;

/**
 * What each piece of the file completes. `-` is standard input; what gzip has packed is unpacked on the way. Throws a Problem for a file that cannot be
 * read or is no capture at all; one that is damaged further on tells so at the end.
 */
export async function* captureItems(file: string): AsyncGenerator<Iterable<CaptureItem>> {
  const reader = new CaptureReader();
  const source = file === '-' ? toTheEnd(process.stdin) : createReadStream(file, { highWaterMark: pieceLength });
  let offset = 0;
  try {
    for await (const piece of unpacked(source)) {
      yield telling(file, reader.push(piece));
      offset += piece.length;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw new Problem(`cannot read ${nameOf(file)}: ${whyUnreadable(error)}`);
    yield [{ kind: 'damaged', offset, how: 'cut-off', why: `gzip says: ${message}` }];
    return;
  }
  yield telling(file, reader.end());
}

/** For people. */
export const nameOf = (file: string): string => (file === '-' ? 'standard input' : file);

/** Ctrl-C is for who writes into the pipe: what has come by then is still judged. The second one is for us. */
async function* toTheEnd(pipe: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const interrupt = (): void => void process.once('SIGINT', () => process.exit(interrupted));
  process.once('SIGINT', interrupt);
  try {
    yield* pipe;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function* unpacked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return;
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    yield first.value;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  };
  const isPacked = first.value[0] === 0x1f && first.value[1] === 0x8b;
  yield* isPacked ? (Readable.from(rest()).pipe(createGunzip({ chunkSize: pieceLength })) as AsyncIterable<Uint8Array>) : rest();
}

function* telling(file: string, items: Iterable<CaptureItem>): Generator<CaptureItem> {
  for (const item of items) {
    if (item.kind === 'damaged' && (item.how === 'empty' || item.how === 'no-capture')) throw new Problem(`${nameOf(file)} is no capture: ${item.why}. Expected a file of tcpdump's (pcap) or Wireshark's (pcapng).`);
    yield item;
  }
}
