/** Child SAs: a pair of SAs in the IPsec stack with the policies that lead to them (RFC 7296 §1.3.1, §2.17, RFC 4301 §4.4). */
import { isIpv4, type IpAddress } from '../core/address.ts';
import { fraction } from '../core/random.ts';
import type { Duration, Instant } from '../core/time.ts';
import { wipe } from '../crypto/secret.ts';
import type { SaKeys } from '../crypto/ike-keys.ts';
import type { EncryptionName, IntegrityName } from '../crypto/transforms.ts';
import type { DhGroup, KeyLengths } from '../crypto/types.ts';
import {
  authAlgorithms, encryptionAlgorithms, ipsecModes, saFlags, saStates, type PfkeyAddress, type PfkeyLifetime, type PfkeyMessage,
} from '../wire/pfkey/message.ts';
import type { Alarm } from './alarm.ts';
import type { AnyIkeSa, Encapsulation, Path, Role } from './any-ike-sa.ts';
import type { ChildLifetime, ChildMode, ChildProtocol } from './config.ts';
import { saTypeOf, type PfkeyRequest } from './pfkey-client.ts';
import { describeSelectors, type Selectors } from './traffic-selectors.ts';

/** What a child SA works with. `group` is there when it does a Diffie-Hellman of its own. */
export interface ChildAlgorithms {
  readonly keyLengths: KeyLengths;
  /** AH encrypts nothing. */
  readonly encryption: EncryptionName | 'none';
  readonly integrity: IntegrityName;
  readonly group: DhGroup | undefined;
  readonly extendedSequenceNumbers: boolean;
}

/** What the two ends were called by the peer, before any NAT: the addresses that it makes its checksums over in transport mode (NAT-OA). `own` is not said in all versions. */
export interface OriginalAddresses {
  readonly own: IpAddress | undefined;
  readonly peer: IpAddress;
}

export interface ChildSa<Sa extends AnyIkeSa = AnyIkeSa> {
  /** Changes hands when its IKE SA is rekeyed. */
  ike: Sa;
  readonly spiIn: number;
  readonly spiOut: number;
  /** Ties SAs and policies together in the stack; a rekeyed child SA keeps it. */
  readonly reqid: number;
  selectors: Selectors;
  /** What the policies hold: the same, or the wider selectors of a trap that stands before and after. */
  policies: Selectors;
  readonly protocol: ChildProtocol;
  readonly mode: ChildMode;
  readonly encapsulation: Encapsulation;
  /** The outer addresses as the stack has them. */
  path: Path;
  /** Who has asked for it: we, or the peer; and from when until when that was under way. */
  readonly role: Role;
  readonly asked: Instant;
  readonly made: Instant;
  /** installed → rekeyed (another has taken over) or deleting (our DELETE waits for its answer) → gone. */
  state: 'installed' | 'rekeyed' | 'deleting' | 'gone';
  /** Rekeys under way (RFC 7296 §2.8.1): whether this side has asked, and what the peer's asking has made. */
  rekeying: boolean;
  peersRekey: ChildRekey<Sa> | undefined;
  /**
   * The outbound SA of a rekey that the peer asked for is held back until the peer can surely receive on it: until the old one is deleted (RFC 7296 §2.8).
   * `refused`: the stack has another SA of this SPI and destination, which must not be touched.
   */
  outbound: 'installed' | 'held back' | 'refused';
  /** Adds the outbound SA that was held back, and forgets its keys. */
  readonly addOutbound: () => void;
  readonly forgetKeys: () => void;
  /** For a rekey that the peer had no time for. */
  readonly retry: Alarm;
}

/** An exchange that replaced a child SA: its successor, and the lower of its nonces. */
export interface ChildRekey<Sa extends AnyIkeSa> {
  readonly successor: ChildSa<Sa>;
  readonly lowestNonce: Uint8Array;
}

