import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { Dependence, NatBehaviour } from '../../src/nat/behaviour.ts';
import { changed, type BehaviourChanges } from '../../src/nat/presets.ts';
import { behaviourOf, boxWith, outside } from './lab.ts';
import { udp } from './packets.ts';

/**
 * The box as a list that is searched from one end to the other, with texts for endpoints: slow, and simple enough to be believed.
 * It does not choose ports; it says which outside endpoint the box must choose, or which it may.
 */
class ListModel {
  rows: { inside: string; outside: string; remote: string; shared: boolean; spokenTo: string[]; created: number; replied: boolean; expires: number }[] = [];
  now = 0;
  readonly #behaviour: NatBehaviour;
  /** What a host keeps until its last row is gone. */
  readonly #pairs = new Map<string, string>();
  readonly #blocks = new Map<string, string[]>();
  #turn = 0;

  constructor(behaviour: NatBehaviour) {
    this.#behaviour = behaviour;
  }

  wait(ms: number): void {
    this.now += ms;
    this.keep((row) => row.expires > this.now);
  }

  keep(stays: (row: ListModel['rows'][number]) => boolean): void {
    this.rows = this.rows.filter(stays);
    for (const host of [...this.#pairs.keys(), ...this.#blocks.keys()]) {
      if (this.rows.some((row) => hostOf(row.inside) === host)) continue;
      this.#pairs.delete(host);
      this.#blocks.delete(host);
    }
  }

  /** What must become of a packet out: the endpoint it leaves from, or the reason of its drop. `chosen` is what the box chose, if it did. */
  out(inside: string, remote: string, chosen: string): string {
    const { mapping, filtering } = this.#behaviour;
    let row =
      this.rows.find((r) => !r.shared && r.inside === inside && r.remote === remote) ??
      this.rows.find((r) => r.shared && r.inside === inside && part(mapping, r.remote) === part(mapping, remote));
    if (row === undefined) {
      const leaver = this.#leaver(hostOf(inside));
      if (typeof leaver === 'string') return leaver;
      const place = this.#place(inside, remote, chosen);
      if ('refusal' in place) return place.refusal;
      this.keep((r) => r !== leaver && !place.steals.includes(r));
      row = { inside, outside: place.outside, remote, shared: place.shared, spokenTo: [remote], created: this.now, replied: false, expires: 0 };
      row.expires = this.now + this.#lifetime(row, remote);
      this.rows.push(row);
      this.#claim(row);
    }
    if (row.shared && !row.spokenTo.some((r) => part(filtering, r) === part(filtering, remote))) {
      if (this.#isFull()) {
        const oldest = this.#behaviour.whenFull === 'evict-oldest' ? this.rows.find((r) => r !== row) : undefined;
        if (oldest === undefined) return 'nat-no-port';
        this.keep((r) => r !== oldest);
      }
      row.spokenTo.push(remote);
    }
    if (this.#behaviour.refresh !== 'inbound') this.#refresh(row, remote);
    return row.outside;
  }

  /** Who must go for a new row of the host: nobody, the oldest, or there is no room. */
  #leaver(host: string): ListModel['rows'][number] | undefined | 'nat-host-limit' | 'nat-no-port' {
    const { hostLimit, whenFull } = this.#behaviour;
    const own = this.rows.filter((row) => hostOf(row.inside) === host);
    if (hostLimit !== 'none' && own.length >= hostLimit) return whenFull === 'refuse' ? 'nat-host-limit' : own[0];
    if (!this.#isFull()) return undefined;
    return whenFull === 'refuse' ? 'nat-no-port' : this.rows[0];
  }

  #isFull(): boolean {
    return this.rows.reduce((sum, { spokenTo }) => sum + spokenTo.length, 0) >= this.#behaviour.tableSize;
  }

  #place(inside: string, remote: string, chosen: string): { outside: string; shared: boolean; steals: ListModel['rows'] } | { refusal: string } {
    const { mapping, ports } = this.#behaviour;
    const sibling = ports.overloading ? this.rows.findLast((r) => r.inside === inside && part(mapping, r.remote) === part(mapping, remote)) : undefined;
    const turns = ports.assignment === 'preserve' && ports.onConflict === 'turn-symmetric';
    const usable = turns && portOf(sibling?.outside ?? '') !== portOf(inside) ? undefined : sibling;
    const addresses = this.#addresses(inside, remote);
    const ordered = usable && addresses.includes(hostOf(usable.outside)) ? [hostOf(usable.outside), ...addresses] : addresses;
    let refusal = 'nat-no-port';
    for (const address of ordered) {
      const place = this.#placeAt(address, inside, remote, chosen, usable?.outside);
      if (typeof place !== 'string') return place;
      refusal = place;
    }
    return { refusal };
  }

