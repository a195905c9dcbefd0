/** Packets for people: in one line, and as a tree of all their fields. */
export { summarize } from './summarize.ts';
export { dissect, dissectStart } from './dissect.ts';
export type { Tree } from './tree.ts';
