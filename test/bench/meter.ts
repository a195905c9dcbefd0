/** What a process has used since the meter was started. Processor time counts every thread: the garbage collector's and the compiler's too. */
export interface Usage {
  readonly wallMs: number;
  readonly processorMs: number;
  /** The most memory that the process ever held, loading its program included, in megabytes of 10^6 octets. */
  readonly peakMegabytes: number;
}

export function meter(): () => Usage {
  const wall = performance.now();
  const processor = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(processor);
    return { wallMs: performance.now() - wall, processorMs: (user + system) / 1000, peakMegabytes: (process.resourceUsage().maxRSS * 1024) / 1e6 };
  };
}
