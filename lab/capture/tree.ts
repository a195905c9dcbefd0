/** A captured packet as a tree, with what is known of it beyond its octets. */
import { dissect, dissectStart } from '../../src/wire/describe.ts';
import { elsewhere } from '../../src/wire/insight.ts';
import type { Insight } from '../../src/wire/insight.ts';
import type { Tree } from '../../src/wire/tree.ts';

/** The last piece of what IP has cut up shows the whole below it; of a packet that was not `captured` whole there is what there is. */
export function packetTree(ip: Uint8Array, whole: Uint8Array | undefined, insight: Insight | undefined, captured: 'whole' | 'start' = 'whole'): Tree {
  if (captured === 'start') return dissectStart(ip);
  const tree = dissect(ip, insight);
  if (whole === undefined) return tree;
  const { value, children } = dissect(whole, insight);
  return { ...tree, children: [...tree.children, elsewhere('Put together', value, whole, 'RFC 791 §3.2', children)] };
}
