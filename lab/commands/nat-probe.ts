/** `lab nat probe`: what a box is, by packets alone. */
import { lookup } from 'node:dns/promises';
import { describeEndpoint, isIpv4, parseAddress } from '../../src/core/address.ts';
import type { Endpoint, IpAddress } from '../../src/core/address.ts';
import { describeDuration, milliseconds, seconds } from '../../src/core/time.ts';
import type { ProbeResult } from '../../src/probe/classification.ts';
import { loadBackend } from '../backends/index.ts';
import type { Backend } from '../backends/backend.ts';
import { loadCatalogue, naptBoxes } from '../catalogue/catalogue.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { programName } from '../own-modules.ts';
import { disagreements, expectationOf } from '../probe/expectation.ts';
import type { Disagreement } from '../probe/expectation.ts';
import { homeWith, placeProbe } from '../probe/place.ts';
import type { ProbePlan } from '../probe/place.ts';
import { toYaml } from '../probe/replay.ts';
import { table, tellDisagreement, toJson } from '../probe/report.ts';
import { runProbe } from '../probe/run.ts';
import { ownAddresses, probeFrom, serve } from '../probe/standalone.ts';
import { Problem } from '../problem.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { sign, themeFor } from '../report/theme.ts';
import { suggestion } from '../suggest.ts';
import { parseDuration } from '../topology/duration.ts';
import { loadTopology } from '../topology/load.ts';
import { presetOn } from '../topology/shelf.ts';
import { natEngineOf, seedOf } from './asked.ts';
import type { Named } from './asked.ts';
import { interrupted, interruptible } from './interruption.ts';
import { ranElsewhere } from './usable-backend.ts';

export interface ProbeCommandLine extends Named {
  readonly backend: string;
  readonly natEngine?: string;
  readonly seed: string;
  readonly server?: string;
  readonly secondAddress?: string;
  readonly longest: string;
  readonly serve?: true;
  readonly address?: readonly string[];
  readonly json?: true;
  readonly yaml?: true;
  readonly color: boolean;
}

/** By how much a time may be missed: on a real kernel the lab's clock runs ten times as fast as the machine's. */
const slack = { virtual: seconds(0.25), real: seconds(2.5) } as const;

export async function natProbe(target: string | undefined, options: ProbeCommandLine): Promise<number> {
  const ways = [target, options.server, options.serve].filter((way) => way !== undefined);
  if (ways.length !== 1) throw new Problem('probe what? Name one of: a preset (see: nat list) or a topology; --server ADDRESS for the box in front of this machine; --serve for the other side of it');
  if (options.serve) return serveUntilInterrupted(options.address ?? []);
  return options.server === undefined ? probeInLab(target!, options) : probeRealBox(options.server, options);
}

async function probeInLab(target: string, options: ProbeCommandLine): Promise<number> {
  const seed = seedOf(options.seed);
  const placed = placeProbe(topologyFor(target, await loadCatalogue(options.scenarios)));
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const [unsupported] = backend.unsupported(placed.plan, natEngine);
  if (unsupported) throw new Problem(`${unsupported.what} cannot be had on ${backend.name}: ${unsupported.why}`, 3);
  const status = await ranElsewhere(backend);
  if (status !== undefined) return status;
  const outcome = await interruptible((signal) => runProbe(placed, { backend, natEngine, seed, signal }));
  if (outcome === undefined) return interrupted;
  if (outcome === 'unreachable') throw new Problem(`nothing gets through "${target}": the probe's server never answered`, 3);
  const claims = contradicted(placed, outcome.findings, backend);
  say(outcome, options, { target, backend: backend.name, seed, disagreements: claims }, `"nat probe ${target}" found on ${backend.name}`);
  if (!options.json && !options.yaml) for (const one of claims) console.log(`${sign(themeFor(process.stdout, options.color), 'fail')} ${wrap(tellDisagreement(one), lineWidth(process.stdout, 80), '  ')}`);
  return claims.length > 0 ? 1 : 0;
}

