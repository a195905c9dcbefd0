/** What `setkey -D` and `setkey -DP` would print on a host at the end of an act, and what daemon and stack have said to each other by then. */
import { toHex } from '../../src/core/bytes.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { describePfkey } from '../../src/wire/pfkey/describe.ts';
import type { Lab } from '../backends/backend.ts';
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { Problem } from '../problem.ts';
import { viewOf } from '../report/pfkey-view.ts';
import type { PfkeyView } from '../report/pfkey-view.ts';
import { setkeySad, setkeySpd } from '../report/setkey.ts';
import { castFor, runScenario, topologyOf } from '../run.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import { suggestion } from '../suggest.ts';
import type { Topology } from '../topology/plan.ts';
import { noAct, placesOf, scenarioNamed, seedOf } from './asked.ts';
import type { Elsewhere } from './asked.ts';
import type { CommandLine } from './run.ts';
import { ranElsewhere } from './usable-backend.ts';

export interface PfkeyCommandLine extends Pick<CommandLine, 'scenarios' | 'backend' | keyof Elsewhere | 'nat' | 'ike' | 'set' | 'seed'> {
  readonly scenario: string;
  readonly act?: string;
  readonly messages?: true;
  readonly json?: true;
}

export async function pfkey(hostName: string | undefined, { scenario: scenarioName, act: actId, set = [], messages, json, ...options }: PfkeyCommandLine): Promise<number> {
  const catalogue = await loadCatalogue(options.scenarios);
  const scenario = scenarioNamed(scenarioName, catalogue);
  const seed = seedOf(options.seed);
  const places = await placesOf(options, catalogue);
  const backend = await loadBackend(options.backend);
  const values = parseSettings(scenario.id, scenario.parameters, set, backend.clock);
  const acts = scenario.acts(values);
  const act = actId === undefined ? acts[0]! : acts.find(({ id }) => id === actId);
  if (act === undefined) throw noAct(scenario, acts, actId!);
  const topology = topologyOf(act, places);
  castFor(act, topology);
  const hosts = chosen(topology, hostName);
  const [unsupported] = backend.unsupported(topology.plan, 'auto');
  if (unsupported) throw new Problem(`${unsupported.what} cannot be had on ${backend.name}: ${unsupported.why}`, 3);
  const status = await ranElsewhere(backend);
  if (status !== undefined) return status;

  const epilogue = (lab: Lab): void => hosts.forEach(({ name }) => lab.command(name, { kind: 'setkey' }));
  const { acts: [played] } = await runScenario({ ...scenario, acts: () => [act] }, { backend, values, seed, epilogue, ...places });
  const views = hosts.map((host) => viewOf(host, played!.trace));
  if (json) console.log(JSON.stringify({ schema: 1, scenario: scenario.id, act: act.id, topology: topology.name, seed, hosts: views.map((view) => toJson(view, messages === true)) }, forJson, 2));
  else {
    console.log(`${scenario.id}, at the end of the act ${act.id} on the topology ${topology.name}`);
    for (const view of views) print(view, messages === true);
  }
  return 0;
}

/** The one that was named, or all that have a daemon and a stack. */
function chosen({ name: topology, plan: { nodes } }: Topology, name: string | undefined): readonly EndpointConfig[] {
  const endpoints = nodes.flatMap((node) => (node.kind === 'host' && node.endpoint !== undefined ? [node.endpoint] : []));
  if (name === undefined) return endpoints;
  const found = endpoints.find((endpoint) => endpoint.name === name);
  if (found === undefined) throw new Problem(`no host "${name}" with an IPsec stack in the topology ${topology}; ${suggestion(name, endpoints.map((endpoint) => endpoint.name))}`);
  return [found];
}

function print({ host, at, sad, spd, messages }: PfkeyView, withMessages: boolean): void {
  if (withMessages) {
    console.log(`\n${host}# setkey -x`);
    for (const one of messages) console.log(`${(one.at / 1000).toFixed(3).padStart(9)} ${one.direction === 'to-stack' ? '>' : '<'} ${describePfkey(one.message)}`);
  }
  process.stdout.write(`\n${host}# setkey -D\n${setkeySad(sad, at)}\n${host}# setkey -DP\n${setkeySpd(spd)}`);
}

const toJson = ({ messages, ...view }: PfkeyView, withMessages: boolean): object => ({ ...view, ...(withMessages && { messages }) });

/** Octets as hex; counters of 64 bits as numbers, which they fit in here. */
const forJson = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? Number(value) : value);
