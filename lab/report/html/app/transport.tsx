/** Through the time of an act: a slider over its rows, and play. */
import { plural } from '../../../wording.ts';
import { byHand, goToRow, goToStep, index, isPlaying, model, now, row, shown, speed } from './state.ts';
import { togglePlay } from './play.ts';
import { titleOf } from '../../../ladder/title.ts';
import { clock, families } from './words.ts';

export function Transport() {
  const last = Math.max(0, shown.value.length - 1);
  const said = saying();
  return (
    <section class="transport" aria-label="Time">
      <div class="buttons">
        <button type="button" onClick={byHand(() => goToStep(-1))} aria-label="Previous step" title="Previous step (shift ←)"><Icon path="M4 3v10M13 3 6 8l7 5z" /></button>
        <button type="button" class="play" onClick={togglePlay} aria-label={isPlaying.value ? 'Pause' : 'Play'} title="Play or pause (space)"><Icon path={isPlaying.value ? 'M4 3h3v10H4zM9 3h3v10H9z' : 'M4 2.5v11l9-5.5z'} /></button>
        <button type="button" onClick={byHand(() => goToStep(1))} aria-label="Next step" title="Next step (shift →)"><Icon path="M12 3v10M3 3l7 5-7 5z" /></button>
      </div>
      <output class="clock">{clock(now.value)}</output>
      <div class="rail">
        <Ticks last={last} />
        <input type="range" min={0} max={last} value={index.value} aria-label="Moment" aria-valuetext={`${clock(now.value)}: ${said}`} onInput={({ currentTarget }) => byHand(() => goToRow(Number(currentTarget.value)))()} />
      </div>
      <label class="speed">
        <span class="visually-hidden">Speed</span>
        <select value={speed.value} onChange={({ currentTarget }) => (speed.value = Number(currentTarget.value))}>
          {[0.5, 1, 2, 4].map((times) => <option key={times} value={times}>{times} ×</option>)}
        </select>
      </label>
      <p class="saying">{said}</p>
    </section>
  );
}

const Icon = ({ path }: { readonly path: string }) => <svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d={path} /></svg>;

/** Where the steps of the story are. */
function Ticks({ last }: { readonly last: number }) {
  const steps = shown.value.flatMap(({ row: one }, i) => (one.kind === 'step' ? [i] : []));
  return <svg class="ticks" aria-hidden="true" viewBox="0 0 1000 10" preserveAspectRatio="none">{steps.slice(0, 200).map((i) => <rect key={i} x={(i / Math.max(1, last)) * 1000 - 1} width={2} height={10} />)}</svg>;
}

function saying(): string {
  const here = row.value;
  switch (here?.kind) {
    case undefined:
      return 'nothing happened';
    case 'step':
      return here.event.body.story;
    case 'note':
      return `${here.event.node}: ${here.text}`;
    case 'fold':
      return `${plural(here.rows.length, 'packet')}, ${families[here.family]}`;
    case 'message': {
      const { title, detail } = titleOf(here.journey, model.value.journeys);
      return `${here.journey.sightings[0]!.node}: ${title}${detail === '' ? '' : `, ${detail}`}`;
    }
  }
}
