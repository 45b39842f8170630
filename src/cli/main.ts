#!/usr/bin/env node
/** The `firn` command: wires the process to `runCli`. */
import { isatty } from 'node:tty'
import type { Host } from './command.ts'
import { COMPLETE_VERB } from './completion-scripts.ts'
import { runCli } from './run.ts'

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The second one is not caught, so that a command that hangs can still be stopped.
  process.once(signal, () => interrupt.abort(new DOMException('interrupted', 'AbortError')))
}

const { stdout, stderr, env } = process
// Nobody is left to be told.
stderr.on('error', () => {})
const host: Host = {
  get stdin() {
    return process.stdin
  },
  stdinIsTty: isatty(0),
  stdout,
  stderr,
  env,
  cwd: process.cwd(),
  columns: stdout.isTTY ? stdout.columns : undefined,
  stderrIsTty: stderr.isTTY,
  signal: interrupt.signal,
}
const argv = process.argv.slice(2)
process.exitCode = await runCli(argv, host)
// A prompt waits: not for connections that the time limit left behind.
if (argv[0] === COMPLETE_VERB) process.exit()
