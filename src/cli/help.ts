/** The texts of `--help`. */
import type { Command } from './command.ts'
import { COMMAND_GROUPS, COMMANDS } from './commands.ts'
import { exitCodeMeanings } from './exit-code.ts'
import { COMMON_OPTIONS } from './options.ts'

export function generalHelp(): string {
  return `firn keeps Apache Iceberg tables on any S3 store, or in a folder, with nothing else running.

Usage: firn COMMAND [ARGUMENT…] [OPTION…]

${Object.entries(COMMAND_GROUPS).map(groupHelp).join('\n\n')}

The warehouse is given by --warehouse URI or FIRN_WAREHOUSE: s3://bucket/prefix, or a folder; or by a name that
firn config set gave it, with its settings; else it is the config file's default. firn config shows what is in effect.
S3 is reached by AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or the AWS profile.

Where a TABLE is only read, the location of a metadata file or of a table's folder may stand for its name; it needs
no warehouse: firn count ./t/metadata/v3.metadata.json. Quote a part of a name that holds a slash: 'ns."a/b"'.

firn help COMMAND shows its options and examples. Exit codes:
${aligned(exitCodeMeanings().map(([code, meaning]) => [String(code).padStart(4), meaning]))}
`
}

/** The verbs of a group under its title; all groups are aligned alike. */
function groupHelp([title, commands]: readonly [string, Readonly<Record<string, Command>>]): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  return `${title}:\n${aligned(Object.entries(commands).map(([name, { summary }]) => [name.padEnd(width), summary]))}`
}

/** What there is below the first word of verbs of two: `firn namespace`. */
export function familyHelp(word: string): string {
  const family = Object.entries(COMMANDS).filter(([name]) => name.startsWith(`${word} `))
  return `Usage: firn ${word} COMMAND [ARGUMENT…] [OPTION…]

${aligned(family.map(([name, { summary }]) => [name, summary]))}

firn help ${word} COMMAND shows its options and examples.
`
}

export function commandHelp({ usage, summary, options, examples }: Command): string {
  const rows = Object.entries({ ...options, ...COMMON_OPTIONS }).map(([name, { short, value, help }]) => {
    const long = value === undefined ? `--${name}` : `--${name} ${value}`
    return [short === undefined ? `    ${long}` : `-${short}, ${long}`, help] as const
  })
  return `Usage: firn ${usage} [OPTION…]

${summary.charAt(0).toUpperCase()}${summary.slice(1)}.

Options:
${aligned(rows)}

Examples:
${examples.map((example) => `  ${example}`).join('\n')}
`
}

function aligned(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
