/**
 * The config file: named warehouses, and which is the default. It holds no secrets: credentials are named, by a profile or
 * by variables of the environment. Reading is strict, for a setting that is passed over may mean another store; writing
 * keeps members that this version does not know.
 */
import { chmod, readFile, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { NotFoundError, ValidationError, messageOf } from '../base/errors.ts'
import { parseExactJson } from '../base/json-parser.ts'
import type { JsonObject, JsonValue } from '../base/json.ts'
import { systemRuntime } from '../base/runtime.ts'
import { replaceFile } from '../io/durable-file.ts'
import { nodeFiles } from '../io/local-files.ts'
import { mapLocalErrors } from '../io/local-errors.ts'
import type { Host } from './command.ts'

export interface ConfigFile {
  readonly path: string
  /** False where there is no file: then it is empty. */
  readonly exists: boolean
  /** The whole document, with what this version does not know. */
  readonly document: JsonObject
}

/** $FIRN_CONFIG, else firn/config.json in $XDG_CONFIG_HOME or ~/.config. */
function configPath({ env, cwd }: Pick<Host, 'env' | 'cwd'>): string {
  if (env['FIRN_CONFIG']) return resolve(cwd, env['FIRN_CONFIG'])
  // The specification of XDG has relative paths ignored.
  const xdg = env['XDG_CONFIG_HOME']
  const home = env['HOME'] || homedir()
  return join(xdg?.startsWith('/') ? xdg : join(home, '.config'), 'firn', 'config.json')
}

/** Errors: ValidationError with line and column where it is no JSON, or no object; those of the file system. */
export async function readConfig(host: Pick<Host, 'env' | 'cwd'>): Promise<ConfigFile> {
  const path = configPath(host)
  const text = await mapLocalErrors(path, () => readFile(path, 'utf8')).catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined
    throw error
  })
  if (text === undefined) return { path, exists: false, document: {} }
  const document = parseDocument(text, path)
  if (isObject(document)) return { path, exists: true, document }
  throw new ValidationError(`${path}: expected an object with "warehouses" and "default"`, { context: { path } })
}

/** Replaces the file at once, by way of a temporary one; a link is followed, and the mode stays. */
export async function writeConfig(path: string, document: JsonObject): Promise<void> {
  await mapLocalErrors(path, async () => {
    const real = await realpath(path).catch(() => path)
    const before = await stat(real).catch(() => undefined)
    await replaceFile(nodeFiles, {
      path: real,
      bytes: Buffer.from(`${printIndented(document)}\n`),
      modifiedMs: systemRuntime.wallMs(),
      tempId: systemRuntime.uuid(),
    })
    if (before !== undefined) await chmod(real, before.mode & 0o777)
  })
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseDocument(text: string, path: string): JsonValue {
  try {
    return parseExactJson(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new ValidationError(`${path} is not valid JSON: ${messageOf(error)}`, { context: { path }, cause: error })
  }
}

/** As people write it; integers beyond 2^53 stay what they were. */
function printIndented(value: JsonValue | undefined, indent = ''): string {
  const inner = `${indent}  `
  const lines = Array.isArray(value)
    ? (value as readonly JsonValue[]).map((item) => inner + printIndented(item, inner))
    : isObject(value)
      ? Object.entries(value).map(([key, member]) => `${inner}${JSON.stringify(key)}: ${printIndented(member, inner)}`)
      : undefined
  if (lines === undefined) return typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(',\n')}\n${indent}${close}`
}
