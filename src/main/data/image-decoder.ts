import { Fault } from '../../shared/contract/fault.ts'
import { readSmallFile } from './files.ts'
import type { Picture } from './port.ts'
import { loadSharp } from './sharp.ts'

/** Largest picture decoded: 100 megapixels, 300 MB as RGB. A file that announces more is refused before any memory is taken. */
const MAX_PIXELS = 100_000_000
/** Largest picture file. */
const MAX_FILE_BYTES = 256 * 1024 ** 2

/**
 * Decodes a picture file to grey or RGB bytes: EXIF orientation applied, alpha dropped (not blended, as PIL's convert("RGB")),
 * 16-bit and CMYK brought to 8-bit sRGB, embedded RGB profiles ignored as the usual training pipelines do; of an animation
 * the first frame.
 * @throws Fault data.corruptImage naming the file; data.tooLarge; file.*
 */
export async function decodeImage(path: string): Promise<Picture> {
  const [sharp, bytes] = [await loadSharp(), await readSmallFile(path, MAX_FILE_BYTES)]
  try {
    const header = await sharp(bytes, OPTIONS).metadata()
    const isGrey = header.space === 'b-w' || header.space === 'grey16'
    const { data, info } = await sharp(bytes, { ...OPTIONS, ignoreIcc: header.space !== 'cmyk' })
      .autoOrient()
      .removeAlpha()
      .toColourspace(isGrey ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const channels = info.channels as number
    if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels after decoding`)
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return { kind: 'picture', height: info.height, width: info.width, channels, pixels }
  } catch (error) {
    throw imageFault(path, error)
  }
}

/** [height, width, channels] as `decodeImage` would give them, or null where the header cannot be read. */
export async function imageShape(path: string): Promise<readonly [number, number, number] | null> {
  const sharp = await loadSharp()
  try {
    const { autoOrient, space } = await sharp(await readSmallFile(path, MAX_FILE_BYTES), OPTIONS).metadata()
    return [autoOrient.height, autoOrient.width, space === 'b-w' || space === 'grey16' ? 1 : 3]
  } catch {
    // reading the sample will say what is wrong, with the file's name, when its turn comes
    return null
  }
}

const OPTIONS = { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1, sequentialRead: true } as const

function imageFault(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error)
  if (/pixel limit/i.test(reason)) {
    return new Fault(
      'data.tooLarge',
      `${path} has more than ${MAX_PIXELS / 1e6} megapixels.`,
      { path },
      { cause: error },
    )
  }
  const todo = 'Replace or remove the file.'
  return new Fault(
    'data.corruptImage',
    `${path} is no readable picture: ${reason}. ${todo}`,
    { path },
    { cause: error },
  )
}
