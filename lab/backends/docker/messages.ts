/**
 * What orchestrator and agents say to each other, a JSON line each. The lab brings its agents along, so both sides are of one version; the number is there for
 * the day on which somebody builds an image of his own. Envelopes are checked; what a plan or an event is inside is the business of the sources that both share.
 */
import { z } from 'zod';
import type { Happening, Mapping } from '../../../src/core/events.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import type { Instant } from '../../../src/core/time.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { NodePlan } from '../../../src/sim/plan.ts';
import { natEngineChoices } from '../backend.ts';
import type { Behaviour } from '../linux/links.ts';

export const protocolVersion = 1;

const record = <Kind extends object>() => z.custom<Kind>((value) => typeof value === 'object' && value !== null, 'expected an object');
const instant = z.custom<Instant>((value) => typeof value === 'number', 'expected a number');
const address = z.custom<IpAddress>((value) => typeof value === 'string', 'expected an address');

/** One interface of the plan, and the interface of Docker's that its frames travel through. */
const cable = z.strictObject({
  name: z.string(),
  mtu: z.int(),
  /** The segment's: 24 bits. */
  number: z.int().min(1).max(0xff_ffff),
  /** Of Docker's interface. */
  hardwareAddress: z.string(),
  address,
  /** Where the others on the segment are. */
  farEnds: z.array(address),
});
export type CablePlan = z.output<typeof cable>;

const asked = { id: z.int() };

const request = z.discriminatedUnion('kind', [
  z.strictObject({ ...asked, kind: z.literal('hello'), version: z.literal(protocolVersion) }),
  /** Makes interfaces, addresses and routes. */
  z.strictObject({ ...asked, kind: z.literal('wire'), node: record<NodePlan>(), behaviour: record<Behaviour>(), cables: z.array(cable) }),
  /** Hears and answers from now on. `zero`: the lab's, on the engine's monotonic clock. */
  z.strictObject({ ...asked, kind: z.literal('play'), zero: z.number(), rate: z.number(), seed: z.number(), natEngine: z.enum(natEngineChoices) }),
  z.strictObject({ ...asked, kind: z.literal('command'), command: record<EndpointCommand>() }),
  z.strictObject({ ...asked, kind: z.literal('control'), control: record<NatControl>() }),
  z.strictObject({ ...asked, kind: z.literal('mappings') }),
  z.strictObject({ ...asked, kind: z.literal('exec'), argv: z.array(z.string()) }),
  /** Ends the program of the request `exec` with this number, which is answered then. */
  z.strictObject({ ...asked, kind: z.literal('kill'), exec: z.int() }),
  /** Forgets all of it: the next node wired here finds a container like a new one. */
  z.strictObject({ ...asked, kind: z.literal('leave') }),
  /** Cuts the cables of a segment, or mends them. */
  z.strictObject({ ...asked, kind: z.literal('link'), segment: z.string(), state: z.enum(['up', 'down']) }),
  /** Tell all that has happened so far. */
  z.strictObject({ ...asked, kind: z.literal('report') }),
  /** The same, and what the kernel alone knows by now. */
  z.strictObject({ ...asked, kind: z.literal('catch-up') }),
]);
export type Request = z.output<typeof request>;
/** A request without its number. */
export type Question = Request extends infer One ? (One extends Request ? Omit<One, 'id'> : never) : never;

/** What the answers say, by the kind of the request. */
export const answers = {
  /** The engine's monotonic clock, in milliseconds. */
  hello: z.strictObject({ clock: z.number() }),
  wire: z.null(),
  play: z.null(),
  command: z.null(),
  control: z.null(),
  mappings: z.array(record<Mapping>()),
  exec: z.strictObject({ status: z.int(), stdout: z.string(), stderr: z.string() }),
  kill: z.null(),
  leave: z.null(),
  link: z.null(),
  report: z.null(),
  'catch-up': z.null(),
} as const satisfies Record<Request['kind'], z.ZodType>;
export type Answer<Kind extends Request['kind']> = z.output<(typeof answers)[Kind]>;

const saying = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer'), id: z.int(), value: z.unknown() }),
  /** What a program has just said, the answer to whose request comes when it ends. */
  z.strictObject({ kind: z.literal('heard'), id: z.int(), text: z.string() }),
  /** It could not be done; `problem`: a person can mend it. */
  z.strictObject({ kind: z.literal('refusal'), id: z.int(), why: z.string(), problem: z.boolean() }),
  /** In the node's own order. Whatever it tells later happens after `upTo`, but for what the kernel was slow to hand over. */
  z.strictObject({ kind: z.literal('happened'), upTo: instant, events: z.array(z.strictObject({ at: instant, happening: record<Happening>() })) }),
]);
export type Saying = z.output<typeof saying>;

export const readRequest = (value: unknown): Request => request.parse(value);
export const readSaying = (value: unknown): Saying => saying.parse(value);
