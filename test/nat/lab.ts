/** A box between 10.0.0.0/8 and the world, and a clock: what most tests of the box need. */
import { ip, prefix } from '../../src/core/address.ts';
import type { DropEvent, NatEvent, Side } from '../../src/core/events.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { after, seconds, start } from '../../src/core/time.ts';
import type { NatBehaviour, NatBoxConfig, NatControl } from '../../src/nat/behaviour.ts';
import { NatBox } from '../../src/nat/box.ts';
import { changed, presetNamed, type BehaviourChanges } from '../../src/nat/presets.ts';
import { told } from './packets.ts';

/** The outside address of the box in all tests. */
export const outside = '203.0.113.1';

export function behaviourOf(preset: string, changes: BehaviourChanges = {}): NatBehaviour {
  const found = presetNamed(preset);
  if (found === undefined) throw new TypeError(`no preset ${preset}`);
  return changed(found.behaviour, changes);
}

export function boxWith(preset: string, changes: BehaviourChanges = {}, config: Partial<NatBoxConfig> = {}) {
  const box = new NatBox(
    { name: 'box', behaviour: behaviourOf(preset, changes), outsideAddresses: [ip(outside)], insidePrefixes: [prefix('10.0.0.0/8')], forwards: [], ...config },
    seeded(1),
  );
  let now = start;
  const events: (NatEvent | DropEvent)[] = [];
  const forwarded: { to: Side; packet: Uint8Array }[] = [];
  const collect = (): void => {
    for (const output of drain(box)) {
      if (output.kind === 'event') events.push(output.event);
      else forwarded.push(output);
    }
  };
  /** What becomes of a packet: `udp … > …` as it left, with `back in: ` in front when it did not cross; or the reason of the drop. */
  const send = (from: Side, packet: Uint8Array): string => {
    forwarded.length = 0;
    const before = events.length;
    box.handle(now, { kind: 'packet', from, packet: packet.slice() });
    collect();
    const passed = forwarded[0];
    if (passed) return `${passed.to === from ? 'back in: ' : ''}${told(passed.packet)}`;
    const drop = events.slice(before).find((event): event is DropEvent => event.kind === 'drop');
    return drop?.reason ?? 'nothing';
  };
  return {
    box,
    events,
    out: (packet: Uint8Array) => send('inside', packet),
    in: (packet: Uint8Array) => send('outside', packet),
    /** What became of the last packet, unless it was dropped. */
    passed: () => forwarded[0],
    /** All that left because of the last packet, or since the last wait. */
    allPassed: () => forwarded.map(({ packet }) => packet),
    /** The bytes that the last packet left with. */
    last: () => forwarded[0]!.packet,
    control: (control: NatControl) => {
      box.handle(now, { kind: 'control', control });
      collect();
    },
    /** Lets time pass; the box is woken exactly when it asks to be. */
    wait: (s: number) => {
      const until = after(now, seconds(s));
      if (box.nextWake() !== undefined && box.nextWake()!.at <= until) forwarded.length = 0;
      for (let wake = box.nextWake(); wake && wake.at <= until; wake = box.nextWake()) {
        now = wake.at;
        box.wake(now);
        collect();
      }
      now = until;
    },
    now: () => now,
    /** The table with its timers: `10.0.0.2:500 1024 198.51.100.1:500 replied 5000 ms`. */
    rows: () => box.mappings(now).map(({ inside, outside: { port }, remote, replied, expiresIn }) => `${inside.address}:${inside.port} ${port} ${remote.address}:${remote.port} ${replied ? 'replied' : 'unreplied'} ${expiresIn} ms`),
    /** Mappings that were told to have expired when they had some time left, or long after they had none. */
    lateExpiries: () => events.filter((event) => event.kind === 'mapping-expired' && event.mapping.expiresIn !== 0),
    /** The table: `10.0.0.2:500 203.0.113.1:500 198.51.100.1:500`. */
    table: () => box.mappings(now).map(({ inside, outside: o, remote }) => `${inside.address}:${inside.port} ${o.address}:${o.port} ${remote.address}:${remote.port}`),
    drops: () => events.flatMap((event) => (event.kind === 'drop' ? [event.reason] : [])),
  };
}
