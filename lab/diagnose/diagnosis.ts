/** From packets to causes: facts are gathered section by section, and the findings asked one after the other. */
import type { KeyRing } from '../capture/keys.ts';
import { Onlooker } from '../capture/onlooker.ts';
import type { Passed } from '../capture/walk.ts';
import { Facts } from './facts.ts';
import type { Conclusion, Finding } from './finding.ts';
import { findings } from './findings/index.ts';
import type { Question } from './questions.ts';
import { sightsIn } from './sights.ts';
import type { Sight } from './sights.ts';
import { View } from './view.ts';

export interface Cause extends Conclusion {
  readonly finding: Finding;
}

export interface SectionDiagnosis {
  readonly section: number;
  readonly title: string | undefined;
  readonly packets: number;
  readonly sights: readonly Sight[];
  readonly causes: readonly Cause[];
}

/** What this section shows, and why something does not work. */
export function causesOf(facts: Facts): readonly Cause[] {
  const explained = new Set<Question>();
  const whole = new View(facts);
  return findings.flatMap((finding): Cause[] => {
    const conclusion = finding.find(whole.without(explained));
    if (conclusion === undefined) return [];
    for (const question of conclusion.explains) explained.add(question);
    return [{ ...conclusion, finding }];
  });
}

/** Takes packets as they come; the facts of one section at a time. */
export class Diagnosis {
  readonly #keys: KeyRing;
  #section = 0;
  #facts: Facts | undefined;
  /** What could be opened, of all sections. */
  readonly counts = { ike: { seen: 0, opened: 0 }, esp: { seen: 0, opened: 0 } };

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /** A section that ends with this packet. */
  see(passed: Passed): SectionDiagnosis | undefined {
    const { place } = passed.kind === 'packet' ? passed.frame : passed;
    let ended: SectionDiagnosis | undefined;
    if (place.section !== this.#section) {
      ended = this.end();
      this.#section = place.section;
      this.#facts = new Facts(place.sectionTitle, passed.kind === 'packet' ? passed.frame.at : passed.at, new Onlooker(this.#keys, this.counts));
    }
    this.#facts!.see(passed);
    return ended;
  }

  /** The last section. */
  end(): SectionDiagnosis | undefined {
    const facts = this.#facts;
    this.#facts = undefined;
    return facts && { section: this.#section, title: facts.title, packets: facts.packets, sights: sightsIn(facts), causes: causesOf(facts) };
  }
}
