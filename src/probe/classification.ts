/** What a box turned out to be. The words are RFC 4787's; each finding is what packets showed, and nothing else. */
import type { Endpoint } from '../core/address.ts';
import type { Duration } from '../core/time.ts';

/** RFC 4787 §4.1, §5. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

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
  readonly conflict: 'another port' | 'refused' | 'the same port';
  /** A second client with the same port, to another server. */
  readonly overloading: boolean;
  /** RFC 4787 §6, and which source the packets have that come back in. */
  readonly hairpinning: 'none' | 'external source' | 'internal source';
  /** A UDP mapping without an answer; one with traffic both ways. */
  readonly unreplied: Lifetime;
  readonly replied: Lifetime;
  /** Which traffic keeps a mapping alive (RFC 4787 §4.3). */
  readonly refreshOutbound: boolean;
  readonly refreshInbound: boolean;
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
