/** IKE_SA_INIT and IKE_AUTH with P-256, many at once, in several rounds: the first while the program warms up, the last when it is warm. */
import { establish } from '../establish.ts';
import { meter } from '../meter.ts';

/** On 4500 from the start, so that nobody waits for one of the few ports that a box gives to those from 500. */
const ike = { startPort: 4500 as const, proposals: [{ encryption: [{ name: 'aes-gcm-16' as const, bits: 128 as const }], prf: ['hmac-sha2-256' as const], groups: ['ecp-256' as const] }] };

export default async function handshakes(clients: string, rounds: string) {
  const usages = [];
  for (let round = 0; round < Number(rounds); round++) {
    const metered = meter();
    await establish(Number(clients), ike);
    usages.push(metered());
  }
  const perSecond = (ms: number): number => Number(clients) / (ms / 1000);
  const last = usages.at(-1)!;
  return { firstPerSecond: perSecond(usages[0]!.wallMs), lastPerSecond: perSecond(last.wallMs), perProcessorSecond: perSecond(last.processorMs) };
}
