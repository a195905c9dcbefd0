#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { backendNames } from './backends/backend.ts';
import { commandNames } from './command-names.ts';
import type { CourseCommandLine } from './commands/course.ts';
import type { Named } from './commands/asked.ts';
import type { DoctorCommandLine } from './commands/doctor.ts';
import type { DecodeCommandLine } from './commands/decode.ts';
import type { DiagnoseCommandLine } from './commands/diagnose.ts';
import type { MatrixCommandLine } from './commands/matrix.ts';
import type { ProbeCommandLine } from './commands/nat-probe.ts';
import type { PfkeyCommandLine } from './commands/pfkey.ts';
import type { CommandLine } from './commands/run.ts';
import type { UpCommandLine } from './commands/up.ts';
import type { ZooCommandLine } from './commands/zoo.ts';
import { programName } from './own-modules.ts';
import { Problem } from './problem.ts';
import { lineWidth } from './report/text.ts';
import { ikeModes } from './topology/ike-version.ts';

const { argv, stderr } = process;

const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];
const collectList = (value: string, previous: readonly string[] = []): string[] => [...previous, ...value.split(',').map((word) => word.trim()).filter((word) => word !== '')];

/** For what takes the name of a lesson, a box or a topology. */
const naming = (command: Command): Command => command.option('--scenarios <folder>', 'a folder with lessons, presets/ and topologies/ of your own, repeatable', collect);

/** For what plays on one topology. */
const withMininetTopo = (command: Command): Command =>
  command
    .option('--mininet-topo <class>', 'what a mininet class of your own builds, as FILE.py:CLASS, instead of a topology')
    .option('--mininet-map <roles>', 'who is who in it: client=h1,box=r1,gateway=h2');

function withRunOptions(command: Command): Command {
  naming(command)
    .option('--backend <name>', `where it runs: ${backendNames.join(', ')}`, 'sim')
    .option('--topology <name|file>', 'another topology than the lesson\'s own');
  return withMininetTopo(command)
    .option('--act <name>', 'this act only, repeatable (see: explain SCENARIO)', collect)
    .option('--nat <preset>', 'this preset for every box, where the lesson does not need a certain one (see: nat list)')
    .option('--ike <version>', `another version of IKE, where the lesson is not about one: ${ikeModes.join(', ')}`)
    .option('--nat-engine <engine>', 'what the boxes run on where the backend has a choice: auto, kernel, machine')
    .option('--set <parameter=value>', 'a parameter of the lesson, repeatable (see: explain SCENARIO)', collect)
    .option('--seed <n>', 'the seed of all chance in the simulator', '1')
    .option('--json <file|->', 'results as JSON (schema 1); - is standard output')
    .option('--junit <file>', 'results as JUnit XML')
    .option('--trace <file>', 'everything that happened, as JSON lines')
    .option('--pcap <file>', 'what passed every interface, as pcapng')
    .option('--report <file.html>', 'all of it to look at in a browser: one file that needs no network')
    .option('--compare <acts|file>', 'with --report: two acts side by side (without,with), or this run beside an earlier report')
    .option('--ladder', 'draw the exchange: who says what to whom through which box, with its ports on each side')
    .option('--pace', 'the ladder step by step: its story waits for Enter, the lesson goes on')
    .option('--explain', 'the ladder with what a teacher would say, and RFC sections')
    .option('--quiet', 'verdicts only')
    .option('--cli', 'with --backend mininet: mininet\'s own prompt on the network of the lesson\'s last act')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)');
}

