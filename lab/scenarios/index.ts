import { detection } from './detection.ts';
import { keepalive } from './keepalive.ts';
import { multiClient } from './multi-client.ts';
import { passthrough } from './passthrough.ts';
import { portFloat } from './port-float.ts';
import type { Scenario } from './scenario.ts';

/** The lessons in teaching order. */
export const scenarios: readonly Scenario[] = [detection, portFloat, keepalive, multiClient, passthrough];
