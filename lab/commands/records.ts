/** What is written while a lesson is played: its trace, its capture. */
import { traceLine } from '../report/json.ts';
import type { Audience } from '../run.ts';
import { cannotWrite, closeAll, outputTo } from './output.ts';
import type { Output } from './output.ts';

export interface Records extends Pick<Output, 'close'> {
  readonly audience: Audience;
}

/** `tell` says what people should know about the files. */
export async function openRecords({ trace: traceFile, pcap: captureFile }: { readonly trace?: string; readonly pcap?: string }, tell: (line: string) => void): Promise<Records> {
  const traceOutput = traceFile === undefined ? undefined : await outputTo(traceFile);
  const captureOutput = captureFile === undefined ? undefined : await outputTo(captureFile);
  const capture = captureOutput === undefined ? undefined : new (await import('../report/capture.ts')).Capture(captureFile!, (block) => captureOutput.write(block));
  return {
    audience: {
      actEnds: (played) => {
        const { act, trace } = played;
        if (traceOutput) trace.events.forEach((event) => traceOutput.write(`${traceLine(act.id, event)}\n`));
        capture?.add(played);
      },
    },
    close: async () => {
      await closeAll([traceOutput, captureOutput]);
      if (!capture) return;
      const { all, ikeV1 } = await capture.writeKeys().catch((error: unknown) => Promise.reject(cannotWrite(`the keys of ${captureFile!}`, error)));
      tell(`To read the capture decrypted: ${all}`);
      if (ikeV1 !== undefined) tell(`And IKEv1, which Wireshark follows where it begins only: ${ikeV1}`);
    },
  };
}
