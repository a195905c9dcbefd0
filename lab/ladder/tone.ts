import type { TraceEvent } from '../../src/trace/events.ts';

/** Whether an event is good news or bad: a mapping made, one gone, something that went wrong. */
export function toneOf({ body }: TraceEvent): 'mapped' | 'unmapped' | 'bad' | 'plain' {
  switch (body.kind) {
    case 'mapping-created':
      return 'mapped';
    case 'mapping-expired':
    case 'mapping-removed':
    case 'nat-control':
      return 'unmapped';
    case 'drop':
    case 'impaired':
    case 'peer-dead':
    case 'ping-lost':
    case 'udp-echo-lost':
    case 'tcp-probe-lost':
    case 'l2tp-lost':
    case 'sa-eclipsed':
      return 'bad';
    default:
      return 'plain';
  }
}
