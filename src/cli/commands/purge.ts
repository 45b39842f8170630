import { ValidationError } from '../../base/errors.ts'
import type { CommandContext } from '../command.ts'
import { onDropped } from '../not-dropped.ts'
import type { Options } from '../options.ts'

export async function purge(context: CommandContext): Promise<void> {
  const { name, options, output, host } = context
  confirmPurge(options, name)
  const catalog = await context.catalog()
  const request = { uuid: options.string('uuid'), signal: host.signal }
  await onDropped(context, () => catalog.purgeTable(name, request))
  await output.result({ identifier: name, purged: true }, () => [`deleted the files of the dropped ${name}`])
}

/** Errors: ValidationError unless --yes is given. Nobody is asked, so that scripts and people do the same. */
export function confirmPurge(options: Options, name: string): void {
  if (options.flag('yes')) return
  throw new ValidationError(`this deletes the files of ${name} for good: say --yes to do it`)
}
