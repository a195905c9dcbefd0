/** Rules broken in `ike-mapping-timeout`, and which checks notice. */
import type { TraceBody, TraceEvent } from '../../../src/trace/events.ts';
import { alongside, junk, neverForgets, pingAnswered, pingLost, rewritten, silentAbout } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { ikeConfig, isClient, isGateway, isKeepalive } from '../../support/sabotage.ts';

const later = 'after the silence';

/** What the box threw away comes to the client. */
const comesThrough = (event: TraceEvent): TraceEvent =>
  event.node === 'box' && event.body.kind === 'drop' && event.body.bytes !== undefined
    ? ({ ...event, node: 'alice', layer: 'link', body: { kind: 'packet', interface: 'eth0', segment: 'home', direction: 'in', bytes: event.body.bytes } })
    : event;

/** The client tells something at the end of the silence. */
const alsoSays = (story: string, body: Partial<TraceBody>) => (event: TraceEvent): TraceEvent =>
  event.body.kind === 'step' && event.body.story.startsWith(story) ? ({ ...event, node: 'alice', layer: 'ike', body: { ...body, story: 'forged' } } as unknown as TraceEvent) : event;

const afterTheSilence = ({ at }: TraceEvent): boolean => at > 30_000;
const isPacket = ({ body }: TraceEvent, direction: 'in' | 'out'): boolean => body.kind === 'packet' && body.direction === direction;

export const ikeMappingTimeoutRules: readonly BrokenRule[] = [
  { lesson: 'ike-mapping-timeout', rule: 'mappings never expire', sabotage: neverForgets, red: ['probe-lost/expired', 'probe-lost/dies-at-the-box', 'probe-lost/taken-for-dead', 'probe-lost/cut-off', 'rekey-lost/expired', 'rekey-lost/dies-at-the-box', 'rekey-lost/no-fresh-keys', 'delete-lost/expired', 'delete-lost/dies-at-the-box', 'delete-lost/never-told', 'client-first/expired', 'client-first/new-port', 'client-asks/expired', 'client-asks/dies-at-the-box', 'client-asks/notices'] },
  { lesson: 'ike-mapping-timeout', rule: 'nobody sends keepalives', sabotage: ikeConfig(isClient, () => ({ keepalive: { interval: 'off' } })), red: ['probe-kept/arrives', 'probe-kept/lives', 'probe-kept/works', 'rekey-kept/arrives', 'rekey-kept/fresh-keys', 'rekey-kept/works', 'delete-kept/arrives', 'delete-kept/told'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client is never idle', sabotage: alongside(isKeepalive, (datagram) => [{ ...datagram, payload: junk }]), red: ['probe-kept/long-enough', 'rekey-kept/long-enough', 'delete-kept/long-enough'] },
  { lesson: 'ike-mapping-timeout', rule: 'what the box threw away comes through (forged)', forge: comesThrough, red: ['probe-lost/dies-at-the-box', 'rekey-lost/dies-at-the-box', 'delete-lost/dies-at-the-box', 'client-asks/dies-at-the-box'] },
  { lesson: 'ike-mapping-timeout', rule: 'the gateway does not tell whom it takes for dead', sabotage: silentAbout(isGateway, (body) => body.kind === 'peer-dead'), red: ['probe-lost/taken-for-dead'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client does not tell whom it takes for dead', sabotage: silentAbout(isClient, (body) => body.kind === 'peer-dead'), red: ['client-asks/notices'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client knows of the end (forged)', forge: alsoSays('The gateway', { kind: 'ike-sa', state: 'deleted' }), red: ['probe-lost/never-told', 'delete-lost/never-told'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client has fresh keys (forged)', forge: alsoSays('The gateway', { kind: 'child-sa', state: 'established' }), red: ['rekey-lost/no-fresh-keys'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client has no fresh keys (forged)', forge: (event) => (event.node === 'alice' && event.body.kind === 'child-sa' && afterTheSilence(event) ? undefined : event), red: ['rekey-kept/fresh-keys'] },
  { lesson: 'ike-mapping-timeout', rule: 'the gateway does not tell of its answers', sabotage: silentAbout(isGateway, (body) => body.kind === 'ike-message' && body.exchange === 'INFORMATIONAL'), red: ['probe-kept/lives'] },
  { lesson: 'ike-mapping-timeout', rule: 'the client does not tell of the end', sabotage: silentAbout(isClient, (body) => body.kind === 'ike-sa' && body.state === 'deleted'), red: ['delete-kept/told'] },
  { lesson: 'ike-mapping-timeout', rule: 'nothing comes to the client after the silence (forged)', forge: (event) => (event.node === 'alice' && isPacket(event, 'in') && afterTheSilence(event) ? undefined : event), red: ['probe-kept/arrives', 'rekey-kept/arrives', 'delete-kept/arrives', 'client-first/arrives'] },
  {
    lesson: 'ike-mapping-timeout',
    rule: 'the gateway asks at the old port (forged)',
    forge: (event, act) => (act === 'client-first' && event.node === 'gateway' && isPacket(event, 'out') && afterTheSilence(event) ? rewritten(event, (packet) => ({ ...packet, destination: { ...packet.destination, port: 4501 } })) : event),
    red: ['client-first/new-port'],
  },
  { lesson: 'ike-mapping-timeout', rule: 'the ping is answered (forged)', forge: pingAnswered(later), red: ['probe-lost/cut-off', 'delete-lost/cut-off'] },
  { lesson: 'ike-mapping-timeout', rule: 'the ping is lost (forged)', forge: pingLost(later), red: ['probe-kept/works', 'rekey-kept/works', 'client-first/works', 'client-asks/works'] },
];