export interface ChildPlan<Sa extends AnyIkeSa> {
  readonly spiIn: number;
  readonly spiOut: number;
  readonly algorithms: ChildAlgorithms;
  /** Our role in the exchange that made it, which need not be that in the IKE SA. */
  readonly role: Role;
  /** When its first message went or came; now, when not said. */
  readonly asked?: Instant;
  readonly keys: Record<Role, SaKeys>;
  /** In transport mode with the addresses as they are seen at this end. */
  readonly selectors: Selectors;
  /** `tunnel` when not said. */
  readonly mode?: ChildMode;
  readonly originals?: OriginalAddresses | undefined;
  /** The child SA that it replaces. */
  readonly replaces?: ChildSa<Sa> | undefined;
  /** Nothing goes out before the peer can surely receive; when not said, that is so where the peer has asked for a rekey. */
  readonly holdsBack?: boolean;
  /** What the two have agreed on, where it is shorter than what is configured (IKEv1). */
  readonly hardTime?: Duration;
  readonly story: string;
  /** The stack would not take it. */
  readonly refused: (child: ChildSa<Sa>) => void;
  readonly retry: (child: ChildSa<Sa>) => void;
}

/** Of all child SAs of a connection. */
export const wantedProtocol = ({ connection }: Pick<AnyIkeSa, 'connection'>): ChildProtocol => connection.child.protocol ?? 'esp';

/** For the stories. */
export function wayOfPackets(sa: AnyIkeSa): string {
  if (wantedProtocol(sa) === 'ah') return 'as IP protocol 51';
  return sa.encapsulation === 'none' ? 'plain, as IP protocol 50' : `in UDP between port ${sa.local.port} and port ${sa.peer.port}`;
}

// ---- SPIs

/** Asks the stack for an SPI that the peer shall send with (SADB_GETSPI). Nobody is called back when the IKE SA is gone by then. */
export function reserveSpi(sa: AnyIkeSa, reserved: (spi: number) => void, none: () => void = () => undefined): void {
  const { local, peer } = sa;
  sa.context.pfkey.request(
    'SADB_GETSPI',
    { source: outer(peer.address), destination: outer(local.address), spiRange: { min: 0x100, max: 0xffff_ffff } },
    ({ errno, sa: larval }) => {
      if (errno !== 0 || larval === undefined) {
        if (!sa.isGone) none();
      } else if (sa.isGone) {
        releaseSpi(sa, larval.spi, local.address);
      } else {
        sa.reservedSpis.add(larval.spi);
        reserved(larval.spi);
      }
    },
    saTypeOf[wantedProtocol(sa)],
  );
}

/** Gives back an SPI that no child SA came to. */
export function releaseSpi(sa: AnyIkeSa, spi: number, destination: IpAddress = sa.local.address): void {
  sa.reservedSpis.delete(spi);
  sa.context.pfkey.request('SADB_DELETE', { sa: bareSa(spi), destination: outer(destination) }, undefined, saTypeOf[wantedProtocol(sa)]);
}

// ---- making and changing

