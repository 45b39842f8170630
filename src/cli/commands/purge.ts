import { ValidationError } from '../../base/errors.ts'
import type { CommandContext } from '../command.ts'
import type { Options } from '../options.ts'

export async function purge({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  confirmPurge(options, name)
  await (await catalog()).purgeTable(name, { uuid: options.string('uuid'), signal: host.signal })
  await output.result({ identifier: name, purged: true }, () => [`deleted the files of the dropped ${name}`])
}

/** Errors: ValidationError unless --yes is given. Nobody is asked, so that scripts and people do the same. */
export function confirmPurge(options: Options, name: string): void {
  if (options.flag('yes')) return
  throw new ValidationError(`this deletes the files of ${name} for good: say --yes to do it`)
}
