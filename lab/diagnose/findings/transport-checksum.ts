/** Transport mode: the checksum inside is over addresses that the NAT has changed. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { protocols } from '../../../src/wire/protocols.ts';

export const transportChecksum: Finding = {
  id: 'transport-checksum',
  title: 'In transport mode the checksum inside does not fit behind the NAT',
  ref: 'RFC 3948 §3.1.2, RFC 3947 §5.2',
  next: 'The receiver must mend it: by the original addresses (NAT-OA, or the traffic selectors of IKEv2), or anew; else use tunnel mode.',
  find: (view) => {
    const lost = view.open.filter((question) => question.item.kind === 'esp' && question.item.inner?.mode === 'transport' && [protocols.udp, protocols.tcp].some((one) => one === question.item.inner!.protocol) && !question.workedBefore && view.hasNat(question));
    return from(lost, 'likely', (question) => {
      const arrives = view.reached(question) ? `comes to ${question.last.place} whole` : 'is sent';
      return `${question.item.inner!.protocol === protocols.tcp ? 'TCP' : 'UDP'} in transport mode, ${question.origin.from.address} to ${question.origin.to.address} through a NAT, ${arrives} and is not answered.`;
    });
  },
};
