/** Somebody on the way says no. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const refusedByIcmp: Finding = {
  id: 'refused-by-icmp',
  title: 'Somebody on the way refuses the packets, and says so',
  ref: 'RFC 1812 §5.2.7.1',
  next: 'Open the port at whoever sends the ICMP error: UDP 500 and 4500.',
  find: (view) => {
    const { errors } = view.facts;
    const about = (address: string, port: number) => errors.find((error) => error.kind === 'unreachable' && error.about.to.address === address && error.about.to.port === port);
    const refused = view.open.filter(({ item, origin }) => item.encapsulation !== 'none' || item.kind === 'ike' ? about(origin.to.address, origin.to.port) !== undefined : false);
    const [first] = refused;
    const error = first && about(first.origin.to.address, first.origin.to.port);
    return from(refused, 'seen', ({ origin }) => `${error!.by} answers what ${origin.place} sends to UDP port ${origin.to.port} of ${origin.to.address} with an ICMP error: unreachable.`, error === undefined ? [] : [error.frame]);
  },
};
