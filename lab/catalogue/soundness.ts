/** What a thing of one's own must be, before the lab takes it: JavaScript has no types that would say it. */
import { z } from 'zod';
import { commandNames } from '../command-names.ts';
import { Problem } from '../problem.ts';
import { castFor, topologyOf } from '../run.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import type { Shelf } from '../topology/shelf.ts';

/** A name stands for one thing of a kind. */
export function mustBeFree(kind: string, name: string, taken: readonly string[], file: string): void {
  if (taken.includes(name)) throw new Problem(`${file}: there is a ${kind} "${name}" already; call this one something else`);
}

/** Far enough for the rest to be asked of it. */
export const isScenario = (value: unknown): value is Scenario => typeof value === 'object' && value !== null && 'id' in value && 'acts' in value;

const text = z.string('is missing, or no text').min(1, 'is empty');
const callable = z.custom((value) => typeof value === 'function', 'is missing, or no function');

const scenarioSchema = z.object({
  id: text.regex(/^[a-z][a-z0-9-]*$/, 'wants small letters, digits and "-", for it is typed').refine((id) => !(commandNames as readonly string[]).includes(id), 'is the name of a command'),
  title: text,
  teaches: text,
  refs: z.array(text, 'is missing; [] where nothing is to be read'),
  parameters: z.record(z.string(), z.object({ kind: z.enum(['choice', 'count']), about: text }), 'is missing; {} where there are none'),
  acts: callable,
});

const actSchema = z.object({ id: text, title: text, topology: text, play: callable, checks: callable });
const checkSchema = z.object({ id: text, claim: text, evaluate: callable });

/** Whether it can be played, on the topologies that it names, and claims something. Throws a Problem that begins with the file's name. */
export function mustBeSound(scenario: Scenario, shelf: Shelf, file: string): void {
  const where = `${file}: scenario "${scenario.id}"`;
  mustFit(scenarioSchema, scenario, where);
  const acts: unknown = scenario.acts(parseSettings(scenario.id, scenario.parameters, [], 'virtual'));
  if (!Array.isArray(acts) || acts.length === 0) throw new Problem(`${where} has no act: "acts" gives a list of them`);
  for (const act of acts as Act[]) {
    const inAct = `${where}, act "${act.id}"`;
    mustFit(actSchema, act, inAct);
    const cast = located(inAct, () => castFor(act, topologyOf(act, { shelf })));
    const checks: unknown = act.checks(cast);
    if (!Array.isArray(checks) || checks.length === 0) throw new Problem(`${inAct} claims nothing: "checks" gives a list of claims, without which nothing can fail`);
    for (const check of checks) mustFit(checkSchema, check, `${inAct}, claim "${String((check as { id?: unknown }).id)}"`);
    mustDiffer(checks.map(({ id }: { id: string }) => id), `${inAct}: two claims are called`);
  }
  mustDiffer((acts as Act[]).map(({ id }) => id), `${where}: two acts are called`);
}

function mustFit(schema: z.ZodType, value: unknown, where: string): void {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  if (issue !== undefined) throw new Problem(`${where}: "${issue.path.join('.')}" ${issue.message}`);
}

function mustDiffer(names: readonly string[], complaint: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Problem(`${complaint} "${twice}"`);
}

function located<Value>(where: string, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw error instanceof Problem ? new Problem(`${where}: ${error.message}`) : error;
  }
}
