import type { Power } from './attributes.ts';
import type { Bench, Server } from './bench.ts';

/** Raw packets, and ports below 1024. */
const here: Record<Power, string> = {
  ikePorts: 'needs root: UDP ports 500 and 4500',
  esp: 'needs root: raw ESP',
  icmp: 'needs root: raw ICMP',
  packets: 'needs root: raw packets',
  tcp: 'left to the lab: a kernel would answer for TCP',
};

const there: Record<Power, string> = {
  ikePorts: 'the server does not listen on 500 and 4500',
  esp: 'the server does not take ESP',
  icmp: 'the server leaves ICMP to its kernel',
  packets: 'the server does not see packets as they come',
  tcp: 'the server leaves TCP to its kernel',
};

/** Why something cannot be measured from here, or with this server; undefined where it can. */
export function lacking({ config }: Bench, { powers }: Server, power: Power): string | undefined {
  if (powers === undefined) return foreignServer;
  if (!config.powers.has(power)) return here[power];
  return powers.has(power) ? undefined : there[power];
}

export const foreignServer = 'it takes a server of natt-lab: nat probe --serve';
