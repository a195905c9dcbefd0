import type { PfkeyDialect, System } from './dialect.ts';
import { freebsd } from './freebsd.ts';
import { illumos } from './illumos.ts';
import { linux } from './linux.ts';
import { openbsd } from './openbsd.ts';

export const pfkeyDialects: Readonly<Record<System, PfkeyDialect>> = { linux, freebsd, illumos, openbsd };
