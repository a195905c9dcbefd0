/** One client whose ports leave by different outside addresses. */
import type { Finding } from '../finding.ts';
import { originOf } from '../questions.ts';
import { byInitiator } from '../view.ts';

export const twoOutsideAddresses: Finding = {
  id: 'two-outside-addresses',
  title: 'Port 500 and port 4500 of one client leave by different addresses',
  ref: 'RFC 4787 REQ-2',
  next: 'Pair the addresses on the box, or tie UDP 500 and 4500 to one line; else start on 4500, and do not identify clients by address.',
  find: (view) => {
    const { facts, messages, refusals } = view;
    for (const refused of refusals) {
      const requests = messages.filter((item) => item.ike!.sa === refused.ike!.sa && !item.ike!.response && byInitiator(facts, item));
      const [first, ...later] = requests.map((item) => item.sightings.at(-1)!);
      const other = later.find((one) => one.place === first!.place && one.from.address !== first!.from.address);
      if (other === undefined) continue;
      return {
        says: `One IKE SA comes to ${other.place} from ${first!.from.address} on port 500 and from ${other.from.address} on 4500, and the gateway refuses it.`,
        evidence: [first!.first.frame, other.first.frame, originOf(refused).first.frame], certainty: 'seen', explains: view.openIn(refused.ike!.sa),
      };
    }
    return undefined;
  },
};
