/** Boxes that translate IPv6: which networks they stand between, and what their prefixes are. */
import { describePrefix, isIpv4, prefix as toPrefix } from '../../src/core/address.ts';
import type { Prefix } from '../../src/core/address.ts';
import type { Ipv6Translation, NatPreset } from '../../src/nat/behaviour.ts';
import { prefixLengths, wellKnownPrefix } from '../../src/nat/nat64/embedded.ts';
import type { SegmentPlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import type { Locate } from '../yaml-file.ts';
import type { NatFile, TopologyFile } from './schema.ts';

/** What each of them translates, by its name; boxes between IPv4 networks are not there. */
export type Ipv6Boxes = ReadonlyMap<string, Ipv6Translation>;

/** Where a prefix translator's outside begins that nobody has written: a number of its own for each. */
const plannedOutside = (count: number, length: number): Prefix => toPrefix(`2001:db8:6296:${(count + 1).toString(16)}::/${length}`);

type Version = 4 | 6;

const sides: Record<Ipv6Translation['kind'] | 'napt', { readonly inside: Version; readonly outside: Version; readonly is: string }> = {
  napt: { inside: 4, outside: 4, is: 'a box between networks of IPv4; presets for IPv6 are nat64 and nptv6' },
  nat64: { inside: 6, outside: 4, is: 'a gateway from IPv6 inside to IPv4 outside' },
  nptv6: { inside: 6, outside: 6, is: 'a translator between networks of IPv6' },
};

/** Throws a Problem where a box stands between networks that it is not made for. `presetOf`: what a box starts from. */
export function planIpv6Boxes({ nats }: TopologyFile, segments: ReadonlyMap<string, SegmentPlan>, presetOf: (nat: NatFile) => NatPreset, locate: Locate): Ipv6Boxes {
  const boxes = new Map<string, Ipv6Translation>();
  for (const [box, nat] of Object.entries(nats)) {
    const { name: preset, ipv6: kind } = presetOf(nat);
    const { inside, outside, is } = sides[kind ?? 'napt'];
    const mustBe = (segment: string, version: Version): void => {
      const { prefix } = segments.get(segment)!;
      if (isIpv4(prefix.address) !== (version === 4)) throw new Problem(`${locate(['nats', box])}: ${segment} has IPv${version === 4 ? 6 : 4}, and ${preset} is ${is}`);
    };
    for (const segment of nat.inside) mustBe(segment, inside);
    mustBe(nat.outside, outside);
    if (nat.pref64 !== undefined && kind !== 'nat64') throw new Problem(`${locate(['nats', box, 'pref64'])}: only NAT64 has one; ${preset} is ${is}`);
    if (nat.outsidePrefix !== undefined && kind !== 'nptv6') throw new Problem(`${locate(['nats', box, 'outsidePrefix'])}: only NPTv6 has one; ${preset} is ${is}`);
    if (kind === 'nat64') boxes.set(box, { kind, pref64: pref64Of(box, nat, locate), mtu: { inside: Math.min(...nat.inside.map((one) => segments.get(one)!.mtu)), outside: segments.get(nat.outside)!.mtu } });
    if (kind === 'nptv6') boxes.set(box, { kind, ...prefixesOf(box, nat, segments, boxes.size, locate) });
  }
  return boxes;
}

function pref64Of(box: string, { pref64 = wellKnownPrefix }: NatFile, locate: Locate): Prefix {
  if (isIpv4(pref64.address) || !prefixLengths.includes(pref64.length)) throw new Problem(`${locate(['nats', box, 'pref64'])}: ${describePrefix(pref64)}: expected a prefix of IPv6 of ${prefixLengths.join(', ')} bits (RFC 6052)`);
  return pref64;
}

function prefixesOf(box: string, { inside, outsidePrefix, behaviour, forwards }: NatFile, segments: ReadonlyMap<string, SegmentPlan>, count: number, locate: Locate): Pick<Extract<Ipv6Translation, { kind: 'nptv6' }>, 'inside' | 'outside'> {
  const fault = (key: string, why: string): Problem => new Problem(`${locate(['nats', box, key])}: ${why}`);
  const [only, ...others] = inside;
  if (only === undefined || others.length > 0) throw fault('inside', 'a prefix translator has one inside network');
  if (behaviour !== undefined) throw fault('behaviour', 'a prefix translator has no ports, no timers and no table, and none of their knobs');
  if (forwards !== undefined) throw fault('forwards', 'a prefix translator forwards everything: whoever knows the outside address of a host may speak to it');
  const own = segments.get(only)!.prefix;
  const outside = outsidePrefix ?? plannedOutside(count, own.length);
  if (own.length > 64 || own.length !== outside.length) throw fault(outsidePrefix === undefined ? 'inside' : 'outsidePrefix', `${describePrefix(own)} inside and ${describePrefix(outside)} outside: expected prefixes of one length, 64 bits at the most (RFC 6296)`);
  return { inside: own, outside };
}
