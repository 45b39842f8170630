/**
 * Runs a command for as long as its own stdin stays open, then stops the command and removes a folder. The parent holds
 * the other end of that pipe, so the command ends with it however it ends: exit, Ctrl-C, SIGTERM, crash or SIGKILL.
 *
 * Usage: node guarded-process.mjs <folder to remove> <command> [arguments …]
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

const [folder, command, ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
process.stdin.resume().on('end', stop).on('error', stop)
child.on('error', (error) => finish(`${command}: ${error.message}`))
child.on('exit', (code, signal) => finish(`${command} ended with ${signal ?? code}`))

function stop() {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 5000).unref()
}

function finish(message) {
  process.stderr.write(`${message}\n`)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}
