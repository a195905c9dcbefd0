import { sameEndpoint, type Endpoint, type IpAddress } from '../core/address.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import type { Random } from '../core/random.ts';
import { start, type Duration, type Instant } from '../core/time.ts';
import { stunAttribute } from '../wire/stun.ts';
import { allocation, conflict, lowPorts } from './allocation.ts';
import { powersOf } from './attributes.ts';
import { Bench, type BenchConfig, type Server } from './bench.ts';
import { found, notMeasured, type Classification, type Finding, type Lifetime, type Measure, type ProbeResult } from './classification.ts';
import { Run, together, type Experiment } from './experiment.ts';
import { hairpinning } from './hairpin.ts';
import { ipsecHelper } from './helper.ts';
import { lifetime, refreshInbound, refreshOutbound } from './lifetime.ts';
import { filteringBehaviour, mappingBehaviour } from './mapping.ts';
import { fragmentsInward, fragmentsOutward, icmpErrors, zeroChecksum } from './packets.ts';
import { foreignServer, lacking } from './powers.ts';
import { ikePorts } from './responder.ts';
import { rivalry } from './rivals.ts';
import { silent } from './silence.ts';

export interface ProberConfig extends BenchConfig {
  readonly server: Endpoint;
  /** The longest silence after which a UDP mapping is tried. */
  readonly longest: Duration;
}

/** What came of it: `unreachable` when the server never answered. */
export type Outcome = ProbeResult | 'unreachable';

/**
 * Finds out what stands between a host and a server, by packets alone. In and out go whole IPv4 packets of the host, from and to its one or two addresses.
 * It ends by itself; `outcome` is there then.
 */
export class Prober implements Machine<Uint8Array, Uint8Array> {
  readonly #bench: Bench;
  readonly #config: ProberConfig;
  #run: Run<Outcome> | undefined;

  constructor(config: ProberConfig, random: Random) {
    this.#config = config;
    this.#bench = new Bench(config, random);
  }

  /** Undefined while it is still at work. */
  get outcome(): Outcome | undefined {
    return this.#run === undefined || this.#run.pause !== undefined ? undefined : this.#run.result;
  }

  handle(now: Instant, packet: Uint8Array): void {
    this.#bench.setNow(now);
    this.#bench.hear(packet);
    this.#continue(now);
  }

  wake(now: Instant): void {
    this.#bench.setNow(now);
    this.#continue(now);
  }

  poll(): Uint8Array | undefined {
    return this.#bench.poll();
  }

  nextWake(): WakeUp | undefined {
    if (this.#run === undefined) return { at: start, reason: 'the probe begins' };
    const pause = this.#run.pause;
    return pause && { at: pause.at, reason: pause.reason };
  }

  #continue(now: Instant): void {
    this.#run ??= new Run(probe(this.#bench, this.#config));
    this.#run.continue(now);
  }
}

/** Everything, in the order that lets nothing disturb anything else. */
function* probe(bench: Bench, config: ProberConfig): Experiment<Outcome> {
  const local = bench.fresh();
  const answer = yield* bench.askOne({ from: local, to: config.server });
  if (answer === undefined) return 'unreachable';
  const { message } = answer.letter;
  const server: Server = { primary: config.server, alternate: stunAttribute(message, 'other-address')?.endpoint, powers: powersOf(message) };
  const given = yield* allocation(bench, server); // first, as long as nobody else asks the box for ports
  const [dependence, clients, packets, udp, tcp, icmp] = yield* together(
    bench,
    dependences(bench, server),
    severalClients(bench, server),
    oddPackets(bench, server),
    udpLives(bench, server, config.longest),
    tcpConnections(bench, server, config.longest),
    icmpQueries(bench, server, config.longest),
  );
  return {
    local,
    mapped: answer.mapped,
    server: config.server,
    findings: { translation: found(!sameEndpoint(local, answer.mapped)), ...given, ...dependence, ...clients, ...packets, ...udp, ...tcp, ...icmp },
  };
}

type Findings<Name extends Measure> = Pick<Classification, Name>;

function* dependences(bench: Bench, server: Server): Experiment<Findings<'mapping' | 'filtering' | 'hairpinning'>> {
  const [mapping, filtering, turned] = yield* together(bench, mappingBehaviour(bench, server), filteringBehaviour(bench, server), hairpinning(bench, server));
  return { mapping, filtering, hairpinning: turned };
}

type OfClients = 'conflict' | 'overloading' | 'deterministic' | 'lowPorts' | 'port500' | 'rival500' | 'rival500Elsewhere' | 'port4500' | 'rival4500' | 'rival4500Elsewhere' | 'esp' | 'rivalEsp' | 'rivalEspElsewhere';

function* severalClients(bench: Bench, server: Server): Experiment<Findings<OfClients>> {
  const [ports, low, on500, on4500, esp] = yield* together(
    bench,
    conflict(bench, server),
    lowPorts(bench, server),
    rivalry(bench, server, 'udp', ikePorts[0]),
    rivalry(bench, server, 'udp', ikePorts[1]),
    rivalry(bench, server, 'esp', 0),
  );
  return {
    ...ports,
    lowPorts: low,
    port500: on500.first, rival500: on500.same, rival500Elsewhere: on500.elsewhere,
    port4500: on4500.first, rival4500: on4500.same, rival4500Elsewhere: on4500.elsewhere,
    esp: esp.first.measured ? found(esp.first.value === 'blocked' ? 'blocked' : 'passes') : esp.first,
    rivalEsp: esp.same, rivalEspElsewhere: esp.elsewhere,
  };
}

