/** Between two watched places nothing arrives any more: a cable, a radio, a provider. */
import type { Conclusion, Finding } from '../finding.ts';
import { from } from '../finding.ts';
import type { Keepalives } from '../facts.ts';
import type { Question } from '../questions.ts';
import type { Line, View } from '../view.ts';

/** The line that what was asked went into last, and out of which nothing has come since. */
function deadFor(view: View, { origin, last }: Question): Line | undefined {
  const line = last.direction === 'out' ? view.lineFrom(last) : undefined;
  return line !== undefined && line.until.at < origin.first.at ? line : undefined;
}

/** Two keepalives of the usual interval: one may be lost anywhere. */
const patience = 40;

/** A line into which only keepalives go. */
function deadForKeepalives(view: View): { readonly sent: Keepalives; readonly line: Line } | undefined {
  for (const sent of view.facts.keepalives.values()) {
    const line = view.lineFrom(sent);
    if (line !== undefined && sent.last.at - line.until.at > patience) return { sent, line };
  }
  return undefined;
}

export const lineDead: Finding = {
  id: 'line-dead',
  title: 'The line is dead: what goes into it does not come out any more',
  ref: 'RFC 7296 §2.4',
  next: 'Look at the line between the two places: cable, radio, provider, a firewall that was switched on. IKE, NAT and keepalives are not to blame, and the tunnel goes on where SAs outlive the gap.',
  find: (view): Conclusion | undefined => {
    const lost = view.open.filter((question) => deadFor(view, question) !== undefined);
    const say = (place: string, { to, until }: Line): string => `What leaves ${place} came to ${to} until ${until.at.toFixed(1)} s (frame ${until.frame}), and nothing does since.`;
    const asked = from(lost, 'seen', (question) => say(question.last.place, deadFor(view, question)!));
    if (asked !== undefined) return asked;
    const silent = deadForKeepalives(view);
    return silent && { says: `${say(silent.sent.place, silent.line)} Only keepalives have tried.`, evidence: [silent.line.until.frame, silent.sent.last.frame], certainty: 'seen', explains: [] };
  },
};
