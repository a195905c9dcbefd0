import { describe, expect, test } from 'vitest';
import { Narrator } from '../../lab/report/narrator.ts';
import { wrap } from '../../lab/report/text.ts';
import { themeFor } from '../../lab/report/theme.ts';
import type { Happening } from '../../src/core/events.ts';
import type { Instant } from '../../src/core/time.ts';
import { TraceLog } from '../../src/trace/trace.ts';

const keepalive = { layer: 'ike', body: { kind: 'keepalive-sent' } } as unknown as Happening;
const step = (story: string): Happening => ({ layer: 'scenario', body: { kind: 'step', story } });
const drop = (reason: string): Happening => ({ layer: 'ike', body: { kind: 'drop', reason, detail: 'of no use' } }) as Happening;
const row = (outside: number, expiresIn = 29_999) =>
  ({ protocol: 'udp', inside: { address: '192.168.1.10', port: 4500 }, outside: { address: '203.0.113.1', port: outside }, remote: { address: '203.0.113.2', port: 4500 }, replied: true, expiresIn }) as const;
const table = (...outsides: number[]) => ({ layer: 'scenario', body: { kind: 'table', box: 'box', mappings: outsides.map((port) => row(port)) } }) as unknown as Happening;

function told(happenings: readonly (readonly [at: number, node: string, Happening])[], { width = 100, brief = false } = {}): string[] {
  const lines: string[] = [];
  const narrator = new Narrator({ theme: themeFor({ isTTY: false }, false), width, write: (line) => lines.push(line), brief });
  const trace = new TraceLog();
  trace.listen(narrator.tell);
  for (const [at, node, happening] of happenings) trace.record(at as Instant, node, happening);
  narrator.finish();
  return lines;
}

describe('keepalives', () => {
  test('one is told as what it is', () => {
    expect(told([[20_000, 'alice', keepalive]])).toEqual(['      20.000 s  alice    keepalive: one octet 0xFF']);
  });

  test('in a row are folded into one line, at the time of the first, before what comes next', () => {
    expect(told([[20_000, 'alice', keepalive], [40_000, 'alice', keepalive], [60_000, 'alice', keepalive], [61_000, 'lab', step('Enough')]])).toEqual([
      '      20.000 s  alice    3 keepalives of one octet 0xFF, the first of them now',
      '      61.000 s  lab      Enough',
    ]);
  });

  test('of two hosts are not mixed up', () => {
    expect(told([[1000, 'alice', keepalive], [2000, 'alice', keepalive], [3000, 'bob', keepalive]])).toHaveLength(2);
  });

  test('that the receiver throws away, as it must, are not told', () => {
    expect(told([[1, 'gateway', drop('natt-keepalive')]])).toEqual([]);
  });

  test('are left out of the brief story', () => {
    expect(told([[1000, 'alice', keepalive], [2000, 'lab', step('On')]], { brief: true })).toEqual(['       2.000 s  lab      On']);
  });
});

test('what is dropped is told with its reason', () => {
  expect(told([[5, 'gateway', drop('ike-unknown-spi')]])).toEqual(['       0.005 s  gateway  drops a packet (ike): of no use [ike-unknown-spi]']);
});

describe('the table of a box', () => {
  test('stands in columns as wide as what is in them', () => {
    expect(told([[0, 'lab', table(500, 16_465)]])).toEqual([
      '       0.000 s  lab      the table of box: 2 mappings',
      '        udp 192.168.1.10:4500 ⇄ 203.0.113.1:500   ↔ 203.0.113.2:4500  replied, 30 s left',
      '        udp 192.168.1.10:4500 ⇄ 203.0.113.1:16465 ↔ 203.0.113.2:4500  replied, 30 s left',
    ]);
  });

  test('is cut after twelve rows, and says so', () => {
    const lines = told([[0, 'lab', table(...Array.from({ length: 20 }, (_, i) => 1024 + i))]]);
    expect(lines).toHaveLength(14);
    expect(lines.at(-1)).toContain('… and 8 more');
  });

  test('that is empty has no rows', () => {
    expect(told([[0, 'lab', table()]])).toEqual(['       0.000 s  lab      the table of box: 0 mappings']);
  });
});

test('in a narrow terminal, time and name stand on a line of their own', () => {
  const lines = told([[0, 'lab', step('A tunnel through the box, and a ping to see that it works')], [0, 'lab', table(500)]], { width: 40 });
  expect(lines[0]).toBe('       0.000 s  lab');
  expect(lines.every((line) => line.length <= 40)).toBe(true);
});

test('text is broken at blanks, later lines stand under the first, and a word that is too long stays whole', () => {
  expect(wrap('one two three', 9, '  ')).toBe('one two\n  three');
  expect(wrap('N(NAT_DETECTION_SOURCE_IP) x', 10)).toBe('N(NAT_DETECTION_SOURCE_IP)\nx');
  expect(wrap('', 10)).toBe('');
});
