/** A frame and when it was captured, in seconds since the section began. */
export interface Moment {
  readonly frame: number;
  readonly at: number;
}
