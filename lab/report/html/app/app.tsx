/** The report: where one is, the network, time, the ladder, and what can be asked at this moment. */
import { useEffect } from 'preact/hooks';
import { signal } from '@preact/signals';
import { plural } from '../../../wording.ts';
import type { Family } from '../../../ladder/journey.ts';
import { Comparison } from './compare.tsx';
import { ChecksPanel } from './checks.tsx';
import { EndpointsPanel } from './endpoints.tsx';
import { Ladder } from './ladder.tsx';
import { PacketPanel } from './packet.tsx';
import { togglePlay } from './play.ts';
import { Stage } from './stage.tsx';
import { choose, chosen, compareWith, filter, goToPlace, goToRow, goToStep, byHand, index, isNarrow, model, openPanel, pair, panel, panels, report, shown, toggleFamily, toggleFold } from './state.ts';
import type { Panel } from './state.ts';
import { NatTablePanel } from './table.tsx';
import { ThemeButton, toggleTheme } from './theme.tsx';
import { Transport } from './transport.tsx';
import { families, signs, verdicts } from './words.ts';

const helpIsOpen = signal(false);

export function App() {
  useEffect(() => {
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    const toPlace = (): void => goToPlace(location.hash.slice(1));
    toPlace();
    addEventListener('hashchange', toPlace);
    return () => removeEventListener('hashchange', toPlace);
  }, []);
  const { lesson } = model.value;
  useEffect(() => void (document.title = `${lesson.scenario}: ${verdicts[lesson.verdict]}`), [lesson]);
  return (
    <>
      <Header />
      <main class={`panel-${openPanel.value}`}>
        <div class="above">
          <section class="stage-area" aria-label="Network"><Stage /></section>
          <Transport />
        </div>
        {(!isNarrow.value || openPanel.value === 'ladder') && (
          <section class="ladder-area" id="ladder" aria-label="Ladder">
            <Filters />
            {pair.value === undefined ? (
              <Ladder id="row" label="Messages and events" model={model.value} rows={shown.value} at={index.value} onChoose={(at) => byHand(() => goToRow(at))()} onFold={(row) => toggleFold(row.first)} />
            ) : (
              <Comparison sides={pair.value} />
            )}
          </section>
        )}
        <aside class="side" aria-label="At this moment">
          <Panels />
        </aside>
      </main>
      {helpIsOpen.value && <Help />}
    </>
  );
}

function Header() {
  const { lesson, act } = model.value;
  const { lessons } = report.value!;
  const of = lessons.indexOf(lesson);
  return (
    <header>
      <div class="title">
        {lessons.length > 1 ? (
          <select aria-label="Lesson" value={of} onChange={({ currentTarget }) => choose(`${currentTarget.value}/0`)}>
            {lessons.map(({ scenario, title, verdict, from }, i) => <option key={i} value={i}>{signs[verdict]} {scenario}: {title}{from === undefined ? '' : ` (${from})`}</option>)}
          </select>
        ) : (
          <h1>{lesson.title}</h1>
        )}
        <span class={`verdict ${lesson.verdict}`}><span aria-hidden="true">{signs[lesson.verdict]}</span> {verdicts[lesson.verdict]}</span>
        <p class="facts">{[lesson.scenario, lesson.backend, act.network.name, `seed ${lesson.seed}`, ...Object.entries(lesson.parameters).map(([name, value]) => `${name}=${value}`), ...(lesson.interrupted ? ['interrupted'] : [])].join(' · ')}</p>
        <span class="tools">
          <ThemeButton hint=" (d)" />
          <button type="button" onClick={() => (helpIsOpen.value = true)} aria-label="Keys" title="Keys (?)">?</button>
        </span>
      </div>
      <nav class="acts" aria-label="Acts">
        {lesson.acts.map((one, i) => {
          const verdict = (['fail', 'inconclusive', 'pass', 'unsupported'] as const).find((each) => one.checks.some((check) => check.verdict === each)) ?? 'unsupported';
          return <button key={one.id} type="button" class={`act ${verdict}`} aria-current={`${of}/${i}` === chosen.value ? 'true' : undefined} onClick={() => choose(`${of}/${i}`)} title={one.title}><span role="img" aria-label={verdicts[verdict]}>{signs[verdict]}</span> {one.id}</button>;
        })}
        {(lesson.acts.length > 1 || lessons.length > 1) && (
          <label class="beside">beside{' '}
            <select value={pair.value?.find((key) => key !== chosen.value) ?? ''} onChange={({ currentTarget }) => compareWith(currentTarget.value === '' ? undefined : currentTarget.value)}>
              <option value="">nothing</option>
              {lessons.flatMap(({ scenario, acts, from }, i) => acts.map(({ id }, j) => (`${i}/${j}` === chosen.value ? null : <option key={`${i}/${j}`} value={`${i}/${j}`}>{lessons.length > 1 ? `${scenario}, ${id}${from === undefined ? '' : ` (${from})`}` : id}</option>)))}
            </select>
          </label>
        )}
      </nav>
      <p class="about">{act.title}</p>
    </header>
  );
}

