import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';

/** How the body of a payload is read and written, `FromHead` being what its head says of it. What `read` leaves over is refused by its caller. */
export interface Layout<Payload, FromHead extends PropertyKey = 'type'> {
  read(body: Fields): Omit<Payload, FromHead>;
  write(out: Writer, payload: Payload): void;
}