async function probeRealBox(where: string, options: ProbeCommandLine): Promise<number> {
  const server = await endpointOf(where);
  const longest = parseDuration(options.longest);
  if (longest === undefined) throw new Problem(`--longest ${options.longest}: expected a duration such as "6 min"`);
  const second = options.secondAddress === undefined ? undefined : ownAddress('--second-address', options.secondAddress);
  process.stderr.write(`${wrap(`Probing the way to ${describeEndpoint(server)}: up to ${describeDuration(milliseconds(3 * longest + 30_000))}, as long as the box remembers. Ctrl-C ends it.`, lineWidth(process.stderr, 80))}\n`);
  const outcome = await interruptible((signal) => probeFrom({ server, second, longest, signal }));
  if (outcome === undefined) return interrupted;
  if (outcome === 'unreachable') {
    throw new Problem(`no answer from ${describeEndpoint(server)}. Is "${programName} nat probe --serve" running there? Does its firewall let in UDP 3478 and 3479, and, to measure all there is, UDP 500 and 4500, ESP, and fragments? Is that its public address?`, 3);
  }
  say(outcome, options, { server: where }, `"nat probe --server ${where}" found`);
  return 0;
}

async function serveUntilInterrupted(given: readonly string[]): Promise<number> {
  const [first, second] = given.length > 0 ? given.map((text) => ownAddress('--address', text)) : ownAddresses();
  if (first === undefined) throw new Problem('this machine has no IPv4 address; name one with --address', 3);
  await using service = await serve(second === undefined ? [first] : [first, second]);
  const lacks = (Object.keys(lackingPowers) as (keyof typeof lackingPowers)[]).flatMap((power) => (service.powers.has(power) ? [] : [lackingPowers[power]]));
  console.log(`Listening on ${service.listening.map(describeEndpoint).join(', ')}`);
  if (second === undefined) console.log('One address only: mapping and filtering cannot be told. Give it a second one, and name both with --address.');
  for (const lack of lacks) console.log(lack);
  console.log(`On the other side: ${programName} nat probe --server ${first}`);
  await interruptible((signal) => new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined))));
  return 0;
}

const lackingPowers = {
  ikePorts: 'UDP 500 and 4500 cannot be had here (root, and no IKE daemon): nothing will be told of them.',
  esp: 'No raw sockets (Linux, root): nothing will be told of ESP, fragments and zero checksums.',
} as const;

async function endpointOf(text: string): Promise<Endpoint> {
  const [, host = '', port = '3478'] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const found = parseAddress(host) ?? (host === '' ? undefined : await lookup(host, 4).then(({ address }) => parseAddress(address), () => undefined));
  if (found === undefined || !isIpv4(found) || Number(port) > 65535) throw new Problem(`--server ${text}: expected an IPv4 address or a name, and perhaps a port, such as 192.0.2.1:3478`);
  return { address: found, port: Number(port) };
}

function ownAddress(option: string, text: string): IpAddress {
  const own = ownAddresses();
  const address = parseAddress(text);
  if (address !== undefined && own.includes(address)) return address;
  throw new Problem(`${option} ${text}: this machine has no such address; ${suggestion(text, own)}`);
}

function say(result: ProbeResult, { json, yaml, color }: ProbeCommandLine, more: object, origin: string): void {
  if (json) process.stdout.write(`${JSON.stringify(toJson(result, more), null, 2)}\n`);
  else if (yaml) process.stdout.write(toYaml(result.findings, origin));
  else console.log(table(result, themeFor(process.stdout, color), lineWidth(process.stdout, 80)));
}

function topologyFor(target: string, catalogue: Catalogue): ReturnType<typeof loadTopology> {
  const boxes = naptBoxes(catalogue).map(({ name }) => name);
  if (boxes.includes(target)) return homeWith(target, catalogue);
  if (presetOn(catalogue.presets, target) !== undefined) throw new Problem(`${target} is a box for IPv6, and the probe speaks IPv4`);
  const topologies = [...catalogue.topologies.keys()];
  if (/[./\\]/.test(target) || topologies.includes(target)) return loadTopology(target, catalogue);
  throw new Problem(`no NAT preset or topology "${target}"; ${suggestion(target, [...boxes, ...topologies])}`);
}

/** Where one box stands in the way, what it claims can be held against what was found. Of a chain nobody claims anything. */
function contradicted({ plan, way }: ProbePlan, findings: Parameters<typeof disagreements>[0], { clock }: Backend): readonly Disagreement[] {
  const [box, ...others] = plan.nodes.filter((node) => node.kind === 'nat' && way.includes(node.name));
  if (box?.kind !== 'nat' || others.length > 0) return [];
  return disagreements(findings, expectationOf(box.box.behaviour), slack[clock]);
}
