/**
 * A network namespace that serves one lab after another, and each as if it were new: what it was like is noted, and put back. It has no firewall rules and tracks
 * nothing: what it had of that, such as Docker's rules for its name server, goes at once.
 */
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { flushEntries } from './conntrack.ts';
import type { NetworkNamespace } from './namespace.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from './netlink.ts';
import { addListedRule, deleteLink, deleteListedRule, linkIndexes, listRules } from './rtnetlink.ts';
import type { ListedRule } from './rtnetlink.ts';

const settingsFolder = '/proc/sys/net';

export class AsFound {
  readonly #namespace: NetworkNamespace;
  readonly #links: ReadonlySet<number>;
  readonly #rules: ReadonlyMap<string, ListedRule>;
  readonly #settings: ReadonlyMap<string, string>;

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace;
    this.#dropRules();
    const socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
    this.#links = new Set(linkIndexes(socket));
    this.#rules = rulesOf(socket);
    this.#settings = namespace.inside(settings);
    socket.close();
  }

  /** Nothing of a lab works in it any more. `tracked`: the kernel has tracked connections there. */
  putBack({ tracked }: { readonly tracked: boolean }): void {
    this.#dropRules();
    if (tracked) {
      const netfilter = new NetlinkSocket(NETLINK_NETFILTER, this.#namespace);
      netfilter.commit([flushEntries]);
      netfilter.close();
    }
    const socket = new NetlinkSocket(NETLINK_ROUTE, this.#namespace);
    const now = rulesOf(socket);
    socket.commit([
      ...linkIndexes(socket).flatMap((index) => (this.#links.has(index) ? [] : [deleteLink(index)])),
      ...Array.from(now).flatMap(([key, rule]) => (this.#rules.has(key) ? [] : [deleteListedRule(rule)])),
      ...Array.from(this.#rules).flatMap(([key, rule]) => (now.has(key) ? [] : [addListedRule(rule)])),
    ]);
    socket.close();
    // Twice: some settings set others along with themselves.
    this.#namespace.inside(() => {
      this.#putBackSettings();
      this.#putBackSettings();
    });
  }

  #dropRules(): void {
    this.#namespace.run('nft', ['flush', 'ruleset']);
  }

  #putBackSettings(): void {
    for (const [path, value] of settings()) {
      const found = this.#settings.get(path);
      if (found !== undefined && found !== value) writeFileSync(path, found);
    }
  }
}

const rulesOf = (socket: NetlinkSocket): Map<string, ListedRule> => new Map(listRules(socket).map((rule) => [rule.join(), rule]));

/** All that can be read and written, but for those of single interfaces: what is set for all of them is set for each. */
function settings(): Map<string, string> {
  const found = new Map<string, string>();
  const read = (folder: string): void => {
    const isPerInterface = /\/(conf|neigh)$/.test(folder);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!isPerInterface || ['all', 'default', 'lo'].includes(entry.name)) read(path);
      } else if ((statSync(path).mode & 0o600) === 0o600) {
        try {
          found.set(path, readFileSync(path, 'utf8'));
        } catch {
          // Some have no value as yet (EIO).
        }
      }
    }
  };
  read(settingsFolder);
  return found;
}
