import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lines, fromLine, toLine } from '../../../lab/backends/docker/codec.ts';
import { loadTopology, topologyNames } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';

test.each(topologyNames())('the plan of %s crosses unharmed, certificates and endless counts included', (name) => {
  const { plan } = planTopology(loadTopology(name));
  expect(fromLine(toLine(plan))).toEqual(JSON.parse(JSON.stringify(plan, withoutUndefined), withOctets));
});

/** What JSON leaves out, a reader takes for not given; octets and infinities by another notation than the codec's. */
const withoutUndefined = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value === Infinity ? { endless: true } : value);
const withOctets = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'hex' in value ? new Uint8Array(Buffer.from(String(value.hex), 'hex')) : typeof value === 'object' && value !== null && 'endless' in value ? Infinity : value;

test('octets, Node\'s own buffers, long integers and infinities arrive as what they are', () => {
  const value = { octets: Uint8Array.of(0, 255), empty: new Uint8Array(), large: 2n ** 64n, most: Infinity, least: -Infinity, nested: [{ octets: Uint8Array.of(1) }] };
  expect(fromLine(toLine(value))).toEqual(value);
  expect(fromLine(toLine({ buffer: Buffer.from('ab') }))).toEqual({ buffer: Uint8Array.of(0x61, 0x62) });
});

test('whatever is said is one line', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const line = toLine(value);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(fromLine(line)).toEqual(JSON.parse(JSON.stringify(value)));
  }));
});

test('lines come whole out of pieces that are cut anywhere, in the middle of a character too', () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'))), fc.array(fc.nat(200)), (texts, cuts) => {
    const octets = Buffer.from(texts.map((text) => `${text}\n`).join(''));
    const heard: string[] = [];
    const lines = new Lines((line) => heard.push(line));
    const places = [...new Set([0, ...cuts.map((cut) => cut % (octets.length + 1)), octets.length])].sort((a, b) => a - b);
    places.forEach((place, i) => lines.push(octets.subarray(place, places[i + 1] ?? place)));
    expect(heard).toEqual(texts);
  }));
});
