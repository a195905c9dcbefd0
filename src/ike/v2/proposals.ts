/** Proposals: what is offered, and what of the peer's offer is chosen (RFC 7296 §2.7, §3.3). */
import { cipherSuiteByIds, hasOneLength, isAead } from '../../crypto/cipher-suites.ts';
import { dhGroupById } from '../../crypto/diffie-hellman.ts';
import { ahKeyLengths } from '../../crypto/integrity.ts';
import { prfById } from '../../crypto/prf.ts';
import { dhGroupIds, encryptionIds, integrityIds, prfIds } from '../../crypto/transforms.ts';
import type { CipherSuite, DhGroup, Prf } from '../../crypto/types.ts';
import { protocolIds, transformTypes, type Proposal, type Transform } from '../../wire/ike/message.ts';
import type { ChildAlgorithms } from '../child.ts';
import type { ChildConfig, IkeProposal } from '../config.ts';
import { protocolIdOf } from './payloads.ts';

const { ENCR, PRF, INTEG, DH, ESN } = transformTypes;
const noSpi = new Uint8Array(0);

/** What an IKE SA works with. */
export interface IkeAlgorithms {
  readonly suite: CipherSuite;
  readonly prf: Prf;
  readonly group: DhGroup;
}

/** The chosen proposal as it goes back in the answer, and what it means. */
export interface Chosen<Algorithms> {
  readonly proposal: Proposal;
  readonly algorithms: Algorithms;
}

// ---- what we offer -------------------------------------------------------------------------------------------------------

/** The proposals of an IKE SA; `spi` is empty in IKE_SA_INIT and the new SA's at a rekey (RFC 7296 §3.3.1). */
export const ikeProposals = (configured: readonly IkeProposal[], spi: Uint8Array = noSpi): Proposal[] =>
  numbered(
    protocolIds.IKE,
    spi,
    configured.flatMap((proposal) =>
      split(proposal, (encryption, integrity) => [...encryption, ...transforms(PRF, proposal.prf, prfIds), ...integrity, ...transforms(DH, proposal.groups, dhGroupIds)]),
    ),
  );

/** What is configured of the child SAs of a connection. */
type ChildProposals = Pick<ChildConfig, 'protocol' | 'proposals'>;

/** The proposals of a child SA. In IKE_AUTH there is no Diffie-Hellman of its own (RFC 7296 §1.2). */
export const childProposals = ({ protocol = 'esp', proposals }: ChildProposals, spi: Uint8Array, groups: 'with groups' | 'without groups'): Proposal[] =>
  numbered(
    protocolIdOf[protocol],
    spi,
    proposals.flatMap((proposal) =>
      (protocol === 'ah' ? integrityOnly : split)(proposal, (encryption, integrity) => [
        ...encryption,
        ...integrity,
        ...(groups === 'with groups' ? transforms(DH, proposal.groups, dhGroupIds) : []),
        ...(proposal.extendedSequenceNumbers ? [{ type: ESN, id: 1 }] : []),
        { type: ESN, id: 0 },
      ]),
    ),
  );

type Ciphers = Pick<IkeProposal, 'encryption' | 'integrity'>;

/** AEADs and other ciphers may not stand in one proposal, since only the latter need an integrity transform (RFC 7296 §3.3, RFC 5282 §8). */
function split({ encryption, integrity }: Ciphers, make: (encryption: Transform[], integrity: Transform[]) => Transform[]): Transform[][] {
  const aeads = encryption.filter(({ name }) => isAead(name));
  const others = encryption.filter(({ name }) => !isAead(name));
  const proposals: Transform[][] = [];
  if (aeads.length > 0) proposals.push(make(aeads.map(encryptionTransform), []));
  if (others.length > 0) proposals.push(make(others.map(encryptionTransform), transforms(INTEG, integrity.filter((name) => name !== 'none'), integrityIds)));
  return proposals;
}

