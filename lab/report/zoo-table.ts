/** The zoo on paper: a table a lesson, a row a box, a column an act. Reasons stand below, under letters. */
import type { NatPreset } from '../../src/nat/behaviour.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import { plural } from '../wording.ts';
import { describeOutcome, isAsForeseen } from '../zoo/cells.ts';
import type { Cell, Outcome } from '../zoo/cells.ts';
import { column, letter, wrap } from './text.ts';
import type { Theme } from './theme.ts';

interface Options {
  readonly theme: Theme;
  readonly width: number;
  readonly write: (line: string) => void;
}

const nameColumn = 26;
const cellColumn = 24;

export class ZooTable {
  readonly #options: Options;
  #acts: readonly Act[] = [];
  readonly #reasons: string[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  begin({ id, title }: Scenario, acts: readonly Act[], where: string): void {
    const { theme, width, write } = this.#options;
    this.#acts = acts;
    this.#reasons.length = 0;
    write(`\n${theme.strong(id)}  ${wrap(`${title}; ${where}`, width, ' '.repeat(id.length + 2))}`);
    if (acts.length === 0) write(theme.faint('  every act brings a box of its own, or has none'));
    else if (!this.#isNarrow) write(theme.faint(`${' '.repeat(nameColumn)}${acts.map((act) => column(`${act.id} `, cellColumn)).join('').trimEnd()}`));
  }

  row({ name }: NatPreset, cells: readonly Cell[]): void {
    const { theme, write } = this.#options;
    if (this.#isNarrow) {
      write(theme.node(name));
      for (const cell of cells) write(`  ${cell.act}: ${this.#cell(cell)}`);
    } else write(`${theme.node(column(`${name} `, nameColumn))}${cells.map((cell) => column(this.#cell(cell), cellColumn)).join('').trimEnd()}`);
  }

  end(): void {
    const { theme, width, write } = this.#options;
    this.#reasons.forEach((reason, i) => write(theme.faint(`  ${letter(i)}  ${wrap(reason, width, '     ')}`)));
  }

  verdict(cells: readonly Cell[]): void {
    const { theme, width, write } = this.#options;
    const missed = cells.filter((cell) => !isAsForeseen(cell));
    const [works, untried] = (['works', 'unsupported'] as const).map((kind) => cells.filter(({ outcome }) => outcome.kind === kind).length);
    const line = `${plural(cells.length, 'cell')}, ${works} of them ${works === 1 ? 'works' : 'work'}${untried === 0 ? '' : `, ${untried} cannot be tried here`}; ${missed.length === 0 ? 'all as the boxes\' behaviour lets one expect' : `${missed.length} otherwise than the boxes' behaviour lets one expect:`}`;
    write(`\n${(missed.length === 0 ? theme.good : theme.bad)(wrap(line, width, '  '))}`);
    for (const { lesson, act, preset, outcome, forecast } of missed) {
      const foreseen = forecast === undefined ? 'what it claims should hold' : forecast.works ? `foreseen: works${forecast.late ? ', after a while' : ''}` : `foreseen: fails, for it ${forecast.why}`;
      write(`  ${wrap(`${lesson}/${act} behind ${preset}: ${describeOutcome(outcome)}${'why' in outcome ? `, ${outcome.why}` : ''}; ${foreseen}`, width, '    ')}`);
    }
  }

  get #isNarrow(): boolean {
    return nameColumn + this.#acts.length * cellColumn > Math.max(this.#options.width, nameColumn + cellColumn) + 8;
  }

  #cell(cell: Cell): string {
    const { theme } = this.#options;
    const { outcome, forecast } = cell;
    const foreseen = isAsForeseen(cell);
    const moot = foreseen && outcome.kind === 'fails' && forecast?.works === false && !forecast.applies;
    const text = moot ? 'does not apply' : describeOutcome(outcome);
    const why = outcome.kind === 'works' ? undefined : outcome.kind === 'fails' && forecast?.works === false ? `the box ${forecast.why}` : outcome.why;
    return `${theme[moot ? 'faint' : toneOf(outcome)](text)}${why === undefined ? '' : ` ${letter(this.#reason(why))}`}${foreseen ? '' : theme.bad(' !')}`;
  }

  #reason(why: string): number {
    if (!this.#reasons.includes(why)) this.#reasons.push(why);
    return this.#reasons.indexOf(why);
  }
}

function toneOf(outcome: Outcome): 'good' | 'doubt' | 'bad' | 'faint' {
  if (outcome.kind === 'works') return outcome.after === undefined ? 'good' : 'doubt';
  return outcome.kind === 'fails' ? 'bad' : 'faint';
}
