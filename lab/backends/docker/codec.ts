/** JSON lines that bring octets, long integers and infinities across unharmed: what a plan and a trace are made of and JSON has no words for. */

export const toLine = (value: unknown): string => `${JSON.stringify(value, inJson)}\n`;

export const fromLine = (line: string): unknown => JSON.parse(line, outOfJson);

function inJson(this: unknown, key: string, converted: unknown): unknown {
  // Node's Buffer would have made JSON of itself by now: what it was stands in the object around it.
  const value = (this as Record<string, unknown>)[key];
  if (value instanceof Uint8Array) return { $octets: Buffer.from(value).toString('base64') };
  if (typeof value === 'bigint') return { $integer: String(value) };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  return converted;
}

function outOfJson(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$octets' in value) return new Uint8Array(Buffer.from(String(value.$octets), 'base64'));
  if ('$integer' in value) return BigInt(String(value.$integer));
  if ('$number' in value) return Number(value.$number);
  return value;
}

/** Cuts what comes in pieces into lines. */
export class Lines {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(piece: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line !== '') this.#take(line);
  }
}
