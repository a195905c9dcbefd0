/** What went wrong by a person's doing or a machine's lack: printed as a sentence, never as a stack trace. */
export class Problem extends Error {
  /** 2: the command line or a file is wrong. 3: unsupported here. */
  readonly exitStatus: 2 | 3;

  constructor(message: string, exitStatus: 2 | 3 = 2) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** What an act wants and this world cannot do, found out while it plays: the act is unsupported, with this reason. */
export class CannotBeTried extends Problem {
  constructor(message: string) {
    super(message, 3);
  }
}
