/** Two acts side by side: without and with the remedy, the same steps of the story at the same height. */
import { useEffect, useMemo } from 'preact/hooks';
import { aligned } from '../model/compare.ts';
import { everything, shownRows } from '../model/ladder.ts';
import type { Row } from '../../../ladder/rows.ts';
import { Body, Lanes, canvasOf, heights, lifelines } from './ladder.tsx';
import type { Canvas } from './ladder.tsx';
import type { ActModel } from '../model/act.ts';
import { chosen, filter, goTo, modelOf, row } from './state.ts';
import { useWidth } from './size.ts';
import { useWindowed } from './windowed.ts';
import { signs, verdicts } from './words.ts';

export function Comparison({ sides }: { readonly sides: readonly [string, string] }) {
  const { ref, width } = useWidth();
  const [left, right] = [modelOf(sides[0]), modelOf(sides[1])];
  const pairs = useMemo(() => {
    const rows = (model: ActModel): readonly Row[] => shownRows(model.rows, { ...filter.value, open: everything.open }).map((one) => one.row);
    return aligned(rows(left), rows(right));
  }, [left, right, filter.value]);
  const list = useWindowed(pairs.length, (i) => Math.max(...[pairs[i]!.left, pairs[i]!.right].map((one) => (one === undefined ? 0 : heights[one.kind]))), (i) => i);
  const own = chosen.value === sides[0] ? 'left' : 'right';
  const at = pairs.findIndex((one) => one[own] !== undefined && one[own] === row.value);
  useEffect(() => {
    if (at >= 0) list.show(at);
  }, [at, pairs]);
  const half = Math.floor(width / 2) - 6;
  const canvases = [canvasOf(left, half), canvasOf(right, half)] as const;
  const choose = (key: string, one: Row): void => {
    if (chosen.value !== key) chosen.value = key;
    goTo(one.first);
  };
  return (
    <div class="comparison" ref={ref}>
      <div class="sides">
        {[left, right].map((model) => <h2 key={model.key} class={model.key === chosen.value ? 'chosen' : ''}>{model.act.id}{model.lesson.from === undefined ? '' : ` (${model.lesson.from})`} <Tally model={model} /></h2>)}
      </div>
      <div class="halves" aria-hidden="true">{width > 0 && [left, right].map((model, i) => <div key={model.key} class="half" style={{ width: `${half}px` }}><Lanes canvas={canvases[i]!} /></div>)}</div>
      <div class="rows" ref={list.scroller} tabIndex={0} role="region" aria-label={`${left.act.id} and ${right.act.id} side by side`}>
        <div class="canvas" style={{ height: `${list.height}px` }}>
          {width > 0 && [left, right].map((model, i) => <div key={model.key} class="half-lines" style={{ left: `${i * (half + 12)}px` }}>{lifelines(canvases[i]!, list.height)}</div>)}
          {width > 0 && list.items.map(({ index, key, start }) => {
            const { left: one, right: other } = pairs[index]!;
            return (
              <div key={key} data-index={index} ref={list.measure} class="pair" style={{ transform: `translateY(${start}px)` }}>
                <Side row={one} model={left} canvas={canvases[0]} onChoose={choose} />
                <Side row={other} model={right} canvas={canvases[1]} onChoose={choose} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Side({ row: one, model, canvas, onChoose }: { readonly row: Row | undefined; readonly model: ActModel; readonly canvas: Canvas; readonly onChoose: (key: string, row: Row) => void }) {
  if (one === undefined) return <div class="half" style={{ width: `${canvas.width}px` }} />;
  const isHere = chosen.value === model.key && row.value === one;
  return <div class={`half row ${one.kind}${isHere ? ' here' : ''}`} style={{ width: `${canvas.width}px` }} onClick={() => onChoose(model.key, one)}><Body row={one} model={model} canvas={canvas} /></div>;
}

function Tally({ model: { act } }: { readonly model: ActModel }) {
  const verdict = (['fail', 'inconclusive', 'pass'] as const).find((one) => act.checks.some((check) => check.verdict === one)) ?? 'unsupported';
  return <small class={`tally ${verdict}`}><span role="img" aria-label={verdicts[verdict]}>{signs[verdict]}</span> {act.checks.filter((check) => check.verdict === 'pass').length} of {act.checks.length} hold</small>;
}
