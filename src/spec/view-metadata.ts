/** View metadata as a value (view specification, "View Metadata"); view-metadata-json.ts is its codec. */
import type { JsonObject } from '../base/json.ts'
import type { Schema } from './types.ts'

export interface ViewMetadata {
  readonly formatVersion: 1
  readonly viewUuid: string
  readonly location: string
  readonly schemas: readonly Schema[]
  readonly currentVersionId: number
  readonly versions: readonly ViewVersion[]
  /** When which version became current, oldest first. */
  readonly versionLog: readonly ViewLogEntry[]
  readonly properties: Readonly<Record<string, string>>
  /** Members that this codec does not know, kept on rewrite. */
  readonly extra: JsonObject
}

export interface ViewVersion {
  readonly versionId: number
  readonly timestampMs: number
  /** Of the view's columns. */
  readonly schemaId: number
  /** `engine-name`, `engine-version` and others. */
  readonly summary: Readonly<Record<string, string>>
  /** Where names in the SQL are looked up that say no catalog and no namespace. */
  readonly defaultCatalog?: string | undefined
  readonly defaultNamespace: readonly string[]
  readonly representations: readonly ViewRepresentation[]
  readonly extra?: JsonObject | undefined
}

/** One way to say what the view is. Kinds that the specification does not name yet are kept as they are. */
export type ViewRepresentation =
  | { readonly type: 'sql'; readonly sql: string; readonly dialect: string; readonly extra?: JsonObject | undefined }
  | { readonly type: 'unknown'; readonly json: JsonObject }

export interface ViewLogEntry {
  readonly timestampMs: number
  readonly versionId: number
}
