/** What is known of packets beyond their octets. It is asked for while a report is written: a browser has neither the ciphers nor all that went before. */
import type { Insight } from '../../../src/wire/insight.ts';
import type { Trace } from '../../../src/trace/trace.ts';
import { payloadTypes } from '../../../src/wire/ike/message.ts';
import { Bounded } from '../../capture/bounded.ts';
import { ringFrom } from '../../capture/keys.ts';
import { Onlooker } from '../../capture/onlooker.ts';
import { takeApart } from '../../capture/packet.ts';
import type { TakenApart } from '../../capture/packet.ts';
import { Pieces } from '../../capture/pieces.ts';
import { packetTree } from '../../capture/tree.ts';
import { nanosecondsAt } from '../pcapng.ts';
import type { Answer, Knowledge } from './document.ts';

/** Every packet is taken apart as the page will do it, and what its tree asks for is kept, in the order of asking. */
export function knowledgeOf(trace: Trace): Knowledge {
  const bodies = <Kind extends 'ike-keys' | 'isakmp-keys' | 'esp-keys'>(kind: Kind) => trace.of(kind).map(({ body }) => body);
  // no hash is worth a search: all addresses of the network are in the trace
  const onlooker = new Onlooker(ringFrom({ ike: bodies('ike-keys'), isakmp: bodies('isakmp-keys'), esp: bodies('esp-keys') }), undefined, 0);
  const pieces = new Pieces();
  const places = numbered();
  const answers = numbered();
  const told: Answer[] = [];
  const earlier = new Bounded<string, readonly number[]>(4096);
  const packets: Record<number, Knowledge['packets'][number]> = {};
  for (const { seq, at, node, body } of trace.of('packet')) {
    const place = `${node} ${body.interface}`;
    const piece = takeApart(body.bytes);
    const whole = piece?.fragment && pieces.add({ at: nanosecondsAt(at), place: { section: 1, interface: places(place) } }, body.bytes);
    const packet = whole?.packet ?? piece;
    if (packet === undefined || (packet.content.kind !== 'ike' && packet.content.kind !== 'esp')) continue;
    onlooker.see(place, packet);
    const name = whole === undefined && saysAllByItself(packet) ? hex(packet.payload) : undefined;
    const heard = (name === undefined ? undefined : earlier.get(name)) ?? asked(body.bytes, whole?.ip);
    if (name !== undefined) earlier.set(name, heard);
    if (whole === undefined && heard.every((place) => told[place] === null)) continue;
    packets[seq] = { heard, ...(whole !== undefined && { whole: hex(whole.ip) }) };
  }
  return { answers: told, packets };

  function asked(bytes: Uint8Array, whole: Uint8Array | undefined): readonly number[] {
    const heard: Answer[] = [];
    packetTree(bytes, whole, listening(onlooker, heard));
    return heard.map((answer) => {
      const number = answers(JSON.stringify(answer));
      told[number] = answer;
      return number;
    });
  }
}

/** ESP, and what IKEv2 sends whole: to what is the same on its other links the answers are the same. */
const saysAllByItself = ({ content }: TakenApart): boolean => content.kind === 'esp' || (content.kind === 'ike' && content.message[17]! >>> 4 === 2 && content.message[16] !== payloadTypes.SKF);

/** Each value gets the number that it had before, or the next. */
function numbered(): (value: string) => number {
  const numbers = new Map<string, number>();
  return (value) => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  };
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

function listening(onlooker: Onlooker, heard: Answer[]): Insight {
  const kept = <Said>(said: Said, answer: (said: NonNullable<Said>) => Answer): Said => {
    heard.push(said === undefined || said === null ? null : answer(said));
    return said;
  };
  return {
    ike: (message) => kept(onlooker.ike(message), (said) => (typeof said === 'string' ? said : 'share' in said ? { ...said, share: hex(said.share) } : { ...said, payloads: hex(said.payloads) })),
    esp: (packet) => kept(onlooker.esp(packet), ({ nextHeader, payload }) => ({ nextHeader, payload: hex(payload) })),
    together: (message) => kept(onlooker.together(message), (said) => (typeof said === 'string' ? said : { whole: hex(said) })),
    natDetection: (message, hash) => kept(onlooker.natDetection(message, hash), (said) => said),
  };
}
