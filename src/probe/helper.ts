/** An "IPsec helper" that takes out of IKE's first messages what would speak of NAT traversal. */
import { wasNatTraversalHeard } from './attributes.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Finding, type Helper } from './classification.ts';
import type { IkeVersion } from './disguise.ts';
import type { Experiment } from './experiment.ts';
import { foreignServer } from './powers.ts';
import { ikePorts } from './responder.ts';

const versions: readonly IkeVersion[] = ['v1', 'v2'];

/** From any port, which takes no privilege here. */
export function* ipsecHelper(bench: Bench, { primary, powers }: Server): Experiment<Finding<Helper>> {
  if (powers === undefined) return notMeasured(foreignServer);
  if (!powers.has('ikePorts')) return notMeasured('the server does not listen on 500');
  const exchanges = yield* bench.ask(...versions.map((ike) => ({ from: bench.fresh(), to: { address: primary.address, port: ikePorts[0] }, ike })));
  const [inV1, inV2] = exchanges.map(({ answers: [answer] }) => answer && wasNatTraversalHeard(answer.letter.message));
  if (inV1 === undefined || inV2 === undefined) return notMeasured('nothing gets out to 500, or back');
  return found(inV1 ? (inV2 ? 'none' : 'takes out notifies') : inV2 ? 'takes out vendor IDs' : 'takes out both');
}
