/** ESP without ports, at a box or a firewall. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import type { View } from '../view.ts';
import type { Question } from '../questions.ts';

const plain = ({ open }: View): Question[] => open.filter(({ item }) => item.kind === 'esp' && item.encapsulation === 'none');

export const plainEspManyClients: Finding = {
  id: 'plain-esp-many-clients',
  title: 'Plain ESP of a second client through one NAT',
  ref: 'RFC 3948 §1',
  next: 'ESP has no ports to tell clients apart by: switch NAT traversal on at client and gateway, so that it travels in UDP on port 4500.',
  find: (view) => {
    const second = plain(view).filter((question) => view.othersServed(question).some(({ item }) => item.kind === 'esp' && item.encapsulation === 'none'));
    return from(second, second.some((question) => view.swallowed(question)) ? 'seen' : 'likely', (question) => {
      const where = view.swallowed(question) ? ` Its packets go in at ${question.last.place} and do not come out.` : '';
      return `${question.origin.place} sends ESP as IP protocol 50 and gets nothing back, while another client of the same gateway does.${where}`;
    });
  },
};

export const plainEspBlocked: Finding = {
  id: 'plain-esp-blocked',
  title: 'ESP as IP protocol 50 does not get through, IKE does',
  ref: 'RFC 3948 §1, RFC 7296 §2.23',
  next: 'Let IP protocol 50 pass the firewalls, or force encapsulation in UDP (port 4500), which passes where IKE passes.',
  find: (view) => from(plain(view), plain(view).some((question) => view.swallowed(question)) ? 'seen' : 'likely', (question) => {
    const where = view.swallowed(question) ? ` It goes in at ${question.last.place} and does not come out.` : '';
    return `${question.origin.place} sends ESP to ${question.origin.to.address} as IP protocol 50, and none comes back.${where}`;
  }),
};
