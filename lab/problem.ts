/** What went wrong by a person's doing or a machine's lack: printed as a sentence, never as a stack trace. */
export class Problem extends Error {
  /** 2: the command line or a file is wrong. 3: unsupported here. */
  readonly exitStatus: 2 | 3;

  constructor(message: string, exitStatus: 2 | 3 = 2) {
    super(message);
    this.exitStatus = exitStatus;
  }
}
