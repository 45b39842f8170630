/** What a verb of the command line is, and what it is given. */
import type { Readable } from 'node:stream'
import type { Reporter } from '../base/events.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { FileIOOptions } from '../io/open-file-io.ts'
import type { Arguments, Options } from './options.ts'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'

/** The process as commands see it, so that tests run them without one. */
export interface Host {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly stdin: Readable
  readonly stdinIsTty: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Columns of the terminal that stdout is; undefined where it is none. */
  readonly columns: number | undefined
  readonly stderrIsTty: boolean
  readonly signal: AbortSignal
}

export interface CommandContext {
  readonly host: Host
  /** The first argument: a table, a namespace. */
  readonly name: string
  readonly options: Options
  readonly output: Output
  readonly progress: Progress
  /** The warehouse's catalog; opened at the first call, closed when the command ends. Errors: ValidationError without one. */
  readonly catalog: () => Promise<Catalog>
  /** How a location beside the warehouse is opened: s3:// as the warehouse is. Errors: ValidationError. */
  readonly storeOptions: (location: string) => Promise<Pick<FileIOOptions, 's3'>>
  /** Has something closed when the command ends. */
  readonly closeAtEnd: (resource: { close(): Promise<void> }) => void
  /** What the library tells, as progress; undefined where nobody would see it. */
  readonly reporter: Reporter | undefined
}

export interface Command extends Arguments {
  readonly summary: string
  readonly examples: readonly string[]
  /** The first argument is a location or the name of a warehouse, not of a table. */
  readonly takesLocation?: true
  readonly load: () => Promise<(context: CommandContext) => Promise<void>>
}
