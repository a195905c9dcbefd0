/** Distinguished names: what a certificate calls its subject, and what an identification payload of that type carries. */
import { fromHex, fromUtf8, sameBytes, toHex, utf8 } from '../../core/bytes.ts';
import type { Decoded } from '../../core/decoded.ts';
import { malformed, refusing } from '../refusing.ts';
import { contentOf, element, elements, inside, oidContent, oidText, tags } from './der.ts';
import type { Element } from './der.ts';

/** `CN` and `client.example`; the value is left as DER where it is of a kind of string that we do not read. */
export interface Attribute {
  readonly type: string;
  readonly value: string | Uint8Array;
}

/** From the root down, as in the DER; more than one attribute in a place is rare. */
export type Name = readonly (readonly Attribute[])[];

/** RFC 4514 §3, RFC 5280 Appendix A.1; and the kind of string that each is written in, where it is not UTF-8. */
const attributes: Readonly<Record<string, { readonly oid: string; readonly string?: number }>> = {
  CN: { oid: '2.5.4.3' },
  SN: { oid: '2.5.4.4' },
  SERIALNUMBER: { oid: '2.5.4.5', string: tags.printableString },
  C: { oid: '2.5.4.6', string: tags.printableString },
  L: { oid: '2.5.4.7' },
  ST: { oid: '2.5.4.8' },
  STREET: { oid: '2.5.4.9' },
  O: { oid: '2.5.4.10' },
  OU: { oid: '2.5.4.11' },
  DC: { oid: '0.9.2342.19200300.100.1.25', string: tags.ia5String },
  UID: { oid: '0.9.2342.19200300.100.1.1' },
  E: { oid: '1.2.840.113549.1.9.1', string: tags.ia5String },
};

const keywords = new Map(Object.entries(attributes).map(([keyword, { oid }]) => [oid, keyword]));

/** Reads the DER of a name: SEQUENCE OF SET OF { type, value } (RFC 5280 §4.1.2.4). */
export const decodeName = (der: Uint8Array): Decoded<Name> =>
  refusing(() => {
    const [sequence, ...more] = elements(der);
    if (more.length > 0) malformed('certificate-malformed', 'octets left over behind a name');
    return inside(sequence, tags.sequence, 'name').map((set) => inside(set, tags.set, 'relative name').map(attributeOf));
  });

/** The DER of a name. */
export const encodeName = (name: Name): Uint8Array =>
  element(tags.sequence, ...name.map((relative) => element(tags.set, ...relative.map(encodeAttribute).sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1)))));

/** `C=CH, O=natt-lab, CN=client.example`, root first, with the escapes of RFC 4514 §2.4; what is no string is `#` and its DER in hex. */
export const nameText = (name: Name): string =>
  name.map((relative) => relative.map(({ type, value }) => `${type}=${typeof value === 'string' ? escaped(value) : `#${toHex(value)}`}`).sort().join('+')).join(', ');

/** Reads what `nameText` writes, for code and configuration: throws on what is no name. */
export function parseName(text: string): Name {
  if (!isName(text)) throw new TypeError(`not a distinguished name: ${text}`);
  return split(text, ',').map((relative) =>
    split(relative, '+').map((pair) => {
      const [type, value] = attributeIn(pair);
      return { type: type.toUpperCase(), value: value.startsWith('#') ? fromHex(value.slice(1)) : unescaped(value) };
    }),
  );
}

/** Whether a text is one that `parseName` reads. */
export const isName = (text: string): boolean =>
  split(text, ',').every((relative) =>
    split(relative, '+').every((pair) => {
      const [type, value] = attributeIn(pair);
      const isType = attributes[type.toUpperCase()] !== undefined || /^[0-2](\.\d+)+$/.test(type);
      return isType && (value.startsWith('#') ? /^#([0-9a-f]{2})+$/i.test(value) : value !== '');
    }),
  );

function attributeIn(pair: string): readonly [type: string, value: string] {
  const [, type = '', value = ''] = /^([A-Za-z]+|[0-9.]+) *= *(.*)$/s.exec(pair) ?? [];
  return [type, value];
}

/** The same attributes with the same values in the same order; the kind of string that each is written in makes no difference (RFC 5280 §7.1). */
export const sameName = (a: Name, b: Name): boolean => nameText(a) === nameText(b);

const strings: readonly number[] = [tags.utf8String, tags.printableString, tags.ia5String];

function attributeOf(pair: Element): Attribute {
  const [type, value, ...more] = inside(pair, tags.sequence, 'attribute');
  const oid = oidText(contentOf(type, tags.oid, 'attribute type'));
  if (value === undefined || more.length > 0) return malformed('certificate-malformed', `an attribute ${oid} of ${more.length + 1} values`);
  const text = fromUtf8(value.content);
  const isText = strings.includes(value.tag) && text !== '' && sameBytes(utf8(text), value.content);
  return { type: keywords.get(oid) ?? oid, value: isText ? text : value.encoded };
}

function encodeAttribute({ type, value }: Attribute): Uint8Array {
  const { oid = type, string = tags.utf8String } = attributes[type] ?? {};
  return element(tags.sequence, element(tags.oid, oidContent(oid)), typeof value === 'string' ? element(string, utf8(value)) : value);
}

/** RFC 4514 §2.4; and control characters, so that a hostile peer's name is one line. */
const escaped = (value: string): string =>
  value.replace(/[,+"\\<>;=]|^[ #]| $/g, '\\$&').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => [...utf8(character)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join(''));

/** RFC 4514 §3: a pair of hex digits is one octet of UTF-8. */
const unescaped = (value: string): string =>
  fromUtf8(Uint8Array.from([...value.matchAll(/\\([0-9a-f]{2})|\\?(.)/gisu)].flatMap(([, octet, character = '']) => (octet === undefined ? [...utf8(character)] : [parseInt(octet, 16)]))));

/** Apart at each separator that is not escaped; blanks around the parts do not count, unless they are escaped. */
const split = (text: string, separator: ',' | '+'): string[] => {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\.|./gsu)) {
    if (piece === separator) parts.push('');
    else parts.push(`${parts.pop()!}${piece}`);
  }
  return parts.map((part) => part.replace(/^ +/, '').replace(/(?<!\\) +$/, ''));
};
