/** Plays a lesson act by act and evaluates its checks: the one way to a result, whatever the backend. */
import { seeded } from '../src/core/random.ts';
import { describeDuration } from '../src/core/time.ts';
import type { Duration } from '../src/core/time.ts';
import { TraceLog } from '../src/trace/trace.ts';
import type { Trace } from '../src/trace/trace.ts';
import type { Backend, BackendName, Lab, NatEngine, NatEngineChoice, Predicate, Unsupported } from './backends/backend.ts';
import type { Check, Verdict } from './checks/check.ts';
import { imagesOf, refuseToWait, TraceWithSilence, unsettable } from './images.ts';
import type { Images } from './images.ts';
import { adjustmentToVariation, castOf } from './topology/cast.ts';
import { inMode } from './topology/ike-version.ts';
import type { IkeMode } from './topology/ike-version.ts';
import type { Adjustment, Cast } from './topology/cast.ts';
import { parseSettings } from './scenarios/parameters.ts';
import type { Values } from './scenarios/parameters.ts';
import type { Act, Scenario, Stage } from './scenarios/scenario.ts';
import { CannotBeTried, Problem } from './problem.ts';
import { plural } from './wording.ts';
import { loadTopology, vary } from './topology/load.ts';
import type { LoadedTopology } from './topology/load.ts';
import { planTopology } from './topology/plan.ts';
import type { Topology } from './topology/plan.ts';
import { ownShelf, presetOn } from './topology/shelf.ts';
import type { Shelf } from './topology/shelf.ts';

export interface RunOptions {
  readonly backend: Backend;
  /** Of the lesson's parameters; their defaults when not given. */
  readonly values?: Values;
  /** 1 when not given. */
  readonly seed?: number;
  /** What topologies are known by, and what they may name; the lab's own when not given. */
  readonly shelf?: Shelf;
  /** Instead of the acts' own topologies. */
  readonly topology?: string | LoadedTopology;
  /** Instead of the boxes' own presets. */
  readonly preset?: string;
  /** Instead of the topology's own version of IKE. */
  readonly ike?: IkeMode;
  /** What the boxes run on, where the backend has a choice; `auto` when not given. */
  readonly natEngine?: NatEngineChoice;
  readonly audience?: Audience;
  /** Asks something of the lab when an act is over, before it is closed. */
  readonly epilogue?: (lab: Lab, topology: Topology) => void;
  /** Goes on with the lab of the last act after that has been judged; then it is closed. */
  readonly encore?: (lab: Lab, act: ActResult) => Promise<void>;
  /** Ends the run early; what was learned so far is the result. */
  readonly signal?: AbortSignal;
}

/** What each box runs on, by its name. */
export type Engines = Readonly<Record<string, NatEngine>>;

/** Who watches while it happens. */
export interface Audience {
  /** `engines`: what each box runs on, where that is no matter of course. */
  actBegins?(act: Act, topology: Topology, trace: TraceLog, engines: Engines): void;
  actEnds?(act: ActResult): Promise<void> | void;
}

export interface CheckResult {
  readonly id: string;
  readonly claim: string;
  readonly ref?: string;
  readonly verdict: Verdict;
  readonly expected: string;
  readonly observed: string;
  readonly evidence: readonly number[];
}

export interface ActResult {
  readonly act: Act;
  readonly topology: Topology;
  readonly engines: Engines;
  readonly trace: TraceLog;
  readonly checks: readonly CheckResult[];
  readonly elapsed: Duration;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly backend: BackendName;
  readonly clock: 'virtual' | 'real';
  readonly values: Values;
  readonly seed: number;
  readonly verdict: Verdict;
  readonly acts: readonly ActResult[];
  readonly interrupted: boolean;
  readonly wallMs: number;
}

type Places = Pick<RunOptions, 'shelf' | 'topology' | 'preset' | 'ike'>;

/** The topology of an act: its own or the one asked for, then the preset and the version of IKE asked for, then the act's adjustment. */
export const topologyOf = (act: Act, places: Places = {}): Topology => planned(act, places, act.adjust);

/** What cannot work in the topologies of these acts, by what was asked for: what an act does to them besides, it does on purpose. */
export const warningsFor = (acts: readonly Act[], places: Places): readonly string[] => [...new Set(acts.flatMap((act) => planned(act, places, undefined).warnings))];

function planned(act: Act, { shelf, topology, preset, ike }: Places, adjustment: Adjustment | undefined): Topology {
  const box = act.keepsBoxes ? undefined : preset;
  return topologyWith(act.keepsTopology ? act.topology : (topology ?? homeFor(box, act, shelf)), {
    ...(shelf && { shelf }),
    ...(box === undefined ? {} : { preset: box }),
    ...(ike === undefined || act.keepsIke ? {} : { ike }),
  }, adjustment);
}

