/** The proposals of quick mode: what is offered, and what of the peer's offer is chosen (RFC 2407 §4.4, §4.5; RFC 3947 §5.1). */
import { seconds, type Duration } from '../../core/time.ts';
import { cipherSuiteByIds } from '../../crypto/cipher-suites.ts';
import { dhGroup, dhGroupById } from '../../crypto/diffie-hellman.ts';
import { ahKeyLengths } from '../../crypto/integrity.ts';
import { encryptionIds, integrityIds, type EncryptionName, type IntegrityName } from '../../crypto/transforms.ts';
import type { DhGroup } from '../../crypto/types.ts';
import { ahTransforms, authenticationAlgorithms, encapsulationModes, espTransforms, phaseTwoAttributes, type Proposal, type Transform } from '../../wire/ike/v1/message.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import type { Role } from '../any-ike-sa.ts';
import { wantedProtocol, type ChildAlgorithms } from '../child.ts';
import type { ChildConfig, ChildProtocol, EspProposal } from '../config.ts';
import { attributeNumbers, lifetimeAttributes, lifetimeOf } from './attributes.ts';
import { nattModes } from './natt-versions.ts';
import { protocolIdOf, spiFrom, spiOctets } from './payloads.ts';
import { shorter } from './phase1-proposals.ts';
import type { IsakmpSa } from './sa.ts';

const { LIFE_TYPE, LIFE_DURATION, GROUP, ENCAPSULATION_MODE, AUTHENTICATION, KEY_LENGTH, EXTENDED_SEQUENCE_NUMBERS } = phaseTwoAttributes;
const known: ReadonlySet<number> = new Set([LIFE_TYPE, LIFE_DURATION, GROUP, ENCAPSULATION_MODE, AUTHENTICATION, KEY_LENGTH, EXTENDED_SEQUENCE_NUMBERS]);
const life = { type: LIFE_TYPE, duration: LIFE_DURATION };
/** RFC 4304: sequence numbers of 64 bits. */
const extended = 1;

/** ChaCha20-Poly1305 has no number in IKEv1. */
const encryptions: Partial<Record<EncryptionName, number>> = { 'aes-cbc': espTransforms['AES-CBC'], '3des-cbc': espTransforms['3DES'], 'aes-gcm-16': espTransforms['AES-GCM-16'] };
const integrities: Partial<Record<IntegrityName, number>> = {
  'hmac-md5-96': authenticationAlgorithms['HMAC-MD5'], 'hmac-sha1-96': authenticationAlgorithms['HMAC-SHA1'], 'hmac-sha2-256-128': authenticationAlgorithms['HMAC-SHA2-256'],
  'hmac-sha2-384-192': authenticationAlgorithms['HMAC-SHA2-384'], 'hmac-sha2-512-256': authenticationAlgorithms['HMAC-SHA2-512'],
};

/** RFC 2407 §4.4.3: a transform of AH is an integrity algorithm, which the attribute AUTHENTICATION says once more. */
const ahIntegrities: Partial<Record<IntegrityName, number>> = {
  'hmac-md5-96': ahTransforms.MD5, 'hmac-sha1-96': ahTransforms.SHA, 'hmac-sha2-256-128': ahTransforms['SHA2-256'],
  'hmac-sha2-384-192': ahTransforms['SHA2-384'], 'hmac-sha2-512-256': ahTransforms['SHA2-512'],
};

/** The chosen proposal as it goes back in the answer, and what it means. */
export interface PhaseTwoChoice {
  readonly proposal: Proposal;
  readonly algorithms: ChildAlgorithms;
  readonly spi: number;
  /** Undefined when nobody says how long it lives. */
  readonly lifetime: Duration | undefined;
}

/** What of an ISAKMP SA its proposals depend on. */
type Negotiating = Pick<IsakmpSa, 'connection' | 'natt' | 'encapsulation'>;

