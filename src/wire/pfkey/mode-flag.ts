/** The mode of an SA where it is a flag, SADB_X_SAFLAGS_TUNNEL, and no extension: illumos and OpenBSD. */
import { ipsecModes, type PfkeyBody, type PfkeySa2 } from './message.ts';

export const hasKeys = ({ authKey, encryptionKey }: PfkeyBody): boolean => authKey !== undefined || encryptionKey !== undefined;

/** Whose mode is not said has tunnel mode, as soon as there is an SA to be made. */
export const wantsTunnelFlag = (body: PfkeyBody): boolean => (body.sa2 === undefined ? hasKeys(body) : body.sa2.mode === ipsecModes.TUNNEL || (body.sa2.mode === ipsecModes.ANY && hasKeys(body)));

/** What flag and reqid say. Without the flag the mode is transport in those messages that make an SA; elsewhere its absence says nothing. */
export function sa2OfFlag(flag: boolean, makesSa: boolean, reqid: number): PfkeySa2 | undefined {
  const mode = flag ? ipsecModes.TUNNEL : makesSa ? ipsecModes.TRANSPORT : ipsecModes.ANY;
  return mode === ipsecModes.ANY && reqid === 0 ? undefined : { mode, sequence: 0, reqid };
}
