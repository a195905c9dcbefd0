/**
 * The PF_KEY socket as the IKE daemon sees it. The conversation, message by message, with what each must hold, what is answered, and how an SA is
 * made, rekeyed and moved, stands in the README of this folder: it is the contract with the daemon.
 */
import { describeEndpoint, isIpv4, sameEndpoint, type Endpoint, type IpAddress } from '../core/address.ts';
import { toHex } from '../core/bytes.ts';
import { below } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { pfkeyErrors, saTypes, type PfkeyMessage, type PfkeyType } from '../wire/pfkey/message.ts';
import { supportedAuth, supportedEncryption } from './algorithms.ts';
import { saTypeOf, type Kernel, type PfkeyBody } from './kernel.ts';
import { associationInPfkey, keysInPfkey, lowestSpi, nameInPfkey, protocolOf, readAssociation, readEncapsulation, readEnds, readMode, readNatOa } from './pfkey-association.ts';
import { policyInPfkey, readAction, readDirection, readSelector } from './pfkey-policy.ts';
import { describeSpi, type EstablishedSa, type LarvalSa, type Protocol, type Sa } from './sad.ts';
import type { Policy } from './spd.ts';

type ErrorName = keyof typeof pfkeyErrors;
/** One body, one for each row of a dump, or why not; undefined where nothing is answered. */
type Answer = PfkeyBody | readonly Row[] | ErrorName | undefined;
/** Of the SA type that it says, where the request was about all. */
type Row = PfkeyBody & { readonly saType?: number };
type Service = (now: Instant, request: PfkeyMessage) => Answer;

/** How often a free SPI is looked for by chance before the range counts as full. */
const spiTries = 64;

