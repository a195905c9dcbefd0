/** XAUTH: the key of the group was right, the password was not. */
import type { Finding } from '../finding.ts';
import { originOf } from '../questions.ts';

export const passwordRefused: Finding = {
  id: 'password-refused',
  title: 'The gateway refuses the user\'s name or password',
  ref: 'draft-beaulieu-ike-xauth §2',
  next: 'NAT has nothing to do with it: correct the password.',
  find: ({ messages }) => {
    const refused = messages.filter((item) => item.ike!.password === 'refused');
    const [first] = refused;
    if (first === undefined) return undefined;
    return { says: `XAUTH ends with the status FAIL, told to ${originOf(first).to.address}.`, evidence: refused.map((item) => originOf(item).first.frame), certainty: 'seen', explains: [] };
  },
};
