/** The columns of a schema, for people. */
import { printTypeText } from '../spec/type-text.ts'
import type { Schema } from '../spec/types.ts'
import { TextTable } from './text-table.ts'

export function columnLines({ fields }: Schema, width: number | undefined): string[] {
  const isDocumented = fields.some(({ doc }) => doc !== undefined)
  const columns = [{ title: 'id', alignRight: true }, { title: 'column' }, { title: 'type' }]
  const rows = fields.map(({ id, name, type, required, doc = '' }) => {
    return [String(id), name, `${printTypeText(type)}${required ? ' not null' : ''}`, doc]
  })
  return new TextTable(isDocumented ? [...columns, { title: 'doc' }] : columns, width).page(rows)
}