/** The act's own topology; but a box that translates IPv6 has a home of its own, which is called as it is. */
function homeFor(preset: string | undefined, { topology }: Act, { presets }: Shelf = ownShelf): string {
  const ipv6 = preset === undefined ? undefined : presetOn(presets, preset)?.ipv6;
  return ipv6 !== undefined && topology === 'home' ? ipv6 : topology;
}

/** A topology, or one by its name or file, its boxes of this preset, its hosts with this version of IKE. */
export function topologyWith(topology: string | LoadedTopology, { shelf, preset, ike }: Omit<Places, 'topology'> = {}, adjustment?: Adjustment): Topology {
  const loaded = typeof topology === 'string' ? loadTopology(topology, shelf) : topology;
  const variations = [
    ...(preset === undefined ? [] : [{ nats: Object.fromEntries(Object.keys(loaded.file.nats).map((box) => [box, { preset, behaviour: null }])) }]),
    ...(ike === undefined ? [] : [inMode(loaded, ike)]),
    ...(adjustment === undefined ? [] : [adjustmentToVariation(loaded, adjustment)]),
  ];
  return planTopology(variations.length === 0 ? loaded : vary(loaded, ...variations));
}

/** The act's players. Throws a Problem where the topology does not have them. */
export function castFor({ id, needs: { clients = 1, boxes = 0 } = {} }: Act, topology: Topology): Cast {
  const cast = castOf(topology);
  const lacks = (kind: string, there: number, wanted: number): Problem => new Problem(`the act "${id}" needs ${plural(wanted, kind, kind === 'NAT box' ? 'NAT boxes' : undefined)}, and the topology ${topology.name} has ${there === 0 ? 'none' : there}`);
  if (cast.clients.length < clients) throw lacks('client', cast.clients.length, clients);
  if (cast.boxes.length < boxes) throw lacks('NAT box', cast.boxes.length, boxes);
  return cast;
}

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const began = performance.now();
  const { backend, seed = 1, values = parseSettings(scenario.id, scenario.parameters, [], backend.clock) } = options;
  const acts: ActResult[] = [];
  let nextSeq = 0;
  const { encore, ...others } = options;
  const planned = scenario.acts(values);
  for (const act of planned) {
    if (options.signal?.aborted) break;
    const result = await playAct(act, new TraceLog(nextSeq), { ...others, seed, ...(encore !== undefined && act === planned.at(-1) && { encore }) });
    nextSeq = result.trace.nextSeq;
    acts.push(result);
  }
  return {
    scenario,
    backend: backend.name,
    clock: backend.clock,
    values,
    seed,
    verdict: verdictOf(acts, options.topology !== undefined),
    acts,
    interrupted: options.signal?.aborted ?? false,
    wallMs: Math.round(performance.now() - began),
  };
}

/** A failure outweighs a doubt, a doubt outweighs a pass; what could not be tried here does not count unless nothing else is left. */
export function overall(checks: readonly { readonly verdict: Verdict }[]): Verdict {
  const verdicts = new Set(checks.map(({ verdict }) => verdict));
  return (['fail', 'inconclusive', 'pass', 'unsupported'] as const).find((verdict) => verdicts.has(verdict)) ?? 'inconclusive';
}

/** Where a topology was asked for, acts that keep their own do not make up for it: if nothing could be tried on it, that is the answer. */
function verdictOf(acts: readonly ActResult[], isElsewhere: boolean): Verdict {
  const verdict = overall(acts.flatMap(({ checks }) => checks));
  const asked = acts.filter(({ act }) => !isElsewhere || !act.keepsTopology).flatMap(({ checks }) => checks);
  return verdict === 'pass' && asked.length > 0 && overall(asked) === 'unsupported' ? 'unsupported' : verdict;
}

