/** A daemon that is made to say what it never would of itself: its own ISAKMP SA hashes and encrypts it. */
import { IsakmpSa } from '../../../src/ike/v1/sa.ts';
import { inform } from '../../../src/ike/v1/notices.ts';
import { cookiesOf, notification } from '../../../src/ike/v1/payloads.ts';
import type { Payload } from '../../../src/wire/ike/v1/message.ts';
import type { Pair, PartyName } from '../../support/pair.ts';

const made: IsakmpSa[] = [];
const { useKeys } = IsakmpSa.prototype;
IsakmpSa.prototype.useKeys = function (this: IsakmpSa, keys): void {
  made.push(this);
  useKeys.call(this, keys);
};

/** The newest ISAKMP SA of a party that has keys. */
export const saOf = ({ config }: Pair['alice']): IsakmpSa => made.findLast((sa) => sa.context.config === config)!;

/** Has a party do something by its ISAKMP SA; what it says is on its way then. */
export function make(two: Pair, who: PartyName, act: (sa: IsakmpSa) => void): Pair {
  act(saOf(two[who]));
  return two.command(who, { kind: 'probe', connection: 'nowhere' }); // any input has the pair look at what there is to send
}

/** An informational message under the keys. */
export const say = (two: Pair, who: PartyName, ...payloads: Payload[]): Pair => make(two, who, (sa) => { inform(sa, payloads); });

/** A notification about the ISAKMP SA itself. */
export const about = (two: Pair, notifyType: number, data?: Uint8Array, spi = cookiesOf(saOf(two.alice))): Payload => notification(notifyType, { spi, ...(data === undefined ? {} : { data }) });