/** AH: integrity, and nothing else that protects (RFC 7296 §3.3.3). */
const integrityOnly: typeof split = ({ integrity }, make) => {
  const hmacs = integrity.filter((name) => name !== 'none');
  return hmacs.length === 0 ? [] : [make([], transforms(INTEG, hmacs, integrityIds))];
};

/** AES has a key length (128 where the configuration names none), ChaCha20 and 3DES must not (RFC 7634 §4, RFC 7296 §3.3.5). */
const encryptionTransform = ({ name, bits }: Ciphers['encryption'][number]): Transform => ({
  type: ENCR,
  id: encryptionIds[name],
  ...(hasOneLength(name) ? {} : { keyLength: bits ?? 128 }),
});

const transforms = <Name extends string>(type: number, names: readonly Name[], ids: Readonly<Record<Name, number>>): Transform[] =>
  names.map((name) => ({ type, id: ids[name] }));

const numbered = (protocol: number, spi: Uint8Array, lists: readonly Transform[][]): Proposal[] =>
  lists.map((list, i) => ({ number: i + 1, protocol, spi, transforms: list }));

// ---- what we choose ------------------------------------------------------------------------------------------------------

/**
 * The peer's first proposal that we have too, in it the peer's first transform of each type that we have too. The group of the KE payload that
 * came along is preferred to others that would cost another round trip (RFC 7296 §1.2).
 */
export function chooseIke(offered: readonly Proposal[], configured: readonly IkeProposal[], keGroup?: number): Chosen<IkeAlgorithms> | undefined {
  for (const ours of ikeProposals(configured)) {
    for (const theirs of offered) {
      const chosen = theirs.protocol === protocolIds.IKE ? choose(theirs, ours, keGroup) : undefined;
      const algorithms = chosen && ikeAlgorithms(chosen);
      if (chosen !== undefined && algorithms !== undefined) return { proposal: chosen, algorithms };
    }
  }
  return undefined;
}

export function chooseChild(
  offered: readonly Proposal[],
  configured: ChildProposals,
  groups: 'with groups' | 'without groups',
  keGroup?: number,
): Chosen<ChildAlgorithms> | undefined {
  for (const ours of childProposals(configured, noSpi, groups)) {
    for (const theirs of offered) {
      if (theirs.protocol !== ours.protocol || theirs.spi.length !== 4) continue;
      const relevant = groups === 'with groups' ? theirs : { ...theirs, transforms: theirs.transforms.filter(({ type }) => type !== DH) };
      const chosen = choose(relevant, ours, keGroup);
      const algorithms = chosen && childAlgorithms(chosen);
      if (chosen !== undefined && algorithms !== undefined) return { proposal: chosen, algorithms };
    }
  }
  return undefined;
}

/** One transform of every type that either side names (RFC 7296 §3.3.6); `NONE` may stand for a type that is not named. */
function choose(theirs: Proposal, ours: Proposal, keGroup: number | undefined): Proposal | undefined {
  const types = [...new Set([...theirs.transforms, ...ours.transforms].map(({ type }) => type))];
  const chosen: Transform[] = [];
  for (const type of types) {
    const wanted = ours.transforms.filter((transform) => transform.type === type);
    const common = theirs.transforms.filter((transform) => transform.type === type && wanted.some((candidate) => same(candidate, transform)));
    const pick = (type === DH ? common.find(({ id }) => id === keGroup) : undefined) ?? common[0];
    if (pick !== undefined) chosen.push(pick);
    else if (!isOptional(type, wanted) || !isOptional(type, theirs.transforms.filter((transform) => transform.type === type))) return undefined;
  }
  return { ...theirs, transforms: chosen };
}

/** INTEG and DH know NONE (0); no ESN transform at all means the same as "no extended sequence numbers". */
const isOptional = (type: number, named: readonly Transform[]): boolean =>
  (type === INTEG || type === DH || type === ESN) && (named.length === 0 || named.some(({ id }) => id === 0));

const same = (a: Transform, b: Transform): boolean =>
  a.id === b.id && a.keyLength === b.keyLength && (b.otherAttributes ?? []).length === 0;

