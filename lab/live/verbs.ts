/** All commands of the prompt, and the way from a line to one of them. */
import { parseArgsStringToArgv } from 'string-argv';
import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import { column, wrap } from '../report/text.ts';
import { lookingVerbs } from './looking-verbs.ts';
import { networkVerbs } from './network-verbs.ts';
import type { Session } from './session.ts';
import { tunnelVerbs } from './tunnel-verbs.ts';
import { checkWords, usageOf } from './verb.ts';
import type { Verb } from './verb.ts';

const help: Verb = {
  name: 'help',
  takes: '[COMMAND…]',
  does: 'lists the commands, or says what one does',
  offers: [() => verbs.map(({ name }) => name)],
  run: ({ say, canvas: { width: most } }, words) => {
    const chosen = words.length === 0 ? [...verbs, quit] : [verbFor(words)?.verb ?? unknown(words)];
    const width = Math.max(...chosen.map((verb) => usageOf(verb).length));
    const isNarrow = most < width + 40;
    say(chosen.map((verb) => (isNarrow ? `${usageOf(verb)}\n    ${wrap(verb.does, most, '    ')}` : `${column(usageOf(verb), width)}  ${wrap(verb.does, most, ' '.repeat(width + 2))}`)).join('\n'));
  },
};

/** The prompt itself sees to it; it is here to be listed. */
const quit: Verb = { name: 'quit', does: 'takes the lab down; so does Ctrl-D', run: () => undefined };

export const verbs: readonly Verb[] = [...tunnelVerbs, ...networkVerbs, ...lookingVerbs, help];

export const isQuit = (line: string): boolean => ['quit', 'exit'].includes(line.trim());

/** Runs a line; nothing for an empty one or a comment, which `#` begins. Throws a Problem that says what was expected. */
export async function runLine(session: Session, line: string): Promise<void> {
  const words = parseArgsStringToArgv(line);
  if (words.length === 0 || words[0]!.startsWith('#')) return;
  const { verb, rest } = verbFor(words) ?? unknown(words);
  checkWords(verb, rest);
  await verb.run(session, rest);
}

/** What could be typed instead of the last, unfinished word, and that word: what readline's completer answers. */
export function completions(session: Session, line: string): [candidates: string[], unfinished: string] {
  const words = line.trimStart().split(/\s+/);
  const unfinished = words.pop()!;
  const found = verbFor(words);
  const offered = found === undefined ? [...verbs, quit].flatMap(({ name }) => next(name, words)) : (found.verb.offers?.at(Math.min(found.rest.length, found.verb.offers.length - 1))?.(session) ?? []);
  const fitting = [...new Set(offered)].filter((candidate) => candidate.startsWith(unfinished));
  return [fitting.map((candidate) => `${candidate} `), unfinished];
}

/** The word of a verb's name that comes after these. */
function next(name: string, typed: readonly string[]): string[] {
  const parts = name.split(' ');
  return typed.length < parts.length && typed.every((word, i) => word === parts[i]) ? [parts[typed.length]!] : [];
}

function verbFor(words: readonly string[]): { readonly verb: Verb; readonly rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const verb = verbs.find(({ name }) => name === words.slice(0, length).join(' '));
    if (words.length >= length && verb !== undefined) return { verb, rest: words.slice(length) };
  }
  return undefined;
}

function unknown(words: readonly string[]): never {
  const names = verbs.map(({ name }) => name);
  const family = names.filter((name) => name.startsWith(`${words[0]!} `));
  if (family.length > 0) throw new Problem(`${words[0]!} what? ${family.map((name) => name.split(' ')[1]!).join(', ')}`);
  const firstWords = [...names, 'quit'].map((name) => name.split(' ')[0]!);
  const near = suggestion(words[0]!, [...new Set(firstWords)]);
  throw new Problem(`no command "${words[0]!}"; ${near.startsWith('there are') ? suggestion(words[0]!, [...names, 'quit']) : near}`);
}
