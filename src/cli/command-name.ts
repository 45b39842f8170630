/** What a command's first argument is: a name in the warehouse, or the location of a table. */

/** Names hold no slash unless they are quoted; `v3.metadata.json` alone is a file of the current folder. */
export function isLocation(text: string): boolean {
  return !text.startsWith('"') && (text.includes('/') || /^\.+$|\.metadata\.json(?:\.gz)?$/i.test(text))
}