const one = (proposal: Proposal, type: number): Transform | undefined => proposal.transforms.find((transform) => transform.type === type);

function ikeAlgorithms(chosen: Proposal): IkeAlgorithms | undefined {
  const encryption = one(chosen, ENCR);
  const suite = encryption && cipherSuiteByIds(encryption.id, encryption.keyLength, one(chosen, INTEG)?.id);
  const prf = prfById(one(chosen, PRF)?.id ?? -1);
  const group = dhGroupById(one(chosen, DH)?.id ?? -1);
  return suite && prf && group && { suite, prf, group };
}

function childAlgorithms(chosen: Proposal): ChildAlgorithms | undefined {
  const protection = chosen.protocol === protocolIds.AH ? ahProtection(chosen) : espProtection(chosen);
  const groupId = one(chosen, DH)?.id ?? 0;
  const group = groupId === 0 ? undefined : dhGroupById(groupId);
  if (protection === undefined || (groupId !== 0 && group === undefined)) return undefined;
  return { ...protection, group, extendedSequenceNumbers: one(chosen, ESN)?.id === 1 };
}

type Protection = Pick<ChildAlgorithms, 'keyLengths' | 'encryption' | 'integrity'>;

function espProtection(chosen: Proposal): Protection | undefined {
  const encryption = one(chosen, ENCR);
  const integrityId = one(chosen, INTEG)?.id ?? integrityIds.none;
  const suite = encryption && cipherSuiteByIds(encryption.id, encryption.keyLength, integrityId);
  return suite && { keyLengths: suite, encryption: nameOf(encryptionIds, encryption.id), integrity: nameOf(integrityIds, integrityId) };
}

/** Of transforms that were chosen from ours. */
function ahProtection(chosen: Proposal): Protection | undefined {
  const integrity = nameOf(integrityIds, one(chosen, INTEG)?.id ?? integrityIds.none);
  return integrity === 'none' ? undefined : { keyLengths: ahKeyLengths(integrity), encryption: 'none', integrity };
}

/** Of a transform that we have. */
const nameOf = <Name extends string>(ids: Readonly<Record<Name, number>>, id: number): Name => (Object.keys(ids) as Name[]).find((name) => ids[name] === id)!;

// ---- what the peer chose of our offer ------------------------------------------------------------------------------------

/** The answer holds exactly one proposal, made of what we offered under that number (RFC 7296 §2.7); anything else is refused. */
export const acceptedIke = (answer: readonly Proposal[], offer: readonly Proposal[]): Chosen<IkeAlgorithms> | undefined =>
  accepted(answer, offer, ikeAlgorithms);

export const acceptedChild = (answer: readonly Proposal[], offer: readonly Proposal[]): Chosen<ChildAlgorithms> | undefined =>
  accepted(answer, offer, childAlgorithms);

function accepted<Algorithms>(
  answer: readonly Proposal[],
  offer: readonly Proposal[],
  meaning: (chosen: Proposal) => Algorithms | undefined,
): Chosen<Algorithms> | undefined {
  const [proposal, ...more] = answer;
  const offered = offer.find(({ number, protocol }) => number === proposal?.number && protocol === proposal.protocol);
  if (proposal === undefined || more.length > 0 || offered === undefined || proposal.spi.length !== offered.spi.length) return undefined;
  const types = proposal.transforms.map(({ type }) => type);
  const named = offered.transforms.filter(({ id }) => id !== 0).map(({ type }) => type);
  const isOurs = proposal.transforms.every(
    (transform) => (transform.id === 0 && isOptional(transform.type, [])) || offered.transforms.some((candidate) => candidate.type === transform.type && same(candidate, transform)),
  );
  const isComplete = named.every((type) => types.includes(type) || isOptional(type, offered.transforms.filter((t) => t.type === type)));
  if (!isOurs || !isComplete || new Set(types).size !== types.length) return undefined;
  const algorithms = meaning(proposal);
  return algorithms && { proposal, algorithms };
}
