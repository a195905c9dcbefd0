/** A box that takes the announcement of NAT traversal out of IKE. */
import { describeEndpoint } from '../../../src/core/address.ts';
import type { Finding } from '../finding.ts';
import { originOf } from '../questions.ts';
import { byInitiator } from '../view.ts';

export const helperStrips: Finding = {
  id: 'helper-strips-nat-t',
  title: 'A box on the way takes NAT traversal out of IKE',
  ref: 'RFC 7296 §2.23, RFC 3947 §3.1',
  next: 'Switch the box\'s IPsec or VPN helper (ALG) off, or have the client start on port 4500, where helpers do not look.',
  find: ({ facts, messages, refusals }) => {
    for (const sent of messages) {
      const { ike } = sent;
      if (!ike!.offersNatTraversal || ike!.encrypted) continue;
      const twin = messages.find((other) => other !== sent && other.ike!.sa === ike!.sa && other.ike!.responderSpi === ike!.responderSpi && other.ike!.exchange === ike!.exchange && other.ike!.messageId === ike!.messageId
        && other.ike!.response === ike!.response && !other.ike!.encrypted && !other.ike!.offersNatTraversal && other.ike!.length < ike!.length && originOf(other).first.at >= originOf(sent).first.at && byInitiator(facts, other) === byInitiator(facts, sent)
        && originOf(other).place !== originOf(sent).place);
      if (twin === undefined) continue;
      const [before, after] = [originOf(sent), originOf(twin)];
      return {
        says: `${ike!.exchange} left ${describeEndpoint(before.from)} with the announcement of NAT traversal, ${ike!.length} octets, and is without it at ${after.place}, ${twin.ike!.length} octets.`,
        evidence: [before.first.frame, after.first.frame], certainty: 'seen', explains: [],
      };
    }
    // from one side: announced, not taken up, and then the proof of identity, which covers the first message, fails
    const [refused] = refusals;
    const ofSa = messages.filter((item) => item.ike!.sa === refused?.ike!.sa);
    const [offer] = ofSa.filter((item) => item.ike!.exchange === 'IKE_SA_INIT' && !item.ike!.response && item.ike!.offersNatTraversal);
    const answer = ofSa.find((item) => item.ike!.exchange === 'IKE_SA_INIT' && item.ike!.response);
    if (refused === undefined || offer === undefined || answer === undefined || answer.ike!.offersNatTraversal) return undefined;
    return {
      says: 'The client announces NAT traversal, the answer has none, and the gateway then refuses a proof that covers the first message: it has seen another one.',
      evidence: [offer, answer, refused].map((item) => originOf(item).first.frame), certainty: 'likely', explains: [],
    };
  },
};
