/** A cell of the matrix: a lesson behind a box, in a mode of IKE, on a backend. */
import type { BackendName } from '../backends/backend.ts';
import type { IkeMode } from '../topology/ike-version.ts';

/** The lesson's own boxes, or its own version of IKE: what it takes when nothing else is asked for. */
export const own = 'own';

export interface Cell {
  /** `keepalive/symmetric/v1/netns`: what a shard and the record of failures know it by. */
  readonly id: string;
  readonly scenario: string;
  /** A preset's name, or `own`. */
  readonly nat: string;
  readonly ike: IkeMode | typeof own;
  readonly backend: BackendName;
  /** Those acts of the lesson that this box and this version make a difference to. */
  readonly acts: readonly string[];
  /** `NAME=VALUE`, of the lesson's own parameters. */
  readonly set: readonly string[];
  readonly seed: number;
}

/** Where a cell stands in the matrix. */
export type Coordinates = Pick<Cell, 'scenario' | 'nat' | 'ike' | 'backend'>;

export const idOf = ({ scenario, nat, ike, backend }: Coordinates): string => `${scenario}/${nat}/${ike}/${backend}`;

/** `--nat symmetric --ike v1`: what makes `run` play the acts so. */
export const placesOf = ({ nat, ike }: Pick<Cell, 'nat' | 'ike'>): { readonly preset?: string; readonly ike?: IkeMode } => ({ ...(nat === own ? {} : { preset: nat }), ...(ike === own ? {} : { ike }) });
