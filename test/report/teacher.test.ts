/** `--explain`: what is added to the story, and that it is said once. */
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { Narrator } from '../../lab/report/narrator.ts';
import { Teacher, lessons } from '../../lab/report/teacher.ts';
import { themeFor } from '../../lab/report/theme.ts';
import { runScenario } from '../../lab/run.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import type { Kind } from '../../src/trace/events.ts';

async function toldIn(id: string, width = 100): Promise<{ readonly lines: readonly string[]; readonly kinds: ReadonlySet<Kind> }> {
  const scenario = scenarios.find((one) => one.id === id)!;
  const lines: string[] = [];
  const kinds = new Set<Kind>();
  const teacher = new Teacher();
  await runScenario(scenario, {
    backend: sim,
    values: parseSettings(scenario.id, scenario.parameters, [], 'virtual'),
    seed: 1,
    audience: {
      actBegins: (_act, _topology, trace) => {
        trace.listen(new Narrator({ theme: themeFor({ isTTY: false }, false), width, write: (line) => lines.push(line), brief: false, teacher }).tell);
        trace.listen(({ body }) => kinds.add(body.kind));
      },
    },
  });
  return { lines, kinds };
}

/** The asides, each as one line. */
const asides = (lines: readonly string[]): string[] =>
  lines.reduce<string[]>((all, line, i) => (!line.includes('│ ') ? all : lines[i - 1]?.includes('│ ') ? [...all.slice(0, -1), `${all.at(-1)!} ${line.split('│ ')[1]!}`] : [...all, line.split('│ ')[1]!]), []);

test('each lesson is told once in the story, however many acts it has, behind the first event that it is about', async () => {
  const { lines } = await toldIn('keepalive');
  const told = asides(lines);
  for (const kind of ['nat-detection', 'port-float', 'keepalive-sent', 'mapping-created', 'mapping-expired', 'child-sa'] as const)
    expect(told.filter((aside) => aside === `${lessons[kind].says} (${lessons[kind].ref})`), kind).toHaveLength(1);
  expect(lines[lines.findIndex((line) => line.includes('box maps UDP')) + 2]).toContain('│ From now on the box stands for this host');
});

test('a message that is sent has its meaning behind it, one that arrives says nothing twice', async () => {
  const { lines } = await toldIn('port-float');
  const told = asides(lines);
  expect(told.filter((aside) => aside.startsWith('alice.example proposes an IKE SA')).length).toBe(lines.filter((line) => line.includes('IKE_SA_INIT request')).length);
});

test('a narrow terminal has room for it', async () => {
  expect((await toldIn('detection', 40)).lines.filter((line) => line.includes('│') && line.length > 40)).toEqual([]);
});

describe('every lesson of the teacher', () => {
  test('is one that some lesson of the lab comes to', async () => {
    const met = new Set<Kind>();
    for (const id of ['keepalive', 'rebind', 'nat-reboot', 'address-change', 'l2tp']) for (const kind of (await toldIn(id)).kinds) met.add(kind);
    expect(Object.keys(lessons).filter((kind) => !met.has(kind as Kind))).toEqual([]);
  });

  test.each(Object.entries(lessons))('%s is in whole sentences, with a section to read', (_, { says, ref }) => {
    expect(says).toMatch(/^[A-Z][^]*\.$/);
    expect(ref).toMatch(/^RFC \d{4} §\d+(\.\d+)*$/);
  });
});
