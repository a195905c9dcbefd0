/** Main mode with shared keys that are kept by address. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const keyByAddress: Finding = {
  id: 'no-key-for-address',
  title: 'The gateway hears main mode and has nothing to say: it has no key for the address it sees',
  ref: 'RFC 2409 §5.4',
  next: 'Behind a NAT a key cannot be found by address: use certificates, aggressive mode with a name, one key for all, or best IKEv2.',
  find: (view) => from(view.open.filter((question) => question.item.ike?.version === 1 && question.item.ike.exchange === 'main mode' && !question.workedBefore && view.reached(question) && view.hasNat(question)), 'likely',
    ({ last, times }) => `Main mode comes to ${last.place} from ${last.from.address}, which is not the client's own address, ${times} times, and is not answered.`),
};
