import { wholeZoo } from './whole-zoo.ts';

wholeZoo('v1');