/** A combination that the configuration allows. */
interface Alternative {
  /** AH encrypts nothing. */
  readonly encryption: EncryptionName | 'none';
  readonly bits: number | undefined;
  readonly integrity: IntegrityName;
  readonly group: DhGroup | undefined;
  readonly extendedSequenceNumbers: boolean;
}

/** The preferred one first. Who begins has one group in all of them, since its public value goes along (RFC 2409 §5.5). */
function alternatives({ protocol = 'esp', proposals }: ChildConfig, role: Role): Alternative[] {
  const pfs = proposals.flatMap(({ groups }) => groups).map(dhGroup);
  const groups = pfs.length === 0 ? [undefined] : role === 'initiator' ? pfs.slice(0, 1) : pfs;
  return proposals.flatMap((proposal) =>
    protectionsOf[protocol](proposal).flatMap((protection) =>
      (proposal.extendedSequenceNumbers ? [true, false] : [false]).flatMap((extendedSequenceNumbers) => groups.map((group) => ({ ...protection, group, extendedSequenceNumbers }))),
    ),
  );
}

type Protection = Pick<Alternative, 'encryption' | 'bits' | 'integrity'>;

const hmacsOf = ({ integrity }: EspProposal): readonly IntegrityName[] => integrity.filter((hmac) => hmac !== 'none');

const protectionsOf: Readonly<Record<ChildProtocol, (proposal: EspProposal) => Protection[]>> = {
  esp: (proposal) =>
    proposal.encryption.flatMap(({ name, bits }) => {
      if (encryptions[name] === undefined) return [];
      const hmacs = name === 'aes-gcm-16' ? (['none'] as const) : hmacsOf(proposal);
      return hmacs.map((integrity) => ({ encryption: name, bits: name === '3des-cbc' ? undefined : (bits ?? 128), integrity }));
    }),
  ah: (proposal) => hmacsOf(proposal).map((integrity) => ({ encryption: 'none', bits: undefined, integrity })),
};

/** How packets go: in IP, or in UDP where there is a NAT; the preferred number first (RFC 3947 §5.1, and its drafts'). There is no AH in UDP. */
export function encapsulationModesOf({ connection, natt, encapsulation }: Negotiating): readonly number[] {
  const mode = connection.child.mode ?? 'tunnel';
  if (encapsulation !== 'none' && natt !== undefined && connection.child.protocol !== 'ah') return nattModes(natt, mode);
  return [mode === 'tunnel' ? encapsulationModes.TUNNEL : encapsulationModes.TRANSPORT];
}

/** One proposal with all alternatives, of the SPI that the peer shall send with. */
export function phaseTwoOffer(sa: Negotiating, spiIn: number): Proposal {
  const { child } = sa.connection;
  const [mode] = encapsulationModesOf(sa);
  const lifetime = announcedLifetime(child);
  return { number: 1, protocol: protocolIdOf[wantedProtocol(sa)], spi: spiOctets(spiIn), transforms: alternatives(child, 'initiator').map((alternative, i) => transformOf(i + 1, alternative, mode!, lifetime)) };
}

function transformOf(number: number, { encryption, bits, integrity, group, extendedSequenceNumbers }: Alternative, mode: number, lifetime: Duration | undefined): Transform {
  const hmac = integrities[integrity];
  const attributes: DataAttribute[] = [
    ...(bits === undefined ? [] : [{ type: KEY_LENGTH, value: bits }]),
    ...(hmac === undefined ? [] : [{ type: AUTHENTICATION, value: hmac }]),
    ...(group === undefined ? [] : [{ type: GROUP, value: group.id }]),
    { type: ENCAPSULATION_MODE, value: mode },
    ...(extendedSequenceNumbers ? [{ type: EXTENDED_SEQUENCE_NUMBERS, value: extended }] : []),
    ...lifetimeAttributes(life, lifetime),
  ];
  return { number, id: encryption === 'none' ? ahIntegrities[integrity]! : encryptions[encryption]!, attributes };
}

