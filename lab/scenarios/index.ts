import { addressChange } from './address-change.ts';
import { ah } from './ah.ts';
import { carrier } from './carrier.ts';
import { checksum } from './checksum.ts';
import { detection } from './detection.ts';
import { fragments } from './fragments.ts';
import { hairpin } from './hairpin.ts';
import { helper } from './helper.ts';
import { forcedEncapsulation } from './forced-encapsulation.ts';
import { identity } from './identity.ts';
import { ipv6UdpEncap } from './ipv6-udp-encap.ts';
import { ikePortFixed } from './ike-port-fixed.ts';
import { ikeMappingTimeout } from './ike-mapping-timeout.ts';
import { keepalive } from './keepalive.ts';
import { l2tp } from './l2tp.ts';
import { multiClient } from './multi-client.ts';
import { natReboot } from './nat-reboot.ts';
import { nattVersionsLesson } from './nat-t-versions.ts';
import { overlap } from './overlap.ts';
import { passthrough } from './passthrough.ts';
import { portFloat } from './port-float.ts';
import { rawEsp } from './raw-esp.ts';
import { rebind } from './rebind.ts';
import { remoteAccess } from './remote-access.ts';
import type { Scenario } from './scenario.ts';
import { splitPorts } from './split-ports.ts';
import { udpBlocked } from './udp-blocked.ts';
import { zeroChecksum } from './zero-checksum.ts';

/** What everybody should have seen: the tour that `lab` alone gives. */
export const headlines: readonly Scenario[] = [detection, portFloat, keepalive, multiClient, passthrough];

/** All lessons, the headlines first, then by chapter in teaching order. */
export const scenarios: readonly Scenario[] = [
  ...headlines,
  rawEsp,
  ah,
  identity,
  ikePortFixed,
  forcedEncapsulation,
  checksum,
  zeroChecksum,
  ipv6UdpEncap,
  ikeMappingTimeout,
  rebind,
  addressChange,
  natReboot,
  l2tp,
  overlap,
  carrier,
  helper,
  hairpin,
  udpBlocked,
  splitPorts,
  fragments,
  nattVersionsLesson,
  remoteAccess,
];
