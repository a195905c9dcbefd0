/** Where results go: a file, or standard output, which stays open. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { Problem } from '../problem.ts';

export interface Output {
  write(chunk: string | Uint8Array): void;
  /** Resolves when all is written. What could not be written is said here: a full disk costs the file, not the run. Throws a Problem. */
  close(): Promise<void>;
}

/** Opens the file now, so that one that cannot be written is a Problem before anything is run. `-` is standard output. */
export async function outputTo(file: string): Promise<Output> {
  if (file === '-') return { write: (chunk) => void process.stdout.write(chunk), close: () => Promise.resolve() };
  const stream = createWriteStream(file);
  let failure: Error | undefined;
  stream.on('error', (error) => (failure = error));
  await once(stream, 'open').catch((error: unknown) => Promise.reject(cannotWrite(file, error)));
  return {
    write: (chunk) => {
      if (failure === undefined) stream.write(chunk);
    },
    close: async () => {
      if (failure === undefined) {
        stream.end();
        await once(stream, 'close').catch(() => undefined);
      }
      if (failure !== undefined) throw cannotWrite(file, failure);
    },
  };
}

/** Closes all of them; a Problem with the first does not keep the others from being closed. */
export async function closeAll(outputs: readonly (Pick<Output, 'close'> | undefined)[]): Promise<void> {
  const ends = await Promise.allSettled(outputs.map(async (output) => output?.close()));
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (failures.length > 1 && failures.every((one) => one instanceof Problem)) throw new Problem(failures.map(({ message }) => message).join('\n  '));
  if (failures.length > 0) throw failures[0];
}

export const cannotWrite = (file: string, error: unknown): Problem => new Problem(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
