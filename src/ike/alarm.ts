/** A timer of a daemon: what it is for is shown to people who learn from it (`nextWake().reason`). */
export interface Alarm {
  readonly reason: string;
  ring(): void;
}
