import { summarize } from '../../src/wire/describe.ts';
import type { Journey, Journeys } from './journey.ts';

/** What a message is, as a heading and a line below. */
export function titleOf({ message, piece, family, sightings, inner }: Journey, journeys: Journeys): { readonly title: string; readonly detail: string } {
  const [first] = sightings;
  if (message !== undefined) {
    const { exchange, response, messageId, retransmission, notation } = message.body;
    return { title: `${exchange} ${response ? 'response' : 'request'} ${messageId}${retransmission > 0 ? `, retransmission ${retransmission}` : ''}${piece === undefined ? '' : `, ${piece}`}`, detail: piece === undefined || !/^piece (?!1 )/.test(piece) ? notation : '' };
  }
  if (family === 'keepalive') return { title: 'keepalive', detail: 'one octet 0xFF' };
  const seen = journeys.seen(first!);
  const said = summarize(first!.body.bytes).replace(/^\S+ > \S+ /, '');
  const title = seen?.content.kind === 'esp' ? (seen.content.encapsulation === 'none' ? 'ESP' : 'ESP in UDP') : seen?.content.kind === 'ike' ? said.replace('(non-ESP marker) ', '').replace(/^IKE (\S+ (?:request|response)) mid /, '$1 ') : said;
  const detail = seen?.content.kind === 'esp' ? `SPI 0x${seen.content.spi.toString(16).padStart(8, '0')}, sequence ${seen.content.sequence}${inner === undefined ? '' : `: ${summarize(inner.body.bytes)}`}` : '';
  return { title, detail };
}