async function playAct(act: Act, trace: TraceLog, options: RunOptions & { readonly seed: number }): Promise<ActResult> {
  const topology = topologyOf(act, options);
  const cast = castFor(act, topology);
  const checks = act.checks(cast);
  const { backend, natEngine = 'auto' } = options;
  const engines: Engines = Object.fromEntries(topology.plan.nodes.flatMap((node) => (node.kind === 'nat' ? [[node.name, backend.natEngine(node, natEngine)] as const] : [])));
  options.audience?.actBegins?.(act, topology, trace, backend.natEngines.length > 1 ? engines : {});
  const ends = async (elapsed: Duration, judged: readonly CheckResult[]): Promise<ActResult> => {
    const result = { act, topology, engines, trace, elapsed, checks: judged };
    await options.audience?.actEnds?.(result);
    return result;
  };
  const images = imagesOf(topology.plan);
  const unsupported = [...backend.unsupported(topology.plan, natEngine), ...unsettable(act, cast, images)];
  if (unsupported.length > 0) return ends(0 as Duration, checks.map((check) => cannotBeTried(act, check, inWords(unsupported))));
  await using lab = await backend.open(topology.plan, { seed: seedOf(act, options.seed), trace, natEngine, signal: options.signal });
  trace.record(lab.now, 'lab', { layer: 'scenario', body: { kind: 'act', act: act.id, story: act.title } });
  const silence = images.size > 0 ? new TraceWithSilence(trace, images) : undefined;
  const seen = silence ?? trace;
  const { elapsed, refused } = await played(act, stageOn(lab, trace, { cast, seen, images }, options), options.signal);
  options.epilogue?.(lab, topology);
  await lab.settle();
  const why = refused ?? silence?.whyWorthless();
  const judged = checks.map((check) => {
    if (why !== undefined) return cannotBeTried(act, check, why);
    const result = evaluated(act, check, seen, options.signal?.aborted ?? false);
    const worthless = silence?.whyWorthless();
    return worthless === undefined ? result : cannotBeTried(act, check, worthless);
  });
  const result = await ends(elapsed, judged);
  if (!options.signal?.aborted) await options.encore?.(lab, result);
  return result;
}

/** A chance of its own for each act: else all acts draw the same SPIs, and whoever reads a capture of them takes one SA for another. */
const seedOf = ({ id }: Act, seed: number): number => seeded(seed, id).uint32();

/** `refused`: what of the act this world cannot do. */
async function played(act: Act, stage: Stage, signal: AbortSignal | undefined): Promise<{ readonly elapsed: Duration; readonly refused?: string }> {
  const elapsed = (): Duration => stage.now as unknown as Duration;
  try {
    await act.play(stage);
  } catch (error) {
    if (error instanceof CannotBeTried) return { elapsed: elapsed(), refused: error.message };
    if (!(error instanceof Interrupted) || !signal?.aborted) throw error;
  }
  return { elapsed: elapsed() };
}

/** Leaves an act at the next wait after an interruption. */
class Interrupted extends Error {}

function stageOn(lab: Lab, trace: TraceLog, { cast, seen, images }: { readonly cast: Cast; readonly seen: Trace; readonly images: Images }, { signal }: Pick<RunOptions, 'signal'>): Stage {
  const happened = (body: Parameters<TraceLog['record']>[2]): void => void trace.record(lab.now, 'lab', body);
  const wait = async (what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> => {
    if (signal?.aborted) throw new Interrupted();
    const outcome = await lab.until(what, within, since);
    if (signal?.aborted) throw new Interrupted();
    return outcome;
  };
  return {
    cast,
    trace: seen,
    get now() {
      return lab.now;
    },
    step: (story) => happened({ layer: 'scenario', body: { kind: 'step', story } }),
    command: (host, command) => lab.command(host, command),
    control: (box, control) => lab.control(box, control),
    link: (segment, state) => lab.link(segment, state),
    table: async (box) => {
      const mappings = await lab.mappings(box);
      happened({ layer: 'scenario', body: { kind: 'table', box, mappings } });
      return mappings;
    },
    expect: async (what, within, action) => {
      refuseToWait(what, images);
      const since = trace.nextSeq;
      await action?.();
      const outcome = await wait(what, within, since);
      happened({ layer: 'scenario', body: { kind: 'wait', for: what.describe, within, outcome } });
      return outcome === 'met';
    },
    pass: async (time) => {
      await wait({ describe: `${describeDuration(time)} pass`, sees: () => false }, time, trace.nextSeq);
    },
  };
}

const labelled = (act: Act, { id, claim, ref }: Check): Pick<CheckResult, 'id' | 'claim' | 'ref'> => ({ id: `${act.id}/${id}`, claim, ...(ref === undefined ? {} : { ref }) });

function evaluated(act: Act, check: Check, trace: Trace, interrupted: boolean): CheckResult {
  const finding = check.evaluate(trace);
  // What had not happened when the run was interrupted says nothing.
  return { ...labelled(act, check), ...finding, verdict: interrupted && finding.verdict === 'fail' ? 'inconclusive' : finding.verdict };
}

const inWords = (unsupported: readonly Unsupported[]): string => unsupported.map((one) => `${one.what}: ${one.why}`).join('; ');

function cannotBeTried(act: Act, check: Check, why: string): CheckResult {
  return { ...labelled(act, check), verdict: 'unsupported', expected: check.claim, observed: why, evidence: [] };
}
