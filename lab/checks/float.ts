/** Claims about which port and which encapsulation a tunnel uses. */
import type { Trace } from '../../src/trace/trace.ts';
import type { Cast } from '../topology/cast.ts';
import { plural } from '../wording.ts';
import { claim } from './check.ts';
import type { Check } from './check.ts';
import { negotiations } from './negotiation.ts';
import { isEsp, isIke, path, ports, seenAt } from './wire.ts';
import type { SeenIke } from './wire.ts';

const ikeOf = (trace: Trace, node: string): readonly SeenIke[] => seenAt(trace, { node }).filter(isIke);

export function movesTo4500({ clients, ike }: Cast): Check {
  const { opening, moving, refs, isOpening } = negotiations[ike];
  return claim({ id: 'moves', claim: `From ${moving} on the SA uses port 4500`, expected: `${opening} on 500, everything after it from and to 4500`, ref: refs.move }, (trace) => {
    const messages = ikeOf(trace, clients[0]!.name);
    const wrong = messages.filter((seen) => isOpening(seen) === [seen.from.port, seen.to.port].includes(ports.natt));
    const later = messages.filter((seen) => !isOpening(seen));
    return {
      holds: later.length > 0 && wrong.length === 0,
      observed: wrong.length > 0 ? `on the wrong port: ${path(wrong[0]!)}` : later.length > 0 ? `${moving} went ${path(later[0]!)}` : `no message after ${opening}`,
      evidence: wrong.length > 0 ? wrong.slice(0, 3) : later.slice(0, 2),
    };
  });
}

export const staysOn500 = ({ clients, ike }: Cast): Check =>
  claim({ id: 'stays', claim: 'Nothing moves: every message stays on port 500', expected: 'all IKE from and to port 500', ref: negotiations[ike].refs.move }, (trace) => {
    const messages = ikeOf(trace, clients[0]!.name);
    const moved = messages.filter(({ from, to }) => from.port !== ports.ike || to.port !== ports.ike);
    return { holds: messages.length >= 4 && moved.length === 0, observed: moved.length > 0 ? `moved: ${path(moved[0]!)}` : `${plural(messages.length, 'message')}, all on 500`, evidence: moved.length > 0 ? moved.slice(0, 3) : messages.slice(0, 4) };
  });

export const dataTravelsAs = ({ clients }: Cast, encapsulation: 'none' | 'udp'): Check =>
  claim(
    {
      id: 'encapsulation',
      claim: encapsulation === 'udp' ? 'ESP travels in UDP between ports 4500' : 'ESP travels plain, as IP protocol 50',
      expected: encapsulation === 'udp' ? 'every ESP packet of the client in UDP, from and to 4500' : 'every ESP packet of the client is protocol 50',
      ref: encapsulation === 'udp' ? 'RFC 3948 §2.1' : 'RFC 4303 §2',
    },
    (trace) => {
      const esp = seenAt(trace, { node: clients[0]!.name }).filter(isEsp);
      const wrong = esp.filter(({ content, from, to }) => content.encapsulation !== encapsulation || (encapsulation === 'udp' && (from.port !== ports.natt || to.port !== ports.natt)));
      return {
        holds: esp.length > 0 && wrong.length === 0,
        observed: esp.length === 0 ? 'no ESP at all' : wrong.length > 0 ? `otherwise: ${path(wrong[0]!)}` : `${plural(esp.length, 'packet')}, the first ${path(esp[0]!)}`,
        evidence: wrong.length > 0 ? wrong.slice(0, 3) : esp.slice(0, 2),
      };
    },
  );