  #placeAt(address: string, inside: string, remote: string, chosen: string, sibling: string | undefined): { outside: string; shared: boolean; steals: ListModel['rows'] } | string {
    const { ports, pinned } = this.#behaviour;
    const wanted = portOf(inside);
    if (pinned.ports.includes(wanted)) {
      const holders = this.rows.filter((r) => r.outside === `${address}:${wanted}` && r.inside !== inside && (pinned.scope === 'whole-box' || r.remote === remote));
      if (holders.length > 0 && pinned.onConflict === 'refuse') return 'nat-pinned-port-taken';
      return { outside: `${address}:${wanted}`, shared: false, steals: holders };
    }
    const taken = new Set(this.rows.filter((r) => hostOf(r.outside) === address && (!ports.overloading || r.remote === remote)).map((r) => portOf(r.outside)));
    const anywhere = new Set(this.rows.filter((r) => hostOf(r.outside) === address).map((r) => portOf(r.outside)));
    const free = (p: number): boolean => !pinned.ports.includes(p) && !taken.has(p) && `${address}:${p}` !== remote;
    const at = (p: number, lonely = false) => ({ outside: `${address}:${p}`, shared: !ports.overloading && !lonely, steals: [] });
    if (sibling !== undefined && hostOf(sibling) === address && free(portOf(sibling))) return at(portOf(sibling));
    const mine = this.#open(hostOf(inside), address);
    const allowed = (p: number): boolean => (mine ? mine.includes(p) : true);
    const [first, last] = ports.keepLowApart && wanted < 512 ? [1, 511] : ports.range;
    const range = mine ?? Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const partner = ports.contiguous ? this.rows.find((r) => r.inside === `${hostOf(inside)}:${wanted ^ 1}` && hostOf(r.outside) === address) : undefined;
    const beside = partner && portOf(partner.outside) + (wanted % 2 === 0 ? -1 : 1);
    if (beside !== undefined && allowed(beside) && free(beside)) return at(beside);
    if (ports.assignment === 'preserve' && allowed(wanted) && free(wanted)) return at(wanted);
    if (ports.assignment === 'preserve' && ports.onConflict === 'refuse') return 'nat-no-port';
    const lonely = ports.assignment === 'preserve' && ports.onConflict === 'turn-symmetric';
    const left = range.filter((p) => free(p) && !(lonely && anywhere.has(p)));
    if (left.length === 0) return 'nat-no-port';
    // what is left of the block that it has comes before the next one; parity is looked at block by block
    const blockOf = (p: number): number => (ports.blocks ? Math.floor((p - ports.range[0]) / ports.blocks.size) : 0);
    const own = left.filter((p) => blockOf(p) === blockOf(left[0]!));
    const ownEven = own.filter((p) => p % 2 === wanted % 2);
    const may = ports.parity === 'preserve' && ownEven.length > 0 ? ownEven : own;
    if (hostOf(chosen) === address && may.includes(portOf(chosen))) return at(portOf(chosen), lonely);
    return { outside: `${address}, one of ${may.slice(0, 9).join(' ')} that is free`, shared: false, steals: [] };
  }

  /** Ports of the host's blocks and of the one it would get next, in that order; undefined where there are no blocks. */
  #open(host: string, address: string): number[] | undefined {
    const { blocks, range } = this.#behaviour.ports;
    if (blocks === false) return undefined;
    const own = this.#blocks.get(host) ?? [];
    const all = Array.from({ length: Math.floor((range[1] - range[0] + 1) / blocks.size) }, (_, n) => `${address} ${n}`);
    const taken = [...this.#blocks.values()].flat();
    const next = own.length < blocks.perHost ? all.filter((block) => !taken.includes(block)).slice(0, 1) : [];
    return [...own.filter((block) => all.includes(block)), ...next].flatMap((block) => Array.from({ length: blocks.size }, (_, i) => range[0] + Number(block.split(' ')[1]) * blocks.size + i));
  }

  #addresses(inside: string, remote: string): readonly string[] {
    const { pooling, byRemotePort } = this.#behaviour.pool;
    const line = byRemotePort[portOf(remote)];
    if (line !== undefined) return [pool[line]!];
    if (pooling === 'arbitrary') return [...pool.slice(this.#turn), ...pool.slice(0, this.#turn)];
    const paired = this.#pairs.get(hostOf(inside));
    const hostsAt = (address: string): number => [...this.#pairs.values()].filter((one) => one === address).length;
    return paired === undefined ? pool.toSorted((a, b) => hostsAt(a) - hostsAt(b)) : [paired];
  }

  #claim({ inside, outside, remote }: ListModel['rows'][number]): void {
    const { pool: { pooling, byRemotePort }, ports: { blocks, range }, pinned } = this.#behaviour;
    if (byRemotePort[portOf(remote)] === undefined) {
      this.#turn = (pool.indexOf(hostOf(outside)) + 1) % pool.length;
      if (pooling === 'paired') this.#pairs.set(hostOf(inside), this.#pairs.get(hostOf(inside)) ?? hostOf(outside));
    }
    if (blocks === false || pinned.ports.includes(portOf(inside))) return;
    const block = `${hostOf(outside)} ${Math.floor((portOf(outside) - range[0]) / blocks.size)}`;
    const own = this.#blocks.get(hostOf(inside)) ?? [];
    if (!own.includes(block)) this.#blocks.set(hostOf(inside), [...own, block]);
  }

  /** What must become of a packet in: the inside host it reaches, or the reason of its drop. */
  in(remote: string, outside: string): string {
    const row =
      this.rows.find((r) => !r.shared && r.outside === outside && r.remote === remote) ??
      this.rows.find((r) => r.shared && r.outside === outside && r.spokenTo.some((s) => part(this.#behaviour.filtering, s) === part(this.#behaviour.filtering, remote)));
    if (row === undefined) return this.rows.some((r) => r.outside === outside) ? 'nat-filtered' : 'nat-no-mapping';
    if (this.#behaviour.refresh !== 'outbound') this.#refresh(row, remote);
    row.replied = true;
    return row.inside;
  }

  #refresh(row: ListModel['rows'][number], remote: string): void {
    const expires = this.now + this.#lifetime(row, remote);
    row.expires = row.shared ? Math.max(row.expires, expires) : expires;
  }

  #lifetime(row: ListModel['rows'][number], remote: string): number {
    const { byRemotePort, replied, unreplied, repliedAfter } = this.#behaviour.timeouts;
    return byRemotePort[portOf(remote)] ?? (row.replied && this.now - row.created >= repliedAfter ? replied : unreplied);
  }
}

/** The box's outside addresses. */
const pool = [outside, '203.0.113.2'];

const hostOf = (endpoint: string): string => endpoint.split(':')[0]!;
const portOf = (endpoint: string): number => Number(endpoint.split(':')[1]);

/** RFC 4787's three kinds, on texts. */
function part(dependence: Dependence, remote: string): string {
  if (dependence === 'endpoint-independent') return '';
  return dependence === 'address-dependent' ? remote.split(':')[0]! : remote;
}

const dependence = fc.constantFrom<Dependence>('endpoint-independent', 'address-dependent', 'address-and-port-dependent');

const behaviours: fc.Arbitrary<BehaviourChanges> = fc.record({
  mapping: dependence,
  filtering: dependence,
  refresh: fc.constantFrom('outbound', 'inbound', 'both'),
  pool: fc.record({ pooling: fc.constantFrom('paired', 'arbitrary'), byRemotePort: fc.constantFrom({}, { 4500: 1 }) }),
  ports: fc.oneof(
    fc.record({
      assignment: fc.constantFrom('preserve', 'sequential', 'random'),
      overloading: fc.constantFrom<false | 'per-remote'>(false, 'per-remote'),
      onConflict: fc.constantFrom('another-port', 'refuse', 'turn-symmetric'),
      keepLowApart: fc.boolean(),
      parity: fc.constantFrom('any', 'preserve'),
      contiguous: fc.boolean(),
      range: fc.constantFrom<[number, number]>([1024, 1027], [498, 503], [2000, 2040]),
    }),
    fc.record({
      assignment: fc.constantFrom('preserve', 'sequential', 'random'),
      overloading: fc.constantFrom<false | 'per-remote'>(false, 'per-remote'),
      keepLowApart: fc.constant(false),
      parity: fc.constantFrom('any', 'preserve'),
      contiguous: fc.boolean(),
      range: fc.constant<[number, number]>([1024, 1034]),
      blocks: fc.record({ size: fc.constantFrom(1, 2, 3), perHost: fc.constantFrom(1, 2) }),
    }),
  ),
  timeouts: fc.record({ unreplied: fc.constant(seconds(3)), replied: fc.constant(seconds(7)), repliedAfter: fc.constantFrom(seconds(0), seconds(2)), byRemotePort: fc.constantFrom({}, { 500: seconds(4) }) }),
  pinned: fc.record({ ports: fc.constantFrom([], [500]), onConflict: fc.constantFrom('refuse', 'steal'), scope: fc.constantFrom('per-server', 'whole-box') }),
  tableSize: fc.constantFrom(4, 65536),
  hostLimit: fc.constantFrom<number | 'none'>('none', 'none', 1, 3),
  whenFull: fc.constantFrom('refuse', 'evict-oldest'),
});

const insides = ['10.0.0.2:500', '10.0.0.2:501', '10.0.0.2:4500', '10.0.0.3:500', '10.0.0.3:4500', '10.0.0.4:500', '10.0.0.4:1024'];
const remotes = ['198.51.100.1:500', '198.51.100.1:4500', '198.51.100.2:500', '198.51.100.2:4500'];

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('out' as const), inside: fc.constantFrom(...insides), remote: fc.constantFrom(...remotes) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('in' as const), remote: fc.constantFrom(...remotes), which: fc.nat(11) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 1000, 1999, 2000, 3000, 4000, 8000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  ),
  { minLength: 20, maxLength: 80, size: 'max' },
);

