/** What a teacher would add: of each message what it means, and the first time that something happens, why it is so, with the section to read. */
import type { Kind, TraceEvent } from '../../src/trace/events.ts';

export interface Lesson {
  readonly says: string;
  /** `RFC 3948 §2.3` */
  readonly ref: string;
}

/** What is worth a word when it is seen for the first time. The rest explains itself. */
export const lessons = {
  'nat-detection': {
    says: 'Each side sends hashes of the addresses and ports as it sees them. A box that rewrites one of them cannot rewrite the hash: where the receiver computes another one, there is a NAT, and it knows in front of whom.',
    ref: 'RFC 7296 §2.23',
  },
  'port-float': {
    says: 'Many boxes treat port 500 in ways of their own. Port 4500 is for IKE and ESP alike, so that one mapping serves both; four zero octets tell IKE from ESP, whose SPI is never zero.',
    ref: 'RFC 3948 §2.2',
  },
  'keepalive-sent': {
    says: 'One octet, 0xFF, that the receiver throws away: it is for the box, whose mapping lives as long as something leaves by it. Only who is behind a NAT sends it, and only when nothing else was sent.',
    ref: 'RFC 3948 §2.3',
  },
  'mapping-created': {
    says: 'From now on the box stands for this host under an outside address and port. What comes back to them goes in; what fits no mapping has nowhere to go.',
    ref: 'RFC 4787 §4.1',
  },
  'mapping-expired': {
    says: 'A box forgets what nobody uses. Two minutes are the least that it should wait for UDP, five are better; many wait for 30 seconds.',
    ref: 'RFC 4787 §4.3',
  },
  'mapping-removed': {
    says: 'The mapping is gone before its time, and neither side is told: both still hold SAs that look whole.',
    ref: 'RFC 3947 §6',
  },
  'child-sa': {
    says: 'ESP has no ports for a box to tell hosts apart by. In UDP it borrows those of IKE.',
    ref: 'RFC 3948 §2.1',
  },
  'peer-moved': {
    says: 'Who is not behind a NAT sends to where the last authentic packet came from, for that is where the box stands for the peer now. A packet that anybody could have sent moves nothing.',
    ref: 'RFC 7296 §2.23',
  },
  'peer-dead': {
    says: 'Silence proves nothing until something was asked: only requests that stay unanswered for so long end an SA.',
    ref: 'RFC 7296 §2.4',
  },
  'virtual-address': {
    says: 'Behind NATs many clients have the same address. Inside the tunnel each goes by one that the gateway gave it.',
    ref: 'RFC 7296 §2.19',
  },
  'sa-eclipsed': {
    says: 'Two clients look the same from here, and one policy cannot lead to both: the newer one gets everything.',
    ref: 'RFC 3948 §5.2',
  },
} as const satisfies Partial<Record<Kind, Lesson>>;

/** Knows what it has said, so that nothing is explained twice. */
export class Teacher {
  readonly #said = new Set<Kind>();

  /** What to add to an event; undefined where there is nothing. */
  adds({ body }: Pick<TraceEvent, 'body'>): string | undefined {
    if (body.kind === 'ike-message') return body.direction === 'sent' ? body.story : undefined;
    if (!(body.kind in lessons) || this.#said.has(body.kind) || (body.kind === 'child-sa' && body.encapsulation === 'none')) return undefined;
    this.#said.add(body.kind);
    const { says, ref } = lessons[body.kind as keyof typeof lessons];
    return `${says} (${ref})`;
  }
}