function Filters() {
  const { families: on, dropsOnly } = filter.value;
  return (
    <div class="filters" role="group" aria-label="What the ladder shows">
      {(Object.keys(families) as Family[]).map((family) => <button key={family} type="button" class={`chip ${family}`} aria-pressed={on.has(family)} onClick={() => toggleFamily(family)}>{families[family]}</button>)}
      <button type="button" class="chip drops" aria-pressed={dropsOnly} onClick={() => (filter.value = { ...filter.value, dropsOnly: !dropsOnly })}>Drops only</button>
      <span class="count faint">{plural(shown.value.length, 'row')} of {plural(model.value.trace.events.length, 'event')}</span>
    </div>
  );
}

const panelNames: Readonly<Record<Panel, string>> = { ladder: 'Ladder', checks: 'Checks', packet: 'Packet', table: 'NAT table', endpoints: 'SAs, PF_KEY' };
const bodies = { checks: ChecksPanel, packet: PacketPanel, table: NatTablePanel, endpoints: EndpointsPanel, ladder: () => null } as const;

/** The ladder is one of them where the page is narrow, and always in view elsewhere. */
function Panels() {
  const at = openPanel.value;
  const Chosen = bodies[at];
  const names = panels.value;
  const move = (by: number): void => {
    panel.value = names[(names.indexOf(at) + by + names.length) % names.length]!;
    document.getElementById(`tab-${panel.value}`)?.focus();
  };
  return (
    <>
      {!isNarrow.value && <section class="always" aria-label="NAT table"><h2>NAT table</h2><NatTablePanel /></section>}
      <div class="tabs" role="tablist" aria-label="At this moment" onKeyDown={(event) => {
        if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
        move(event.key === 'ArrowRight' ? 1 : -1);
        event.preventDefault();
        event.stopPropagation();
      }}>
        {names.map((name) => <button key={name} id={`tab-${name}`} type="button" role="tab" class={`tab ${name}`} aria-selected={name === at} aria-controls={name === 'ladder' ? 'ladder' : 'panel'} tabIndex={name === at ? 0 : -1} onClick={() => (panel.value = name)}>{panelNames[name]}</button>)}
      </div>
      {at !== 'ladder' && <div class="panel" id="panel" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${at}`}><Chosen /></div>}
    </>
  );
}

const keys: readonly (readonly [string, string])[] = [
  ['space', 'play or pause'],
  ['← →', 'one row back, one row on'],
  ['shift ← →', 'one step of the story back or on'],
  ['Home End', 'beginning and end'],
  ['↑ ↓ in a tree', 'field by field; → opens, ← closes'],
  ['Enter on a fold', 'opens it'],
  ['1 … 4', 'checks, packet, NAT table, SAs'],
  ['i e k o x', 'filters: IKE, ESP, keepalives, other, drops only'],
  ['d', 'light or dark'],
  ['?', 'these keys'],
];

function Help() {
  const close = (): void => void (helpIsOpen.value = false);
  return (
    <dialog class="help" aria-labelledby="keys" ref={opened} onClose={close} onClick={({ target, currentTarget }) => {
      if (target === currentTarget) close();
    }}>
      <h2 id="keys">Keys</h2>
      <dl>{keys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <button type="button" onClick={close}>Close</button>
    </dialog>
  );
}

function opened(element: HTMLDialogElement | null): void {
  if (element !== null && !element.open) element.showModal();
}

const panelKeys: Readonly<Record<string, Panel>> = { 1: 'checks', 2: 'packet', 3: 'table', 4: 'endpoints' };
const familyKeys: Readonly<Record<string, Family>> = { i: 'ike', e: 'esp', k: 'keepalive', o: 'other' };

/** Where a control has a use of its own for a key, it has it. */
function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || helpIsOpen.value) return;
  if (target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && key !== ' ')) return;
  if (target instanceof HTMLButtonElement && (key === ' ' || key === 'Enter')) return;
  const act = actionOf(key, event.shiftKey);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function actionOf(key: string, shift: boolean): (() => void) | undefined {
  if (key === ' ') return togglePlay;
  if (key === 'ArrowRight') return byHand(() => (shift ? goToStep(1) : goToRow(index.value + 1)));
  if (key === 'ArrowLeft') return byHand(() => (shift ? goToStep(-1) : goToRow(index.value - 1)));
  if (key === 'Home') return byHand(() => goToRow(0));
  if (key === 'End') return byHand(() => goToRow(shown.value.length - 1));
  if (key === 'x') return () => (filter.value = { ...filter.value, dropsOnly: !filter.value.dropsOnly });
  if (key === 'd') return toggleTheme;
  if (key === '?') return () => (helpIsOpen.value = true);
  const [family, tab] = [familyKeys[key], panelKeys[key]];
  if (family !== undefined) return () => toggleFamily(family);
  if (tab !== undefined) return () => (panel.value = tab);
  return undefined;
}
