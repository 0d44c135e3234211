import type { Picture } from './port.ts'
import { loadSharp } from './sharp.ts'

/** A picture as a PNG in a data URL, its longer side at most `most` pixels. */
export async function encodePng({ height, width, channels, pixels }: Picture, most: number): Promise<string> {
  const sharp = await loadSharp()
  const raw = sharp(pixels, { raw: { width, height, channels } })
  const sized = Math.max(width, height) > most ? raw.resize(most, most, { fit: 'inside' }) : raw
  const bytes = await sized.png({ compressionLevel: 6 }).toBuffer()
  return `data:image/png;base64,${bytes.toString('base64')}`
}
