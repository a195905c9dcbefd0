/** Whoever guesses at the password of a name is not listened to for a while, whether the next guess is right or not. */
import { after, minutes, type Instant } from '../../core/time.ts';

const most = 5;
const silence = minutes(1);

export class PasswordAttempts {
  readonly #wrong = new Map<string, { count: number; at: Instant }>();

  /** So often in a row a wrong password came with this name, the last time a moment ago. */
  isTooMany(user: string, now: Instant): boolean {
    const wrong = this.#wrong.get(user);
    return wrong !== undefined && wrong.count >= most && now < after(wrong.at, silence);
  }

  /** Of a name that is known: the others would fill the memory. */
  wasWrong(user: string, now: Instant): void {
    const before = this.#wrong.get(user);
    const isLongAgo = before !== undefined && now >= after(before.at, silence);
    this.#wrong.set(user, { count: before === undefined || isLongAgo ? 1 : before.count + 1, at: now });
  }

  wasRight(user: string): void {
    this.#wrong.delete(user);
  }
}
