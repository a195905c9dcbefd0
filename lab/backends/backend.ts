/** What every world offers to the lessons, be it simulated or real. */
import type { Mapping } from '../../src/core/events.ts';
import type { Duration, Instant } from '../../src/core/time.ts';
import type { EndpointCommand } from '../../src/host/ports.ts';
import type { NatControl } from '../../src/nat/behaviour.ts';
import type { NatPlan, WorldPlan } from '../../src/sim/plan.ts';
import type { RawProgram } from '../../src/sim/raw-node.ts';
import type { Kind, TraceEvent } from '../../src/trace/events.ts';
import type { TraceLog } from '../../src/trace/trace.ts';

export const backendNames = ['sim', 'netns', 'mininet', 'docker'] as const;
export type BackendName = (typeof backendNames)[number];

/** One thing that a backend, or a tool around it, needs from the machine. */
export interface Requirement {
  readonly name: string;
  readonly present: boolean;
  /** What was found, or why it is missing. */
  readonly detail: string;
  /** The one command that gets it, where there is one. */
  readonly remedy?: string;
  /** Packages of Debian and Ubuntu that bring it, where that is what it takes: `lab doctor --install` gets them. */
  readonly packages?: readonly string[];
}

export interface Capabilities {
  readonly usable: boolean;
  readonly requirements: readonly Requirement[];
}

/** Something of a plan that this backend cannot honour, in words for people. */
export interface Unsupported {
  readonly what: string;
  readonly why: string;
}

/** What translates in a NAT box: the kernel's own NAT, or the `NatBox` machine. */
export type NatEngine = 'kernel' | 'machine';
/** `auto`: the kernel where it behaves exactly as the box should, else the machine. */
export const natEngineChoices = ['auto', 'kernel', 'machine'] as const;
export type NatEngineChoice = (typeof natEngineChoices)[number];

export interface Backend {
  readonly name: BackendName;
  /** How the clock runs: a lesson's `time` in the results. */
  readonly clock: 'virtual' | 'real';
  /** Never throws; says what is missing and how to get it. */
  probe(): Promise<Capabilities>;
  /** What boxes can run on here. */
  readonly natEngines: readonly NatEngine[];
  /** What this box runs on. */
  natEngine(box: NatPlan, choice: NatEngineChoice): NatEngine;
  /** What of the plan cannot be built here; empty when all can. */
  unsupported(plan: WorldPlan, choice: NatEngineChoice): readonly Unsupported[];
  open(plan: WorldPlan, options: LabOptions): Promise<Lab>;
  /** Its labs have a prompt of their own: `Lab.prompt`. */
  readonly hasPrompt?: true;
  /** Backends that change the machine run in a process of their own, which leaves nothing behind: runs the command line there, once it is not there yet. */
  readonly enclosure?: { isEntered(): boolean; enter(argv: readonly string[]): Promise<number> };
}

export interface LabOptions {
  readonly seed: number;
  readonly trace: TraceLog;
  /** `auto` when not given. */
  readonly natEngine?: NatEngineChoice;
  /** Ends every wait at once, as timed out. */
  readonly signal?: AbortSignal | undefined;
  /** Programs that have hosts to themselves and speak IP there: see `RawProgram`. */
  readonly programs?: ReadonlyMap<string, RawProgram> | undefined;
}

/** A fold over events: `sees` is told each one once and says whether what was waited for is complete. */
export interface Predicate {
  readonly describe: string;
  /** The kind of event that it looks for, where it is but one. */
  readonly kind?: Kind;
  sees(event: TraceEvent): boolean;
}

export interface Exit {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly signal?: AbortSignal;
  /** Hears what the program says while it says it, standard output and error as they come. */
  readonly hear?: (text: string) => void;
}

/** A running world. All times are the lab's: on a real backend they may pass faster than the clock on the wall. */
export interface Lab extends AsyncDisposable {
  readonly now: Instant;
  command(host: string, command: EndpointCommand): void;
  control(box: string, control: NatControl): Promise<void>;
  mappings(box: string): Promise<readonly Mapping[]>;
  /** Cuts a segment, or mends it. */
  link(segment: string, state: 'up' | 'down'): Promise<void>;
  /** Runs a program in the host's network namespace to its end, or until the signal kills it; undefined where hosts are simulated. */
  readonly exec?: (host: string, argv: readonly string[], options?: ExecOptions) => Promise<Exit>;
  /** Opens the backend's own prompt on the running world, from standard input to `output`; resolves when it is left. */
  readonly prompt?: (output: 'stdout' | 'stderr') => Promise<void>;
  /**
   * The only place where time passes. Events from number `since` on are shown to the predicate first, so that what an action set off at
   * once is not missed.
   */
  until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'>;
  /** All that has happened is in the trace: to be called before the checks look at it. */
  settle(): Promise<void>;
}
