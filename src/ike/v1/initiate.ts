/** Phase 1, in the mode that the connection has. */
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { initiateMainMode } from './main-mode.ts';
import type { IsakmpSa, V1Context } from './sa.ts';

export function initiatePhaseOne(context: V1Context, connection: ConnectionConfig, path: Path, predecessor?: IsakmpSa): void {
  initiateMainMode(context, connection, path, predecessor);
}
