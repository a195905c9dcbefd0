/** The packet that the reader stands at: its fields as a tree, its octets, which octets a field is. */
import { useMemo, useState } from 'preact/hooks';
import type { Tree } from '../../../../src/wire/tree.ts';
import { treeOf } from '../model/insight.ts';
import { journey, model, packet, sighting } from './state.ts';
import { titleOf } from '../../../ladder/title.ts';
import { clock } from './words.ts';

export function PacketPanel() {
  const [shown, way] = [packet.value, journey.value];
  if (shown === undefined || way === undefined) return <p class="empty">No packet here. Choose a message in the ladder.</p>;
  const { title, detail } = titleOf(way, model.value.journeys);
  return (
    <div class="packet-panel">
      <h2>{title}</h2>
      {detail !== '' && <p class="mono faint">{detail}</p>}
      {way.message && <p>{way.message.body.story}</p>}
      <fieldset class="sightings">
        <legend>Seen</legend>
        {way.sightings.map((one) => (
          <label key={one.seq} class={one === shown ? 'chosen' : ''}>
            <input type="radio" name="sighting" checked={one === shown} onChange={() => (sighting.value = one.seq)} />
            {one.body.direction === 'out' ? 'leaving' : 'reaching'} {one.node} <span class="faint">{one.body.interface}, {clock(one.at)}</span>
          </label>
        ))}
      </fieldset>
      {way.loss && <p class="bad-text">{way.loss.body.kind === 'drop' ? `${way.loss.node} dropped it: ${way.loss.body.detail} [${way.loss.body.reason}]` : `The link ${way.loss.body.segment} lost it: ${way.loss.body.how}`}</p>}
      <Dissected key={shown.seq} seq={shown.seq} bytes={shown.body.bytes} label="The packet" />
      {way.inner && !(shown.seq in (model.value.act.knowledge?.packets ?? {})) && <><h3>Inside ESP, SPI 0x{way.inner.body.spi.toString(16).padStart(8, '0')}</h3><Dissected key={`inner ${way.inner.seq}`} seq={way.inner.seq} bytes={way.inner.body.bytes} label="The packet inside" /></>}
    </div>
  );
}

interface Span {
  readonly from: number;
  readonly to: number;
  /** Not of the packet, but of what was inside, or put together. */
  readonly of?: Tree | undefined;
}

function Dissected({ bytes, seq, label }: { readonly bytes: Uint8Array; readonly seq: number; readonly label: string }) {
  const { knowledge } = model.value.act;
  const tree = useMemo(() => treeOf(bytes, seq, knowledge), [bytes, seq, knowledge]);
  const [marked, mark] = useState<Span>({ from: 0, to: 0 });
  return (
    <>
      <FieldTree tree={tree} label={label} marked={marked} onMark={mark} />
      <Octets bytes={marked.of?.plaintext ?? bytes} marked={marked} label={marked.of?.label ?? 'Octets'} />
    </>
  );
}

/** What a reader looks for is open: the innermost layer, and what was inside it. */
const openAtFirst = (tree: Tree): ReadonlySet<string> => {
  const last = String(tree.children.length - 1);
  return new Set([last, ...waysInside(tree)]);
};

const waysInside = ({ children }: Tree, prefix = ''): readonly string[] =>
  children.flatMap((child, i) => {
    const path = `${prefix}${i}`;
    const within = waysInside(child, `${path}.`);
    return within.length > 0 || child.plaintext !== undefined ? [path, ...within] : [];
  });

/** A tree by the rules of WAI-ARIA: arrows move and open, one item has the focus. */
function FieldTree({ tree, label, marked, onMark }: { readonly tree: Tree; readonly label: string; readonly marked: Span; readonly onMark: (span: Span) => void }) {
  const [open, setOpen] = useState(() => openAtFirst(tree));
  const [at, setAt] = useState('0');
  const items = flat(tree, open);
  const go = (path: string): void => {
    setAt(path);
    const item = items.find((one) => one.path === path);
    if (item) onMark({ ...item.tree, of: item.of });
  };
  const toggle = (path: string): void => {
    const next = new Set(open);
    if (!next.delete(path)) next.add(path);
    setOpen(next);
  };
  return (
    <div
      class="tree"
      role="tree"
      aria-label={`${label}, field by field`}
      tabIndex={0}
      onKeyDown={(event) => {
        const i = items.findIndex(({ path }) => path === at);
        const item = items[i];
        if (item === undefined) return;
        if (event.key === 'ArrowDown' && i + 1 < items.length) go(items[i + 1]!.path);
        else if (event.key === 'ArrowUp' && i > 0) go(items[i - 1]!.path);
        else if (event.key === 'ArrowRight' && item.tree.children.length > 0 && !open.has(at)) toggle(at);
        else if (event.key === 'ArrowLeft' && open.has(at)) toggle(at);
        else if (event.key === 'ArrowLeft' && at.includes('.')) go(at.slice(0, at.lastIndexOf('.')));
        else if (event.key === 'Enter' && item.tree.children.length > 0) toggle(at);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {items.map(({ tree: field, path, level, of }) => {
        const isOpen = field.children.length === 0 ? undefined : open.has(path);
        return (
          <div
            key={path}
            role="treeitem"
            aria-level={level}
            aria-expanded={isOpen}
            aria-selected={path === at && marked.to > 0}
            class={`field${path === at && marked.to > 0 ? ' here' : ''}${field.plaintext ? ' opened' : ''}`}
            style={{ paddingLeft: `${level * 14 - 8}px` }}
            onClick={() => {
              go(path);
              if (field.children.length > 0) toggle(path);
            }}
            onMouseEnter={() => onMark({ ...field, of })}
          >
            <span class="twist" aria-hidden="true">{isOpen === undefined ? '' : isOpen ? '▾' : '▸'}</span>
            <span class="label">{field.label}</span> <span class="value">{field.value}</span>
            {field.reference && <span class="ref">{field.reference}</span>}
          </div>
        );
      })}
    </div>
  );
}

interface Item {
  readonly tree: Tree;
  readonly path: string;
  readonly level: number;
  /** What its places are in, where that is not the packet. */
  readonly of: Tree | undefined;
}

const flat = (tree: Tree, open: ReadonlySet<string>, prefix = '', level = 1, around?: Tree): readonly Item[] =>
  tree.children.flatMap((child, i): readonly Item[] => {
    const path = `${prefix}${i}`;
    const of = child.plaintext === undefined ? around : child;
    return [{ tree: child, path, level, of }, ...(open.has(path) ? flat(child, open, `${path}.`, level + 1, of) : [])];
  });

function Octets({ bytes, marked, label }: { readonly bytes: Uint8Array; readonly marked: Span; readonly label: string }) {
  const lines = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => i * 16);
  return (
    <pre class="octets" tabIndex={0} aria-label={marked.to > marked.from ? `${label}, ${marked.from} to ${marked.to - 1} marked` : label}>
      {label !== 'Octets' && <span class="offset">{label}{'\n'}</span>}
      {lines.map((from) => (
        <span key={from}>
          <span class="offset">{from.toString(16).padStart(4, '0')}</span>
          {Array.from(bytes.subarray(from, from + 16), (octet, i) => {
            const isMarked = from + i >= marked.from && from + i < marked.to;
            const text = `${i % 8 === 0 ? '  ' : ' '}${octet.toString(16).padStart(2, '0')}`;
            return isMarked ? <mark key={i}>{text}</mark> : text;
          })}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
