/** Rules broken in `checksum`, and which checks notice. */
import type { IkeConfig } from '../../../src/ike/config.ts';
import { silentAbout, turned, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { ikeConfig, isClient, isGateway, routersForBoxes } from '../../support/sabotage.ts';

/** The connections of an endpoint that says NAT-OA, whatever it was told. */
const telling = ({ connections }: IkeConfig): Partial<IkeConfig> => ({
  connections: connections.map((connection) => ({ ...connection, ike: connection.ike.version === 'v1' ? { ...connection.ike, natOriginalAddress: 'sent' } : connection.ike })),
});

export const checksumRules: readonly BrokenRule[] = [
  { lesson: 'checksum', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['control/transport', 'control/thrown-away', 'control/udp', 'control/tcp', 'adjust/transport', 'withheld/transport', 'withheld/thrown-away', 'withheld/udp', 'withheld/tcp', 'recompute/transport', 'trust/transport'] },
  { lesson: 'checksum', rule: 'everybody mends checksums', sabotage: { config: (config) => ({ ...config, checksumRepair: 'recompute' }) }, red: ['control/thrown-away', 'control/udp', 'control/tcp', 'withheld/thrown-away', 'withheld/udp', 'withheld/tcp'] },
  { lesson: 'checksum', rule: 'nobody mends checksums', sabotage: { config: (config) => ({ ...config, checksumRepair: 'none' }) }, red: ['adjust/mended', 'adjust/udp', 'adjust/tcp', 'recompute/mended', 'recompute/udp', 'recompute/tcp', 'trust/mended', 'trust/udp', 'trust/tcp'] },
  { lesson: 'checksum', rule: 'original addresses are told all the same', sabotage: ikeConfig(() => true, telling), red: ['withheld/untold', 'withheld/thrown-away', 'withheld/udp', 'withheld/tcp'] },
  { lesson: 'checksum', rule: 'the client does not mend', sabotage: { config: (config) => (isClient(config) ? { ...config, checksumRepair: 'none' } : config) }, red: ['adjust/mended', 'adjust/udp', 'adjust/tcp', 'recompute/mended', 'recompute/udp', 'recompute/tcp', 'trust/mended', 'trust/udp', 'trust/tcp'] },
  { lesson: 'checksum', rule: 'the gateway does not tell what it throws away', sabotage: silentAbout(isGateway, (body) => body.kind === 'drop'), red: ['control/thrown-away', 'withheld/thrown-away'] },
  { lesson: 'checksum', rule: 'nothing that comes out of an SA is told of (forged)', forge: without('inner'), red: ['adjust/mended', 'recompute/mended', 'trust/mended'] },
  { lesson: 'checksum', rule: 'the echo fails (forged)', forge: turned('udp-echo'), red: ['control/udp', 'adjust/udp', 'withheld/udp', 'recompute/udp', 'trust/udp'] },
  { lesson: 'checksum', rule: 'the connection fails (forged)', forge: turned('tcp-probe'), red: ['control/tcp', 'adjust/tcp', 'withheld/tcp', 'recompute/tcp', 'trust/tcp'] },
];