export function installChild<Sa extends AnyIkeSa>(sa: Sa, plan: ChildPlan<Sa>): ChildSa<Sa> {
  const { spiIn, spiOut, selectors, replaces, mode = 'tunnel' } = plan;
  const { context, local, peer } = sa;
  const trap = context.traps.of(sa.connection, selectors);
  const protocol = wantedProtocol(sa);
  const known = replaces?.reqid ?? trap?.reqid ?? (mode === 'transport' ? context.policies.reqidInTransport(selectors, protocol) : undefined);
  const reqid = known ?? context.children.newReqid();
  const [mine, theirs] = [plan.keys[plan.role], plan.keys[plan.role === 'initiator' ? 'responder' : 'initiator']];
  const lifetimes = lifetimesOf(sa, plan.hardTime);
  const child: ChildSa<Sa> = {
    ike: sa, spiIn, spiOut, reqid, selectors, policies: trap?.selectors ?? selectors, path: { local, peer }, protocol, mode, state: 'installed',
    role: plan.role, asked: plan.asked ?? context.now, made: context.now,
    encapsulation: protocol === 'ah' ? 'none' : sa.encapsulation,
    rekeying: false, peersRekey: undefined,
    outbound: (plan.holdsBack ?? (replaces !== undefined && plan.role === 'responder')) ? 'held back' : 'installed',
    addOutbound: () => {
      const { local: from, peer: to } = child.path;
      child.outbound = 'installed';
      context.pfkey.request(
        'SADB_ADD',
        { ...saBody(plan, spiOut, mine, reqid), source: outer(from.address), destination: outer(to.address), ...lifetimes, ...nattOf(child, from.port, to.port), ...natOaOf(plan, 'outbound') },
        ({ errno }) => {
          if (errno === 0 || child.state === 'gone') return;
          child.outbound = 'refused';
          plan.refused(child);
        },
        saTypeOf[protocol],
      );
      child.forgetKeys();
    },
    forgetKeys: () => wipe(mine.encryption, mine.integrity),
    retry: { reason: 'rekey of a child SA', ring: () => plan.retry(child) },
  };
  sa.reservedSpis.delete(spiIn);
  context.children.add(child);
  sa.children.add(child);
  context.pfkey.request(
    'SADB_UPDATE',
    { ...saBody(plan, spiIn, theirs, reqid), source: outer(peer.address), destination: outer(local.address), ...lifetimes, ...nattOf(child, peer.port, local.port), ...natOaOf(plan, 'inbound') },
    ({ errno }) => {
      if (errno !== 0 && child.state !== 'gone') plan.refused(child);
    },
    saTypeOf[protocol],
  );
  wipe(theirs.encryption, theirs.integrity);
  if (child.outbound === 'installed') child.addOutbound();
  if (known === undefined) context.policies.add(reqid, selectors, { local: local.address, peer: peer.address }, { protocol, mode });
  tell(child, 'established', plan.story);
  return child;
}

/** The outbound SA that waited for the peer: now. */
export function releaseHeldBack(child: ChildSa): void {
  if (child.outbound === 'held back' && child.state !== 'gone') child.addOutbound();
}

/** Takes the pair out of the stack; with the last child SA of its reqid the policies go too. */
export function removeChild(child: ChildSa, state: 'rekeyed' | 'deleted' | 'failed', story: string): void {
  if (child.state === 'gone') return;
  const { context } = child.ike;
  child.state = 'gone';
  const { path: { local, peer }, protocol } = child;
  context.pfkey.request('SADB_DELETE', { sa: bareSa(child.spiIn), source: outer(peer.address), destination: outer(local.address) }, undefined, saTypeOf[protocol]);
  if (child.outbound === 'installed') {
    context.pfkey.request('SADB_DELETE', { sa: bareSa(child.spiOut), source: outer(local.address), destination: outer(peer.address) }, undefined, saTypeOf[protocol]);
  }
  child.forgetKeys();
  context.alarms.cancel(child.retry);
  child.ike.children.delete(child);
  context.children.remove(child);
  if (context.children.ofReqid(child.reqid).length === 0 && context.traps.connectionOf(child.reqid) === undefined) context.policies.remove(child.reqid, child.policies);
  if (child.peersRekey !== undefined) releaseHeldBack(child.peersRekey.successor);
  tell(child, state, story);
}

/** The stack goes on with the addresses that the IKE SA has now; keys and counters stay (RFC 7296 §2.23). */
export function moveChild(child: ChildSa): void {
  const { ike, path, protocol } = child;
  const { local, peer } = ike;
  const { pfkey, policies } = ike.context;
  child.path = { local, peer };
  const moved = path.peer.address !== peer.address;
  pfkey.request('SADB_UPDATE', {
    sa: bareSa(child.spiIn), source: outer(path.peer.address), destination: outer(path.local.address),
    ...nattOf(child, peer.port, local.port), ...(moved ? { newSource: outer(peer.address) } : {}),
  }, undefined, saTypeOf[protocol]);
  if (child.outbound === 'installed') {
    pfkey.request('SADB_UPDATE', {
      sa: bareSa(child.spiOut), source: outer(path.local.address), destination: outer(path.peer.address),
      ...nattOf(child, local.port, peer.port), ...(moved ? { newDestination: outer(peer.address) } : {}),
    }, undefined, saTypeOf[protocol]);
  }
  if (!moved) return;
  if (child.mode === 'transport') readdress(child, path.peer.address);
  else policies.move(child.reqid, child.policies, { local: local.address, peer: peer.address });
}

