/**
 * What may stand at the end of a command line, read off the table of commands: verbs, options, values of closed lists.
 * What only the warehouse knows is named by its kind. Shells ask through a hidden verb, so that all have the same answer.
 */
import type { Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { COMMON_OPTIONS } from './options.ts'
import type { CommandOption } from './options.ts'

export interface Candidate {
  readonly value: string
  readonly help: string
}

type Wanted = 'tables' | 'dropped' | 'namespaces' | 'warehouses' | 'files'

export interface Completion {
  /** The word so far, without `--option=`. */
  readonly word: string
  /** Goes before every candidate: `--option=` where the word has it. */
  readonly prefix: string
  readonly candidates: readonly Candidate[]
  readonly wanted: Wanted | undefined
  /** What --warehouse says so far. */
  readonly warehouse: string | undefined
}

interface Line {
  readonly positionals: readonly string[]
  readonly given: ReadonlySet<string>
  /** The option whose value comes next. */
  readonly pending: string | undefined
  readonly warehouse: string | undefined
}

type Found = Partial<Pick<Completion, 'candidates' | 'wanted'>>

const HELP = { value: 'help', help: 'options and examples of a command' }

/** `words` are those after `firn`; the last is the one to complete, '' where it isn't begun. */
export function completionOf(words: readonly string[]): Completion {
  const [word = '', ...before] = words.toReversed()
  const line = readLine(before.toReversed())
  const options = optionsOf(line.positionals)
  const [, assigned, value = ''] = /^--([^=]+)=(.*)$/s.exec(word) ?? []
  const answer = (found: Found, prefix = ''): Completion => {
    const begun = prefix === '' ? word : value
    const candidates = (found.candidates ?? []).filter((candidate) => candidate.value.startsWith(begun))
    return { word: begun, prefix, candidates, wanted: found.wanted, warehouse: line.warehouse }
  }
  if (line.pending !== undefined) return answer(valuesOf(options[line.pending]))
  if (assigned !== undefined) return answer(valuesOf(options[assigned]), `--${assigned}=`)
  if (word.startsWith('-')) return answer({ candidates: optionNames(options, line.given) })
  return answer(argumentsOf(line.positionals, word))
}

function readLine(words: readonly string[]): Line {
  const positionals: string[] = []
  const given = new Set<string>()
  let pending: string | undefined
  let warehouse: string | undefined
  for (const word of words) {
    const [, name = word === '-w' ? 'warehouse' : undefined, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (pending !== undefined) {
      if (pending === 'warehouse') warehouse = word
      pending = undefined
    } else if (name !== undefined) {
      given.add(name)
      if (value === undefined && optionsOf(positionals)[name]?.type === 'string') pending = name
      if (name === 'warehouse') warehouse = value
    } else if (/^-w./s.test(word)) warehouse = word.slice(2)
    else if (word === '-' || !word.startsWith('-')) positionals.push(word)
  }
  return { positionals, given, pending, warehouse }
}

function optionsOf(positionals: readonly string[]): Readonly<Record<string, CommandOption>> {
  return { ...COMMON_OPTIONS, ...commandOf(positionals)?.command.options }
}

/** The verb, and how many words it has. */
function commandOf([first = '', second = '']: readonly string[]):
  | { readonly command: Command; readonly length: number }
  | undefined {
  for (const [name, length] of [
    [`${first} ${second}`, 2],
    [first, 1],
  ] as const) {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (command !== undefined) return { command, length }
  }
  return undefined
}

function argumentsOf(positionals: readonly string[], word: string): Found {
  const helped = positionals[0] === 'help'
  const words = helped ? positionals.slice(1) : positionals
  const below = nextVerbWords(words)
  if (below.length > 0) return { candidates: words.length === 0 && !helped ? [...below, HELP] : below }
  const found = commandOf(words)
  return helped || found === undefined ? {} : argumentValues(found.command, words.length - found.length, word)
}

/** What may follow these words in a verb, each once. */
function nextVerbWords(words: readonly string[]): readonly Candidate[] {
  const start = words.map((word) => `${word} `).join('')
  const next = new Map<string, string>()
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    if (!name.startsWith(start)) continue
    const [value = '', more] = name.slice(start.length).split(' ')
    if (!next.has(value)) next.set(value, more === undefined ? summary : `${start}${value} …`)
  }
  return [...next].map(([value, help]) => ({ value, help }))
}

/** By the words of the usage: `TABLE`, `[NAMESPACE]`, `FILE…`, `bash|zsh|fish`. */
function argumentValues({ usage, options }: Command, position: number, word: string): Found {
  const words = (/^(?:[a-z-]+ )*(.*?)(?: \||\]| --|$)/.exec(`${usage} `)?.[1] ?? '').split(' ').filter((w) => w !== '')
  const last = words.at(-1)
  const argument = words[position] ?? (last?.includes('…') === true ? last : '')
  if (argument.includes('FILE')) return { wanted: 'files' }
  if (/^[a-z]+(?:\|[a-z]+)+$/.test(argument)) return { candidates: choices(argument.split('|')) }
  if (argument.includes('NAMESPACE')) return { wanted: 'namespaces' }
  if (argument === 'DROPPED_TABLE') return { wanted: 'dropped' }
  if (argument !== 'TABLE') return {}
  return { wanted: Object.hasOwn(options, 'no-relocate') && /^[./~]/.test(word) ? 'files' : 'tables' }
}

function valuesOf(option: CommandOption | undefined): Found {
  if (option?.choices !== undefined) return { candidates: choices(option.choices) }
  if (option === COMMON_OPTIONS['warehouse']) return { wanted: 'warehouses' }
  return option?.value === 'FILE' ? { wanted: 'files' } : {}
}

function choices(values: readonly string[]): readonly Candidate[] {
  return values.map((value) => ({ value, help: '' }))
}

function optionNames(
  options: Readonly<Record<string, CommandOption>>,
  given: ReadonlySet<string>,
): readonly Candidate[] {
  return Object.entries(options)
    .filter(([name, { multiple }]) => multiple === true || !given.has(name))
    .map(([name, { help }]) => ({ value: `--${name}`, help }))
}
