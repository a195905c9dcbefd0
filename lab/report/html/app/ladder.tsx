/** The ladder: who said what to whom, through which box, and what came of it. */
import { useEffect } from 'preact/hooks';
import { plural } from '../../../wording.ts';
import { hopsOf, portsOf, saidOf } from '../../../ladder/hops.ts';
import type { Hop } from '../../../ladder/hops.ts';
import type { Journey } from '../../../ladder/journey.ts';
import type { Lane } from '../../../ladder/lanes.ts';
import { noteOf } from '../../../ladder/rows.ts';
import type { Row } from '../../../ladder/rows.ts';
import { titleOf } from '../../../ladder/title.ts';
import { toneOf } from '../../../ladder/tone.ts';
import type { ActModel } from '../model/act.ts';
import type { Shown } from '../model/ladder.ts';
import { useWidth } from './size.ts';
import { useWindowed } from './windowed.ts';
import { clock, families } from './words.ts';

export interface LadderProps {
  readonly id: string;
  readonly label: string;
  readonly model: ActModel;
  readonly rows: readonly Shown[];
  readonly at: number;
  readonly onChoose: (position: number) => void;
  readonly onFold: (row: Row) => void;
}

export function Ladder({ id, label, model, rows, at, onChoose, onFold }: LadderProps) {
  const { ref, width } = useWidth();
  const list = useWindowed(rows.length, (i) => heights[rows[i]!.row.kind], (i) => `${rows[i]!.inFold ? 'in ' : ''}${rows[i]!.row.first}`);
  useEffect(() => list.show(at), [at, rows]);
  const canvas = canvasOf(model, width);
  return (
    <div class="ladder" ref={ref}>
      {width > 0 && <Lanes canvas={canvas} />}
      <div
        class="rows"
        ref={list.scroller}
        role="listbox"
        tabIndex={0}
        aria-label={label}
        aria-activedescendant={list.items.some(({ index }) => index === at) ? `${id}-${at}` : undefined}
        onKeyDown={(event) => {
          const row = rows[at]?.row;
          if (event.key === 'Enter' && row?.kind === 'fold') onFold(row);
          else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') onChoose(at + (event.key === 'ArrowDown' ? 1 : -1));
          else if (event.key === 'PageDown' || event.key === 'PageUp') onChoose(at + (event.key === 'PageDown' ? 10 : -10));
          else if (event.key === 'Home' || event.key === 'End') onChoose(event.key === 'Home' ? 0 : rows.length - 1);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {width > 0 && (
          <div class="canvas" role="presentation" style={{ height: `${list.height}px` }}>
            {lifelines(canvas, list.height)}
            {list.items.map(({ index, key, start }) => {
              const { row, inFold } = rows[index]!;
              return (
                <div
                  key={key}
                  id={`${id}-${index}`}
                  data-index={index}
                  ref={list.measure}
                  class={`row ${row.kind}${index === at ? ' here' : ''}${inFold ? ' in-fold' : ''}`}
                  style={{ transform: `translateY(${start}px)` }}
                  role="option"
                  aria-selected={index === at}
                  aria-posinset={index + 1}
                  aria-setsize={rows.length}
                  onClick={() => (row.kind === 'fold' && index === at ? onFold(row) : onChoose(index))}
                >
                  <Body row={row} model={model} canvas={canvas} />
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

/** What a row takes as a rule, before it is measured. */
export const heights: Readonly<Record<Row['kind'], number>> = { step: 44, message: 78, note: 34, fold: 40 };

export interface Canvas {
  readonly lanes: readonly Lane[];
  readonly gutter: number;
  readonly width: number;
}

export const canvasOf = ({ lanes }: ActModel, width: number): Canvas => ({ lanes, width, gutter: width < 520 ? 4 : 78 });

/** The heads of the columns. */
export function Lanes({ canvas }: { readonly canvas: Canvas }) {
  return (
    <div class={laneRoom(canvas) > 104 ? 'lanes' : 'lanes short'} aria-hidden="true">
      {canvas.lanes.map((lane, i) => (
        <div key={lane.label} class={`lane ${lane.nodes[0]!.kind}`} style={{ left: `${laneX(canvas, i)}px`, maxWidth: `${laneRoom(canvas)}px` }}>
          <b>{lane.label}</b>
          {laneRoom(canvas) > 104 && <small>{lane.detail}</small>}
        </div>
      ))}
    </div>
  );
}

export const lifelines = (canvas: Canvas, height: number) => (
  <svg class="lifelines" aria-hidden="true" width={canvas.width} height={height}>
    {canvas.lanes.map((lane, i) => <line key={lane.label} x1={laneX(canvas, i)} x2={laneX(canvas, i)} y1={0} y2={height} />)}
  </svg>
);

const laneRoom = ({ lanes, gutter, width }: Canvas): number => (width - gutter) / Math.max(1, lanes.length);
const laneX = (canvas: Canvas, lane: number): number => canvas.gutter + laneRoom(canvas) * (lane + 0.5);

export function Body({ row, model, canvas }: { readonly row: Row; readonly model: ActModel; readonly canvas: Canvas }) {
  const time = canvas.gutter > 40 ? <time>{clock(row.at)}</time> : null;
  switch (row.kind) {
    case 'step':
      return <div class="line">{time}<p class="story">{row.event.body.story}</p></div>;
    case 'note':
      return <div class="line">{time}<p class={`aside ${toneOf(row.event)}`}><Told node={row.event.node} text={row.text} /></p></div>;
    case 'fold':
      return (
        <div class="line">
          {time}
          <p class="folded"><b>{plural(row.rows.length, row.family === 'keepalive' ? 'keepalive' : 'packet')}</b>{row.family === 'keepalive' ? '' : ` of ${families[row.family]}`} until {clock(row.rows.at(-1)!.at)}{everyOf(row.rows.map(({ at }) => at))}</p>
        </div>
      );
    case 'message':
      return <Message journey={row.journey} model={model} canvas={canvas} time={time} />;
  }
}

/** Who it happened to, and what; what begins with the name does not say it twice. */
const Told = ({ node, text }: { readonly node: string; readonly text: string }) => <><b>{node}</b>{text.startsWith(`${node} `) ? text.slice(node.length) : ` ${text}`}</>;

/** Where they come evenly, how often. */
function everyOf(times: readonly number[]): string {
  const gaps = times.slice(1, 400).map((at, i) => at - times[i]!).sort((a, b) => a - b);
  const middle = gaps[Math.floor(gaps.length / 2)] ?? 0;
  return middle >= 1000 && gaps.length > 1 ? `, mostly ${Math.round(middle / 1000)} s apart` : '';
}

function Message({ journey, model, canvas, time }: { readonly journey: Journey; readonly model: ActModel; readonly canvas: Canvas; readonly time: preact.JSX.Element | null }) {
  const { title, detail } = titleOf(journey, model.journeys);
  const hops = hopsOf(journey, model.lanes, model.journeys);
  const lanes = hops.flatMap(({ from, to }) => [from, to]);
  const [left, right] = [laneX(canvas, Math.min(...lanes)), laneX(canvas, Math.max(...lanes))];
  const notes = journey.led.flatMap((event) => {
    const text = noteOf(event);
    return text === undefined ? [] : [{ event, text }];
  });
  const half = Math.min(title.length * 4.3, (canvas.width - canvas.gutter) / 2); // as wide as it is drawn, roughly
  const middle = Math.max(canvas.gutter + half, Math.min(canvas.width - half - 6, (left + right) / 2));
  return (
    <div class={`line message ${journey.family}${journey.loss ? ' lost' : ''}`}>
      {time}
      <svg width={canvas.width} height={58} aria-hidden="true">
        <text class="title" x={middle} y={16}>{title}</text>
        {hops.map((hop, i) => <Arrow key={i} hop={hop} canvas={canvas} changed={i > 0 && portsOf(hop) !== portsOf(hops[i - 1]!)} />)}
      </svg>
      <span class="visually-hidden">{title}: {hops.map(saidOf).join(', then ')}{journey.loss ? ', lost' : ''}. </span>
      {detail !== '' && <p class="notation">{detail}</p>}
      {notes.length > 0 && <ul class="notes">{notes.map(({ event, text }) => <li key={event.seq} class={toneOf(event)}><Told node={event.node} text={text} /></li>)}</ul>}
    </div>
  );
}

function Arrow({ hop, canvas, changed }: { readonly hop: Hop; readonly canvas: Canvas; readonly changed: boolean }) {
  const y = 44;
  const start = laneX(canvas, hop.from);
  const room = laneRoom(canvas);
  const target = hop.end === 'gone' ? start + (hop.from === 0 ? room * 0.6 : -room * 0.6) : hop.from === hop.to ? start : laneX(canvas, hop.to);
  const way = Math.sign(target - start);
  const tip = target - way * 3;
  const failed = hop.end !== 'arrived';
  return (
    <g class="hop">
      {way !== 0 && <line x1={start} x2={tip - way * 6} y1={y} y2={y} />}
      {way === 0 && <circle cx={start} cy={y} r={4} />}
      {way !== 0 && !failed && <path d={`M${tip},${y} l${-way * 9},-5 v10 z`} />}
      {failed && <text class="cross" x={tip} y={y + 6}>✗</text>}
      {Math.abs(target - start) > portsOf(hop).length * 6.2 && <text class={changed ? 'ports changed' : 'ports'} x={(start + target) / 2} y={y - 8}>{portsOf(hop)}</text>}
    </g>
  );
}