/** In transport mode the peer's address is in the selectors too. */
function readdress(child: ChildSa, from: IpAddress): void {
  const { context: { policies }, local, peer } = child.ike;
  const moved = ({ local: ours, remote }: Selectors): Selectors => ({ local: ours, remote: remote.map((selector) => (selector.startAddress === from && selector.endAddress === from ? { ...selector, startAddress: peer.address, endAddress: peer.address } : selector)) });
  policies.remove(child.reqid, child.policies);
  child.selectors = moved(child.selectors);
  child.policies = moved(child.policies);
  if (policies.reqidInTransport(child.policies, child.protocol) !== child.reqid) policies.add(child.reqid, child.policies, { local: local.address, peer: peer.address }, child);
}

export function tell(child: ChildSa, state: 'established' | 'rekeyed' | 'deleted' | 'failed', story: string): void {
  const { ike, spiIn, spiOut, encapsulation, selectors } = child;
  ike.context.event({ kind: 'child-sa', ...ike.name, state, spiIn, spiOut, encapsulation, selectors: describeSelectors(selectors), story });
}

/** A child SA that never came about. */
export const tellChildFailed = (sa: AnyIkeSa, selectors: Selectors, story: string): void =>
  sa.context.event({ kind: 'child-sa', ...sa.name, state: 'failed', spiIn: 0, spiOut: 0, encapsulation: 'none', selectors: describeSelectors(selectors), story });

/** When one of the child SAs, or of those named, was last used in a direction, as far as the stack's whole seconds tell: up to a second later than it was (`usetime` is rounded up). */
export function lastUse(sa: AnyIkeSa, direction: 'inbound' | 'outbound', known: (at: Duration | undefined) => void, of: Iterable<ChildSa> = sa.children): void {
  const children = [...of].filter((child) => direction === 'inbound' || child.outbound === 'installed');
  let open = children.length;
  let latest = 0;
  if (open === 0) known(undefined);
  for (const { spiIn, spiOut, protocol, path: { local, peer } } of children) {
    const [spi, destination] = direction === 'inbound' ? [spiIn, local.address] : [spiOut, peer.address];
    sa.context.pfkey.request('SADB_GET', { sa: bareSa(spi), destination: outer(destination) }, ({ errno, lifetimeCurrent }) => {
      if (errno === 0) latest = Math.max(latest, Number(lifetimeCurrent?.usetime ?? 0n));
      if (--open === 0 && !sa.isGone) known(latest === 0 ? undefined : ((latest * 1000) as Duration));
    }, saTypeOf[protocol]);
  }
}

// ---- what PF_KEY wants

const nattTypes: Readonly<Record<Exclude<Encapsulation, 'none'>, number>> = { udp: 2, 'udp-non-ike': 1 };

/** There is no AH in UDP, and NAT traversal has nothing to say of it. */
function nattOf({ protocol, encapsulation, ike: { nat } }: ChildSa, sourcePort: number, destinationPort: number): PfkeyRequest {
  if (protocol === 'ah') return {};
  if (encapsulation !== 'none') return { nattType: nattTypes[encapsulation], nattSourcePort: sourcePort, nattDestinationPort: destinationPort, ...(nat.localBehindNat && { nattLocalBehindNat: true }) };
  return nat.supported ? { nattType: 0 } : {};
}

