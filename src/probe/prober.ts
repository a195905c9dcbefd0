import type { Endpoint } from '../core/address.ts';
import { sameEndpoint } from '../core/address.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import type { Random } from '../core/random.ts';
import { start, type Duration, type Instant } from '../core/time.ts';
import { stunAttribute } from '../wire/stun.ts';
import { allocation, conflict } from './allocation.ts';
import { powersOf } from './attributes.ts';
import { Bench, type BenchConfig, type Server } from './bench.ts';
import { found, type ProbeResult } from './classification.ts';
import { Run, together, type Experiment } from './experiment.ts';
import { hairpinning } from './hairpin.ts';
import { lifetime, refreshInbound, refreshOutbound } from './lifetime.ts';
import { filteringBehaviour, mappingBehaviour } from './mapping.ts';

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
  const [mapping, filtering, hairpin, rivals, lives] = yield* together(bench, mappingBehaviour(bench, server), filteringBehaviour(bench, server), hairpinning(bench, server), conflict(bench, server), lifetimes(bench, server, config));
  return {
    local,
    mapped: answer.mapped,
    server: config.server,
    findings: { translation: found(!sameEndpoint(local, answer.mapped)), mapping, filtering, ...given, ...rivals, hairpinning: hairpin, ...lives },
  };
}

type Lifetimes = Pick<ProbeResult['findings'], 'unreplied' | 'replied' | 'refreshOutbound' | 'refreshInbound'>;

function* lifetimes(bench: Bench, server: Server, { longest }: ProberConfig): Experiment<Lifetimes> {
  const to = server.primary;
  const [ofOneWay, replied] = yield* together(bench, unrepliedAndRefresh(bench, server, longest), lifetime(bench, server, { to, replied: true, longest }));
  return { ...ofOneWay, replied };
}

function* unrepliedAndRefresh(bench: Bench, server: Server, longest: Duration): Experiment<Omit<Lifetimes, 'replied'>> {
  const unreplied = yield* lifetime(bench, server, { to: server.primary, replied: false, longest });
  const [outbound, inbound] = yield* together(bench, refreshOutbound(bench, server, unreplied), refreshInbound(bench, server, unreplied));
  return { unreplied, refreshOutbound: outbound, refreshInbound: inbound };
}
