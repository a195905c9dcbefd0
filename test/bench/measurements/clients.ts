/** So many clients behind one box, all started at the same moment, until every tunnel stands. */
import { meter } from '../meter.ts';
import { establish } from '../establish.ts';

export default async function clients(count: string) {
  const metered = meter();
  const { events, virtualMs } = await establish(Number(count));
  return { ...metered(), events, virtualMs };
}
