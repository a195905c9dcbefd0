/** A stretch of a packet's way, drawn between two lifelines with the ports that it has there. */
import { describeEndpoint } from '../../../src/core/address.ts';
import type { Endpoint } from '../../../src/core/address.ts';
import type { Hop } from '../../ladder/hops.ts';

/** `says`: whose address or port it is, the packet's source or its destination. */
export interface ArrowPiece {
  readonly text: string;
  readonly says?: 'from' | 'to';
}

/** Fills `room` columns, from left to right. `isRoomy`: addresses stand with the ports. */
export function arrow({ ends, end }: Hop, toTheRight: boolean, room: number, isRoomy: boolean): readonly ArrowPiece[] {
  const shaft = (length: number): string => {
    // what nobody has seen arrive ends on its way
    const way = '─'.repeat(Math.max(0, (end === 'gone' ? Math.ceil(length / 2) : length) - 1));
    const rest = ' '.repeat(Math.max(0, length - way.length - 1));
    const tip = end === 'arrived' ? (toTheRight ? '►' : '◄') : '✗';
    return toTheRight ? `${way}${tip}${rest}` : `${rest}${tip}${way}`;
  };
  const [tail, head] = labels(ends, isRoomy).find(([one, other]) => one.length + other.length + (one + other === '' ? 0 : 3) <= room) ?? ['', ''];
  // blanks keep ports apart from shaft and lifelines, where there is room
  const blank = tail !== '' && tail.length + head.length + 7 <= room ? ' ' : '';
  const pad = (text: string): string => (text === '' ? '' : `${blank}${text}${blank}`);
  const [from, to] = [{ text: pad(tail), says: 'from' }, { text: pad(head), says: 'to' }] as const;
  const [left, right] = toTheRight ? [from, to] : [to, from];
  return [left, { text: shaft(room - left.text.length - right.text.length) }, right];
}

/** From the most to the least that could stand at the tail and the head of an arrow. */
function labels(ends: Hop['ends'], isRoomy: boolean): readonly (readonly [tail: string, head: string])[] {
  if (ends === undefined) return [];
  const { from, to } = ends;
  const tail = labelOf(from, isRoomy);
  return [[tail, labelOf(to, isRoomy)], [tail, '']];
}

/** The port alone where there is little room; the address where there is no port. */
export const labelOf = (end: Endpoint, isRoomy: boolean): string => (end.port === 0 ? end.address : isRoomy ? describeEndpoint(end) : String(end.port));
