/** What a lesson is. A lesson is played in acts, each on a fresh lab: the trouble without the cure, then the cure. */
import type { Mapping } from '../../src/core/events.ts';
import type { Duration, Instant } from '../../src/core/time.ts';
import type { EndpointCommand } from '../../src/host/ports.ts';
import type { NatControl } from '../../src/nat/behaviour.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Predicate } from '../backends/backend.ts';
import type { Check } from '../checks/check.ts';
import type { Adjustment, Cast } from '../topology/cast.ts';
import type { Parameters, Values } from './parameters.ts';

/** The course of the lessons, in teaching order. */
export const chapters = ['Why NAT breaks IPsec', 'Is there a NAT?', 'The move to port 4500', 'ESP in UDP', 'Staying alive', 'Many clients', 'Boxes that help too much', 'Old versions of NAT-T', 'Remote access'] as const;
export type Chapter = (typeof chapters)[number];

export interface Scenario<P extends Parameters = Parameters> {
  readonly id: string;
  /** Where in the course it stands; a lesson of one's own stands nowhere. */
  readonly chapter?: Chapter;
  readonly title: string;
  /** What one knows after it: one or two sentences. */
  readonly teaches: string;
  /** `RFC 3947 §3.2` */
  readonly refs: readonly string[];
  readonly parameters: P;
  acts(values: Values<P>): readonly Act[];
}

/** Keeps the parameters' types for `acts`. */
export const defineScenario = <const P extends Parameters>(scenario: Scenario<P>): Scenario => scenario;

export interface Act {
  readonly id: string;
  /** What is tried here and how it differs from the other acts: one sentence. */
  readonly title: string;
  readonly topology: string;
  /** The act is about this very network: `--topology` leaves it alone. */
  readonly keepsTopology?: true;
  /** The act is about this very version of IKE: `--ike` leaves it alone. */
  readonly keepsIke?: true;
  /** The act is about these very boxes, each with a part of its own: `--nat` leaves them alone. */
  readonly keepsBoxes?: true;
  /** How many must be in the cast at the least, beside one client and the gateway. */
  readonly needs?: { readonly clients?: number; readonly boxes?: number };
  /** What this act changes in the topology, by role. */
  readonly adjust?: Adjustment;
  play(stage: Stage): Promise<void>;
  /** What must hold of the trace afterwards. */
  checks(cast: Cast): readonly Check[];
}

/** What an act sees of the world. It cannot tell which backend it is on. */
export interface Stage {
  readonly cast: Cast;
  readonly trace: Trace;
  readonly now: Instant;
  /** Tells the audience what comes next. */
  step(story: string): void;
  command(host: string, command: EndpointCommand): void;
  control(box: string, control: NatControl): Promise<void>;
  /** Puts the box's table as of now into the trace. */
  table(box: string): Promise<readonly Mapping[]>;
  link(segment: string, state: 'up' | 'down'): Promise<void>;
  /** Acts, then waits until what was expected has happened, counted from just before the action. */
  expect(what: Predicate, within: Duration, action?: () => void | Promise<void>): Promise<boolean>;
  /** Lets time pass; nothing in particular is waited for. */
  pass(time: Duration): Promise<void>;
}

