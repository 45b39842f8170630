/** UUIDs as firn writes them: in lower case. */
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

/** Those of others may come in upper case: ask of `text.toLowerCase()` where these are meant too. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