const outer = (address: IpAddress): PfkeyAddress => ({ protocol: 0, prefixLength: isIpv4(address) ? 32 : 128, address, port: 0 });

const replayWindow = 64;

const bareSa = (spi: number): NonNullable<PfkeyMessage['sa']> => ({ spi, replay: 0, state: saStates.MATURE, auth: 0, encrypt: 0, flags: 0 });

const encryptionOf: Readonly<Record<ChildAlgorithms['encryption'], number>> = {
  none: 0,
  '3des-cbc': encryptionAlgorithms['3DESCBC'],
  'aes-cbc': encryptionAlgorithms.AESCBC,
  'aes-gcm-16': encryptionAlgorithms.AES_GCM_ICV16,
  'chacha20-poly1305': encryptionAlgorithms.CHACHA20POLY1305,
};
const authOf: Readonly<Record<IntegrityName, number>> = {
  none: authAlgorithms.NONE,
  'hmac-md5-96': authAlgorithms.MD5HMAC,
  'hmac-sha1-96': authAlgorithms.SHA1HMAC,
  'hmac-sha2-256-128': authAlgorithms.SHA2_256HMAC,
  'hmac-sha2-384-192': authAlgorithms.SHA2_384HMAC,
  'hmac-sha2-512-256': authAlgorithms.SHA2_512HMAC,
};

/** Where there is a NAT, a receiver in transport mode needs the addresses that the checksums were made over, and the ICV of AH. */
function natOaOf({ mode, originals }: { readonly mode?: ChildMode; readonly originals?: OriginalAddresses | undefined }, direction: 'inbound' | 'outbound'): PfkeyRequest {
  if (mode !== 'transport' || originals === undefined) return {};
  return { nattOriginalAddress: outer(originals.peer), ...(direction === 'inbound' && originals.own !== undefined ? { nattOriginalDestination: outer(originals.own) } : {}) };
}

function saBody({ algorithms, mode = 'tunnel' }: { readonly algorithms: ChildAlgorithms; readonly mode?: ChildMode }, spi: number, keys: SaKeys, reqid: number): PfkeyRequest {
  return {
    sa: {
      spi, replay: replayWindow / 8, state: saStates.MATURE, auth: authOf[algorithms.integrity], encrypt: encryptionOf[algorithms.encryption],
      flags: algorithms.extendedSequenceNumbers ? saFlags.ESN : 0,
    },
    sa2: { mode: mode === 'transport' ? ipsecModes.TRANSPORT : ipsecModes.TUNNEL, sequence: 0, reqid },
    ...(keys.encryption.length > 0 ? { encryptionKey: keys.encryption } : {}),
    ...(keys.integrity.length > 0 ? { authKey: keys.integrity } : {}),
  };
}

/** RFC 7296 §2.8: soft limits are jittered, lest both ends rekey at once. An agreed end that comes before the configured one moves both. */
function lifetimesOf(sa: AnyIkeSa, agreed: Duration | undefined): PfkeyRequest {
  const { softPackets, hardPackets, ...configured }: ChildLifetime = sa.connection.child.lifetime;
  const isShorter = agreed !== undefined && (configured.hardTime === 'never' || agreed < configured.hardTime);
  const hardTime = isShorter ? agreed : configured.hardTime;
  const softTime = configured.softTime === 'never' || hardTime === 'never' ? configured.softTime : (Math.min(configured.softTime, 0.9 * hardTime) as Duration);
  const early = 1 - 0.1 * fraction(sa.context.random);
  const limits = (time: Duration | 'never', packets: number | 'never', factor: number): PfkeyLifetime => ({
    allocations: packets === 'never' ? 0 : Math.max(1, Math.floor(packets * factor)),
    bytes: 0n,
    addtime: time === 'never' ? 0n : BigInt(Math.max(1, Math.floor((time / 1000) * factor))),
    usetime: 0n,
  });
  return { lifetimeSoft: limits(softTime, softPackets, early), lifetimeHard: limits(hardTime, hardPackets, 1) };
}
