/** The UDP checksum around ESP, which mostly is zero. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import type { Question } from '../questions.ts';
import type { View } from '../view.ts';

const inUdp = ({ open }: View): Question[] => open.filter(({ item }) => item.kind === 'esp' && item.encapsulation === 'udp');

export const zeroOverIpv6: Finding = {
  id: 'zero-checksum-over-ipv6',
  title: 'ESP in UDP over IPv6 without a checksum',
  ref: 'RFC 8200 §8.1, RFC 6935 §5',
  next: 'Over IPv6 a datagram without a checksum is thrown away: have the client compute it.',
  find: (view) => from(inUdp(view).filter(({ item, origin }) => item.version === 6 && origin.checksum === 'zero'), 'seen', ({ origin }) => `${origin.place} sends ESP in UDP over IPv6 with a checksum of zero, and none comes back.`),
};

export const checksumSpoiled: Finding = {
  id: 'udp-checksum-spoiled',
  title: 'A box "fixes" the UDP checksum of ESP that has none',
  ref: 'RFC 3948 §2.1, RFC 768',
  next: 'Have both ends compute UDP checksums around ESP, or mend the box: zero means that there is no checksum, and must stay zero.',
  find: (view) => {
    const seen = inUdp(view).filter(({ item, origin }) => origin.checksum !== 'wrong' && item.sightings.some(({ checksum }) => checksum === 'wrong'));
    if (seen.length > 0) return from(seen, 'seen', ({ item, origin }) => `ESP leaves ${origin.place} ${origin.checksum === 'zero' ? 'without a UDP checksum' : 'with a good UDP checksum'} and has a wrong one at ${item.sightings.find(({ checksum }) => checksum === 'wrong')!.place}.`);
    const likely = inUdp(view).filter((question) => question.origin.checksum === 'zero' && question.item.inner?.mode === 'tunnel' && !view.items.some((item) => item.kind === 'esp' && item.sightings.some((one) => one.place === question.origin.place && one.from.address === question.origin.to.address)) && !question.workedBefore && !view.reached(question) && !view.servedHere(question).some(({ item }) => item.kind === 'esp'));
    return from(likely, 'likely', ({ origin }) => `${origin.place} sends ESP in UDP without a checksum, as it may, and none of it is ever answered, while IKE, which has one, is.`);
  },
};
