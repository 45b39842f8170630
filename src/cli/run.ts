/** Runs one command line: finds the verb, runs it, and turns what is thrown into a message and an exit code. */
import { readFileSync } from 'node:fs'
import { CommitStateUnknownError, IcebergError, ValidationError, messageOf } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import { printJson } from '../base/json.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { storeKindOf } from '../io/location.ts'
import type { FileIOOptions } from '../io/open-file-io.ts'
import { isLocation } from './command-name.ts'
import { closestNames } from '../spec/closest-names.ts'
import type { Command, Host } from './command.ts'
import { COMMANDS } from './commands.ts'
import { COMPLETE_VERB } from './completion-scripts.ts'
import { INTERRUPTED, USAGE, exitCodeOf } from './exit-code.ts'
import { commandHelp, familyHelp, generalHelp } from './help.ts'
import { parseOptions, verbFirst } from './options.ts'
import type { Options } from './options.ts'
import { Output, jsonSafe } from './output.ts'
import { Progress } from './progress.ts'
import { findWarehouse } from './warehouse.ts'
import type { Warehouse } from './warehouse.ts'

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
  else if (verb === COMPLETE_VERB) await (await import('./complete.ts')).complete(rest, host, output)
  else if (asksHelp) await output.write(topic === undefined ? generalHelp() : helpOn(rest))
  else if (isFamily(verb) && !isVerb(takeVerb(argv).name)) {
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
  const [word = ''] = words
  const { name } = takeVerb(words)
  if (!isVerb(name) && isFamily(word) && words.length === 1) return familyHelp(word)
  return helpOf(name)
}

function helpOf(verb: string): string {
  return commandHelp(find(verb)) + (isFamily(verb) ? `\n${familyHelp(verb)}` : '')
}

/** The verb that a command line begins with, of one word or two, and what follows it. `config` is both, as `git stash`. */
function takeVerb([word = '', ...rest]: readonly string[]): {
  readonly name: string
  readonly args: readonly string[]
} {
  const [next] = rest
  if (!isFamily(word) || (isVerb(word) && (next === undefined || next.startsWith('-'))))
    return { name: word, args: rest }
  return { name: `${word} ${next ?? ''}`.trim(), args: rest.slice(1) }
}

function isFamily(word: string): boolean {
  return Object.keys(COMMANDS).some((name) => name.startsWith(`${word} `))
}

function isVerb(name: string): boolean {
  return Object.hasOwn(COMMANDS, name)
}

async function execute(verb: string, options: Options, host: Host, output: Output): Promise<void> {
  const command = find(verb)
  if (options.flag('help')) return output.write(helpOf(verb))
  const progress = new Progress(host.stderr, host.stderrIsTty)
  const reporter: Reporter | undefined = host.stderrIsTty ? (event) => progress.note(event) : undefined
  const resources: { close(): Promise<void> }[] = []
  let found: Promise<Warehouse | undefined> | undefined
  let opened: Promise<Catalog> | undefined
  const warehouse = (): Promise<Warehouse | undefined> => (found ??= findWarehouse(options.string('warehouse'), host))
  const catalog = (): Promise<Catalog> => (opened ??= warehouse().then((given) => openWarehouse(given, reporter)))
  const storeOptions = async (location: string): Promise<Pick<FileIOOptions, 's3'>> =>
    storeKindOf(location) === 's3' ? { s3: (await warehouse())?.s3 } : {}
  const closeAtEnd = (resource: { close(): Promise<void> }): unknown => resources.push(resource)
  const [name = ''] = options.args
  if (isLocation(name) && !Object.hasOwn(command.options, 'no-relocate') && command.takesLocation !== true) {
    throw new ValidationError(
      `firn ${verb} takes a name, not a location: firn register TABLE LOCATION gives a table one; quote names with slashes`,
    )
  }
  try {
    const run = await command.load()
    await run({ host, name, options, output, progress, reporter, catalog, storeOptions, closeAtEnd })
  } finally {
    progress.clear()
    await (await opened?.catch(() => undefined))?.close()
    for (const resource of resources) await resource.close()
  }
}

async function openWarehouse(warehouse: Warehouse | undefined, reporter: Reporter | undefined): Promise<Catalog> {
  if (warehouse === undefined) {
    throw new ValidationError(
      'no warehouse: give --warehouse URI or set FIRN_WAREHOUSE (s3://bucket/prefix, or a folder), or name one by firn config set',
    )
  }
  const { openCatalog } = await import('../catalog/open-catalog.ts')
  return openCatalog(warehouse.uri, { reporter, s3: warehouse.s3 })
}

function find(verb: string): Command {
  const command = isVerb(verb) ? COMMANDS[verb] : undefined
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
