/** The package as people get it: packed, and installed in a project that has nothing else. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { root } from '../cli/lab.ts';
import type { Said } from '../cli/lab.ts';

export interface Project extends Disposable {
  readonly folder: string;
  /** The files of the package. */
  readonly packed: readonly string[];
  write(file: string, text: string): void;
  /** Runs a program, the project's own before the machine's. */
  run(program: string, ...words: readonly string[]): Promise<Said>;
  /** Compiles the project as TypeScript's strictest do, declarations of the package included; what is wrong, line by line. */
  typeErrors(): Promise<string>;
}

export async function installedProject(): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-package-'));
  const project = join(folder, 'project');
  mkdirSync(project);
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  };
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  write('package.json', JSON.stringify({ name: 'my-daemon', private: true, type: 'module' }));
  await copyDependencies(project);
  // Offline: what package.json does not name is not there, and npm takes away what nobody names.
  await execa('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, filename)], { cwd: project });
  return {
    folder: project,
    packed: files.map(({ path }) => path),
    write,
    run: async (program, ...words) => {
      const { exitCode, stdout: out, stderr } = await execa(program, words, { cwd: project, preferLocal: true, localDir: project, reject: false, env: { COLUMNS: '100', npm_config_loglevel: 'silent' }, stdin: 'ignore', stripFinalNewline: false, timeout: 60_000 });
      return { status: exitCode, stdout: out, stderr };
    },
    typeErrors: async () => {
      mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
      for (const types of ['@types/node', 'undici-types']) {
        // A dependency may have brought another version along.
        rmSync(join(project, 'node_modules', types), { recursive: true, force: true });
        symlinkSync(join(root, 'node_modules', types), join(project, 'node_modules', types));
      }
      write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true, types: ['node'] }, include: ['**/*.ts'] }));
      const { stdout: errors } = await execa(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project, reject: false });
      return errors;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** What the package needs at run time, from where it lies already: no test waits for the network. */
async function copyDependencies(project: string): Promise<void> {
  const { stdout } = await execa('npm', ['ls', '--omit=dev', '--omit=peer', '--all', '--parseable'], { cwd: root, reject: false });
  const folders = stdout.split('\n').slice(1).map((path) => relative(root, path));
  for (const one of folders) cpSync(join(root, one), join(project, one), { recursive: true, dereference: true });
}
