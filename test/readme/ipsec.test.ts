/** src/ipsec/README.md against the code: what it lists by name is what there is, and what the systems do is what they do. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { espSchema } from '../../lab/topology/schema.ts';
import { dropReasons } from '../../src/core/drop.ts';
import { encapsulationRules } from '../../src/ipsec/encapsulation-rules.ts';
import type { Arrival, EncapsulationRules } from '../../src/ipsec/encapsulation-rules.ts';
import type { Encapsulation } from '../../src/ipsec/sad.ts';
import { systems } from '../../src/wire/pfkey/dialect.ts';
import { pageText } from './parts.ts';

const page = pageText('src/ipsec/README.md');
const sectionOf = (title: string): string => new RegExp(`^## ${title}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(page)?.[1] ?? '';
/** The rows of a section's tables, cell by cell; the head is the first of them. */
const rowsOf = (title: string): string[][] =>
  sectionOf(title).split('\n').flatMap((line) => (line.startsWith('|') && !/^\|(-+\|)+$/.test(line.replaceAll(' ', '')) ? [line.split('|').slice(1, -1).map((cell) => cell.replaceAll(/[`*]/g, '').trim())] : []));

test('the files that it names are there', () => {
  const named = [...page.matchAll(/`([a-z0-9-]+\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((file) => !['src/ipsec', 'src/wire/pfkey'].some((folder) => existsSync(new URL(`../../${folder}/${file}`, import.meta.url))))).toEqual([]);
});

test('the drops that it names are reasons that there are, those that its text turns on among them', () => {
  const named = new Set([...page.matchAll(/`((?:ah|esp|natt|inner|policy|pfkey)-[a-z-]+|udp-checksum)`/g)].map(([, reason]) => reason!));
  expect([...named].filter((reason) => !Object.hasOwn(dropReasons, reason))).toEqual([]);
  for (const reason of ['pfkey-malformed', 'policy-discard', 'policy-no-sa', 'esp-encapsulation', 'esp-selectors', 'esp-lifetime', 'ah-authentication', 'natt-keepalive', 'inner-checksum', 'udp-checksum']) expect(named).toContain(reason);
});

test('what is done about checksums goes by the names that a topology knows', () => {
  const [, ...rows] = rowsOf('Transport mode');
  expect(rows.map(([name]) => name!.replace(' (default)', '')).sort()).toEqual([...espSchema.shape.checksumRepair.unwrap().options].sort());
  expect(rows.find(([name]) => name!.endsWith('(default)'))?.[0]).toBe(`${encapsulationRules.rfc.checksumRepair} (default)`);
});

describe('the systems', () => {
  const [head, ...rows] = rowsOf('The systems');
  const columns = ['rfc', ...systems] as const;
  const cells = (row: string): string[] => rows.find(([name]) => name === row)?.slice(1) ?? [];

  const udp: Encapsulation = { kind: 'udp', sourcePort: 61_234, destinationPort: 4500, nonIke: false };
  const inUdp = (peerPort: number): Arrival => ({ peerPort, localPort: 4500, behindMarker: false });
  const taken = (rules: EncapsulationRules, encapsulation: Encapsulation, arrival: Arrival): string => (rules.mismatch(encapsulation, arrival) === undefined ? 'taken' : 'dropped');
  const fate = { up: 'goes up', esp: 'taken', 'esp-behind-marker': 'taken', keepalive: 'swallowed', 'too-short': 'dropped' } as const;

  test('have a column each, those of the RFCs first', () => expect(head?.slice(1).map((cell) => cell.replace(/ .*/, ''))).toEqual(columns));

  test.each<[string, (rules: EncapsulationRules) => string]>([
    ['plain ESP by an SA in UDP', (rules) => taken(rules, udp, 'plain')],
    ['ESP in UDP by a plain SA', (rules) => taken(rules, { kind: 'plain' }, inUdp(61_234))],
    ["another port than the SA's", (rules) => taken(rules, udp, inUdp(61_235))],
    ['a keepalive', (rules) => fate[rules.sort(Uint8Array.of(0xff), 'espinudp')]],
    ['neither ESP nor IKE, too short', (rules) => fate[rules.sort(Uint8Array.of(1, 2, 3), 'espinudp')]],
    ['non-ESP marker put on and taken off, keepalives sent by', ({ stackMarks }) => (stackMarks ? 'the stack' : 'the daemon')],
    ['non-IKE marker', ({ nonIke }) => (nonIke ? 'yes' : 'no')],
    ['checksums in transport mode, if nothing is said', ({ checksumRepair }) => (checksumRepair === 'adjust' ? 'adjusted' : 'made anew')],
  ])('%s', (row, does) => expect(cells(row).map((cell) => cell.replace(/,.*| \(.*| after NAT-T/, ''))).toEqual(columns.map((system) => does(encapsulationRules[system]))));
});
