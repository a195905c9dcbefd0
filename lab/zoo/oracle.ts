/**
 * What will become of a lesson behind a box, said from the box's behaviour before anything is played: an act holds if every need of it is met. It
 * knows no preset, and nothing of endpoints, packets or traces. How many clients there are it knows, for ports and tables have an end.
 */
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { needs } from './needs.ts';
import type { Around, NeedName } from './needs.ts';

/** `late`: somebody has to try again before all are in. `applies`: false where the box is not what the lesson is about. */
export type Forecast = { readonly works: true; readonly late: boolean } | { readonly works: false; readonly applies: boolean; readonly why: string };

const through = ['udp-500', 'nat-detection', 'udp-4500'] as const;
const tunnel = [...through, 'zero-checksums'] as const;

const sameFor = (acts: readonly string[], wanted: readonly NeedName[]): Readonly<Record<string, readonly NeedName[]>> => Object.fromEntries(acts.map((act) => [act, wanted]));

/** By lesson and act. Acts that bring a box of their own, or none, are behind no other. */
export const needsOfActs: Readonly<Record<string, Readonly<Record<string, readonly NeedName[]>>>> = {
  detection: {
    'no-nat-t': ['udp-500', 'nat-detection', 'one-address'],
    initiator: tunnel,
    responder: tunnel,
    both: tunnel,
    double: tunnel,
  },
  'port-float': { float: tunnel, 'start-on-4500': ['udp-4500', 'zero-checksums'] },
  keepalive: { control: tunnel, cure: tunnel, 'just-in-time': tunnel, 'just-too-late': through, 'as-configured': tunnel },
  'multi-client': { together: [...tunnel, 'same-address-on-4500', 'second-on-4500', 'room-for-all'], twins: ['udp-500', 'udp-4500', 'zero-checksums'] },
  passthrough: {
    'without-nat-t': ['udp-500', 'no-second-on-500'],
    'with-nat-t': [...tunnel, 'no-second-on-500', 'second-on-4500'],
    'start-on-4500': ['udp-4500', 'zero-checksums', 'pinned-500', 'second-on-4500'],
  },
  'raw-esp': {
    alone: ['udp-500', 'one-address'],
    together: ['udp-500', 'second-on-500', 'same-address-for-all'],
    'in-udp': [...tunnel, 'second-on-500', 'same-address-on-4500'],
  },
  identity: {
    strict: ['udp-500', 'udp-4500-to-name-oneself'],
    'key-of-an-address-behind-nat': ['udp-500'],
    ...sameFor(['by-name', 'lenient', 'key-of-anybody', 'key-of-a-name', 'key-of-a-name-in-v2', 'certificate'], ['udp-500', 'udp-4500', 'zero-checksums']),
  },
  'remote-access': {
    'let-in': [...tunnel, 'second-on-500', 'same-address-for-all'],
    ikev2: [...tunnel, 'many-on-500'],
    ...sameFor(['wrong-password', 'everything', 'split'], [...tunnel, 'second-on-500']),
  },
  l2tp: { alone: [...tunnel, 'one-address-for-both-ports'], ...sameFor(['together', 'any-daemon', 'own-ports', 'tunnel-mode'], [...tunnel, 'second-on-500', 'same-address-for-all']) },
  overlap: {
    apart: ['udp-500', 'udp-4500', 'zero-checksums', 'second-on-500'],
    ...sameFor(['together', 'given'], ['udp-500', 'udp-4500', 'zero-checksums']),
    transport: [...tunnel, 'one-address-for-both-ports'],
  },
  'ipv6-udp-encap': { '6-in-4': tunnel },
  ah: { ...sameFor(['blocked', 'passed'], ['header-of-ipv4', ...through]), 'in-udp': ['header-of-ipv4', ...tunnel] },
  checksum: {
    ...sameFor(['control', 'withheld'], ['one-version-of-ip', 'changed-checksums', ...tunnel]),
    ...sameFor(['adjust', 'recompute', 'trust'], ['one-version-of-ip', ...tunnel]),
  },
};

/** Where several clients begin on port 500 at once: all are in at once if the box has nothing against it. */
const togetherOn500: Readonly<Record<string, readonly string[]>> = { 'multi-client': ['together'], passthrough: ['with-nat-t'], 'raw-esp': ['together', 'in-udp'], 'remote-access': ['wrong-password', 'let-in', 'everything', 'split'] };

/** Undefined for an act that nobody has thought of. Several boxes in a row must all meet the needs. */
export function forecast(lesson: string, act: string, boxes: readonly Pick<NatPreset, 'behaviour' | 'ipv6'>[], around: Omit<Around, 'ipv6'>): Forecast | undefined {
  const wanted = needsOfActs[lesson]?.[act];
  const isMet = (name: NeedName): boolean => boxes.every(({ behaviour, ipv6 }) => needs[name].isMet(behaviour, { ...around, ...(ipv6 && { ipv6 }) }));
  if (wanted === undefined) return undefined;
  const unmet = wanted.find((name) => !isMet(name));
  if (unmet !== undefined) return { works: false, applies: !needs[unmet].isPremise, why: needs[unmet].otherwise };
  return { works: true, late: togetherOn500[lesson]?.includes(act) === true && !isMet('many-on-500') };
}
