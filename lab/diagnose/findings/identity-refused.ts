/** The gateway says no to who the other claims to be. */
import type { Finding } from '../finding.ts';
import { originOf } from '../questions.ts';
import { helperStrips } from './helper-strips.ts';
import { twoOutsideAddresses } from './two-outside-addresses.ts';

export const identityRefused: Finding = {
  id: 'identity-refused',
  title: 'The peer refuses the identity or its proof',
  ref: 'RFC 7296 §2.21.2, RFC 2408 §3.14.1',
  next: 'Behind a NAT an address is no identity: have the client call itself by a name (FQDN, e-mail), and configure the key or certificate for that name. Then compare the keys.',
  find: (view) => {
    const { nats } = view;
    if (helperStrips.find(view) !== undefined || twoOutsideAddresses.find(view) !== undefined) return undefined; // why it is refused
    const [refused] = view.refusals;
    if (refused === undefined) return undefined;
    const behind = nats.some(({ sa }) => sa === refused.ike!.sa);
    return {
      says: `${refused.ike!.notifies.find((name) => /FAILED|ID_INFORMATION/.test(name))!} from ${originOf(refused).from.address}${behind ? ', of a client whose packets come from another address than its own' : ''}.`,
      evidence: [originOf(refused).first.frame], certainty: 'seen', explains: view.openIn(refused.ike!.sa),
    };
  },
};
