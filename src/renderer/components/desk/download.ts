/** Hands a file at an address to the user. */
export function downloadFrom(url: string, fileName: string): void {
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
}

/** Hands a file made by the window to the user. */
export function downloadBlob(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  downloadFrom(url, fileName)
  // the browser has taken it over by then
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** The same for a text. */
export function downloadText(fileName: string, type: string, text: string): void {
  downloadBlob(fileName, new Blob([text], { type }))
}
