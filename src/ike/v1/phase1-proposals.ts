/** The proposals of phase 1: what is offered, and what of the peer's offer is chosen (RFC 2409 §5, appendix A; RFC 2408 §4.2). */
import { seconds, type Duration } from '../../core/time.ts';
import { dhGroup, dhGroupById } from '../../crypto/diffie-hellman.ts';
import { hash, hashById } from '../../crypto/hash.ts';
import { messageCipherSuite, messageCipherSuiteById, type MessageCipherSuite } from '../../crypto/ike-v1-cipher.ts';
import type { DhGroup, Hash, HashName } from '../../crypto/types.ts';
import { keyIke, phaseOneAttributes, protocolIds, type Proposal, type Transform } from '../../wire/ike/v1/message.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import type { Role } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { attributeNumbers, lifetimeAttributes, lifetimeOf } from './attributes.ts';
import { authenticationMethod } from './authentication-methods.ts';

const { ENCRYPTION, KEY_LENGTH, HASH, GROUP, AUTHENTICATION_METHOD, LIFE_TYPE, LIFE_DURATION } = phaseOneAttributes;
const known: ReadonlySet<number> = new Set([ENCRYPTION, KEY_LENGTH, HASH, GROUP, AUTHENTICATION_METHOD, LIFE_TYPE, LIFE_DURATION]);
const life = { type: LIFE_TYPE, duration: LIFE_DURATION };

/** What an ISAKMP SA works with. */
export interface PhaseOneAlgorithms {
  readonly cipher: MessageCipherSuite;
  readonly hash: Hash;
  readonly group: DhGroup;
  /** How the two authenticate each other, by its number. */
  readonly method: number;
}

/** The chosen proposal as it goes back in the answer, and what it means. */
export interface PhaseOneChoice {
  readonly proposal: Proposal;
  readonly algorithms: PhaseOneAlgorithms;
  /** How long the ISAKMP SA lives; undefined when nobody says. */
  readonly lifetime: Duration | undefined;
}

/** What the configuration allows, the preferred one first. Who begins aggressive mode has one group, since its public value goes along (RFC 2409 §5.4). */
function allowed(connection: ConnectionConfig, role: Role): PhaseOneAlgorithms[] {
  const { proposals, ike } = connection;
  const method = authenticationMethod(connection, role);
  const all = proposals.flatMap(({ encryption, prf, groups }) =>
    groups.flatMap((group) =>
      encryption.flatMap(({ name, bits }) =>
        name !== 'aes-cbc' && name !== '3des-cbc' ? [] : prf.map((prfName) => ({
          cipher: messageCipherSuite(name, name === '3des-cbc' ? undefined : (bits ?? 128)), hash: hash(prfName.replace('hmac-', '') as HashName), group: dhGroup(group), method,
        })),
      ),
    ),
  );
  return role === 'initiator' && ike.version === 'v1' && ike.exchange === 'aggressive' ? all.filter(({ group }) => group === all[0]?.group) : all;
}

/** The group of the preferred alternative: the one of aggressive mode. */
export const groupOf = (connection: ConnectionConfig): DhGroup => allowed(connection, 'initiator')[0]!.group;

/** One proposal with all alternatives: phase 1 has no SPI of its own (RFC 2408 §3.5). */
export function phaseOneOffer(connection: ConnectionConfig): Proposal {
  const lifetime = announcedLifetime(connection);
  return { number: 1, protocol: protocolIds.ISAKMP, spi: new Uint8Array(0), transforms: allowed(connection, 'initiator').map((algorithms, i) => transformOf(i + 1, algorithms, lifetime)) };
}

function transformOf(number: number, { cipher, hash: { id: hashId }, group, method }: PhaseOneAlgorithms, lifetime: Duration | undefined): Transform {
  const attributes: DataAttribute[] = [
    { type: ENCRYPTION, value: cipher.id },
    ...(cipher.bits === undefined ? [] : [{ type: KEY_LENGTH, value: cipher.bits }]),
    { type: HASH, value: hashId },
    { type: GROUP, value: group.id },
    { type: AUTHENTICATION_METHOD, value: method },
    ...lifetimeAttributes(life, lifetime),
  ];
  return { number, id: keyIke, attributes };
}

/** Rekeying starts before the end: what is announced lies behind it. */
const announcedLifetime = ({ rekeyIkeAfter }: ConnectionConfig): Duration | undefined =>
  rekeyIkeAfter === 'never' ? undefined : seconds(Math.ceil((rekeyIkeAfter / 1000) * rekeyMargin));
export const rekeyMargin = 1.2;

/** The first transform of the initiator's that is allowed here, where this side has that role; it goes back as it came (RFC 2408 §4.2). Lifetimes are no reason to refuse. */
export function choosePhaseOne(offered: readonly Proposal[], connection: ConnectionConfig, role: Role): PhaseOneChoice | undefined {
  const ours = allowed(connection, role);
  for (const proposal of offered) {
    if (proposal.protocol !== protocolIds.ISAKMP) continue;
    for (const transform of proposal.transforms) {
      const algorithms = meaningOf(transform);
      if (algorithms === undefined || !ours.some((candidate) => sameAlgorithms(candidate, algorithms))) continue;
      return { proposal: { ...proposal, transforms: [transform] }, algorithms, lifetime: shorter(lifetimeOf(transform, life), announcedLifetime(connection)) };
    }
  }
  return undefined;
}

/** The answer holds one transform of our offer, unchanged but for its lifetime, which the responder may cut (RFC 2407 §4.5.4 has a notify for that). */
export function acceptedPhaseOne(answer: readonly Proposal[], connection: ConnectionConfig): PhaseOneChoice | undefined {
  const [proposal, ...more] = answer;
  if (proposal === undefined || more.length > 0 || proposal.transforms.length !== 1) return undefined;
  return choosePhaseOne([proposal], connection, 'initiator');
}

function meaningOf(transform: Transform): PhaseOneAlgorithms | undefined {
  const value = attributeNumbers(transform, known, life);
  if (value === undefined || transform.id !== keyIke) return undefined;
  const cipher = messageCipherSuiteById(value.get(ENCRYPTION) ?? 0, value.get(KEY_LENGTH));
  const hashed = hashById(value.get(HASH) ?? 0);
  const group = dhGroupById(value.get(GROUP) ?? 0);
  const method = value.get(AUTHENTICATION_METHOD);
  return cipher && hashed && group && method !== undefined ? { cipher, hash: hashed, group, method } : undefined;
}

const sameAlgorithms = (a: PhaseOneAlgorithms, b: PhaseOneAlgorithms): boolean => a.cipher === b.cipher && a.hash === b.hash && a.group === b.group && a.method === b.method;

export const shorter = (a: Duration | undefined, b: Duration | undefined): Duration | undefined => (a === undefined ? b : b === undefined || a < b ? a : b);
