/** topologies/README.md against the schema: every key, its choices, its default. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describePrefix } from '../../src/core/address.ts';
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { defaultPreset, planTopology } from '../../lab/topology/plan.ts';
import { topologySchema } from '../../lab/topology/schema.ts';
import { pageText } from './parts.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly const?: string | number | boolean;
}

/** Every key that takes a value, as `hosts.NAME.ike.startPort`, with the words that it takes. */
function keysOf(schema: Schema, path = ''): (readonly [path: string, choices: readonly string[]])[] {
  const { properties, additionalProperties: entries, items, anyOf } = schema;
  if (properties) return Object.entries(properties).flatMap(([key, value]) => keysOf(value, path === '' ? key : `${path}.${key}`));
  if (typeof entries === 'object' && holdsKeys(entries)) return keysOf(entries, `${path}.NAME`);
  if (typeof items === 'object' && holdsKeys(items)) return keysOf(items, `${path}[]`);
  if (anyOf?.some(holdsKeys)) return anyOf.flatMap((option) => keysOf(option, path));
  return [[path, choicesOf(schema)]];
}

const holdsKeys = (schema: Schema): boolean => schema.properties !== undefined || (schema.anyOf?.some(holdsKeys) ?? false);

const choicesOf = ({ enum: words, const: word, anyOf, items }: Schema): string[] => [
  ...(words ?? []),
  ...(word === undefined ? [] : [String(word)]),
  ...(anyOf ?? []).flatMap(choicesOf),
  ...(typeof items === 'object' ? choicesOf(items) : []),
];

/** Rows of the tables below a heading that names their path: `## Segments: \`segments.NAME\``. */
function rowsOf(text: string): Map<string, { readonly value: string; readonly initial: string }> {
  const rows = new Map<string, { value: string; initial: string }>();
  let prefix: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) prefix = /: `([^`]+)`$/.exec(line)?.[1] ?? (line.endsWith('The file') ? '' : undefined);
    const cells = /^\| `([^`]+)` \| (.*?) \| (.*?) \|/.exec(line);
    if (prefix === undefined || !cells) continue;
    rows.set(prefix === '' ? cells[1]! : `${prefix}.${cells[1]!}`, { value: cells[2]!, initial: cells[3]! });
  }
  return rows;
}

const rows = rowsOf(pageText('topologies/README.md'));
const keys = keysOf(z.toJSONSchema(topologySchema, { io: 'output', unrepresentable: 'any' }) as Schema);

test('topologies/README.md has a row for every key of the schema, and for no other', () => {
  const leaves = [...new Set(keys.map(([path]) => path))];
  const isGroup = (path: string): boolean => leaves.some((leaf) => leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[]`));
  expect([...rows.keys()].filter((path) => !isGroup(path)).sort()).toEqual(leaves.filter((path) => !isGroup(path)).sort());
});

test.each(keys.filter(([, choices]) => choices.length > 0))('the row of %s names its choices', (path, choices) => {
  expect(choices.filter((choice) => !rows.get(path)?.value.includes(`\`${choice}\``))).toEqual([]);
});

describe('the defaults in the page are those of the plan', () => {
  const topology = planTopology(
    parseTopology('title: t\nsegments: { lan: , net: , office: }\nnats: { box: { inside: lan, outside: net } }\nhosts: { c: { on: lan, connectsTo: g }, g: { on: net, protects: office } }', 't.yaml'),
  );
  const [{ mtu, impairment }] = topology.plan.segments as [(typeof topology.plan.segments)[number]];
  const endpoint = (name: string) => topology.plan.nodes.flatMap((node) => (node.kind === 'host' && node.name === name && node.endpoint ? [node.endpoint] : []))[0]!;
  const { connections, keepalive, retransmission, deadPeerDetection, cookieThreshold, halfOpenLimit } = endpoint('c').ike;
  const connection = connections[0]!;
  const gatewayConnection = endpoint('g').ike.connections[0]!;
  const spell = (value: number | string): string => (typeof value === 'number' ? describeDuration(value as Duration) : value);
  const defaults: readonly (readonly [path: string, value: string | number | boolean])[] = [
    ['segments.NAME.mtu', mtu],
    ['segments.NAME.latency', spell(impairment.latency)],
    ['segments.NAME.jitter', spell(impairment.jitter)],
    ['segments.NAME.loss', impairment.loss],
    ['segments.NAME.duplication', impairment.duplication],
    ['segments.NAME.reordering', impairment.reordering],
    ['segments.NAME.reorderDelay', spell(impairment.reorderDelay)],
    ['nats.NAME.preset', defaultPreset],
    ['hosts.NAME.pool', typeof gatewayConnection.virtualAddress === 'object' ? describePrefix(gatewayConnection.virtualAddress.pool) : 'none'],
    ['hosts.NAME.ike.natTraversal', connection.natTraversal],
    ['hosts.NAME.ike.startPort', connection.startPort],
    ['hosts.NAME.ike.fragmentation', connection.fragmentation ?? false],
    ['hosts.NAME.ike.keepalive', spell(keepalive.interval)],
    ['hosts.NAME.ike.deadPeerDetection', spell(deadPeerDetection)],
    ['hosts.NAME.ike.retransmission.first', spell(retransmission.first)],
    ['hosts.NAME.ike.retransmission.factor', retransmission.factor],
    ['hosts.NAME.ike.retransmission.tries', retransmission.tries],
    ['hosts.NAME.ike.keyingTries', connection.keyingTries ?? 'once'],
    ['hosts.NAME.ike.cookieThreshold', cookieThreshold],
    ['hosts.NAME.ike.halfOpenLimit', halfOpenLimit],
    ['hosts.NAME.ike.rekeyAfter', spell(connection.rekeyIkeAfter)],
    ['hosts.NAME.ike.preSharedKey', connection.authentication.method === 'pre-shared-key' ? connection.authentication.key : 'a certificate'],
    ['hosts.NAME.esp.softTime', spell(connection.child.lifetime.softTime)],
    ['hosts.NAME.esp.hardTime', spell(connection.child.lifetime.hardTime)],
    ['hosts.NAME.esp.softPackets', connection.child.lifetime.softPackets],
    ['hosts.NAME.esp.hardPackets', connection.child.lifetime.hardPackets],
  ];
  test.each(defaults)('%s', (path, value) => expect(rows.get(path)?.initial.replaceAll('`', '')).toBe(String(value)));
});
