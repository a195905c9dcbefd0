/** The contract: what a verdict is to a shell. */
export const exitStatuses = { pass: 0, fail: 1, inconclusive: 3, unsupported: 3 } as const;
