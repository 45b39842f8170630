/** All verbs as help shows them; what a verb does is loaded when it is called: `firn --help` waits for no Parquet. */
import { CATALOG_COMMANDS } from './catalog-commands.ts'
import type { Command } from './command.ts'
import { CONFIG_COMMANDS } from './config-commands.ts'
import { MOVE_COMMANDS } from './move-commands.ts'
import { ROW_COMMANDS } from './row-commands.ts'
import { TABLE_COMMANDS } from './table-commands.ts'

/** By what they are about, in the order of help. A verb of two words is one of a group: `namespace create`. */
export const COMMAND_GROUPS: Readonly<Record<string, Readonly<Record<string, Command>>>> = {
  Rows: ROW_COMMANDS,
  Tables: TABLE_COMMANDS,
  Names: CATALOG_COMMANDS,
  'In and out': MOVE_COMMANDS,
  Setup: CONFIG_COMMANDS,
}

export const COMMANDS: Readonly<Record<string, Command>> = Object.assign({}, ...Object.values(COMMAND_GROUPS))