function program(): Command {
  const lab = new Command(programName)
    .description('natt-lab: a NAT-traversal laboratory for IPsec')
    .usage('[SCENARIO | COMMAND] [options]')
    .helpOption('-h, --help', 'this help')
    .helpCommand('help [command]', 'help for a command')
    .configureOutput({ outputError: (text, write) => write(`${programName}: ${text.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/, '; did you mean "$1"?')}`) })
    .showSuggestionAfterError(true)
    .exitOverride();
  lab.addHelpText(
    'after',
    (): string => `
Options of a run:
${optionsOf(lab.commands.find((command) => command.name() === 'run')!)}

Without a scenario the headline lessons are told, one after the other, on the simulator.

  ${programName} detection --set position=double
  ${programName} keepalive --backend netns
  ${programName} port-float --ike v1-aggressive
  ${programName} multi-client --set clients=20 --nat passthrough-500 --json -

Exit status: 0 all verdicts pass; 1 a check failed; 2 the command line or a file is wrong; 3 unsupported here, or inconclusive.`,
  );

  withRunOptions(lab.command('run [scenario...]'))
    .description('run lessons (a scenario\'s name alone does the same)')
    .option('--all', 'all of them')
    .action(async (names: string[], options: CommandLine) => finish((await import('./commands/run.ts')).run(names, options, isLoneName ? commandNames : [])));
  withRunOptions(lab.command('tour', { isDefault: true, hidden: true }))
    .allowExcessArguments(false)
    .action(async (options: CommandLine) => finish((await import('./commands/run.ts')).tour(options)));
  naming(lab.command('list'))
    .description('the scenarios and what each teaches')
    .option('--json', 'as JSON')
    .action(async (options: Named & { json?: true }) => finish((await import('./commands/list.ts')).list(options)));
  naming(lab.command('explain <scenario>'))
    .description('the lesson, its topologies, its claims with their RFC sections')
    .action(async (name: string, options: Named) => finish((await import('./commands/explain.ts')).explain(name, options)));
  lab
    .command('course [lesson]')
    .description('the lessons in teaching order, each with a question, a prediction, its proof; goes on where it was left')
    .option('--list', 'the lessons, and how far you have come')
    .option('--restart', 'from the beginning, and forget what was predicted')
    .option('--export <folder>', 'the whole course as a site for a browser, with a report of each lesson, into a new or empty folder')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (lesson: string | undefined, options: CourseCommandLine) => finish((await import('./commands/course.ts')).course(lesson, options)));
  withMininetTopo(naming(lab.command('up [topology]')))
    .description('a running lab with a prompt: connect clients, ping, reboot boxes, let time pass, look')
    .option('--backend <name>', `where it runs: ${backendNames.join(', ')}`, 'sim')
    .option('--nat <preset>', 'this preset for every box (see: nat list)')
    .option('--ike <version>', `another version of IKE: ${ikeModes.join(', ')}`)
    .option('--nat-engine <engine>', 'what the boxes run on where the backend has a choice: auto, kernel, machine')
    .option('--seed <n>', 'the seed of all chance in the simulator', '1')
    .option('--script <file>', 'run the lines of this file instead of asking for some')
    .option('--trace <file>', 'everything that happened, as JSON lines')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (topology: string | undefined, options: UpCommandLine) => finish((await import('./commands/up.ts')).up(topology, options)));
  withMininetTopo(naming(lab.command('zoo [scenario...]')))
    .description('lessons behind every box there is, as a table: what works, what works after a while, what fails and why')
    .option('--backend <name>', `where it runs: ${backendNames.join(', ')}`, 'sim')
    .option('--nat <preset>', 'behind this box only, repeatable (see: nat list)', collect)
    .option('--ike <version>', `another version of IKE, where the lesson is not about one: ${ikeModes.join(', ')}`)
    .option('--nat-engine <engine>', 'what the boxes run on where the backend has a choice: auto, kernel, machine')
    .option('--set <parameter=value>', 'a parameter of the lessons, repeatable', collect)
    .option('--seed <n>', 'the seed of all chance in the simulator', '1')
    .option('--json <file|->', 'the cells as JSON (schema 1); - is standard output')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (names: string[], options: ZooCommandLine) => finish((await import('./commands/zoo.ts')).zoo(names, options)));
  naming(lab.command('matrix'))
    .description('lessons behind boxes, in versions of IKE, on backends: every combination, over all cores; green when all comes out as foreseen')
    .option('--scenario <names>', 'these lessons; all of them when not said; headlines: those of the tour', collectList)
    .option('--nat <presets>', 'behind these boxes; own: the lesson\'s (when not said), all: those and every preset', collectList)
    .option('--ike <versions>', `in these versions of IKE: own (when not said), ${ikeModes.join(', ')}, all`, collectList)
    .option('--backend <names>', `on these backends: ${backendNames.join(', ')}, all; sim when not said`, collectList)
    .option('--set <parameter=value>', 'a parameter of the lessons, repeatable', collect)
    .option('--seed <n>', 'the seed of all chance in the simulator; 1 when not said')
    .option('--file <file>', 'a matrix as YAML; lab.matrix.yaml in the working directory when not said')
    .option('--schema', 'the JSON Schema of that file, for an editor')
    .option('--list', 'the cells, without playing them')
    .option('--shard <i/n>', 'the i-th of n parts; together they are the whole')
    .option('--only-failed', 'the cells that came out wrong the last time, as they were')
    .option('--bail', 'end after the first that comes out wrong')
    .option('--parallel <n>', 'simulated cells at a time; as many as there are cores when not said')
    .option('--parallel-real <n>', 'cells at a time on a real backend', '1')
    .option('--timeout <duration>', 'the longest that a cell may take; when not said 5 min, and 15 min on a real backend')
    .option('--json <file|->', 'results as JSON (schema 1); - is standard output')
    .option('--junit <file>', 'results as JUnit XML')
    .option('--html <file>', 'the grid as a page, where each cell opens its checks')
    .option('--traces <folder>', 'for the trace of each cell that comes out wrong, as JSON lines')
    .option('--format <format>', 'github: the jobs of a matrix of GitHub\'s as JSON, and nothing is played')
    .option('--jobs <n>', 'with --format github: how many for each backend; one for 200 cells when not said')
    .option('--quiet', 'the summary only')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (options: MatrixCommandLine) => finish((await import('./commands/matrix.ts')).matrix(options)));
  lab
    .command('matrix-worker', { hidden: true })
    .requiredOption('--backend <name>')
    .action(async (options: { backend: string }) => finish((await import('./commands/matrix-worker.ts')).matrixWorker(options)));
  const nat = lab.command('nat').description('the NAT boxes: nat list, nat show NAME, nat probe NAME');
  naming(nat.command('list'))
    .description('the presets')
    .option('--json', 'as JSON')
    .action(async (options: Named & { json?: true }) => finish((await import('./commands/nat.ts')).natList(options)));
  naming(nat.command('show <name>'))
    .description('every knob of a preset')
    .option('--json', 'as JSON')
    .action(async (name: string, options: Named & { json?: true }) => finish((await import('./commands/nat.ts')).natShow(name, options)));
  naming(nat.command('probe [preset|topology]'))
    .description('find out by packets alone what a box does, as RFC 5780 has it and beyond')
    .option('--backend <name>', `where it runs: ${backendNames.join(', ')}`, 'sim')
    .option('--nat-engine <engine>', 'what the boxes run on where the backend has a choice: auto, kernel, machine')
    .option('--seed <n>', 'the seed of all chance in the simulator', '1')
    .option('--server <address>', 'probe the box in front of this machine; the server runs nat probe --serve')
    .option('--second-address <address>', 'another address of this machine, which stands for a second client')
    .option('--longest <duration>', 'the longest silence after which a real box is tried', '6 min')
    .option('--serve', 'be the server: on a machine that no box stands in front of')
    .option('--address <address>', 'an address to serve on, given twice: two tell more than one', collect)
    .option('--json', 'as JSON')
    .option('--yaml', 'as a topology file, for the box to be replayed')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (target: string | undefined, options: ProbeCommandLine) => finish((await import('./commands/nat-probe.ts')).natProbe(target, options)));
  const daemon = lab.command('daemon').description('the daemons of the field: daemon list, daemon show NAME');
  daemon
    .command('list')
    .description('what a host\'s "daemon" may be')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => finish((await import('./commands/daemon.ts')).daemonList(options)));
  daemon
    .command('show <name>')
    .description('what it offers and how it behaves')
    .option('--json', 'as JSON')
    .action(async (name: string, options: { json?: true }) => finish((await import('./commands/daemon.ts')).daemonShow(name, options)));
  naming(lab.command('topology').description('topology files: topology check FILE').command('check <file>'))
    .description('validate; errors name file, line, column and the fix')
    .action(async (file: string, options: Named) => finish((await import('./commands/topology.ts')).topologyCheck(file, options)));
  withMininetTopo(naming(lab.command('pfkey [host]')))
    .description('the SAs and policies of a host after a run, as setkey -D and -DP print them; without a name, of every host')
    .option('--scenario <name>', 'the lesson that is run', 'port-float')
    .option('--act <name>', 'the end of this act; the first one when not said (see: explain SCENARIO)')
    .option('--messages', 'what daemon and stack have said to each other, too')
    .option('--backend <name>', `where it runs: ${backendNames.join(', ')}`, 'sim')
    .option('--topology <name|file>', 'another topology than the lesson\'s own')
    .option('--nat <preset>', 'this preset for every box')
    .option('--ike <version>', `another version of IKE: ${ikeModes.join(', ')}`)
    .option('--set <parameter=value>', 'a parameter of the lesson, repeatable', collect)
    .option('--seed <n>', 'the seed of all chance in the simulator', '1')
    .option('--json', 'as JSON, whatever the system\'s own octets are')
    .action(async (host: string | undefined, options: PfkeyCommandLine) => finish((await import('./commands/pfkey.ts')).pfkey(host, options)));
  lab
    .command('decode <file>')
    .description('a capture as trees, with RFC sections: IKE, ESP, markers, keepalives, and whose addresses the NAT-D hashes are of; - is standard input')
    .option('--keys <folder>', 'a Wireshark profile with the keys; not needed for what --pcap has written')
    .option('--frames <range>', 'these frames only: 12, 12-20, 12-')
    .option('--brief', 'a line a packet')
    .option('--full', 'every field of the IP and UDP headers, too')
    .option('--all', 'other protocols, too')
    .option('--ladder', 'as a ladder: who says what to whom, with which ports')
    .option('--json', 'as JSON')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (file: string, options: DecodeCommandLine) => finish(options.ladder ? (await import('./commands/decode-ladder.ts')).decodeLadder(file, options) : (await import('./commands/decode.ts')).decode(file, options)));
  lab
    .command('diagnose <file>')
    .description('why a VPN fails behind a NAT, from a capture: the cause, the packets that show it, what to do next; - is standard input')
    .option('--keys <folder>', 'a Wireshark profile with the keys, with which more is seen; not needed for what --pcap has written')
    .option('--json', 'as JSON')
    .option('--no-color', 'no colours (NO_COLOR and a pipe do the same)')
    .action(async (file: string, options: DiagnoseCommandLine) => finish((await import('./commands/diagnose.ts')).diagnose(file, options)));
  lab
    .command('doctor')
    .description('what this machine can run, what is missing, the command that gets it')
    .option('--install', 'get the packages that are missing, on Debian and Ubuntu: shows the command and asks')
    .option('--yes', 'with --install: do not ask')
    .option('--json', 'as JSON')
    .action(async (options: DoctorCommandLine) => finish((await import('./commands/doctor.ts')).doctor(options)));
  lab
    .command('clean')
    .description('remove what a killed run has left in the Docker engine, and nothing of one that lives')
    .option('--json', 'what was removed, as JSON')
    .action(async (options: { json?: true }) => finish((await import('./commands/clean.ts')).clean(options)));
  return lab;
}

/** As commander lists them in the help of that command. */
function optionsOf(command: Command): string {
  const help = command.createHelp();
  help.helpWidth = lineWidth(process.stdout, 80);
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const width = Math.max(...options.map((option) => help.optionTerm(option).length));
  return options.map((option) => help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help)).join('\n');
}

async function finish(status: number | Promise<number>): Promise<void> {
  process.exitCode = await status;
}

/** `lab keepalive …` is `lab run keepalive …`. */
const [first] = argv.slice(2);
const isLoneName = first !== undefined && !first.startsWith('-') && !(commandNames as readonly string[]).includes(first);

// Who reads may stop reading: `lab list | head -1`. 141 is what a shell calls a program that SIGPIPE ended.
for (const stream of [process.stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(141);
  });
}

try {
  await program().parseAsync([...(isLoneName ? ['run'] : []), ...argv.slice(2)], { from: 'user' });
} catch (error) {
  if (error instanceof Problem) {
    stderr.write(`${programName}: ${error.message}\n`);
    process.exitCode = error.exitStatus;
  } else if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else throw error;
}
