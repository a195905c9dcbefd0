/** How the lab knows its own things in an engine, and whether their run still lives. */
import { randomBytes } from 'node:crypto';

/** On everything that the lab makes in an engine. Of a run: its id. */
export const runLabel = 'natt-lab.run';
/** On a run's lease: a container that runs as long as the run holds its standard input, and so ends with it, whatever way it ends. */
export const leaseLabel = 'natt-lab.lease';
/** On an image: what it was made from. */
export const contentLabel = 'natt-lab.content';

export const newRunId = (): string => randomBytes(4).toString('hex');