export class PfkeySocket {
  readonly #kernel: Kernel;
  #policies = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  receive(now: Instant, bytes: Uint8Array): void {
    const request = this.#kernel.dialect.decode(bytes, this.#kernel.isLocal);
    if (request.ok) this.#serve(now, request.value);
    else this.#kernel.drop(request.reason, request.detail, bytes);
  }

  #serve(now: Instant, request: PfkeyMessage): void {
    const { diagnostic = this.#kernel.dialect.missing?.(request) } = request;
    if (diagnostic !== undefined) {
      this.#answer(request, {}, pfkeyErrors.EINVAL, diagnostic);
      return;
    }
    const answer = this.#isServed(request) ? this.#services[request.type](now, request) : 'EINVAL';
    if (answer === undefined) return;
    if (typeof answer === 'string') this.#answer(request, {}, pfkeyErrors[answer]);
    else if (isRows(answer)) answer.forEach((row, i) => this.#answer({ ...request, sequence: answer.length - 1 - i }, row, 0));
    else this.#answer(request, answer, 0);
  }

  readonly #services: Readonly<Record<PfkeyType, Service>> = {
    SADB_REGISTER: (_, { saType }) => this.#register(saType),
    SADB_GETSPI: (now, request) => this.#getSpi(now, request),
    SADB_ADD: (now, request) => this.#add(now, request),
    SADB_UPDATE: (now, request) => this.#update(now, request),
    SADB_DELETE: (_, request) => this.#delete(request),
    SADB_GET: (_, request) => this.#get(request),
    SADB_DUMP: (_, request) => rowsOrNone(this.#meant(request).map((sa) => ({ saType: saTypeOf[sa.protocol], ...associationInPfkey(sa), ...keysInPfkey(sa) }))),
    SADB_FLUSH: (_, request) => this.#flush(request),
    SADB_ACQUIRE: () => undefined, // RFC 2367 §3.1.6: the daemon could not; the policy's hold-off goes on
    SADB_EXPIRE: () => 'EOPNOTSUPP',
    SADB_X_SPDADD: (_, request) => this.#addPolicy(request, 'EEXIST'),
    SADB_X_SPDUPDATE: (_, request) => this.#addPolicy(request, 'replace'),
    SADB_X_SPDDELETE: (_, request) => this.#deletePolicy(this.#policyBySelector(request)),
    SADB_X_SPDDELETE2: (_, request) => this.#deletePolicy(this.#policyById(request)),
    SADB_X_SPDGET: (_, request) => described(this.#policyById(request)),
    SADB_X_SPDDUMP: () => rowsOrNone(this.#kernel.spd.all().map(policyInPfkey)),
    SADB_X_SPDFLUSH: () => this.#flushPolicies(),
    SADB_X_SPDACQUIRE: () => 'EOPNOTSUPP',
    SADB_X_SPDSETIDX: () => 'EOPNOTSUPP',
    SADB_X_SPDEXPIRE: () => 'EOPNOTSUPP',
    SADB_X_NAT_T_NEW_MAPPING: () => 'EOPNOTSUPP',
  };

  #isServed({ saType, type }: PfkeyMessage): boolean {
    return protocolOf(saType) !== undefined || (saType === saTypes.UNSPEC && forAnySaType.has(type));
  }

  #answer({ type, saType, sequence, pid }: PfkeyMessage, body: Row, errno: number, diagnostic = 0): void {
    this.#kernel.say({ type, saType, errno, sequence, pid, ...(diagnostic !== 0 && { diagnostic }), ...body });
  }

  #register(saType: number): Answer {
    this.#kernel.registered = true;
    return saType === saTypes.AH ? { supportedAuth } : { supportedAuth, supportedEncryption };
  }

  // ---- security associations ---------------------------------------------------------------------------------------------

  #getSpi(now: Instant, request: PfkeyMessage): Answer {
    const { spiRange, sa2, saType } = request;
    const protocol = protocolOf(saType);
    const ends = readEnds(request);
    const mode = readMode(request);
    if (protocol === undefined || ends === undefined || mode === undefined || spiRange === undefined || spiRange.min > spiRange.max) return 'EINVAL';
    const spi = this.#freeSpi(protocol, Math.max(spiRange.min, lowestSpi), spiRange.max, ends.destination);
    if (spi === undefined) return 'ENOENT';
    const sa: LarvalSa = { state: 'larval', protocol, spi, ...ends, mode, reqid: sa2?.reqid ?? 0, addedAt: now };
    this.#kernel.sad.add(sa);
    return nameInPfkey(sa);
  }

  #freeSpi(protocol: Protocol, min: number, max: number, destination: IpAddress): number | undefined {
    for (let tried = 0; tried < spiTries && min <= max; tried++) {
      const spi = min + below(this.#kernel.random, max - min + 1);
      if (this.#kernel.sad.get(protocol, spi, destination) === undefined) return spi;
    }
    return undefined;
  }

  #add(now: Instant, request: PfkeyMessage): Answer {
    const sa = readAssociation(request, now, this.#kernel);
    if (sa === undefined) return 'EINVAL';
    if (this.#kernel.sad.get(sa.protocol, sa.spi, sa.destination) !== undefined) return 'EEXIST';
    return this.#establish(sa);
  }

  #update(now: Instant, request: PfkeyMessage): Answer {
    const sa = this.#named(request);
    if (typeof sa === 'string') return sa;
    if (sa.state !== 'larval') return this.#change(now, sa, request);
    const filled = readAssociation({ ...request, sa2: request.sa2 ?? { mode: sa.mode, sequence: 0, reqid: sa.reqid } }, now, this.#kernel);
    if (filled === undefined) return 'EINVAL';
    this.#kernel.sad.remove(sa);
    return this.#establish(filled);
  }

  #establish(sa: EstablishedSa): Answer {
    const before = sa.direction === 'out' ? this.#kernel.sad.outbound(sa, sa) : undefined;
    this.#kernel.sad.add(sa);
    const role = sa.direction === 'in' ? 'receives from' : 'sends to';
    this.#kernel.saEvent('sa-added', sa, `A new SA, ${describeSpi(sa.spi)}, ${role} ${peerOf(sa)}${encapsulationStory(sa)}, protected by ${sa.algorithms.name}.`);
    this.#sayKeys(sa);
    if (before !== undefined) this.#sayEclipse(before, sa);
    this.#kernel.keepalives.watch(sa, sa.usage.addedAt);
    return associationInPfkey(sa);
  }

  /** Another peer of the same address and reqid: the newest SA gets everything. The same peer has only been given fresh keys. */
  #sayEclipse(older: EstablishedSa, sa: EstablishedSa): void {
    const [peer, newPeer] = [encapsulatedPeer(older), encapsulatedPeer(sa)];
    if (peer === undefined || newPeer === undefined || sameEndpoint(peer, newPeer)) return;
    const story = `Two peers behind ${sa.destination} have equal policies: what is for them goes to ${describeEndpoint(newPeer)} from now on, by ${describeSpi(sa.spi)}, and nothing more to ${describeEndpoint(peer)}.`;
    this.#kernel.emit({ kind: 'event', event: { kind: 'sa-eclipsed', spi: older.spi, by: sa.spi, peer, newPeer, story } });
  }

  /** A mature SA keeps its keys and counters for life; its limits may change, and where its peer is. */
  #change(now: Instant, sa: EstablishedSa, request: PfkeyMessage): Answer {
    const { lifetimeHard, lifetimeSoft, nattType, nattSourcePort, nattDestinationPort, nattLocalBehindNat, newSource, newDestination, encryptionKey, authKey } = request;
    const saysEncapsulation = nattType !== undefined || nattSourcePort !== undefined || nattDestinationPort !== undefined;
    const encapsulation = saysEncapsulation ? readEncapsulation(request, this.#kernel.rules) : sa.encapsulation;
    const source = newSource?.address ?? sa.source;
    const destination = newDestination?.address ?? sa.destination;
    if (encryptionKey !== undefined || authKey !== undefined || encapsulation === undefined || isIpv4(source) !== isIpv4(destination)) return 'EINVAL';
    if (this.#kernel.isLocal(destination) !== (sa.direction === 'in')) return 'EINVAL';
    const other = this.#kernel.sad.get(sa.protocol, sa.spi, destination);
    if (other !== undefined && other !== sa) return 'EEXIST';

    const moves = source !== sa.source || destination !== sa.destination;
    if (moves) this.#kernel.sad.move(sa, source, destination);
    sa.encapsulation = encapsulation;
    sa.natOa = { ...sa.natOa, ...readNatOa(request) };
    if (saysEncapsulation) sa.behindNat = nattLocalBehindNat === true;
    sa.reportedPeer = undefined;
    sa.hard = lifetimeHard ?? sa.hard;
    sa.soft = lifetimeSoft ?? sa.soft;
    this.#kernel.sad.reschedule(sa);
    this.#kernel.saEvent('sa-updated', sa, `${describeSpi(sa.spi)} has ${peerOf(sa)} as its peer from now on${encapsulationStory(sa)}; keys and counters stay.`);
    if (moves) this.#sayKeys(sa);
    this.#kernel.keepalives.watch(sa, now);
    return associationInPfkey(sa);
  }

  #delete(request: PfkeyMessage): Answer {
    const sa = this.#named(request);
    if (typeof sa === 'string') return sa;
    this.#remove(sa, 'deleted by the IKE daemon');
    return nameInPfkey(sa);
  }

  #get(request: PfkeyMessage): Answer {
    const sa = this.#named(request);
    return typeof sa === 'string' ? sa : { ...associationInPfkey(sa), ...keysInPfkey(sa) };
  }

  #flush(request: PfkeyMessage): Answer {
    for (const sa of this.#meant(request)) this.#remove(sa, 'flushed with all others');
    return {};
  }

  /** The SAs of the type that a request names; all of them for UNSPEC. */
  #meant({ saType }: PfkeyMessage): readonly Sa[] {
    const protocol = protocolOf(saType);
    return this.#kernel.sad.all().filter((sa) => protocol === undefined || sa.protocol === protocol);
  }

  #named({ saType, sa, destination }: PfkeyMessage): Sa | ErrorName {
    const protocol = protocolOf(saType);
    if (protocol === undefined || sa === undefined || destination === undefined) return 'EINVAL';
    return this.#kernel.sad.get(protocol, sa.spi, destination.address) ?? 'ESRCH';
  }

  #remove(sa: Sa, why: string): void {
    this.#kernel.sad.remove(sa);
    this.#kernel.saEvent('sa-deleted', sa, `${describeSpi(sa.spi)} is gone: ${why}.`);
  }

  #sayKeys({ protocol, spi, source, destination, algorithms, encryptionKey, authKey }: EstablishedSa): void {
    if (protocol === 'ah') return; // nothing is hidden
    this.#kernel.emit({
      kind: 'event',
      event: { kind: 'esp-keys', spi, source, destination, encryption: algorithms.encryption, encryptionKey: toHex(encryptionKey), integrity: algorithms.integrity, integrityKey: toHex(authKey) },
    });
  }

  // ---- policies ----------------------------------------------------------------------------------------------------------

  #addPolicy(request: PfkeyMessage, onConflict: 'EEXIST' | 'replace'): Answer {
    const { policy } = request;
    const selector = readSelector(request);
    const direction = policy && readDirection(policy);
    const action = policy && readAction(policy);
    if (policy === undefined || selector === undefined || direction === undefined || action === undefined) return 'EINVAL';
    const old = this.#kernel.spd.bySelector(direction, selector);
    if (old !== undefined && onConflict === 'EEXIST') return 'EEXIST';
    if (old !== undefined) this.#kernel.spd.remove(old);
    const added: Policy = { id: old?.id ?? ++this.#policies, direction, selector, priority: policy.priority, action };
    this.#kernel.spd.add(added);
    return policyInPfkey(added);
  }

  #deletePolicy(policy: Policy | ErrorName): Answer {
    if (typeof policy !== 'string') this.#kernel.spd.remove(policy);
    return described(policy);
  }

  #flushPolicies(): Answer {
    this.#kernel.spd.clear();
    return {};
  }

  #policyBySelector(request: PfkeyMessage): Policy | ErrorName {
    const selector = readSelector(request);
    const direction = request.policy && readDirection(request.policy);
    if (selector === undefined || direction === undefined) return 'EINVAL';
    return this.#kernel.spd.bySelector(direction, selector) ?? 'ENOENT';
  }

  #policyById({ policy }: PfkeyMessage): Policy | ErrorName {
    return policy === undefined ? 'EINVAL' : (this.#kernel.spd.byId(policy.id) ?? 'ENOENT');
  }
}

