import { ValidationError } from '../../base/errors.ts'
import { SHELLS } from '../choices.ts'
import type { CommandContext } from '../command.ts'
import { COMPLETION_SCRIPTS } from '../completion-scripts.ts'

export async function completion({ name, output }: CommandContext): Promise<void> {
  const shell = SHELLS.find((known) => known === name)
  if (shell === undefined) throw new ValidationError(`completion is for ${SHELLS.join(', ')}, not "${name}"`)
  const script = COMPLETION_SCRIPTS[shell]
  await output.result({ shell, script }, () => script.trimEnd().split('\n'))
}
