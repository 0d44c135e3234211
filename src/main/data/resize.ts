import type { Preprocess } from '../../shared/contract/data.ts'
import { Fault } from '../../shared/contract/fault.ts'
import type { Picture } from './port.ts'
import { loadSharp } from './sharp.ts'

/** Largest side a preprocessing may ask for: more is a slip of the keyboard, and would fill the memory. */
const MAX_SIDE = 16384

/**
 * Resizes a picture to exactly height × width, with antialiasing when it shrinks. Runs on libvips' threads.
 * @throws Fault usage.preprocess for sizes beyond 16,384 pixels a side
 */
export async function resizePicture(
  picture: Picture,
  height: number,
  width: number,
  kernel: Preprocess['resizeKernel'],
): Promise<Picture> {
  if (height > MAX_SIDE || width > MAX_SIDE) {
    throw new Fault('usage.preprocess', `Resizing to ${height}×${width} pixels is beyond ${MAX_SIDE} a side.`, {
      height,
      width,
    })
  }
  const sharp = await loadSharp()
  const { channels } = picture
  const raw = { width: picture.width, height: picture.height, channels }
  const image = sharp(picture.pixels, { raw }).resize(width, height, { fit: 'fill', kernel })
  // one-channel pixels come back as three unless told
  const { data, info } = await (channels === 1 ? image.toColourspace('b-w') : image)
    .raw()
    .toBuffer({ resolveWithObject: true })
  if (info.channels !== channels) throw new Error(`resize gave ${info.channels} channels for ${channels}`)
  return {
    kind: 'picture',
    height,
    width,
    channels,
    pixels: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }
}
