/** All findings, the particular before the general: each explains what those before it have left open. */
import type { Finding } from '../finding.ts';
import { ahThroughNat } from './ah-through-nat.ts';
import { answeredFromElsewhere } from './answered-from-elsewhere.ts';
import { equalSelectors, espCrossed, mappingStolen } from './crossed.ts';
import { fragmentsLost } from './fragments-lost.ts';
import { helperStrips } from './helper-strips.ts';
import { ikeFragmentsLost } from './ike-fragments-lost.ts';
import { identityRefused } from './identity-refused.ts';
import { innerDestination } from './inner-destination.ts';
import { lineDead } from './line-dead.ts';
import { keepalivesTooSlow, mappingLost, noKeepalives } from './mapping-lost.ts';
import { noPortLeft } from './no-port-left.ts';
import { nobodyAnswers, nothingReturns, swallowedOnTheWay } from './nobody-answers.ts';
import { passwordRefused } from './password-refused.ts';
import { peerDeclaredDead } from './peer-declared-dead.ts';
import { plainEspBlocked, plainEspManyClients } from './plain-esp.ts';
import { portNot500 } from './port-not-500.ts';
import { keyByAddress } from './no-key-for-address.ts';
import { noWay, refusedByIcmp } from './refused-by-icmp.ts';
import { secondClient } from './second-client.ts';
import { wayBackDead } from './way-back-dead.ts';
import { transportChecksum } from './transport-checksum.ts';
import { twoOutsideAddresses } from './two-outside-addresses.ts';
import { udp4500Blocked } from './udp-4500-blocked.ts';
import { checksumSpoiled, zeroOverIpv6 } from './udp-checksum.ts';

export const findings: readonly Finding[] = [
  // said outright
  helperStrips, twoOutsideAddresses, identityRefused, passwordRefused, refusedByIcmp, noWay,
  // several clients
  mappingStolen, espCrossed, equalSelectors, secondClient, noPortLeft, plainEspManyClients,
  // the box
  lineDead, fragmentsLost, ikeFragmentsLost, noKeepalives, keepalivesTooSlow, mappingLost, udp4500Blocked, answeredFromElsewhere, ahThroughNat, zeroOverIpv6, checksumSpoiled, transportChecksum,
  // the gateway
  portNot500, keyByAddress, innerDestination, wayBackDead,
  // what is left
  plainEspBlocked, swallowedOnTheWay, peerDeclaredDead, nobodyAnswers, nothingReturns,
];
