/** Arguments to options, with errors that name what was meant. */
import { parseArgs } from 'node:util'
import { ValidationError, messageOf } from '../base/errors.ts'
import { closestNames } from '../spec/closest-names.ts'

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** Shown in help after the name: `URI`, `N`. */
  readonly value?: string
  /** All values there are, where that is a closed list. */
  readonly choices?: readonly string[]
  readonly help: string
}

/** What a command line may hold after its verb. */
export interface Arguments {
  /** As help shows it: `count TABLE`. */
  readonly usage: string
  readonly args: { readonly least: number; readonly most: number }
  readonly options: Readonly<Record<string, CommandOption>>
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  warehouse: {
    type: 'string',
    short: 'w',
    value: 'URI|NAME',
    help: 's3://bucket/prefix, a folder, a name of firn config',
  },
  json: { type: 'boolean', help: 'one line of JSON, or a line an item for lists; 64-bit ids as strings' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
}

/** What was given, read by type. */
export class Options {
  readonly args: readonly string[]
  readonly #values: Readonly<Record<string, unknown>>

  constructor(args: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.args = args
    this.#values = values
  }

  string(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** A whole number. Errors: ValidationError. */
  count(name: string): number | undefined {
    const text = this.string(name)
    if (text === undefined) return undefined
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
    throw new ValidationError(`--${name} takes a whole number, not ${JSON.stringify(text)}`)
  }
}

/** `firn -w s3://lake ls` as `firn ls -w s3://lake`: options that every command has may stand before the verb. */
export function verbFirst(argv: readonly string[]): readonly string[] {
  const [first = '', second, ...rest] = argv
  if (first === '--json' || /^(?:--warehouse=|-w.)/.test(first)) return [...verbFirst(argv.slice(1)), first]
  if ((first !== '--warehouse' && first !== '-w') || second === undefined) return argv
  return [...verbFirst(rest), first, second]
}

export function parseOptions(known: Arguments, argv: readonly string[]): Options {
  const { values, positionals } = parse(known, argv)
  const { least, most } = known.args
  if (values['help'] !== true && positionals.length < least) throw usage(known, 'too few arguments')
  if (positionals.length > most) throw usage(known, `one argument too many: ${positionals[most]}`)
  return new Options(positionals, values)
}

function parse(known: Arguments, argv: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  const options = { ...known.options, ...COMMON_OPTIONS }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (error) {
    const unknown = /Unknown option '(-[^']*)'/.exec(messageOf(error))?.[1]
    if (unknown === undefined) throw usage(known, messageOf(error).split('. ')[0] ?? '')
    const [closest = 'help'] = closestNames(unknown.replace(/^-+/, ''), Object.keys(options))
    throw usage(known, `unknown option ${unknown}; did you mean --${closest}?`)
  }
}

function usage(known: Arguments, problem: string): ValidationError {
  return new ValidationError(`${problem}\nusage: firn ${known.usage}; --help tells more`)
}
