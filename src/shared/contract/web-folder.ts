/** A web address under which files lie by their names, ending with a slash; null where the text is none of http or https. */
export function webFolderOf(text: string): string | null {
  const url = URL.parse(text.trim())
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url.href
}
