/**
 * What a run has in its engine: a network for each segment, a container for each node. Labs borrow it one after another, for to start a container and to remove it
 * takes ten times as long as most acts play. A node gets a container in which it has been before, on the same networks, and which has forgotten all of it.
 */
import type { WorldPlan } from '../../../src/sim/plan.ts';
import type Docker from 'dockerode';
import { all } from './all.ts';
import { fits, makeContainer, makeNetworks, placesOf, removeContainer, removeNetworks } from './containers.ts';
import type { Place, Wire } from './containers.ts';
import { Conversation } from './conversation.ts';
import { isImage } from './guest.ts';
import type { Listener } from './conversation.ts';
import { isUnreachable } from './engine.ts';
import { beginRun } from './run.ts';
import type { Run } from './run.ts';

/** A container with an agent in it. */
export interface Home {
  readonly node: string;
  readonly wires: readonly Wire[];
  readonly container: Docker.Container;
  readonly agent: Conversation;
  /** By segment. */
  readonly places: ReadonlyMap<string, Place>;
}

/** What one lab has borrowed, by segment and by node. */
export interface Loan {
  readonly wires: Map<string, Wire>;
  readonly homes: Map<string, Home>;
  /** Containers that share the network of one of the homes. */
  readonly guests: Docker.Container[];
}

/** So many containers wait at the most for somebody who needs them again. */
const most = 16;

let current: Promise<Stock> | undefined;

/** The stock of this process, which begins its run when it is first asked for. */
export async function thisStock(): Promise<Stock> {
  current ??= beginRun().then((run) => {
    const stock = new Stock(run);
    // When there is nothing more to do. Whatever ends the process before that ends its lease as well.
    process.once('beforeExit', () => void stock.clear());
    return stock;
  });
  try {
    return await current;
  } catch (error) {
    current = undefined;
    throw error;
  }
}

export class Stock {
  readonly run: Run;
  /** The last that came back stand at the end. */
  #wires: Wire[] = [];
  #homes: Home[] = [];
  #labs = 0;

  constructor(run: Run) {
    this.run = run;
  }

  /** `loan` is empty, and filled as things come, so that it can be given back whatever happens. Returns what the names of this lab's things begin with. */
  async lend(plan: WorldPlan, loan: Loan, listenerOf: (node: string) => Listener): Promise<string> {
    const prefix = `natt-lab-${this.run.id}-${++this.#labs}`;
    for (const { name } of plan.segments) {
      const wire = this.#wires.find((one) => one.segment === name && fits(one, plan));
      if (wire === undefined) continue;
      this.#wires = this.#wires.filter((one) => one !== wire);
      loan.wires.set(name, wire);
    }
    for (const wire of await makeNetworks(this.run, prefix, plan, plan.segments.map(({ name }) => name).filter((name) => !loan.wires.has(name)))) loan.wires.set(wire.segment, wire);
    await all(
      plan.nodes.map(async (node, n) => {
        const wires = node.interfaces.map(({ segment }) => loan.wires.get(segment)!);
        const home = isImage(node) ? undefined : this.#homes.find((one) => one.node === node.name && !one.agent.isOver && sameItems(one.wires, wires));
        if (home !== undefined) {
          this.#homes = this.#homes.filter((one) => one !== home);
          home.agent.attend(listenerOf(node.name));
          loan.homes.set(node.name, home);
          return;
        }
        const container = await makeContainer(this.run, `${prefix}-${n}-${node.name.replace(/[^\w.-]/g, '-')}`, node, wires);
        const agent = await Conversation.with(container, node.name, listenerOf(node.name));
        const places = new Map<string, Place>();
        loan.homes.set(node.name, { node: node.name, wires, container, agent, places });
        await container.start();
        for (const [segment, place] of await placesOf(container, wires)) places.set(segment, place);
      }),
    );
    return prefix;
  }

  /** Those who have forgotten everything wait for the next lab. */
  async takeBack(loan: Loan): Promise<void> {
    const { wires, homes, guests } = loan;
    // What they have done to the network that they shared nobody knows.
    if (guests.length > 0) return this.discard(loan);
    try {
      await all(Array.from(homes.values(), ({ agent }) => agent.ask({ kind: 'leave' })));
    } catch {
      // The next lab gets new ones: what this one has found out is none the worse for it.
      return this.discard(loan);
    }
    for (const { agent } of homes.values()) agent.attend(undefined);
    this.#homes.push(...homes.values());
    this.#wires.push(...wires.values());
    await this.#keep(most);
  }

  /** Of a lab that has failed nothing is kept, nor of what stands on its networks. */
  async discard({ wires, homes, guests }: Loan): Promise<void> {
    this.#homes.push(...homes.values());
    this.#wires.push(...wires.values());
    await this.#keep(0, guests);
  }

  async clear(): Promise<void> {
    await this.#keep(0);
  }

  async #keep(containers: number, guests: readonly Docker.Container[] = []): Promise<void> {
    const going = this.#homes.splice(0, this.#homes.length - containers);
    for (const { agent } of going) agent.end();
    const needed = new Set(this.#homes.flatMap(({ wires }) => wires));
    const unneeded = this.#wires.filter((wire) => !needed.has(wire));
    this.#wires = this.#wires.filter((wire) => needed.has(wire));
    try {
      await Promise.all([...guests, ...going.map(({ container }) => container)].map(removeContainer));
      await removeNetworks(unneeded.map(({ network }) => network));
    } catch (error) {
      // An engine that has gone took everything along, or will not let us: "clean" removes it when it is back.
      if (!isUnreachable(error)) throw error;
    }
  }
}

const sameItems = <Item>(some: readonly Item[], others: readonly Item[]): boolean => some.length === others.length && some.every((one, i) => one === others[i]);
