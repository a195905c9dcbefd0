/** The network, and the packet on its way through it. */
import type { Journey } from '../../../ladder/journey.ts';
import { along, nodeAt, wayOver } from '../model/drawing.ts';
import type { DrawnNode, Drawing, Point } from '../model/drawing.ts';
import { Plan } from './plan.tsx';
import { journey, model, progress, row } from './state.ts';

export const Stage = () => (
  <Plan
    network={model.value.act.network}
    isBusy={isBusy}
    below={(drawing) => <Way drawing={drawing} journey={journey.value} />}
    above={(drawing) => <Packet drawing={drawing} journey={journey.value} />}
  />
);

/** The story is told here now. */
function isBusy({ nodes }: DrawnNode): boolean {
  const names = new Set(nodes.map(({ name }) => name));
  const here = journey.value;
  if (here !== undefined) return here.sightings.some(({ node }) => names.has(node));
  return row.value?.kind === 'note' && names.has(row.value.event.node);
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
