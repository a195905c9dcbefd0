/** The tunnel works, and one destination behind it is silent. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const innerDestination: Finding = {
  id: 'destination-behind-the-tunnel-silent',
  title: 'What goes into the tunnel for one destination is not answered, for another it is',
  ref: 'RFC 7296 §2.9',
  next: 'The tunnel is not to blame. Does the gateway pass this destination on, and is the client meant to send it there at all? If not, name the networks that go into the tunnel (split tunnelling).',
  find: (view) => {
    const silent = view.open.filter((question) => question.item.inner?.mode === 'tunnel' && view.servedHere(question).some(({ item }) => item.inner !== undefined && item.spi === question.item.spi && item.inner.to.address !== question.item.inner!.to.address));
    return from(silent, 'seen', ({ item, origin }) => `${origin.place} reaches other addresses through the tunnel, and not ${item.inner!.to.address}.`);
  },
};
