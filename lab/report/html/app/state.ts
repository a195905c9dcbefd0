/** What the reader looks at. Everything else follows from it. */
import { batch, computed, signal } from '@preact/signals';
import type { ReportDocument } from '../document.ts';
import { actModel } from '../model/act.ts';
import type { ActModel } from '../model/act.ts';
import { everything, momentOf, rowAt, shownRows } from '../model/ladder.ts';
import type { Row } from '../../../ladder/rows.ts';
import type { Filter, Shown } from '../model/ladder.ts';
import type { Family, Journey, PacketEvent } from '../../../ladder/journey.ts';

export type Panel = 'ladder' | 'packet' | 'table' | 'endpoints' | 'checks';

export const report = signal<ReportDocument | undefined>(undefined);
const models = new Map<string, ActModel>();
/** The act, as `actKeys` names it. */
export const chosen = signal('');
/** Two acts side by side, one of which is chosen. */
export const pair = signal<readonly [string, string] | undefined>(undefined);
/** The number of the event that the reader stands at. */
export const cursor = signal(0);
/** The sighting of the packet that is looked at; the last one when not said. */
export const sighting = signal<number | undefined>(undefined);
export const filter = signal<Filter>(everything);
export const panel = signal<Panel>('packet');
/** No room for the ladder beside the rest: it is one of the panels then, and so is the NAT table. */
const narrow = matchMedia('(width < 1000px)');
export const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', ({ matches }) => (isNarrow.value = matches));
export const panels = computed((): readonly Panel[] => (isNarrow.value ? ['ladder', 'checks', 'packet', 'table', 'endpoints'] : ['checks', 'packet', 'endpoints']));
/** The panel that is open: what is always in view has none. */
export const openPanel = computed((): Panel => (panels.value.includes(panel.value) ? panel.value : 'packet'));

export const isPlaying = signal(false);
/** How far the packet has come while it is played, 0 … 1. */
export const progress = signal(1);
export const speed = signal(1);

export function modelOf(key: string): ActModel {
  const known = models.get(key);
  if (known !== undefined) return known;
  const [lesson, act] = key.split('/').map(Number) as [number, number];
  const played = report.value!.lessons[lesson]!;
  const model = actModel(key, played, played.acts[act]!);
  models.set(key, model);
  return model;
}

export const model = computed(() => modelOf(chosen.value));
export const shown = computed((): readonly Shown[] => shownRows(model.value.rows, filter.value));
export const index = computed(() => rowAt(shown.value, cursor.value, model.value.journeys));
export const row = computed((): Row | undefined => shown.value[index.value]?.row);
/** All up to this event has happened. */
export const moment = computed(() => Math.max(momentOf(shown.value, index.value), cursor.value));
export const now = computed(() => {
  const { trace } = model.value;
  return trace.events[Math.min(trace.events.length - 1, moment.value - (trace.events[0]?.seq ?? 0))]?.at ?? 0;
});

export const journey = computed((): Journey | undefined => journeyIn(row.value, cursor.value));

const journeyIn = (one: Row | undefined, seq: number): Journey | undefined =>
  one?.kind === 'message' ? one.journey : one?.kind === 'fold' ? (one.rows.findLast(({ first }) => first <= seq) ?? one.rows[0])?.journey : undefined;

/** The packet as it was at one place. */
export const packet = computed((): PacketEvent | undefined => journey.value?.sightings.find(({ seq }) => seq === sighting.value) ?? journey.value?.sightings[0]);

/** Opens at the failure, where there is one. */
export function open(data: ReportDocument): void {
  batch(() => {
    report.value = data;
    const keys = data.lessons.flatMap(({ acts }, lesson) => acts.map(({ checks }, act) => ({ key: `${lesson}/${act}`, checks })));
    const failed = keys.find(({ checks }) => checks.some(({ verdict }) => verdict === 'fail')) ?? keys.find(({ checks }) => checks.some(({ verdict }) => verdict === 'inconclusive'));
    const first = data.compare?.[0] ?? failed?.key ?? keys[0]?.key;
    if (first === undefined) return;
    chosen.value = first;
    pair.value = data.compare;
    goTo(model.value.opening);
    panel.value = failed?.key === first ? 'checks' : 'ladder';
  });
}

/** The check that an address points at. */
export const pointed = signal('');

/** Goes where an address says behind its `#`: an act (`cure`) or one of its checks (`cure/kept`), with the lesson in front where there are several. */
export function goToPlace(place: string): void {
  const { lessons } = report.value!;
  for (const [i, { scenario, acts }] of lessons.entries()) {
    const own = lessons.length === 1 ? place : place.startsWith(`${scenario}/`) ? place.slice(scenario.length + 1) : '';
    for (const [j, { id, checks }] of acts.entries()) {
      const check = checks.find((one) => one.id === own);
      if (own !== id && check === undefined) continue;
      batch(() => {
        pair.value = undefined;
        choose(`${i}/${j}`);
        pointed.value = check?.id ?? '';
        if (check?.evidence[0] !== undefined) goToEvidence(check.evidence[0]);
        if (check !== undefined) panel.value = 'checks';
      });
      return;
    }
  }
}

export function choose(key: string): void {
  batch(() => {
    stop();
    const sides = pair.value;
    if (sides !== undefined && !sides.includes(key)) pair.value = sides[0] === chosen.value ? [key, sides[1]] : [sides[0], key];
    chosen.value = key;
    goTo(model.value.opening);
  });
}

/** Puts another act beside this one; the one that is there leaves. */
export const compareWith = (key: string | undefined): void => void (pair.value = key === undefined || key === chosen.value ? undefined : [chosen.value, key]);

/** Stands at an event; where the filters hide it, they are lifted. */
export function goTo(seq: number, look?: number): void {
  batch(() => {
    cursor.value = seq;
    sighting.value = look;
    progress.value = 1;
    const there = model.value.journeys.of(seq);
    if (there !== undefined && !shown.value.some(({ row: one }) => journeysIn(one).includes(there))) filter.value = everything;
  });
}

const journeysIn = (one: Row): readonly Journey[] => (one.kind === 'message' ? [one.journey] : one.kind === 'fold' ? one.rows.map((each) => each.journey) : []);

/** Stands at a row on show. */
export function goToRow(position: number): void {
  const target = shown.value[Math.max(0, Math.min(shown.value.length - 1, position))];
  if (target !== undefined) batch(() => {
    cursor.value = target.row.first;
    sighting.value = undefined;
    progress.value = 1;
  });
}

/** The next step of the story, or the one before. */
export function goToStep(direction: 1 | -1): void {
  const rows = shown.value;
  for (let i = index.value + direction; i >= 0 && i < rows.length; i += direction) if (rows[i]!.row.kind === 'step') return goToRow(i);
  goToRow(direction === 1 ? rows.length - 1 : 0);
}

/** Shows what a check has seen. */
export function goToEvidence(seq: number): void {
  goTo(seq, model.value.journeys.of(seq)?.sightings.find((one) => one.seq === seq)?.seq);
  panel.value = 'packet';
}

export function toggleFamily(family: Family): void {
  const families = new Set(filter.value.families);
  if (!families.delete(family)) families.add(family);
  filter.value = { ...filter.value, families };
}

export function toggleFold(first: number): void {
  const folds = new Set(filter.value.open);
  if (!folds.delete(first)) folds.add(first);
  filter.value = { ...filter.value, open: folds };
}

export const stop = (): void => void (isPlaying.value = false);

/** Moves of the reader's own end the play. */
export const byHand = (go: () => void) => (): void => {
  stop();
  go();
};
