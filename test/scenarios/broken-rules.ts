/** All the rules that are broken on purpose, lesson by lesson. */
import type { BrokenRule } from '../support/breaking.ts';
import { ahRules } from './broken/ah.ts';
import { carrierRules } from './broken/carrier.ts';
import { checksumRules } from './broken/checksum.ts';
import { forcedEncapsulationRules } from './broken/forced-encapsulation.ts';
import { fragmentsRules } from './broken/fragments.ts';
import { hairpinRules } from './broken/hairpin.ts';
import { headlineRules } from './broken/headlines.ts';
import { addressChangeRules } from './broken/address-change.ts';
import { helperRules } from './broken/helper.ts';
import { identityRules } from './broken/identity.ts';
import { l2tpRules } from './broken/l2tp.ts';
import { ipv6UdpEncapRules } from './broken/ipv6-udp-encap.ts';
import { ikeMappingTimeoutRules } from './broken/ike-mapping-timeout.ts';
import { ikePortFixedRules } from './broken/ike-port-fixed.ts';
import { natRebootRules } from './broken/nat-reboot.ts';
import { nattVersionsRules } from './broken/nat-t-versions.ts';
import { overlapRules } from './broken/overlap.ts';
import { rawEspRules } from './broken/raw-esp.ts';
import { rebindRules } from './broken/rebind.ts';
import { remoteAccessRules } from './broken/remote-access.ts';
import { splitPortsRules } from './broken/split-ports.ts';
import { udpBlockedRules } from './broken/udp-blocked.ts';
import { zeroChecksumRules } from './broken/zero-checksum.ts';

export const brokenRules: readonly BrokenRule[] = [
  ...headlineRules,
  ...helperRules,
  ...ikeMappingTimeoutRules,
  ...addressChangeRules,
  ...natRebootRules,
  ...rebindRules,
  ...l2tpRules,
  ...overlapRules,
  ...carrierRules,
  ...hairpinRules,
  ...udpBlockedRules,
  ...splitPortsRules,
  ...zeroChecksumRules,
  ...fragmentsRules,
  ...forcedEncapsulationRules,
  ...rawEspRules,
  ...checksumRules,
  ...identityRules,
  ...ahRules,
  ...ipv6UdpEncapRules,
  ...ikePortFixedRules,
  ...nattVersionsRules,
  ...remoteAccessRules,
];
