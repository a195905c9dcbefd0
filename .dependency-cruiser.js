/**
 * Who may import whom: the contract of the house, checked in `npm test`.
 * core <- wire <- crypto <- {ike, ipsec} <- host;  core, wire <- {nat, probe};  core <- trace;  {host, nat, trace} <- sim;  src <- lab.
 */
const floors = {
  core: ['core'],
  wire: ['core', 'wire'],
  crypto: ['core', 'wire', 'crypto'],
  ike: ['core', 'wire', 'crypto', 'ike'],
  ipsec: ['core', 'wire', 'crypto', 'ipsec'],
  host: ['core', 'wire', 'crypto', 'ike', 'ipsec', 'host'],
  nat: ['core', 'wire', 'nat'],
  probe: ['core', 'wire', 'probe'],
  trace: ['core', 'trace'],
  sim: ['core', 'wire', 'host', 'nat', 'trace', 'sim'],
};

const downwardsOnly = Object.entries(floors).map(([floor, allowed]) => ({
  name: `${floor}-imports-downwards-only`,
  severity: 'error',
  comment: `src/${floor} may import src/{${allowed.join(',')}} and nothing else of the house`,
  from: { path: `^src/${floor}/` },
  to: { path: '^(src|lab|test)/', pathNot: `^src/(${allowed.join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...downwardsOnly,
    {
      name: 'machines-do-no-io',
      severity: 'error',
      comment: 'src/ holds state machines: no I/O, no timers. node:crypto is arithmetic here and lives in src/crypto alone',
      from: { path: '^src/', pathNot: '^src/crypto/' },
      to: { dependencyTypes: ['core', 'npm'] },
    },
    {
      name: 'crypto-uses-node-crypto-only',
      severity: 'error',
      from: { path: '^src/crypto/' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'scenarios-know-no-backend',
      severity: 'error',
      comment: 'a lesson runs unchanged everywhere: it sees the scenario kit and the checks only',
      from: { path: '^lab/(scenarios|checks)/' },
      to: { path: '^lab/(backends/.+/|report|commands|cli)' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'no-circles-of-types',
      severity: 'error',
      comment: 'only where a daemon or a stack is cut into files do these name each other\'s types',
      from: { pathNot: '^src/(ike|ipsec)/' },
      to: { circular: true },
    },
    { name: 'production-imports-no-test', severity: 'error', from: { path: '^(src|lab)/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js'], conditionNames: ['import', 'node'] },
  },
};
