/** What a repository of one's own builds on: lessons, boxes, and the way to run them. Everything else in the package may change without notice. */

// What a lesson is, and what it may do on its stage.
export { defineScenario } from './scenarios/scenario.ts';
export type { Act, Scenario, Stage } from './scenarios/scenario.ts';
export { choice, count } from './scenarios/parameters.ts';
export type { Parameter, Parameters, Values } from './scenarios/parameters.ts';
export { askWhetherAlive, bringUp, bringUpInTheEnd, connectAndTry, impatient, ping, pingClient, runErrands } from './scenarios/stagecraft.ts';
export type { Ping } from './scenarios/stagecraft.ts';
export { all, happens, pingsDone, tunnelUp, tunnelsUp, tunnelsUpOrGivenUp } from './checks/waiting.ts';
export type { Predicate } from './backends/backend.ts';
export { hours, milliseconds, minutes, seconds } from '../src/core/time.ts';
export type { Duration, Instant } from '../src/core/time.ts';
export { ip } from '../src/core/address.ts';
export type { Endpoint, IpAddress } from '../src/core/address.ts';

// What it claims: functions over the trace.
export { claim, guard, nothing } from './checks/check.ts';
export type { Check, ClaimText, Finding, Observation, Verdict } from './checks/check.ts';
export { answered, unanswered } from './checks/pings.ts';
export { lost, returned } from './checks/programs.ts';
export type { EchoErrand, Errand } from './checks/programs.ts';
export { findsPeerAlive, givesUp, haveTunnels, neverIn } from './checks/sas.ts';
export { dataTravelsAs, movesTo4500, staysOn500 } from './checks/float.ts';
export { cameOut, isAh, isEsp, isIke, isKeepalive, path, ports, seenAt } from './checks/wire.ts';
export type { At, Content, Seen } from './checks/wire.ts';
export type { Trace } from '../src/trace/trace.ts';
export type { TraceEvent } from '../src/trace/events.ts';

// Where it is played.
export type { Adjustment, Cast, Client, Gateway } from './topology/cast.ts';
export type { TopologySource } from './topology/schema.ts';
export type { NatBehaviour, NatControl, NatPreset } from '../src/nat/behaviour.ts';

// And how: what `natt-lab SCENARIO` does, on the simulator.
export { sim } from './backends/sim/backend.ts';
export { runScenario } from './run.ts';
export type { ActResult, CheckResult, RunOptions, ScenarioResult } from './run.ts';
export { toJson } from './report/json.ts';
export type { JsonResult } from './report/json.ts';
export { Problem } from './problem.ts';
