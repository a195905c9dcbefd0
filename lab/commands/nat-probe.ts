/** `lab nat probe`: what a box is, by packets alone. */
import { seconds } from '../../src/core/time.ts';
import { presetNamed, presets } from '../../src/nat/presets.ts';
import { loadBackend } from '../backends/index.ts';
import type { Backend } from '../backends/backend.ts';
import { disagreements, expectationOf } from '../probe/expectation.ts';
import type { Disagreement } from '../probe/expectation.ts';
import { homeWith, placeProbe } from '../probe/place.ts';
import type { ProbePlan } from '../probe/place.ts';
import { toYaml } from '../probe/replay.ts';
import { table, tellDisagreement, toJson } from '../probe/report.ts';
import { runProbe } from '../probe/run.ts';
import { Problem } from '../problem.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { sign, themeFor } from '../report/theme.ts';
import { suggestion } from '../suggest.ts';
import { loadTopology, topologyNames } from '../topology/load.ts';
import { mustBeUsable, natEngineOf, seedOf } from './run.ts';

export interface ProbeCommandLine {
  readonly backend: string;
  readonly natEngine?: string;
  readonly seed: string;
  readonly json?: true;
  readonly yaml?: true;
  readonly color: boolean;
}

/** By how much a time may be missed: on a real kernel the lab's clock runs ten times as fast as the machine's. */
const slack = { virtual: seconds(0.25), real: seconds(2.5) } as const;

export async function natProbe(target: string | undefined, options: ProbeCommandLine): Promise<number> {
  if (target === undefined) throw new Problem(`probe what? Name a preset (see: nat list) or a topology`);
  const seed = seedOf(options.seed);
  const placed = placeProbe(topologyFor(target));
  const backend = await loadBackend(options.backend);
  await mustBeUsable(backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const [unsupported] = backend.unsupported(placed.plan, natEngine);
  if (unsupported) throw new Problem(`${unsupported.what} cannot be had on ${backend.name}: ${unsupported.why}`, 3);
  if (backend.enclosure !== undefined && !backend.enclosure.isEntered()) return backend.enclosure.enter(process.argv.slice(2));
  const interruption = new AbortController();
  const onInterrupt = (): void => interruption.abort();
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  const outcome = await runProbe(placed, { backend, natEngine, seed, signal: interruption.signal });
  process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  if (outcome === undefined) return 130;
  if (outcome === 'unreachable') throw new Problem(`nothing gets through "${target}": the probe's server never answered`, 3);
  const claims = contradicted(placed, outcome.findings, backend);
  if (options.json) process.stdout.write(`${JSON.stringify(toJson(outcome, { target, backend: backend.name, seed, disagreements: claims }), null, 2)}\n`);
  else if (options.yaml) process.stdout.write(toYaml(outcome.findings, `"nat probe ${target}" found on ${backend.name}`));
  else {
    const theme = themeFor(process.stdout, options.color);
    const width = lineWidth(process.stdout, 80);
    console.log(table(outcome, theme, width));
    for (const one of claims) console.log(`${sign(theme, 'fail')} ${wrap(tellDisagreement(one), width, '  ')}`);
  }
  return claims.length > 0 ? 1 : 0;
}

function topologyFor(target: string): ReturnType<typeof loadTopology> {
  if (presetNamed(target) !== undefined) return homeWith(target);
  const topologies = topologyNames();
  if (/[./\\]/.test(target) || topologies.includes(target)) return loadTopology(target);
  throw new Problem(`no NAT preset or topology "${target}"; ${suggestion(target, [...presets.map(({ name }) => name), ...topologies])}`);
}

/** Where one box stands in the way, what it claims can be held against what was found. Of a chain nobody claims anything. */
function contradicted({ plan, way }: ProbePlan, findings: Parameters<typeof disagreements>[0], { clock }: Backend): readonly Disagreement[] {
  const [box, ...others] = plan.nodes.filter((node) => node.kind === 'nat' && way.includes(node.name));
  if (box?.kind !== 'nat' || others.length > 0) return [];
  return disagreements(findings, expectationOf(box.box.behaviour), slack[clock]);
}