test('the box behaves as a plain list of rows does, for any behaviour and any traffic', () => {
  fc.assert(
    fc.property(behaviours, steps, (changes, sequence) => {
      const lab = boxWith('linux-masquerade', changes, { outsideAddresses: pool.map(ip) });
      const model = new ListModel(changed(behaviourOf('linux-masquerade'), changes));
      const seen = [500, 4500, 1024].flatMap((port) => pool.map((address) => `${address}:${port}`));
      for (const step of sequence) {
        switch (step.do) {
          case 'out': {
            const result = lab.out(udp(step.inside, step.remote));
            const chosen = /^udp (\S+) > /.exec(result)?.[1] ?? '';
            const expected = model.out(step.inside, step.remote, chosen);
            expect(result).toBe(expected.startsWith('nat-') ? expected : `udp ${expected} > ${step.remote}`);
            if (chosen !== '') seen.push(chosen);
            break;
          }
          case 'in': {
            const at = seen[seen.length - 1 - (step.which % seen.length)]!;
            const expected = model.in(step.remote, at);
            expect(lab.in(udp(step.remote, at))).toBe(expected.startsWith('nat-') ? expected : `udp ${step.remote} > ${expected}`);
            break;
          }
          case 'wait':
            lab.wait(step.ms / 1000);
            model.wait(step.ms);
            break;
          case 'flush':
            lab.control({ kind: 'flush' });
            model.keep(() => false);
            break;
        }
        expect(lab.rows()).toEqual(model.rows.map(({ inside, outside: o, remote, replied, expires }) => `${inside} ${portOf(o)} ${remote} ${replied ? 'replied' : 'unreplied'} ${expires - model.now} ms`));
        const next = Math.min(...model.rows.map(({ expires }) => expires));
        expect(lab.box.nextWake()?.at).toBe(next === Infinity ? undefined : next);
      }
      expect(lab.lateExpiries()).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