function* oddPackets(bench: Bench, server: Server): Experiment<Findings<'fragments' | 'fragmentsDisordered' | 'fragmentsInward' | 'zeroChecksum' | 'icmpErrors' | 'helper'>> {
  const [inOrder, lastFirst, inward, checksum, errors, helper] = yield* together(
    bench,
    fragmentsOutward(bench, server, 'in-order'),
    fragmentsOutward(bench, server, 'last-first'),
    fragmentsInward(bench, server),
    zeroChecksum(bench, server),
    icmpErrors(bench, server),
    ipsecHelper(bench, server),
  );
  return { fragments: inOrder, fragmentsDisordered: lastFirst, fragmentsInward: inward, zeroChecksum: checksum, icmpErrors: errors, helper };
}

type OfLives = 'unreplied' | 'replied' | 'ikeAddresses' | 'refreshOutbound' | 'refreshInbound' | 'open500' | 'open4500' | 'replied500' | 'replied4500';

function* udpLives(bench: Bench, server: Server, longest: Duration): Experiment<Findings<OfLives>> {
  const conversation = (port: number): Experiment<Finding<Lifetime>> => lifetime(bench, server, { to: { address: server.primary.address, port }, replied: true, longest });
  const [oneWay, replied, on500, on4500] = yield* together(
    bench,
    unrepliedAndRefresh(bench, server, longest),
    conversation(server.primary.port),
    ofIkePort(bench, server, ikePorts[0], conversation),
    ofIkePort(bench, server, ikePorts[1], conversation),
  );
  const addresses = [on500.address, on4500.address];
  return {
    ...oneWay,
    replied,
    open500: on500.open, replied500: on500.life,
    open4500: on4500.open, replied4500: on4500.life,
    ikeAddresses: addresses.includes(undefined) ? notMeasured('500 and 4500 are not both open') : found(addresses[0] === addresses[1] ? 'one' : 'two'),
  };
}

interface IkePort {
  readonly open: Finding<boolean>;
  readonly life: Finding<Lifetime>;
  /** The outside one. */
  readonly address: IpAddress | undefined;
}

/** From any port, which takes no privilege here. */
function* ofIkePort(bench: Bench, server: Server, port: number, conversation: (port: number) => Experiment<Finding<Lifetime>>): Experiment<IkePort> {
  const { primary, powers } = server;
  const why = powers === undefined ? foreignServer : powers.has('ikePorts') ? undefined : `the server does not listen on ${port}`;
  if (why !== undefined) return { open: notMeasured(why), life: notMeasured(why), address: undefined };
  const answer = yield* bench.askOne({ from: bench.fresh(), to: { address: primary.address, port } });
  if (answer === undefined) return { open: yield* silent(bench, server, false), life: notMeasured(`nothing gets out to ${port}, or back`), address: undefined };
  return { open: found(true), life: yield* conversation(port), address: answer.mapped.address };
}

function* unrepliedAndRefresh(bench: Bench, server: Server, longest: Duration): Experiment<Findings<'unreplied' | 'refreshOutbound' | 'refreshInbound'>> {
  const unreplied = yield* lifetime(bench, server, { to: server.primary, replied: false, longest });
  const [outbound, inbound] = yield* together(bench, refreshOutbound(bench, server, unreplied), refreshInbound(bench, server, unreplied));
  return { unreplied, refreshOutbound: outbound, refreshInbound: inbound };
}

function* tcpConnections(bench: Bench, server: Server, longest: Duration): Experiment<Findings<'tcpMapping' | 'tcpHalfOpen'>> {
  const lacks = lacking(bench, server, 'tcp');
  if (lacks !== undefined) return { tcpMapping: notMeasured(lacks), tcpHalfOpen: notMeasured(lacks) };
  const [mapping, halfOpen] = yield* together(bench, mappingBehaviour(bench, server, 'tcp'), lifetime(bench, server, { carrier: 'tcp', to: server.primary, replied: false, longest }));
  return { tcpMapping: mapping, tcpHalfOpen: halfOpen };
}

function* icmpQueries(bench: Bench, server: Server, longest: Duration): Experiment<Findings<'icmp' | 'icmpLife'>> {
  const lacks = lacking(bench, server, 'icmp');
  if (lacks !== undefined) return { icmp: notMeasured(lacks), icmpLife: notMeasured(lacks) };
  const to = { address: server.primary.address, port: 0 };
  const answer = yield* bench.askOne({ carrier: 'icmp', from: bench.fresh(), to });
  if (answer === undefined) return { icmp: yield* silent(bench, server, 'blocked' as const), icmpLife: notMeasured('no query is answered') };
  return { icmp: found('passes'), icmpLife: yield* lifetime(bench, server, { carrier: 'icmp', to, replied: false, longest }) };
}
