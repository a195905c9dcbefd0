/** Rules broken in `zero-checksum`, and which checks notice. */
import { setU16, u16At } from '../../../src/core/bytes.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { pingAnswered, pingLost } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, routersForBoxes } from '../../support/sabotage.ts';

const checksumAt = 26;

/** ESP in UDP at a node, with another checksum. */
const checksummed = (node: string, direction: 'in' | 'out', checksum: (bytes: Uint8Array) => number) => (event: TraceEvent): TraceEvent => {
  if (event.node !== node || event.body.kind !== 'packet' || event.body.direction !== direction || !isEspInUdp(event.body.bytes)) return event;
  const bytes = event.body.bytes.slice();
  setU16(bytes, checksumAt, checksum(bytes));
  return { ...event, body: { ...event.body, bytes } } as TraceEvent;
};

const isEspInUdp = (bytes: Uint8Array): boolean => bytes[9] === 17 && bytes.length > 36 && [u16At(bytes, 20), u16At(bytes, 22)].includes(4500) && bytes.subarray(28, 32).some((octet) => octet !== 0);

/** What the client put into its SA came out at the gateway. */
const delivered = (event: TraceEvent, act: string): TraceEvent =>
  act === 'spoiled' && event.node === 'alice' && event.body.kind === 'inner' ? ({ ...event, node: 'gateway', body: { ...event.body, direction: 'delivered' } } as unknown as TraceEvent) : event;

const unasked = (event: TraceEvent): TraceEvent | undefined => (event.body.kind === 'ike-message' && event.node === 'alice' && event.body.direction === 'received' && event.body.exchange.toUpperCase() === 'INFORMATIONAL' ? undefined : event);

export const zeroChecksumRules: readonly BrokenRule[] = [
  { lesson: 'zero-checksum', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['kept/leaves-without', 'kept/arrives', 'filled-in/leaves-without', 'filled-in/arrives', 'spoiled/leaves-without', 'spoiled/arrives', 'spoiled/not-taken', 'spoiled/dead', 'with-checksums/translated', 'with-checksums/leaves-with', 'with-checksums/arrives'] },
  { lesson: 'zero-checksum', rule: 'the boxes leave zero alone', sabotage: boxes(() => ({ zeroChecksum: 'kept' })), red: ['filled-in/arrives', 'spoiled/arrives', 'spoiled/not-taken', 'spoiled/dead'] },
  { lesson: 'zero-checksum', rule: 'the boxes spoil zero', sabotage: boxes(() => ({ zeroChecksum: 'adjusted' })), red: ['kept/arrives', 'kept/works', 'filled-in/arrives', 'filled-in/works'] },
  { lesson: 'zero-checksum', rule: 'everybody computes checksums', sabotage: { config: (config) => ({ ...config, udpChecksum: 'computed' }) }, red: ['kept/leaves-without', 'kept/arrives', 'filled-in/leaves-without', 'spoiled/leaves-without', 'spoiled/arrives', 'spoiled/not-taken', 'spoiled/dead'] },
  { lesson: 'zero-checksum', rule: 'nobody computes checksums', sabotage: { config: (config) => ({ ...config, udpChecksum: 'zero' }) }, red: ['with-checksums/leaves-with', 'with-checksums/arrives', 'with-checksums/works'] },
  { lesson: 'zero-checksum', rule: 'ESP arrives with a checksum like any other (forged)', forge: checksummed('gateway', 'in', () => 0x1234), red: ['kept/arrives', 'filled-in/arrives', 'with-checksums/arrives'] },
  { lesson: 'zero-checksum', rule: 'ESP arrives without a checksum (forged)', forge: checksummed('gateway', 'in', () => 0), red: ['filled-in/arrives', 'spoiled/arrives', 'with-checksums/arrives'] },
  { lesson: 'zero-checksum', rule: 'ESP leaves without a checksum (forged)', forge: checksummed('alice', 'out', () => 0), red: ['with-checksums/leaves-with'] },
  { lesson: 'zero-checksum', rule: 'what was spoiled is delivered (forged)', forge: delivered, red: ['spoiled/not-taken'] },
  { lesson: 'zero-checksum', rule: 'the gateway does not answer the question whether it lives (forged)', forge: unasked, red: ['spoiled/ike-lives'] },
  { lesson: 'zero-checksum', rule: 'nobody is reached (forged)', forge: pingLost('client to server'), red: ['kept/works', 'filled-in/works', 'with-checksums/works'] },
  { lesson: 'zero-checksum', rule: 'the server is reached (forged)', forge: pingAnswered('client to server'), red: ['spoiled/dead'] },
];