/** Messages that are about no SA, or about all of them. */
const forAnySaType: ReadonlySet<PfkeyType> = new Set<PfkeyType>([
  'SADB_REGISTER', 'SADB_FLUSH', 'SADB_DUMP', 'SADB_X_SPDADD', 'SADB_X_SPDUPDATE', 'SADB_X_SPDDELETE', 'SADB_X_SPDDELETE2', 'SADB_X_SPDGET', 'SADB_X_SPDDUMP', 'SADB_X_SPDFLUSH',
]);

const isRows = (answer: PfkeyBody | readonly PfkeyBody[]): answer is readonly PfkeyBody[] => Array.isArray(answer);
const rowsOrNone = (rows: readonly PfkeyBody[]): Answer => (rows.length > 0 ? rows : 'ENOENT');
const described = (policy: Policy | ErrorName): Answer => (typeof policy === 'string' ? policy : policyInPfkey(policy));
const peerOf = ({ direction, source, destination }: EstablishedSa): IpAddress => (direction === 'in' ? source : destination);

const encapsulatedPeer = ({ destination, encapsulation }: EstablishedSa): Endpoint | undefined => (encapsulation.kind === 'udp' ? { address: destination, port: encapsulation.destinationPort } : undefined);

const encapsulationStory = ({ protocol, encapsulation }: Pick<EstablishedSa, 'protocol' | 'encapsulation'>): string =>
  encapsulation.kind === 'udp' ? `, in UDP from port ${encapsulation.sourcePort} to ${encapsulation.destinationPort}` : `, as plain ${protocol === 'esp' ? 'ESP' : 'AH'}`;
