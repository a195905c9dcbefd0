/** The network, and the packet on its way through it. */
import { along, draw, nodeAt, wayOver } from '../model/drawing.ts';
import type { DrawnNode, Drawing, Point } from '../model/drawing.ts';
import type { Journey } from '../../../ladder/journey.ts';
import { journey, model, progress, row } from './state.ts';
import { useWidth } from './size.ts';

export function Stage() {
  const { ref, width } = useWidth();
  const { act } = model.value;
  const drawing = width === 0 ? undefined : draw(act.network, width);
  return (
    <div class="stage" ref={ref}>
      {drawing && (
        <svg width={width} height={drawing.height} role="img" aria-label={describe(drawing)}>
          {drawing.segments.map(({ name, prefix, x, top, bottom }) => (
            <g key={name} class="segment">
              <line x1={x} x2={x} y1={top} y2={bottom} />
              <text x={x} y={14} class="name">{name}</text>
              {!drawing.isCompact && <text x={x} y={29} class="prefix">{prefix}</text>}
            </g>
          ))}
          {drawing.nodes.flatMap((drawn) => linksOf(drawing, drawn))}
          <Way drawing={drawing} journey={journey.value} />
          {drawing.nodes.map((drawn) => <Node key={drawn.label} drawn={drawn} isCompact={drawing.isCompact} busy={isBusy(drawn)} />)}
          <Packet drawing={drawing} journey={journey.value} />
        </svg>
      )}
    </div>
  );
}

const describe = ({ nodes, segments }: Drawing): string => `The network: ${nodes.map(({ label, lines }) => [label, ...lines].join(' ')).join('; ')}, joined by ${segments.map(({ name, prefix }) => `${name} ${prefix}`).join(', ')}`;

/** The story is told here now. */
function isBusy({ nodes }: DrawnNode): boolean {
  const names = new Set(nodes.map(({ name }) => name));
  const here = journey.value;
  if (here !== undefined) return here.sightings.some(({ node }) => names.has(node));
  return row.value?.kind === 'note' && names.has(row.value.event.node);
}

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

/** Over every link that it took; the last one ends in the middle where it was lost there. */
function wayOf(drawing: Drawing, { sightings }: Journey): readonly Point[] {
  const way: Point[] = [];
  for (const [i, { node, body }] of sightings.entries()) {
    if (body.direction === 'out') way.push(...wayOver(drawing, body.segment, node, sightings[i + 1]?.node));
    else if (way.length === 0) way.push(...[nodeAt(drawing, node)].flatMap((at) => (at === undefined ? [] : [{ x: at.x, y: at.y }])));
  }
  return way;
}

function Way({ drawing, journey: shown }: { readonly drawing: Drawing; readonly journey: Journey | undefined }) {
  const way = shown === undefined ? [] : wayOf(drawing, shown);
  return way.length < 2 ? null : <polyline class={`way ${shown!.family}${shown!.loss ? ' lost' : ''}`} points={way.map(({ x, y }) => `${x},${y}`).join(' ')} />;
}

const tags = { ike: 'IKE', esp: 'ESP', keepalive: 'FF', other: 'IP' } as const;

function Packet({ drawing, journey: shown }: { readonly drawing: Drawing; readonly journey: Journey | undefined }) {
  if (shown === undefined) return null;
  const way = wayOf(drawing, shown);
  if (way.length === 0) return null;
  const { x, y } = along(way, progress.value);
  const isOver = progress.value >= 1;
  // at its end it would cover the name of the node
  const rise = isOver && way.length > 1 ? -((nodeAt(drawing, shown.sightings.at(-1)!.node)?.height ?? 0) / 2 + 9) : 0;
  const lifted = shown.sightings.at(-1)!.body.direction === 'in' ? rise : 0;
  const isLost = isOver && shown.loss !== undefined;
  return (
    <g class={`packet ${shown.family}${isLost ? ' lost' : ''}`} transform={`translate(${x} ${y + lifted})`}>
      <rect x={-19} y={-11} width={38} height={22} rx={11} />
      <text y={4}>{isLost ? '✗' : tags[shown.family]}</text>
    </g>
  );
}
