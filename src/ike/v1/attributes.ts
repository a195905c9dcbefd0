/** The attributes of transforms (RFC 2408 §3.3): numbers, and the pair that says a lifetime (RFC 2409 appendix A, RFC 2407 §4.5). */
import { seconds, type Duration } from '../../core/time.ts';
import { lifeTypes, type Transform } from '../../wire/ike/v1/message.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import { spiFrom, spiOctets } from './payloads.ts';

interface LifeAttributes {
  readonly type: number;
  readonly duration: number;
}

/**
 * The values by attribute type; undefined when there is one that is not `known`, or one twice: what is not understood is not agreed to (RFC 2408 §4.2). A lifetime may
 * be said twice, in seconds and in kilobytes.
 */
export function attributeNumbers({ attributes }: Transform, known: ReadonlySet<number>, { type: lifeType, duration }: LifeAttributes): ReadonlyMap<number, number> | undefined {
  const values = new Map<number, number>();
  for (const attribute of attributes) {
    const { type } = attribute;
    const value = numberOf(attribute);
    const isSaid = values.has(type) && type !== lifeType && type !== duration;
    if (value === undefined || isSaid || !known.has(type)) return undefined;
    values.set(type, value);
  }
  return values;
}

/** In seconds: a duration belongs to the type in front of it; kilobytes are not looked at. Undefined when nothing is said. */
export function lifetimeOf({ attributes }: Transform, { type, duration }: LifeAttributes): Duration | undefined {
  const at = attributes.findIndex((attribute, i) => attribute.type === duration && attributes[i - 1]?.type === type && attributes[i - 1]!.value === lifeTypes.SECONDS);
  const value = at < 0 ? undefined : numberOf(attributes[at]!);
  return value === undefined || value === 0 ? undefined : seconds(value);
}

/** Durations that fit take the short form. */
export function lifetimeAttributes({ type, duration }: LifeAttributes, lifetime: Duration | undefined): DataAttribute[] {
  if (lifetime === undefined) return [];
  const whole = Math.max(1, Math.round(lifetime / 1000));
  return [{ type, value: lifeTypes.SECONDS }, { type: duration, value: whole <= 0xffff ? whole : spiOctets(whole) }];
}

/** Either form; longer values than 4 octets mean nothing to anybody. */
const numberOf = ({ value }: DataAttribute): number | undefined => (typeof value === 'number' ? value : spiFrom(value));