const announcedLifetime = ({ lifetime: { hardTime } }: ChildConfig): Duration | undefined => (hardTime === 'never' ? undefined : seconds(Math.max(1, Math.round(hardTime / 1000))));

/** The first transform of the initiator's that is allowed here, where this side has that role; it goes back as it came (RFC 2408 §4.2). Where AH and ESP are wanted at once, nothing is. */
export function choosePhaseTwo(sa: Negotiating, offered: readonly Proposal[], role: Role): PhaseTwoChoice | undefined {
  const { child } = sa.connection;
  const [ours, modes, protocol] = [alternatives(child, role), encapsulationModesOf(sa), wantedProtocol(sa)];
  for (const proposal of offered) {
    const spi = spiFrom(proposal.spi);
    const isAlone = offered.every((other) => other === proposal || other.number !== proposal.number);
    if (proposal.protocol !== protocolIdOf[protocol] || spi === undefined || spi === 0 || !isAlone) continue;
    for (const transform of proposal.transforms) {
      const meaning = meaningOf(transform, protocol, modes);
      const algorithms = meaning !== undefined && ours.some((candidate) => sameAlternative(candidate, meaning)) ? algorithmsOf(meaning) : undefined;
      if (algorithms !== undefined) return { proposal: { ...proposal, transforms: [transform] }, algorithms, spi, lifetime: shorter(lifetimeOf(transform, life), announcedLifetime(child)) };
    }
  }
  return undefined;
}

/** The answer holds one transform of our offer, with the responder's SPI in place of ours. */
export function acceptedPhaseTwo(sa: Negotiating, answer: readonly Proposal[]): PhaseTwoChoice | undefined {
  const [proposal, ...more] = answer;
  return proposal === undefined || more.length > 0 || proposal.transforms.length !== 1 ? undefined : choosePhaseTwo(sa, [proposal], 'initiator');
}

function meaningOf(transform: Transform, protocol: ChildProtocol, modes: readonly number[]): Alternative | undefined {
  const value = attributeNumbers(transform, known, life);
  const mode = value?.get(ENCAPSULATION_MODE);
  if (value === undefined || mode === undefined || !modes.includes(mode)) return undefined;
  const encryption = protocol === 'ah' ? 'none' : nameOf(encryptions, transform.id);
  const hmac = value.get(AUTHENTICATION);
  const integrity = hmac === undefined ? 'none' : nameOf(integrities, hmac);
  const groupId = value.get(GROUP);
  const group = groupId === undefined ? undefined : dhGroupById(groupId);
  if (encryption === undefined || integrity === undefined || (protocol === 'ah' && ahIntegrities[integrity] !== transform.id) || (groupId !== undefined && group === undefined)) return undefined;
  return { encryption, bits: value.get(KEY_LENGTH), integrity, group, extendedSequenceNumbers: value.get(EXTENDED_SEQUENCE_NUMBERS) === extended };
}

const sameAlternative = (a: Alternative, b: Alternative): boolean =>
  a.encryption === b.encryption && a.bits === b.bits && a.integrity === b.integrity && a.group === b.group && a.extendedSequenceNumbers === b.extendedSequenceNumbers;

function algorithmsOf({ encryption, bits, integrity, group, extendedSequenceNumbers }: Alternative): ChildAlgorithms | undefined {
  const keyLengths = encryption !== 'none' ? cipherSuiteByIds(encryptionIds[encryption], bits, integrityIds[integrity]) : integrity === 'none' ? undefined : ahKeyLengths(integrity);
  return keyLengths && { keyLengths, encryption, integrity, group, extendedSequenceNumbers };
}

const nameOf = <Name extends string>(numbers: Partial<Record<Name, number>>, number: number): Name | undefined => (Object.keys(numbers) as Name[]).find((name) => numbers[name] === number);
