/** A file of a folder. Hosts on Windows separate with a backslash. */
export function joinPath(folder: string, name: string): string {
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/'
  return folder.endsWith(separator) ? `${folder}${name}` : `${folder}${separator}${name}`
}

/** The next place, after `place`, of a name that begins with `text`; -1 where there is none. Case aside. */
export function typeAhead(names: readonly string[], place: number, text: string): number {
  const wanted = text.toLowerCase()
  for (let step = text.length > 1 ? 0 : 1; step <= names.length; step++) {
    const at = (place + step + names.length) % names.length
    if (names[at]?.toLowerCase().startsWith(wanted)) return at
  }
  return -1
}
