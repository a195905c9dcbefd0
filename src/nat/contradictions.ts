/** Knobs that no box can have together: said by name when a topology is loaded. */
import type { Duration } from '../core/time.ts';
import type { NatBehaviour, NatTimeouts } from './behaviour.ts';

export interface Contradiction {
  /** As in a topology's `behaviour`: `ports.blocks`. */
  readonly knobs: readonly string[];
  readonly reason: string;
}

type Rule = readonly [knobs: readonly string[], isBroken: (behaviour: NatBehaviour) => boolean, reason: string];

const lives = ({ byRemotePort, unreplied, replied, icmp, esp, tcpEstablished, tcpTransitory }: NatTimeouts): Duration[] => [unreplied, replied, icmp, esp, tcpEstablished, tcpTransitory, ...Object.values(byRemotePort)];

const portsIn = ({ range: [first, last] }: NatBehaviour['ports']): number => last - first + 1;

const rules: readonly Rule[] = [
  [['ports.range'], ({ ports }) => portsIn(ports) < 1, 'the range ends before it begins'],
  [['ports.blocks.size', 'ports.range'], ({ ports }) => ports.blocks !== false && ports.blocks.size > portsIn(ports), 'a block is larger than the whole range'],
  [['ports.blocks', 'ports.onConflict'], ({ ports }) => ports.blocks !== false && ports.assignment === 'preserve' && ports.onConflict !== 'another-port', 'whose ports come from a block cannot insist on keeping others'],
  [['ports.onConflict', 'ports.assignment'], ({ ports }) => ports.assignment !== 'preserve' && ports.onConflict !== 'another-port', 'only who keeps ports can find one taken'],
  [['pinned.scope', 'pinned.onConflict'], ({ pinned }) => pinned.scope === 'whole-box' && pinned.onConflict === 'share-by-cookie', 'clients that share a port are in nobody\'s way'],
  [['pinned.unknownCookie', 'pinned.onConflict'], ({ pinned }) => pinned.unknownCookie === 'to-last-speaker' && pinned.onConflict !== 'share-by-cookie', 'only clients that share a port are told apart by cookies'],
  [['timeouts'], ({ timeouts }) => lives(timeouts).some((life) => life <= 0), 'what lives for no time at all is no mapping'],
  [['pool.byRemotePort', 'pool.addresses'], ({ pool }) => Object.values(pool.byRemotePort).some((place) => place >= pool.addresses), 'there are not so many addresses; the first one is 0'],
];

/** In the order of the rules; none where such a box can be. */
export const contradictions = (behaviour: NatBehaviour): Contradiction[] => rules.flatMap(([knobs, isBroken, reason]) => (isBroken(behaviour) ? [{ knobs, reason }] : []));
