/** Command lines run in the test's own process, on a warehouse in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Host } from '../../src/cli/command.ts'
import { runCli } from '../../src/cli/run.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The lines of stdout as JSON. */
  readonly json: readonly Record<string, unknown>[]
}

export class Collector extends Writable {
  text = ''

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export interface FakeCli {
  readonly folder: string
  run(argv: readonly string[], host?: Partial<Host>): Promise<Ran>
}

/** A folder, gone when the test ends, with a warehouse `lake` in it. */
export async function fakeCli(): Promise<FakeCli> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return { folder, run: (argv, host) => run(argv, { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' }, ...host }) }
}

export async function run(argv: readonly string[], overrides: Partial<Host> = {}): Promise<Ran> {
  const stdout = new Collector()
  const stderr = new Collector()
  const host: Host = {
    stdout,
    stderr,
    stdin: Readable.from([]),
    stdinIsTty: false,
    cwd: tmpdir(),
    columns: undefined,
    stderrIsTty: false,
    signal: new AbortController().signal,
    ...overrides,
    // Whoever runs the tests may have a config file.
    env: { XDG_CONFIG_HOME: '/nonexistent', ...overrides.env },
  }
  const code = await runCli(argv, host)
  return {
    code,
    stdout: stdout.text,
    stderr: stderr.text,
    get json() {
      return stdout.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

/** Standard input that holds these texts. */
export function input(...texts: readonly string[]): { readonly stdin: Readable } {
  return { stdin: Readable.from(texts.map((text) => Buffer.from(text))) }
}
