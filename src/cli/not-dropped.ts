/** What undrop and purge say of a table that is there. */
import { NoSuchTableError } from '../base/errors.ts'
import type { CommandContext } from './command.ts'

/** Runs what needs a dropped table. Errors: a NoSuchTableError that says so where one of the name is alive. */
export async function onDropped<T>({ name, catalog, host }: CommandContext, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const isAlive = error instanceof NoSuchTableError && (await (await catalog()).tableExists(name, host))
    if (!isAlive) throw error
    throw new NoSuchTableError(`${name} is there, and nothing else of its name is dropped`, {
      context: error.context,
      cause: error,
    })
  }
}
