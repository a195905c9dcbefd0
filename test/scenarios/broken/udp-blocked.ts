/** Rules broken in `udp-blocked`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, ikeConfig, isClient, routersForBoxes } from '../../support/sabotage.ts';

const isFailure = ({ body }: TraceEvent): boolean => body.kind === 'ike-sa' && body.state === 'failed';
const otherwise = (event: TraceEvent, body: object): TraceEvent => ({ ...event, body: { ...event.body, ...body } }) as TraceEvent;

/** The client has said nothing twice: of what it says again and again the first time is left. */
const saidOnce = (event: TraceEvent): TraceEvent | undefined => (event.node === 'alice' && event.body.kind === 'packet' && event.body.direction === 'out' && event.at > 1000 ? undefined : event);

/** Retransmissions at a steady pace, in all as long as ever. */
const steady = ikeConfig(isClient, ({ retransmission: { first, factor, tries } }) => {
  const whole = Array.from({ length: tries + 1 }, (_, i) => first * factor ** i).reduce((sum, pause) => sum + pause, 0);
  return { retransmission: { first: (whole / (tries + 1)) as typeof first, factor: 1, tries } };
});

const goesOnForLonger = (event: TraceEvent): TraceEvent => (isFailure(event) ? { ...event, at: (event.at + 60_000) as typeof event.at } : event);

export const udpBlockedRules: readonly BrokenRule[] = [
  { lesson: 'udp-blocked', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['silent/ends-at-the-box', 'silent/repeats', 'silent/time', 'silent/diagnosis', 'told/told', 'told/repeats', 'told/time', 'told/diagnosis', 'moved/ends-at-the-box', 'moved/repeats', 'moved/time', 'moved/diagnosis'] },
  { lesson: 'udp-blocked', rule: 'the boxes let everything out', sabotage: boxes(() => ({ blockedUdpPorts: [] })), red: ['silent/ends-at-the-box', 'silent/repeats', 'silent/time', 'silent/diagnosis', 'told/told', 'told/repeats', 'told/time', 'told/diagnosis', 'moved/ends-at-the-box', 'moved/repeats', 'moved/time', 'moved/diagnosis'] },
  { lesson: 'udp-blocked', rule: 'the boxes say nothing', sabotage: boxes(() => ({ refusals: 'silent' })), red: ['told/told'] },
  { lesson: 'udp-blocked', rule: 'the boxes block 500', sabotage: boxes(() => ({ blockedUdpPorts: [500] })), red: ['moved/answered', 'moved/ends-at-the-box', 'moved/diagnosis'] },
  { lesson: 'udp-blocked', rule: 'the client repeats itself at a steady pace', sabotage: steady, red: ['silent/repeats', 'told/repeats', 'moved/repeats'] },
  { lesson: 'udp-blocked', rule: 'the client has said it once only (forged)', forge: saidOnce, red: ['silent/repeats', 'told/repeats', 'moved/repeats'] },
  { lesson: 'udp-blocked', rule: 'the client gives up a minute later (forged)', forge: goesOnForLonger, red: ['silent/time', 'told/time', 'moved/time'] },
  { lesson: 'udp-blocked', rule: 'the client gives up without a reason (forged)', forge: (event) => (isFailure(event) ? otherwise(event, { story: 'it did not work' }) : event), red: ['silent/diagnosis', 'told/diagnosis', 'moved/diagnosis'] },
];
