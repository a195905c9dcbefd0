/** A network as it is drawn: its segments, its nodes, and what is between them. */
import type { ComponentChildren } from 'preact';
import type { Network } from '../../../ladder/network.ts';
import { draw } from '../model/drawing.ts';
import type { DrawnNode, Drawing } from '../model/drawing.ts';
import { useWidth } from './size.ts';

export interface PlanProps {
  readonly network: Network;
  readonly isBusy?: (drawn: DrawnNode) => boolean;
  /** Drawn below the nodes, as ways are. */
  readonly below?: (drawing: Drawing) => ComponentChildren;
  readonly above?: (drawing: Drawing) => ComponentChildren;
}

export function Plan({ network, isBusy = () => false, below, above }: PlanProps) {
  const { ref, width } = useWidth();
  const drawing = width === 0 ? undefined : draw(network, width);
  return (
    <div class="plan" ref={ref}>
      {drawing && (
        <svg width={width} height={drawing.height} role="img" aria-label={describe(drawing)}>
          {drawing.segments.map(({ name, x, top, bottom }) => <line key={name} class="segment" x1={x} x2={x} y1={top} y2={bottom} />)}
          {drawing.captions.map(({ x, name, prefix }) => (
            <g key={x} class="caption">
              <text x={x} y={14} class="name">{name}</text>
              {!drawing.isCompact && <text x={x} y={29} class="prefix">{prefix}</text>}
            </g>
          ))}
          {drawing.nodes.flatMap((drawn) => linksOf(drawing, drawn))}
          {below?.(drawing)}
          {drawing.nodes.map((drawn) => <Node key={drawn.label} drawn={drawn} isCompact={drawing.isCompact} busy={isBusy(drawn)} />)}
          {above?.(drawing)}
        </svg>
      )}
    </div>
  );
}

const describe = ({ nodes, segments }: Drawing): string => `The network: ${nodes.map(({ label, lines }) => [label, ...lines].join(' ')).join('; ')}, joined by ${segments.map(({ name, prefix }) => `${name} ${prefix}`).join(', ')}`;

function linksOf({ segments }: Drawing, drawn: DrawnNode) {
  const own = new Set(drawn.nodes.flatMap(({ interfaces }) => interfaces.map(({ segment }) => segment)));
  return segments.filter(({ name }) => own.has(name)).map(({ name, x }) => <line key={`${drawn.label} ${name}`} class="link" x1={drawn.x} x2={x} y1={drawn.y} y2={drawn.y} />);
}

function Node({ drawn, isCompact, busy }: { readonly drawn: DrawnNode; readonly isCompact: boolean; readonly busy: boolean }) {
  const { x, y, width, height, label, lines, nodes } = drawn;
  const top = y - height / 2;
  const room = Math.floor((width - 6) / 6.2);
  return (
    <g class={`node ${nodes[0]!.kind}${busy ? ' busy' : ''}`}>
      <rect x={x - width / 2} y={top} width={width} height={height} rx={7} />
      <text x={x} y={top + 20} class="name">{isCompact && label.length > room ? `${label.slice(0, room - 1)}…` : label}</text>
      {lines.map((line, i) => <text key={line} x={x} y={top + 37 + 15 * i} class={line.startsWith('pinned') ? 'pinned' : 'line'}>{line}</text>)}
    </g>
  );
}
