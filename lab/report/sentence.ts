/** What happened, in a sentence for a learner; undefined for what is left to the trace. */
import { describeEndpoint } from '../../src/core/address.ts';
import { describeDuration } from '../../src/core/time.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { plural } from '../wording.ts';

/** Only the steps of the story and what the boxes' tables held. */
export function inBrief({ body }: TraceEvent): string | undefined {
  switch (body.kind) {
    case 'step':
      return body.story;
    case 'table':
      return `the table of ${body.box}: ${plural(body.mappings.length, 'mapping')}`;
    default:
      return undefined;
  }
}

export function inFull(event: TraceEvent): string | undefined {
  const { body, layer } = event;
  switch (body.kind) {
    case 'ike-message':
      return body.direction === 'received'
        ? undefined
        : `${describeEndpoint(body.local)} → ${describeEndpoint(body.peer)}  ${body.exchange} ${body.response ? 'response' : 'request'} ${body.messageId}${body.retransmission > 0 ? `, retransmission ${body.retransmission}` : ''}: ${body.notation}`;
    case 'nat-detection':
    case 'port-float':
    case 'peer-moved':
    case 'peer-dead':
    case 'virtual-address':
    case 'mapping-created':
    case 'mapping-expired':
    case 'mapping-removed':
    case 'nat-control':
    case 'sa-eclipsed':
    case 'image':
      return body.story;
    case 'ike-sa':
      return body.state === 'connecting' ? undefined : body.story;
    case 'child-sa':
      return body.story;
    case 'ping-answered':
      return `ping "${body.ping}": ${body.to} answered after ${describeDuration(body.roundTrip)}`;
    case 'ping-lost':
      return `ping "${body.ping}": no answer from ${body.to} (${body.why})`;
    case 'udp-echo-answered':
      return `UDP echo "${body.echo}": ${describeEndpoint(body.to)} answered after ${describeDuration(body.roundTrip)}`;
    case 'udp-echo-lost':
      return `UDP echo "${body.echo}": no answer from ${describeEndpoint(body.to)} (${body.why})`;
    case 'tcp-probe-answered':
      return `TCP probe "${body.probe}": ${describeEndpoint(body.to)} echoed it after ${describeDuration(body.roundTrip)}`;
    case 'tcp-probe-lost':
      return `TCP probe "${body.probe}": nothing comes back from ${describeEndpoint(body.to)} (${body.why})`;
    case 'l2tp-heard':
      return `L2TP: ${describeEndpoint(body.from)} says ${body.message}, and that it is ${body.hostName}; the answer goes back to there`;
    case 'l2tp-answered':
      return `L2TP "${body.l2tp}": ${describeEndpoint(body.to)} answered ${body.message} after ${describeDuration(body.roundTrip)}`;
    case 'l2tp-lost':
      return `L2TP "${body.l2tp}": no answer to ${body.message} from ${describeEndpoint(body.to)} (${body.why})`;
    case 'drop':
      return body.reason === 'natt-keepalive' ? undefined : `drops a packet (${layer}): ${body.detail} [${body.reason}]`;
    case 'command-refused':
      return `cannot ${body.command}: ${body.why}`;
    default:
      return inBrief(event);
  }
}
