import type { Endpoint } from '../core/address.ts';
import type { DropReason } from '../core/drop.ts';
import type { IkeEvent } from '../core/events.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import type { Timers } from '../core/timers.ts';
import type { AddressPool } from './address-pool.ts';
import type { Alarm } from './alarm.ts';
import type { ChildSaTable } from './child-table.ts';
import type { ConnectionConfig, IkeConfig } from './config.ts';
import type { PfkeyClient } from './pfkey-client.ts';
import type { SecurityPolicies } from './policies.ts';
import type { TrapPolicies } from './trap.ts';
import type { IkeOutput } from './ports.ts';

/** What a daemon offers to the versions of the protocol that it speaks. */
export interface IkeContext {
  readonly config: IkeConfig;
  readonly random: Random;
  readonly now: Instant;
  readonly alarms: Timers<Alarm>;
  readonly pfkey: PfkeyClient;
  /** What the stack holds for the daemon, whichever version has asked for it. */
  readonly children: ChildSaTable;
  readonly policies: SecurityPolicies;
  readonly traps: TrapPolicies;
  poolOf(connection: ConnectionConfig): AddressPool | undefined;
  output(output: IkeOutput): void;
  event(event: IkeEvent): void;
  drop(reason: DropReason, detail: string, bytes?: Uint8Array, peer?: Endpoint): void;
  /** An IKE message on its way out; the non-ESP marker goes in front where the port wants one. */
  transmit(local: Endpoint, peer: Endpoint, message: Uint8Array): void;
}
