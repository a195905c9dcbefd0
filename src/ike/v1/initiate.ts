/** Phase 1, in the mode that the connection has. */
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { initiateAggressiveMode } from './aggressive-mode.ts';
import { initiateMainMode } from './main-mode.ts';
import type { IsakmpSa, V1Context } from './sa.ts';

export function initiatePhaseOne(context: V1Context, connection: ConnectionConfig, path: Path, predecessor?: IsakmpSa): void {
  if (connection.ike.version === 'v1' && connection.ike.exchange === 'aggressive') initiateAggressiveMode(context, connection, path, predecessor);
  else initiateMainMode(context, connection, path, predecessor);
}
