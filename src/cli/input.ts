/** One file of `import` or `append`, and the schema of several. */
import { ValidationError } from '../base/errors.ts'
import { assignFreshIds } from '../spec/define-schema.ts'
import { printTypeText } from '../spec/type-text.ts'
import type { NestedField, Schema, Type } from '../spec/types.ts'
import type { AppendInput } from '../write/append-input.ts'

export interface Input {
  /** As the user gave it. */
  readonly name: string
  /** How many, where that is known beforehand. */
  readonly rows?: number
  /** Whether it can be opened again from its start: not so a pipe. */
  readonly again: boolean
  /** Columns and types of its own. */
  schema(): Promise<Schema>
  /** Its rows, asked for once. `inferred` is the table's schema where it was told from the inputs. */
  items(inferred: Schema | undefined): AppendInput
}

/** All columns by name, each of a type that holds what any input has; ValidationError where there is none. */
export async function mergeSchemas(inputs: readonly Pick<Input, 'name' | 'schema'>[]): Promise<Schema> {
  const columns = new Map<string, { readonly field: NestedField; readonly file: string }>()
  for (const { name: file, ...input } of inputs) {
    for (const field of (await input.schema()).fields) {
      const known = columns.get(field.name) ?? { field, file }
      const type = widerType(known.field.type, field.type) ?? widerType(field.type, known.field.type)
      if (type === undefined) {
        const types = [known, { field, file }].map((each) => `${printTypeText(each.field.type)} in ${each.file}`)
        throw new ValidationError(`column "${field.name}" is ${types.join(' and ')}: give the columns by --schema`, {
          context: { column: field.name },
        })
      }
      columns.set(field.name, { ...known, field: { ...known.field, type } })
    }
  }
  const fields = [...columns.values()].map(({ field }) => field)
  return assignFreshIds({ schemaId: 0, fields, identifierFieldIds: [] })
}

/** `wide` where it holds all values of `narrow`. */
function widerType(narrow: Type, wide: Type): Type | undefined {
  const pair = `${narrow.kind} ${wide.kind}`
  const widens = narrow.kind === 'unknown' || ['int long', 'int double', 'float double'].includes(pair)
  return widens || printTypeText(narrow) === printTypeText(wide) ? wide : undefined
}
