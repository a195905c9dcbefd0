import type { WorldPlan } from '../../src/sim/plan.ts';
import type { Unsupported } from './backend.ts';

/** Of a backend that starts no containers: hosts that are somebody's own image. */
export const withoutImages = ({ nodes }: WorldPlan): Unsupported[] =>
  nodes.flatMap((node) => (node.kind === 'host' && node.image !== undefined ? [{ what: `${node.name}: image ${node.image.name}`, why: 'a container of your own takes an engine that runs it: --backend docker' }] : []));
