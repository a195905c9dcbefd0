import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';

export type Parameter =
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly default: string; readonly about: string }
  | { readonly kind: 'count'; readonly min: number; readonly max: number; readonly default: Default; readonly about: string };

/** A default may depend on the clock: what a simulator does in no time can be too long to wait for. */
export type Default = number | { readonly virtual: number; readonly real: number };

export type Parameters = Readonly<Record<string, Parameter>>;

export type Values<P extends Parameters = Parameters> = {
  readonly [Name in keyof P]: P[Name] extends { kind: 'choice'; values: readonly (infer Value)[] } ? Value : number;
};

export const choice = <const Value extends string>(values: readonly Value[], initial: Value, about: string) => ({ kind: 'choice', values, default: initial, about }) as const;
export const count = (min: number, max: number, initial: Default, about: string) => ({ kind: 'count', min, max, default: initial, about }) as const;

/** Reads `NAME=VALUE` settings; throws a Problem that names what there is. */
export function parseSettings(scenario: string, parameters: Parameters, settings: readonly string[], clock: 'virtual' | 'real'): Values {
  const values: Record<string, string | number> = Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, initialValue(parameter, clock)]));
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    const name = equals < 0 ? setting : setting.slice(0, equals);
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    const names = Object.keys(parameters);
    if (parameter === undefined) throw new Problem(names.length === 0 ? `${scenario} has no parameters to set` : `${scenario} has no parameter "${name}"; ${suggestion(name, names)}`);
    if (equals < 0) throw new Problem(`--set ${name}: give it a value, such as --set ${name}=${initialValue(parameter, clock)}`);
    values[name] = parseValue(name, parameter, setting.slice(equals + 1));
  }
  return values as Values;
}

const initialValue = ({ default: initial }: Parameter, clock: 'virtual' | 'real'): string | number => (typeof initial === 'object' ? initial[clock] : initial);

function parseValue(name: string, parameter: Parameter, text: string): string | number {
  switch (parameter.kind) {
    case 'choice':
      if (!parameter.values.includes(text)) throw new Problem(`--set ${name}=${text}: no such value; ${suggestion(text, parameter.values)}`);
      return text;
    case 'count': {
      const n = Number(text);
      if (!/^\d+$/.test(text) || n < parameter.min || n > parameter.max) throw new Problem(`--set ${name}=${text}: expected a whole number from ${parameter.min} to ${parameter.max}`);
      return n;
    }
  }
}

/** `3 (2 … 200)`, `all (none | initiator | …)` for help and explain. */
export function describeParameter(parameter: Parameter): string {
  if (parameter.kind === 'choice') return `${parameter.default} (${parameter.values.join(' | ')})`;
  const initial = typeof parameter.default === 'object' ? `${parameter.default.virtual}, where time is real ${parameter.default.real}` : parameter.default;
  return `${initial} (${parameter.min} … ${parameter.max})`;
}
