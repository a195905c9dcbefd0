/** What was claimed, and what was seen: each with the way to its evidence. */
import { describeEvidence } from './evidence.ts';
import { goToEvidence, model, pointed } from './state.ts';
import { signs, verdicts } from './words.ts';

const most = 12;

const inView = (element: HTMLElement | null): void => element?.scrollIntoView({ block: 'nearest' });

export function ChecksPanel() {
  const { act } = model.value;
  if (act.checks.length === 0) return <p class="empty">This act claims nothing.</p>;
  const order = ['fail', 'inconclusive', 'pass', 'unsupported'];
  const checks = act.checks.toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict));
  return (
    <ul class="checks">
      {checks.map(({ id, claim, ref, verdict, expected, observed, evidence }) => (
        <li key={id} class={`${verdict}${id === pointed.value ? ' pointed' : ''}`} ref={id === pointed.value ? inView : null}>
          <p class="claim"><span class="sign" aria-label={verdicts[verdict]} role="img">{signs[verdict]}</span> {claim} {ref && <span class="ref">{ref}</span>}</p>
          {verdict !== 'pass' && verdict !== 'unsupported' && <p class="expected"><span class="faint">expected</span> {expected}</p>}
          <p class="observed"><span class="faint">{verdict === 'pass' ? 'seen' : 'observed'}</span> {observed}</p>
          {evidence.length > 0 && (
            <p class="evidence">
              {evidence.slice(0, most).map((seq) => <button key={seq} type="button" onClick={() => goToEvidence(seq)} data-seq={seq}>{describeEvidence(model.value, seq)}</button>)}
              {evidence.length > most && <span class="faint"> and {evidence.length - most} more</span>}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
