/** What a box turned out to be. The words are RFC 4787's; each finding is what packets showed, and nothing else. */
import type { Endpoint } from '../core/address.ts';
import type { Duration } from '../core/time.ts';

/** RFC 4787 §4.1, §5. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** Whole again at the other end, or only the fragment that has the ports, or nothing. */
export type FragmentFate = 'whole' | 'first only' | 'dropped';

/** RFC 3948 §2.1 wants none around ESP, and a box that puts one in puts in a wrong one for what it cannot see. */
export type ChecksumFate = 'left alone' | 'filled in' | 'made wrong' | 'dropped';

/** With the packet that it quotes put back into the client's words, with its own addresses alone, or not at all. */
export type ErrorFate = 'translated' | 'outer only' | 'dropped';

/** IKEv1 says it by vendor IDs (RFC 3947 §3.1), IKEv2 by notifies (RFC 7296 §2.23). */
export type Helper = 'none' | 'takes out vendor IDs' | 'takes out notifies' | 'takes out both';

/** What the second client gets: an outside endpoint of its own, nothing, what the first one had, or the same beside it. */
export type Rival = 'its own' | 'refused' | 'takes over' | 'shares';

/** A time that was closed in on: it still held after `atLeast`, no more after `below`. Undefined: that long was not waited. */
export interface Lifetime {
  readonly atLeast: Duration;
  readonly below: Duration | undefined;
}

/** What was measured, by name. */
export interface Measured {
  /** Whether an address or a port is changed at all. */
  readonly translation: boolean;
  readonly mapping: Dependence;
  readonly filtering: Dependence;
  /** How an outside port is chosen (RFC 4787 §4.2.1). */
  readonly ports: 'preserve' | 'sequential' | 'random';
  /** RFC 4787 §4.2.2, §4.2.3: an even port for an even one; neighbours for neighbours. */
  readonly parity: boolean;
  readonly contiguity: boolean;
  /** How many outside addresses one host was given (RFC 4787 §4.1). */
  readonly pooling: 'one address' | 'several addresses';
  /** A second client with the same port, to the same server. */
  readonly conflict: 'another port' | 'another address' | 'refused' | 'the same port';
  /** A second client with the same port, to another server. */
  readonly overloading: boolean;
  /** The second client's mapping is of the same kind as the first one's (RFC 4787 §8). */
  readonly deterministic: boolean;
  /** A low port that had to become another one (REQ-3a). */
  readonly lowPorts: 'stay low' | 'become high';
  /** RFC 4787 §6, and which source the packets have that come back in. */
  readonly hairpinning: 'none' | 'external source' | 'internal source';
  /** A UDP mapping without an answer; one with traffic both ways. */
  readonly unreplied: Lifetime;
  readonly replied: Lifetime;
  /** Which traffic keeps a mapping alive (RFC 4787 §4.3). */
  readonly refreshOutbound: boolean;
  readonly refreshInbound: boolean;
  /** RFC 4787 §11: a datagram in fragments, in order and the last one first, outwards; in order, inwards. */
  readonly fragments: FragmentFate;
  readonly fragmentsDisordered: FragmentFate;
  readonly fragmentsInward: FragmentFate;
  /** RFC 5382: of what a TCP mapping depends; how long a connection that has only begun is remembered. */
  readonly tcpMapping: Dependence;
  readonly tcpHalfOpen: Lifetime;
  /** UDP without a checksum. */
  readonly zeroChecksum: ChecksumFate;
  /** An ICMP query gets out and its answer in; how long the way in stays open (RFC 5508 §3). */
  readonly icmp: 'passes' | 'blocked';
  readonly icmpLife: Lifetime;
  /** RFC 5508 §4. */
  readonly icmpErrors: ErrorFate;
  /** Whether 500 and 4500 leave by one outside address. */
  readonly ikeAddresses: 'one' | 'two';
  /** What is taken out of IKE's first messages on 500. */
  readonly helper: Helper;
  /** IKE's ports from any port; the life of a conversation with them. */
  readonly open500: boolean;
  readonly open4500: boolean;
  readonly replied500: Lifetime;
  readonly replied4500: Lifetime;
  /** From IKE's ports: what a client's own becomes, and what a second client gets, at the same server and at another one. */
  readonly port500: 'kept' | 'changed' | 'blocked';
  readonly rival500: Rival;
  readonly rival500Elsewhere: Rival;
  readonly port4500: 'kept' | 'changed' | 'blocked';
  readonly rival4500: Rival;
  readonly rival4500Elsewhere: Rival;
  /** Raw ESP. */
  readonly esp: 'passes' | 'blocked';
  readonly rivalEsp: Rival;
  readonly rivalEspElsewhere: Rival;
}

export type Measure = keyof Measured;

/** A finding, or why there is none. */
export type Finding<Value> = { readonly measured: true; readonly value: Value } | { readonly measured: false; readonly why: string };

export type Classification = { readonly [Name in Measure]: Finding<Measured[Name]> };

/** The whole result: where the probe stood, what it found. */
export interface ProbeResult {
  /** The probing host as it knows itself, and as the server sees it. */
  readonly local: Endpoint;
  readonly mapped: Endpoint;
  readonly server: Endpoint;
  readonly findings: Classification;
}

export const found = <Value>(value: Value): Finding<Value> => ({ measured: true, value });
export const notMeasured = (why: string): Finding<never> => ({ measured: false, why });
