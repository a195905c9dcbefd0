/** strongSwan's control protocol (README_VICI.md of strongSwan): named requests with key-value messages over a stream socket. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Reader, Writer, concat, fromUtf8, utf8 } from '../../src/core/bytes.ts';

/** Texts, lists of texts, and sections of these. */
export interface ViciMessage {
  readonly [key: string]: string | readonly string[] | ViciMessage;
}

/** What a packet is for: its first octet. */
const operations = { request: 0, response: 1, unknownCommand: 2, register: 3, unregister: 4, confirmation: 5, unknownEvent: 6, event: 7 } as const;

const elements = { sectionStart: 1, sectionEnd: 2, keyValue: 3, listStart: 4, listItem: 5, listEnd: 6 } as const;

/** One connection to the daemon. Requests are made one after the other. */
export class Vici {
  readonly #socket: Socket;
  #received: Uint8Array = new Uint8Array(0);
  #hear: (packet: Uint8Array) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('strongSwan closed the control connection')));
  }

  static async connect(path: string): Promise<Vici> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Vici(socket);
  }

  /** Sends a command and gives the answer; one that says `success: no` throws with its reason. */
  async request(command: string, message: ViciMessage = {}): Promise<ViciMessage> {
    const answer = await this.#exchange(operations.request, command, message);
    if (answer['success'] === 'no') throw new Error(`strongSwan: ${command}: ${typeof answer['errmsg'] === 'string' ? answer['errmsg'] : 'no reason given'}`);
    return answer;
  }

  /** Sends a command that answers with a stream of events of that name. */
  async stream(command: string, event: string): Promise<ViciMessage[]> {
    const events: ViciMessage[] = [];
    await this.#exchange(operations.register, event);
    await this.#exchange(operations.request, command, {}, (one) => events.push(one));
    await this.#exchange(operations.unregister, event);
    return events;
  }

  close(): void {
    this.#socket.destroy();
  }

  #exchange(operation: number, name: string, message: ViciMessage = {}, onEvent: (event: ViciMessage) => void = () => undefined): Promise<ViciMessage> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#hear = (packet) => {
        const reader = new Reader(packet);
        const answer = reader.u8();
        if (answer === operations.event) {
          reader.bytes(reader.u8());
          onEvent(decode(reader));
        } else if (answer === operations.response || answer === operations.confirmation) resolve(decode(reader));
        else reject(new Error(`strongSwan knows no ${name}`));
      };
      const body = new Writer().u8(operation).u8(name.length).bytes(utf8(name));
      encode(body, message);
      const packet = body.finish();
      this.#socket.write(new Writer().u32(packet.length).bytes(packet).finish());
    });
  }

  #take(chunk: Uint8Array): void {
    this.#received = concat(this.#received, chunk);
    for (;;) {
      const reader = new Reader(this.#received);
      if (reader.remaining < 4) return;
      const length = reader.u32();
      if (reader.remaining < length) return;
      const packet = reader.bytes(length);
      this.#received = reader.rest();
      this.#hear(packet);
    }
  }
}

function encode(to: Writer, message: ViciMessage): void {
  const key = (kind: number, name: string): Writer => to.u8(kind).u8(name.length).bytes(utf8(name));
  const value = (text: string): void => {
    const bytes = utf8(text);
    to.u16(bytes.length).bytes(bytes);
  };
  for (const [name, item] of Object.entries(message)) {
    if (typeof item === 'string') {
      key(elements.keyValue, name);
      value(item);
    } else if (isList(item)) {
      key(elements.listStart, name);
      for (const text of item) {
        to.u8(elements.listItem);
        value(text);
      }
      to.u8(elements.listEnd);
    } else {
      key(elements.sectionStart, name);
      encode(to, item);
      to.u8(elements.sectionEnd);
    }
  }
}

const isList = (item: readonly string[] | ViciMessage): item is readonly string[] => Array.isArray(item);

/** Reads to the end of the section, or of the packet. */
function decode(from: Reader): ViciMessage {
  const message: Record<string, string | string[] | ViciMessage> = {};
  const name = (): string => fromUtf8(from.bytes(from.u8()));
  const value = (): string => fromUtf8(from.bytes(from.u16()));
  while (from.remaining > 0) {
    const kind = from.u8();
    if (kind === elements.sectionEnd) break;
    const key = name();
    if (kind === elements.keyValue) message[key] = value();
    else if (kind === elements.sectionStart) message[key] = decode(from);
    else {
      const list: string[] = (message[key] = []);
      while (from.u8() === elements.listItem) list.push(value());
    }
  }
  return message;
}
