/** XAUTH: behind a key that a whole group has, each user has a password of its own (draft-beaulieu-ike-xauth). */
import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { sameSecret } from '../../crypto/secret.ts';
import { configurationAttributes, configurationTypes, xauthStatus, xauthTypes } from '../../wire/ike/v1/message.ts';
import type { DataAttribute } from '../../wire/ike/attributes.ts';
import { deleteIsakmpSa } from './notices.ts';
import type { IsakmpSa } from './sa.ts';
import { transact, type Answer, type Configuration } from './transaction.ts';

const { XAUTH_TYPE, XAUTH_USER_NAME, XAUTH_USER_PASSWORD, XAUTH_STATUS } = configurationAttributes;
const { REQUEST, SET } = configurationTypes;

const empty = new Uint8Array(0);

// ---- the gateway

export const asksForPassword = ({ settings: { xauth = 'none' } }: IsakmpSa): boolean => xauth !== 'none' && 'users' in xauth;
export const hasPassword = ({ settings: { xauth = 'none' } }: IsakmpSa): boolean => xauth !== 'none' && 'user' in xauth;

/** Who is there? `admitted` is called when the name and the password fit, and the client has heard so. */
export function askForPassword(sa: IsakmpSa, admitted: () => void): void {
  transact(sa, REQUEST, [{ type: XAUTH_USER_NAME, value: empty }, { type: XAUTH_USER_PASSWORD, value: empty }], (attributes) => {
    const user = fromUtf8(octetsOf(attributes, XAUTH_USER_NAME));
    const wrong = whyWrong(sa, user, octetsOf(attributes, XAUTH_USER_PASSWORD));
    const { me, other } = sa.names;
    transact(sa, SET, [{ type: XAUTH_STATUS, value: wrong === undefined ? xauthStatus.OK : xauthStatus.FAIL }], () => {
      if (wrong === undefined) {
        sa.context.sas.identified(sa, user);
        admitted();
      } else {
        sa.context.drop('isakmp-authentication', `XAUTH: ${other} gives a name and a password that do not fit`, undefined, sa.peer);
        deleteIsakmpSa(sa, `${me} does not let ${wrong}.`, 'failed');
      }
    });
  });
}

const usersOf = ({ settings: { xauth = 'none' } }: IsakmpSa): Readonly<Record<string, string>> => (xauth !== 'none' && 'users' in xauth ? xauth.users : {});

/** Who is not let in and why; undefined when the password is the right one. The client is told neither. */
function whyWrong(sa: IsakmpSa, user: string, password: Uint8Array): string | undefined {
  const { context: { passwordAttempts, now }, names: { other } } = sa;
  const users = usersOf(sa);
  if (!Object.hasOwn(users, user)) return `${other} in: nobody there has the name that comes with the password`;
  if (passwordAttempts.isTooMany(user, now)) return `${user} in: there were too many wrong passwords`;
  if (sameSecret(utf8(users[user]!), password)) {
    passwordAttempts.wasRight(user);
    return undefined;
  }
  passwordAttempts.wasWrong(user, now);
  return `${user} in: this is not the password of ${user}`;
}

// ---- the client

/** What the gateway asks: the name and the password. Who wants them in another way than as they are (CHAP, one-time passwords) hears that there are none (§4.1). */
export function answerPassword({ settings: { xauth = 'none' } }: IsakmpSa, { attributes }: Configuration): Decoded<() => Answer> {
  if (xauth === 'none' || !('user' in xauth)) return refused('isakmp-exchange', 'a password is asked for, and there is none');
  const { user, password } = xauth;
  if (attributes.some(({ type, value }) => type === XAUTH_TYPE && value !== xauthTypes.GENERIC)) return decoded(() => ({ attributes: [{ type: XAUTH_STATUS, value: xauthStatus.FAIL }] }));
  return decoded(() => ({ attributes: [{ type: XAUTH_USER_NAME, value: utf8(user) }, { type: XAUTH_USER_PASSWORD, value: utf8(password) }] }));
}

/** Whether the password was right. */
export function hearStatus(sa: IsakmpSa, { attributes }: Configuration, admitted: () => void): Decoded<() => Answer> {
  const status = attributes.find(({ type }) => type === XAUTH_STATUS)?.value;
  const { me, other } = sa.names;
  const { xauth = 'none' } = sa.settings;
  const user = xauth !== 'none' && 'user' in xauth ? xauth.user : me;
  return decoded(() => ({
    attributes: [{ type: XAUTH_STATUS, value: empty }],
    then: () => {
      if (status === undefined) return; // a message for people, and the outcome is yet to come
      if (status === xauthStatus.OK) admitted();
      else sa.close('failed', `${other} does not let ${user} in: it does not know this name with this password.`);
    },
  }));
}

export const isXauth = ({ attributes }: Configuration): boolean => attributes.some(({ type }) => type >= configurationAttributes.XAUTH_TYPE && type <= configurationAttributes.XAUTH_ANSWER);

const octetsOf = (attributes: readonly DataAttribute[], type: number): Uint8Array => {
  const value = attributes.find((attribute) => attribute.type === type)?.value;
  return typeof value === 'object' ? value : empty;
};
