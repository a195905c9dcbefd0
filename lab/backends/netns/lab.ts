import type { WorldPlan } from '../../../src/sim/plan.ts';
import type { LabOptions } from '../backend.ts';
import { LinuxLab } from '../linux/lab.ts';
import { NamespaceGround } from './ground.ts';

export const openNamespaces = (plan: WorldPlan, options: LabOptions): LinuxLab => new LinuxLab(plan, new NamespaceGround(plan), options);
