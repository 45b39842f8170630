/** Runs one command line: finds the verb, runs it, and turns what is thrown into a message and an exit code. */
import { readFileSync } from 'node:fs'
import { CommitStateUnknownError, IcebergError, ValidationError, messageOf } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import { printJson } from '../base/json.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { toLocation } from '../io/location.ts'
import { isLocation } from './command-name.ts'
import { closestNames } from '../spec/closest-names.ts'
import type { Command, Host } from './command.ts'
import { COMMANDS } from './commands.ts'
import { INTERRUPTED, USAGE, exitCodeOf } from './exit-code.ts'
import { commandHelp, familyHelp, generalHelp } from './help.ts'
import { parseOptions, verbFirst } from './options.ts'
import type { Options } from './options.ts'
import { Output, jsonSafe } from './output.ts'
import { Progress } from './progress.ts'

/** The exit code. Nothing is thrown, and the process is left alone. */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const json = argv.includes('--json')
  const output = new Output(host.stdout, { json, columns: host.columns, signal: host.signal })
  try {
    const code = await dispatch(verbFirst(argv), host, output)
    await output.flush()
    return code
  } catch (error) {
    if (output.closed) return 0
    // Ctrl-C before a commit leaves nothing; one whose outcome is open has to be told as that.
    if (host.signal.aborted && !(error instanceof CommitStateUnknownError)) {
      host.stderr.write('firn: interrupted; nothing was changed\n')
      return INTERRUPTED
    }
    host.stderr.write(describeError(error, { json, debug: host.env['FIRN_DEBUG'] === '1' }))
    return exitCodeOf(error)
  }
}

async function dispatch(argv: readonly string[], host: Host, output: Output): Promise<number> {
  const [verb, ...rest] = argv
  const asksHelp = ['help', '--help', '-h'].includes(verb ?? '')
  const [topic] = rest
  if (verb === undefined) host.stderr.write(generalHelp())
  else if (verb === '--version' || verb === '-V') await output.lines([version()])
  else if (asksHelp) await output.write(topic === undefined ? generalHelp() : helpOn(rest))
  else if (isFamily(verb) && !isVerb(verb, rest)) {
    const [word = '--help'] = rest
    if (word !== '--help' && word !== '-h') throw unknownVerb(`${verb} ${word}`)
    await output.write(familyHelp(verb))
  } else {
    const { name, args } = takeVerb(argv)
    await execute(name, parseOptions(find(name), args), host, output)
  }
  return verb === undefined ? USAGE : 0
}

function helpOn(words: readonly string[]): string {
  const [word = '', next] = words
  if (isFamily(word) && next === undefined) return familyHelp(word)
  return commandHelp(find(takeVerb(words).name))
}

/** The verb that a command line begins with, of one word or two, and what follows it. */
function takeVerb([word = '', ...rest]: readonly string[]): {
  readonly name: string
  readonly args: readonly string[]
} {
  return isFamily(word) ? { name: `${word} ${rest[0] ?? ''}`.trim(), args: rest.slice(1) } : { name: word, args: rest }
}

function isFamily(word: string): boolean {
  return Object.keys(COMMANDS).some((name) => name.startsWith(`${word} `))
}

function isVerb(word: string, [next = '']: readonly string[]): boolean {
  return Object.hasOwn(COMMANDS, `${word} ${next}`)
}

async function execute(verb: string, options: Options, host: Host, output: Output): Promise<void> {
  const command = find(verb)
  if (options.flag('help')) return output.write(commandHelp(command))
  const progress = new Progress(host.stderr, host.stderrIsTty)
  const reporter: Reporter | undefined = host.stderrIsTty ? (event) => progress.note(event) : undefined
  const resources: { close(): Promise<void> }[] = []
  let opened: Promise<Catalog> | undefined
  const catalog = (): Promise<Catalog> => (opened ??= openWarehouse(options, host, reporter))
  const closeAtEnd = (resource: { close(): Promise<void> }): unknown => resources.push(resource)
  const [name = ''] = options.args
  if (isLocation(name) && !Object.hasOwn(command.options, 'no-relocate')) {
    throw new ValidationError(
      `firn ${verb} takes a name, not a location: firn register TABLE LOCATION gives a table one; quote names with slashes`,
    )
  }
  try {
    const run = await command.load()
    await run({ host, name, options, output, progress, reporter, catalog, closeAtEnd })
  } finally {
    progress.clear()
    await (await opened?.catch(() => undefined))?.close()
    for (const resource of resources) await resource.close()
  }
}

async function openWarehouse(options: Options, { env, cwd }: Host, reporter: Reporter | undefined): Promise<Catalog> {
  const uri = options.string('warehouse') ?? env['FIRN_WAREHOUSE'] ?? ''
  if (uri === '') {
    throw new ValidationError(
      'no warehouse: give --warehouse URI or set FIRN_WAREHOUSE (s3://bucket/prefix, or a folder)',
    )
  }
  const { openCatalog } = await import('../catalog/open-catalog.ts')
  const location = /^https?:/.test(uri) ? uri : toLocation(uri, cwd)
  return openCatalog(location, { reporter })
}

function find(verb: string): Command {
  const command = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined
  if (command === undefined) throw unknownVerb(verb)
  return command
}

function unknownVerb(verb: string): ValidationError {
  const [closest] = closestNames(verb, Object.keys(COMMANDS))
  const hint = closest?.[0] === verb[0] ? `did you mean ${closest}?` : 'firn --help lists the commands'
  return new ValidationError(`no command ${JSON.stringify(verb)}; ${hint}`)
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function describeError(error: unknown, { json, debug }: { json: boolean; debug: boolean }): string {
  const known = error instanceof IcebergError
  const message = messageOf(error)
  if (json) {
    const name = error instanceof Error ? error.name : 'Error'
    return `${printJson({ error: { name, message, context: known ? jsonSafe({ ...error.context }) : {} } })}\n`
  }
  const hint = known || debug ? '' : 'This is a fault of firn itself; FIRN_DEBUG=1 shows where.\n'
  return `firn: ${message}\n${hint}${debug ? `${stacks(error)}\n` : ''}`
}

function stacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack ?? error.message}${error.cause === undefined ? '' : `\ncaused by: ${stacks(error.cause)}`}`
}
