import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seconds } from '../../src/core/time.ts';
import type { Dependence, NatBehaviour } from '../../src/nat/behaviour.ts';
import { changed, type BehaviourChanges } from '../../src/nat/presets.ts';
import { behaviourOf, boxWith, outside } from './lab.ts';
import { udp } from './packets.ts';

/**
 * The box as a list that is searched from one end to the other, with texts for endpoints: slow, and simple enough to be believed.
 * It does not choose ports; it says which port the box must choose, or which it may.
 */
class ListModel {
  rows: { inside: string; port: number; remote: string; shared: boolean; spokenTo: string[]; created: number; replied: boolean; expires: number }[] = [];
  now = 0;
  readonly #behaviour: NatBehaviour;

  constructor(behaviour: NatBehaviour) {
    this.#behaviour = behaviour;
  }

  wait(ms: number): void {
    this.now += ms;
    this.rows = this.rows.filter((row) => row.expires > this.now);
  }

  /** What must become of a packet out: the port it leaves from, or the reason of its drop. `chosen` is the port that the box chose, if it did. */
  out(inside: string, remote: string, chosen: number): number | string {
    const { mapping, filtering, ports, pinned } = this.#behaviour;
    let row =
      this.rows.find((r) => !r.shared && r.inside === inside && r.remote === remote) ??
      this.rows.find((r) => r.shared && r.inside === inside && part(mapping, r.remote) === part(mapping, remote));
    if (row === undefined) {
      if (this.rows.length + this.#permissions() >= this.#behaviour.tableSize) return 'nat-no-port';
      const wanted = portOf(inside);
      const isPinned = pinned.ports.includes(wanted);
      let port: number;
      if (isPinned) {
        const holders = this.rows.filter((r) => r.port === wanted && r.inside !== inside && (pinned.scope === 'whole-box' || r.remote === remote));
        if (holders.length > 0 && pinned.onConflict === 'refuse') return 'nat-pinned-port-taken';
        this.rows = this.rows.filter((r) => !holders.includes(r));
        port = wanted;
      } else {
        const free = (p: number): boolean => !pinned.ports.includes(p) && !this.rows.some((r) => r.port === p && (!ports.overloading || r.remote === remote));
        const sibling = ports.overloading ? this.rows.findLast((r) => r.inside === inside && part(mapping, r.remote) === part(mapping, remote)) : undefined;
        const [first, last] = ports.keepLowApart && wanted < 512 ? [1, 511] : ports.range;
        if (sibling && free(sibling.port)) port = sibling.port;
        else if (ports.assignment === 'preserve' && free(wanted)) port = wanted;
        else if (ports.assignment === 'preserve' && ports.onConflict === 'refuse') return 'nat-no-port';
        else if (free(chosen) && chosen >= first && chosen <= last) port = chosen;
        else if (Array.from({ length: last - first + 1 }, (_, i) => first + i).some(free)) return `one of ${first}-${last} that is free`;
        else return 'nat-no-port';
      }
      row = { inside, port, remote, shared: !ports.overloading && !isPinned, spokenTo: [remote], created: this.now, replied: false, expires: 0 };
      row.expires = this.now + this.#lifetime(row, remote);
      this.rows.push(row);
    }
    if (row.shared && !row.spokenTo.some((r) => part(filtering, r) === part(filtering, remote))) {
      if (this.rows.length + this.#permissions() >= this.#behaviour.tableSize) return 'nat-no-port';
      row.spokenTo.push(remote);
    }
    if (this.#behaviour.refresh !== 'inbound') this.#refresh(row, remote);
    return row.port;
  }

  /** What must become of a packet in: the inside host it reaches, or the reason of its drop. */
  in(remote: string, port: number): string {
    const row =
      this.rows.find((r) => !r.shared && r.port === port && r.remote === remote) ??
      this.rows.find((r) => r.shared && r.port === port && r.spokenTo.some((s) => part(this.#behaviour.filtering, s) === part(this.#behaviour.filtering, remote)));
    if (row === undefined) return this.rows.some((r) => r.port === port) ? 'nat-filtered' : 'nat-no-mapping';
    if (this.#behaviour.refresh !== 'outbound') this.#refresh(row, remote);
    row.replied = true;
    return row.inside;
  }

  #permissions(): number {
    return this.rows.reduce((sum, { spokenTo }) => sum + spokenTo.length - 1, 0);
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
  ports: fc.record({
    assignment: fc.constantFrom('preserve', 'sequential', 'random'),
    overloading: fc.constantFrom<false | 'per-remote'>(false, 'per-remote'),
    onConflict: fc.constantFrom('another-port', 'refuse'),
    keepLowApart: fc.boolean(),
    range: fc.constantFrom<[number, number]>([1024, 1027], [498, 503], [1024, 65535]),
  }),
  timeouts: fc.record({ unreplied: fc.constant(seconds(3)), replied: fc.constant(seconds(7)), repliedAfter: fc.constantFrom(seconds(0), seconds(2)), byRemotePort: fc.constantFrom({}, { 500: seconds(4) }) }),
  pinned: fc.record({ ports: fc.constantFrom([], [500]), onConflict: fc.constantFrom('refuse', 'steal'), scope: fc.constantFrom('per-server', 'whole-box') }),
  tableSize: fc.constantFrom(4, 65536),
});

const insides = ['10.0.0.2:500', '10.0.0.2:4500', '10.0.0.3:500', '10.0.0.3:4500', '10.0.0.4:500', '10.0.0.4:1024'];
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
      const lab = boxWith('linux-masquerade', changes);
      const model = new ListModel(changed(behaviourOf('linux-masquerade'), changes));
      const portsSeen = [500, 4500, 1024];
      for (const step of sequence) {
        switch (step.do) {
          case 'out': {
            const result = lab.out(udp(step.inside, step.remote));
            const port = Number(/^udp 203\.0\.113\.1:(\d+) > /.exec(result)?.[1]);
            const expected = model.out(step.inside, step.remote, port);
            expect(result).toBe(typeof expected === 'number' ? `udp ${outside}:${expected} > ${step.remote}` : expected);
            if (!Number.isNaN(port)) portsSeen.push(port);
            break;
          }
          case 'in': {
            const port = portsSeen[portsSeen.length - 1 - (step.which % portsSeen.length)]!;
            const expected = model.in(step.remote, port);
            expect(lab.in(udp(step.remote, `${outside}:${port}`))).toBe(expected.startsWith('nat-') ? expected : `udp ${step.remote} > ${expected}`);
            break;
          }
          case 'wait':
            lab.wait(step.ms / 1000);
            model.wait(step.ms);
            break;
          case 'flush':
            lab.control({ kind: 'flush' });
            model.rows = [];
            break;
        }
        expect(lab.rows()).toEqual(model.rows.map(({ inside, port, remote, replied, expires }) => `${inside} ${port} ${remote} ${replied ? 'replied' : 'unreplied'} ${expires - model.now} ms`));
        const next = Math.min(...model.rows.map(({ expires }) => expires));
        expect(lab.box.nextWake()?.at).toBe(next === Infinity ? undefined : next);
      }
      expect(lab.lateExpiries()).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
