const KILO = 1000
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']
const COUNT_UNITS = ['', ' k', ' M', ' G', ' T']

function scaled(value: number, units: readonly string[], separator: string): string {
  let rest = Math.abs(value)
  let step = 0
  while (rest >= 999.5 && step < units.length - 1) {
    rest /= KILO
    step += 1
  }
  const digits = step === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2
  return `${value < 0 ? '−' : ''}${rest.toFixed(digits)}${separator}${units[step]}`
}

/** Bytes in decimal units: `4.95 MB`. */
export function bytesText(bytes: number): string {
  return scaled(bytes, BYTE_UNITS, ' ')
}

/** A large count: `1.24 M`. */
export function countText(count: number): string {
  return scaled(count, COUNT_UNITS, '')
}

/** A length of time: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

/** How long ago something was: `just now`, `5 min ago`, `3 h ago`, `12 days ago`; older: its date. */
export function agoText(at: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ago`
  const days = Math.floor(hours / 24)
  return days < 31 ? `${days} ${days === 1 ? 'day' : 'days'} ago` : at.slice(0, 10)
}
